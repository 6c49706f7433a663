//! The HTTP side: one table of routes, who may use them, and one shape for answers and for errors.

mod access;
mod answer;
mod coverage;
mod customers;
mod docs;
mod health;
mod held;
mod intake;
mod listener;
mod metrics;
mod openapi;
mod orders;
mod others;
mod shops;
mod status;
mod warmup;
mod webhooks;

use std::time::Duration;

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRef},
    middleware::from_fn_with_state,
    routing::{get, post},
};
use chrono::{DateTime, Utc};
use shopify_webhooks::ShopSecrets;
use tower_http::catch_panic::CatchPanicLayer;

pub use self::{
    access::Access,
    listener::serve,
    metrics::Metrics,
    openapi::{coze, document},
    orders::Verify,
    status::status_of,
};
use self::{access::Gate, answer::ApiError};
use crate::{
    alert::Alerts,
    clock::Clock,
    inbox::Inbox,
    lookup::Lookups,
    site::Sites,
    store::Store,
    warm::{Hearing, Postmarks, Tally},
    warmer::Warmer,
};

/// Shopify's bodies reach megabytes, and one cut short fails its signature.
const LARGEST_DELIVERY: usize = 16 * 1024 * 1024;
/// Everything else that is posted here is a few words.
const LARGEST_REQUEST: usize = 64 * 1024;
/// No request of ours takes longer; a client that trickles its body is cut off.
const LONGEST_REQUEST: Duration = Duration::from_secs(75);

/// What the handlers work with.
#[derive(Debug, Clone, FromRef)]
pub struct AppState {
    /// The shops.
    pub sites: Sites,
    /// What their webhooks are signed with.
    pub secrets: ShopSecrets,
    /// The cache.
    pub store: Store,
    /// Deliveries the cache could not take.
    pub inbox: Inbox,
    /// Counts of deliveries.
    pub tally: Tally,
    /// When each site was last heard of.
    pub hearing: Hearing,
    /// Which secrets sign deliveries, and which versions write them.
    pub postmarks: Postmarks,
    /// Lookups.
    pub lookups: Lookups,
    /// Sweeps.
    pub warmer: Warmer,
    /// What is measured here, and what was last read for a scrape.
    pub metrics: Metrics,
    /// What a person should look at.
    pub alerts: Alerts,
    /// What time it is.
    pub clock: Clock,
    /// Who may ask.
    pub access: Access,
    /// What a lookup asks of its caller.
    pub verify: Verify,
    /// What the status shows of the settings.
    pub about: About,
}

/// What the status shows of the settings and the process.
#[derive(Debug, Clone)]
pub struct About {
    /// When the process started.
    pub started_at: DateTime<Utc>,
    /// The settings, without secrets.
    pub config: serde_json::Value,
    /// How many days the window reaches back.
    pub days: u32,
    /// Where the service is reached, where that is set.
    pub public_url: Option<String>,
    /// Where it listens, as an address of a page.
    pub base_url: String,
}

/// All routes.
pub fn router(state: AppState) -> Router {
    let lookup = Router::new()
        .route("/api/shopify/orders/search", get(orders::search))
        .route("/api/shopify/orders/global-search", get(orders::search))
        .route("/api/shopify/orders", get(customers::by_email))
        .route(
            "/api/shopify/orders/global-email-search",
            get(customers::by_email),
        )
        .route("/api/shopify/orders/count", get(shops::count))
        .route("/api/shopify/orders/{order_id}", get(orders::by_id))
        .route(
            "/api/shopify/orders/{order_id}/tracking",
            get(orders::tracking_of),
        )
        .route("/api/shopify/tracking", get(orders::tracking))
        .route("/api/shopify/sites", get(shops::sites))
        .route_layer(from_fn_with_state(
            (state.access.clone(), Gate::Lookup),
            access::check,
        ));
    let manage = Router::new()
        .route("/api/warmup/status", get(status::status))
        .route("/api/warmup/trigger", post(warmup::trigger))
        .route("/api/warmup/stop", post(warmup::stop))
        .route("/api/warmup/history", get(warmup::history))
        .route("/api/warmup/coverage", get(coverage::coverage))
        .route_layer(from_fn_with_state(
            (state.access.clone(), Gate::Manage),
            access::check,
        ));
    let webhooks = Router::new()
        .route("/webhooks/shopify", post(webhooks::receive))
        .route_layer(from_fn_with_state(
            state.metrics.clone(),
            metrics::time_webhook,
        ))
        .route_layer(from_fn_with_state(
            intake::Intake::default(),
            intake::within,
        ))
        .layer(DefaultBodyLimit::max(LARGEST_DELIVERY));
    let open = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::scrape))
        .route("/openapi.json", get(openapi::openapi_json))
        .route("/openapi/coze.yaml", get(openapi::coze_yaml))
        .route("/docs", get(docs::page))
        .route("/docs/{file}", get(docs::file));
    lookup
        .merge(manage)
        .merge(open)
        .layer(DefaultBodyLimit::max(LARGEST_REQUEST))
        .merge(webhooks)
        .fallback(|| async { ApiError::no_such_route() })
        .method_not_allowed_fallback(|| async { ApiError::wrong_method() })
        .layer(CatchPanicLayer::custom(answer::after_panic))
        .layer(from_fn_with_state(LONGEST_REQUEST, answer::in_time))
        .with_state(state)
}
