//! The service that runs already, if one does.

use std::time::Duration;

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::config::Config;

/// A running service, spoken to over HTTP.
#[derive(Debug)]
pub(super) struct Service {
    http: reqwest::Client,
    base_url: String,
    token: Option<SecretString>,
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
        let base_url = url.map_or_else(
            || format!("http://{}", config.listen_addr),
            |url| url.trim_end_matches('/').to_owned(),
        );
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(3))
            .timeout(Duration::from_secs(30))
            .no_proxy()
            .build()
            .context("cannot build the HTTP client")?;
        let service = Self {
            http,
            base_url,
            token: config
                .access
                .admin
                .clone()
                .or_else(|| config.access.lookup.clone()),
        };
        match service.get::<Value>("/healthz").await {
            Ok(_) => Ok(Some(service)),
            Err(error) if url.is_some() => Err(error.context("no service answers at --url")),
            Err(_) => Ok(None),
        }
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
        match serde_json::from_slice::<Failure>(&body) {
            Ok(Failure { error }) => bail!("{}: {}", error.code, error.detail),
            Err(_) => bail!("the service answered {status}"),
        }
    }
}
