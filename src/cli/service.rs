//! The service that runs already, if one does.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use anyhow::{Context as _, bail};
use reqwest::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{ResultOptions, configured, log_as};
use crate::config::{Caller, Config};

/// Where a command does its work.
pub(super) enum Workplace {
    /// At the service that runs.
    Service(Service),
    /// On the store itself.
    Store(Box<Config>),
}

impl Workplace {
    /// At `--url`, which takes no settings but a token; else at the service that answers at `LISTEN_ADDR`, or on the store.
    pub(super) async fn find(options: &ResultOptions) -> anyhow::Result<Self> {
        if let Some(url) = &options.url {
            let caller = Caller::from_env()?;
            log_as(caller.log_format, caller.log_filter.as_deref(), "warn");
            let service = Service::at(url.clone(), caller.token)?;
            return Ok(Self::Service(service.which_answers().await?));
        }
        let config = configured("warn")?;
        let service = Service::running(&config, None).await?;
        Ok(service.map_or_else(|| Self::Store(Box::new(config)), Self::Service))
    }
}

/// A running service, spoken to over HTTP.
#[derive(Debug)]
pub(super) struct Service {
    http: reqwest::Client,
    base_url: String,
    token: Option<SecretString>,
}

/// The address of a service, as `--url` takes it.
pub(super) fn address(text: &str) -> Result<String, String> {
    let example = "write one such as https://warmer.example.com";
    let url = reqwest::Url::parse(text).map_err(|_no_url| format!("this is no URL: {example}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!("this is no http or https address: {example}"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "an address holds no password: the token is taken from ADMIN_TOKEN or LOOKUP_TOKEN"
                .to_owned(),
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("an address ends before ? and #: {example}"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Where to ask: at `url`, or where the service listens. Of one that listens everywhere, this machine's own address.
pub(super) fn base_url(listen: SocketAddr, url: Option<&str>) -> String {
    if let Some(url) = url {
        return url.to_owned();
    }
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from(Ipv6Addr::LOCALHOST),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    format!("http://{}", SocketAddr::new(ip, listen.port()))
}

/// A failure as the API spells it.
#[derive(Debug, serde::Deserialize)]
struct Failure {
    error: FailureDetail,
}

#[derive(Debug, serde::Deserialize)]
struct FailureDetail {
    code: String,
    detail: String,
}

impl Service {
    /// The service at `url`, or at `LISTEN_ADDR` if one answers there. A `url` that was given must answer.
    pub(super) async fn running(
        config: &Config,
        url: Option<&str>,
    ) -> anyhow::Result<Option<Self>> {
        let token = config.access.admin.clone();
        let token = token.or_else(|| config.access.lookup.clone());
        let base_url = base_url(config.listen_addr, url);
        let service = Self::at(base_url, token)?;
        let service = service.which_answers().await;
        if url.is_some() {
            return service.map(Some);
        }
        Ok(service.ok())
    }

    async fn which_answers(self) -> anyhow::Result<Self> {
        let healthy = self.get::<Value>("/healthz").await;
        healthy.context("no service answers at --url")?;
        Ok(self)
    }

    /// A service at this address, if there is one.
    pub(super) fn at(base_url: String, token: Option<SecretString>) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(3))
            .timeout(Duration::from_secs(30))
            .no_proxy()
            .build()
            .context("cannot build the HTTP client")?;
        Ok(Self {
            http,
            base_url,
            token,
        })
    }

    /// Where it is asked.
    pub(super) fn base_url(&self) -> &str {
        &self.base_url
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.send(self.http.get(format!("{}{path}", self.base_url)))
            .await
    }

    pub(super) async fn get_with<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> anyhow::Result<T> {
        let mut url = reqwest::Url::parse(&format!("{}{path}", self.base_url))
            .context("the address is no URL")?;
        url.query_pairs_mut().extend_pairs(query);
        self.send(self.http.get(url)).await
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<T> {
        self.send(
            self.http
                .post(format!("{}{path}", self.base_url))
                .json(body),
        )
        .await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> anyhow::Result<T> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        };
        let response = request
            .send()
            .await
            .context("the service does not answer")?;
        let status = response.status();
        let body = response
            .bytes()
            .await
            .context("the service's answer broke off")?;
        if status.is_success() {
            return serde_json::from_slice(&body).context("what answers there is not this service");
        }
        if status == StatusCode::UNAUTHORIZED {
            bail!(self.refused());
        }
        match serde_json::from_slice::<Failure>(&body) {
            Ok(Failure { error }) => bail!("{}: {}", error.code, error.detail),
            Err(_) => bail!("the service answered {status}"),
        }
    }

    fn refused(&self) -> &'static str {
        match self.token {
            Some(_) => {
                "the service refuses the token: set ADMIN_TOKEN (for a lookup LOOKUP_TOKEN is enough) to what it is where the service runs"
            }
            None => {
                "the service asks for a token: set ADMIN_TOKEN (for a lookup LOOKUP_TOKEN is enough) in the environment or in .env"
            }
        }
    }
}
