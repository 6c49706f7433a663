//! The Admin API of one shop: one POST per call, every way it can fail told apart.

mod body;
mod bulk;
mod cost;
mod credentials;
mod envelope;
mod error;
mod heard;
mod query;
mod subscriptions;
mod token;
mod wire;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use tokio::{sync::Notify, time::Instant};

pub use self::{
    bulk::{
        BadDownload, BulkBegun, BulkCancel, BulkFile, BulkOperation, BulkOrder, BulkPoll, BulkRun,
        BulkState, Download, Downloads, NotBegun, OrdersCount, Owned, Role, assemble, owner,
    },
    cost::{Cost, CostReport, Throttle, connection_cost},
    credentials::Credentials,
    error::{AdminError, Author, Retry},
    query::{
        FulfillmentLineItemsPage, LineItemsPage, OrderById, OrderSortKey, OrdersByIds, OrdersPage,
        Query, WhoAmI, documents,
    },
    subscriptions::{
        RefusedChange, UserError, WebhookSubs, WebhookSubscription, WhCreate, WhDelete, WhUpdate,
    },
    token::{GrantError, GrantRefusal, TokenKind, TokenStatus},
    wire::{
        ItemsPage, LinesPage, OrderNode, OrdersConnection, PageInfo, Shop, WhoAmIData, WireError,
    },
};
use self::{
    heard::{Heard, News},
    token::{Token, Tokens},
};

/// A page of 250 full orders is a few megabytes; more than this is no answer of Shopify's.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// How often a call is sent again because its token was refused: more than ever happens to one call, however busy the machine.
const MOST_REFUSALS: u32 = 3;

/// Where a shop's Admin API is and how to be let in.
#[derive(Debug, Clone)]
pub struct AdminSettings {
    /// `https://<shop>.myshopify.com`, or a simulator's address; without a slash at its end.
    pub base_url: String,
    /// How it lets us in.
    pub credentials: Credentials,
    /// The version to ask for, such as `2026-10`.
    pub api_version: String,
}

/// A client for one shop's Admin API. Cheap to clone: clones share the connections, the token and what answers said.
#[derive(Debug, Clone)]
pub struct AdminClient {
    http: reqwest::Client,
    endpoint: String,
    tokens: Tokens,
    heard: Heard,
    /// Rung when an answer says something new beside its data.
    bell: Arc<Notify>,
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
        let (base_url, api_version) = (&settings.base_url, &settings.api_version);
        Ok(Self {
            http: connections()?,
            endpoint: format!("{base_url}/admin/api/{api_version}/graphql.json"),
            tokens: Tokens::new(&settings.credentials, base_url)?,
            heard: Heard::new(api_version),
            bell: Arc::default(),
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
    ///
    /// Where a granted token is refused (401) the query is sent again with another, so that nobody sees a renewal. Once is enough,
    /// unless that one too is replaced before Shopify looks at it.
    pub async fn run<Q: Query>(
        &self,
        query: &Q,
        now: DateTime<Utc>,
    ) -> Result<Answer<Q::Data>, AdminError> {
        let mut token = self.tokens.current(&self.http, now).await?;
        for _refusal in 0..MOST_REFUSALS {
            match self.post(query, &token, now).await {
                Err(AdminError::Unauthorized) => {}
                done => return done,
            }
            let other = self.tokens.instead_of(&token, &self.http, now).await?;
            let Some(other) = other else {
                return Err(AdminError::Unauthorized);
            };
            token = other;
        }
        self.post(query, &token, now).await
    }

    async fn post<Q: Query>(
        &self,
        query: &Q,
        token: &Token,
        now: DateTime<Utc>,
    ) -> Result<Answer<Q::Data>, AdminError> {
        let began = Instant::now();
        let request = self
            .http
            .post(&self.endpoint)
            .header("X-Shopify-Access-Token", token.header.clone())
            .json(&envelope::Request::of(query));
        let response = request.send().await.map_err(AdminError::from_transport)?;
        let status = response.status();
        let headers = response.headers().clone();
        if self.heard.note(&headers, now, began.elapsed()) == News::Some {
            self.bell.notify_one();
        }
        let body = body::read(response, LARGEST_ANSWER).await?;
        if status != StatusCode::OK {
            return Err(AdminError::from_status(status, &headers));
        }
        self.tokens.worked(token);
        let (data, cost) = envelope::open::<Q::Data>(&body)?;
        Ok(Answer {
            data,
            cost,
            began_at: now,
        })
    }

    /// How long until the token is to be renewed; none where there is nothing to renew.
    pub fn token_due_in(&self, now: DateTime<Utc>) -> Option<Duration> {
        self.tokens.due_in(now)
    }

    /// Renews the token if that is due; calls go on with the old one meanwhile.
    pub async fn renew_token(&self, now: DateTime<Utc>) -> Result<(), AdminError> {
        self.tokens.renew(&self.http, now).await
    }

    /// What there is to see of the token.
    pub fn token_status(&self) -> TokenStatus {
        self.tokens.status()
    }

    /// Why Shopify grants no token, if it refuses one.
    pub fn grant_refusal(&self) -> Option<GrantRefusal> {
        self.tokens.refusal()
    }

    /// The API version that is asked for.
    pub fn api_version(&self) -> &str {
        self.heard.asked()
    }

    /// The version Shopify serves instead of the one asked for, if it does.
    pub fn fell_forward_to(&self) -> Option<String> {
        self.heard.served_instead()
    }

    /// Why Shopify calls what we ask for deprecated, each reason once.
    pub fn deprecations(&self) -> Vec<String> {
        self.heard.deprecations()
    }

    /// How far Shopify's clock is ahead of ours, to about a second, as of its last answer.
    pub fn clock_skew(&self) -> Option<TimeDelta> {
        self.heard.skew()
    }

    /// Rung when an answer says something new beside its data.
    pub(crate) fn bell(&self) -> &Arc<Notify> {
        &self.bell
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
