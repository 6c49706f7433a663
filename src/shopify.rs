//! The Admin API of one shop: one POST per call, every way it can fail told apart.

mod cost;
mod envelope;
mod error;
mod query;
mod wire;

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderValue, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use tracing::warn;

pub use self::{
    cost::{Cost, CostReport, Throttle, connection_cost},
    error::{AdminError, Author, Retry},
    query::{
        FulfillmentLineItemsPage, LineItemsPage, OrderById, OrderSortKey, OrdersByIds, OrdersCount,
        OrdersPage, Query, ShopFacts, documents,
    },
    wire::{
        Count, CountData, ItemsPage, LinesPage, OrderNode, OrdersConnection, PageInfo, Shop,
        ShopFactsData, WireError,
    },
};

/// A page of 250 full orders is a few megabytes; more than this is no answer of Shopify's.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// Where a shop's Admin API is and how to be let in.
#[derive(Debug, Clone)]
pub struct AdminSettings {
    /// `https://<shop>.myshopify.com`, or a simulator's address; without a slash at its end.
    pub base_url: String,
    /// The Admin API access token.
    pub access_token: SecretString,
    /// The version to ask for, such as `2026-10`.
    pub api_version: String,
}

/// A client for one shop's Admin API. Cheap to clone: clones share the connections.
#[derive(Debug, Clone)]
pub struct AdminClient {
    http: reqwest::Client,
    endpoint: String,
    token: HeaderValue,
    api_version: String,
    /// The version that a fall-forward was last told of, so that it is told once and not with each call.
    fell_forward_to: Arc<ArcSwapOption<String>>,
}

/// A settings value that cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum BadSettings {
    /// The token holds characters that no header may.
    #[error("the access token holds characters that no HTTP header may: copy it again")]
    Token,
    /// The TLS side could not be built: almost always a machine without CA certificates.
    #[error("cannot build the HTTPS client: is the package ca-certificates installed?")]
    Client(#[source] reqwest::Error),
}

/// What a call brought back.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// The data asked for. Fields that a missing scope denies are `None` in it.
    pub data: T,
    /// What it cost, and what is left.
    pub cost: Option<CostReport>,
    /// When the read began: nothing in `data` was observed before it.
    pub began_at: DateTime<Utc>,
}

impl AdminClient {
    /// A client with its own connections and timeouts.
    pub fn new(settings: &AdminSettings) -> Result<Self, BadSettings> {
        let mut token = HeaderValue::from_str(settings.access_token.expose_secret())
            .map_err(|_invalid: http::header::InvalidHeaderValue| BadSettings::Token)?;
        token.set_sensitive(true);
        let api_version = settings.api_version.clone();
        let endpoint = format!("{}/admin/api/{api_version}/graphql.json", settings.base_url);
        Ok(Self {
            http: connections()?,
            endpoint,
            token,
            api_version,
            fell_forward_to: Arc::default(),
        })
    }

    /// The same client on connections of its own: what goes over them never makes a call of this one wait, neither for a
    /// handshake while the idle connection is taken, nor behind a page of megabytes on the one connection HTTP/2 shares.
    pub fn with_own_connections(&self) -> Result<Self, BadSettings> {
        Ok(Self {
            http: connections()?,
            ..self.clone()
        })
    }

    /// Sends one query. `now` is when the read begins.
    pub async fn run<Q: Query>(
        &self,
        query: &Q,
        now: DateTime<Utc>,
    ) -> Result<Answer<Q::Data>, AdminError> {
        let request = self
            .http
            .post(&self.endpoint)
            .header("X-Shopify-Access-Token", self.token.clone())
            .json(&envelope::Request::of(query));
        let response = request.send().await.map_err(AdminError::from_transport)?;
        let status = response.status();
        let headers = response.headers().clone();
        self.notice_version(&headers);
        let body = read_body(response).await?;
        if status != StatusCode::OK {
            return Err(AdminError::from_status(status, &headers));
        }
        let (data, cost) = envelope::open::<Q::Data>(&body)?;
        Ok(Answer {
            data,
            cost,
            began_at: now,
        })
    }

    /// The version Shopify serves instead of the one asked for, if it does.
    pub fn fell_forward_to(&self) -> Option<String> {
        self.fell_forward_to.load().as_deref().cloned()
    }

    /// Shopify serves a version that is gone as the oldest one it still has, and says so only in this header.
    fn notice_version(&self, headers: &HeaderMap) {
        let Some(served) = headers
            .get("x-shopify-api-version")
            .and_then(|value| value.to_str().ok())
        else {
            return;
        };
        let told = self.fell_forward_to.load();
        if served == self.api_version || told.as_deref().is_some_and(|told| told == served) {
            return;
        }
        warn!(shopify.asked = %self.api_version, shopify.served = %served, "Shopify fell forward to another API version: raise _API_VERSION");
        self.fell_forward_to
            .store(Some(Arc::new(served.to_owned())));
    }
}

fn connections() -> Result<reqwest::Client, BadSettings> {
    reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(3))
        .timeout(Duration::from_secs(15))
        .pool_idle_timeout(Duration::from_secs(60))
        // A redirect would carry the token to wherever it points.
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("shopify-warmer/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(BadSettings::Client)
}

async fn read_body(mut response: reqwest::Response) -> Result<Vec<u8>, AdminError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(AdminError::from_transport)? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err(AdminError::Malformed {
                what: "an answer of more than 64 MiB".to_owned(),
                author: Author::Shopify,
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
