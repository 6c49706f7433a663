//! `GET /metrics`, for Prometheus: counts and times, and nothing of any customer.

mod page;

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::header::CONTENT_TYPE,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use futures_util::future::join_all;
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use super::{AppState, held::Held};
use crate::{
    observe::{Durations, exposition},
    site::SiteCode,
};

/// A scrape must answer before its scraper gives up, whatever the store does.
const PATIENCE: Duration = Duration::from_secs(1);
/// The route is open: however many ask, the store is asked no more often than this.
const FRESH: Duration = Duration::from_secs(1);

/// What is measured at the HTTP edge, and what was last read for a scrape. Cheap to clone; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    webhooks: Durations,
    /// Held while it is read anew, so that one reads for all who ask meanwhile.
    held: Arc<Mutex<Option<Arc<Scraped>>>>,
}

/// What only the store and the inbox can tell; what could not be read is missing.
#[derive(Debug)]
struct Scraped {
    read_at: Instant,
    store_answers: bool,
    inbox: Option<u64>,
    sites: Vec<(SiteCode, Held)>,
}

/// Measures how long a delivery takes to be acknowledged, its body's way to us included.
pub(super) async fn time_webhook(
    State(metrics): State<Metrics>,
    request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let response = next.run(request).await;
    metrics.webhooks.record(began.elapsed());
    response
}

/// What to watch, for Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "service",
    responses((status = 200, description = "Counts and times, in Prometheus' text format; nothing of any customer.", body = String, content_type = "text/plain"))
)]
pub(super) async fn scrape(State(state): State<AppState>) -> Response {
    let held = state.metrics.scraped(&state).await;
    let page = page::all(&state, &held);
    ([(CONTENT_TYPE, exposition::CONTENT_TYPE)], page).into_response()
}

impl Metrics {
    async fn scraped(&self, state: &AppState) -> Arc<Scraped> {
        let mut held = self.held.lock().await;
        match &*held {
            Some(held) if held.read_at.elapsed() < FRESH => Arc::clone(held),
            Some(_) | None => Arc::clone(held.insert(Arc::new(Scraped::read(state).await))),
        }
    }
}

impl Scraped {
    async fn read(state: &AppState) -> Self {
        let store_answers = matches!(timeout(PATIENCE, state.store.ping()).await, Ok(Ok(())));
        let mut sites = Vec::new();
        if store_answers {
            let all = join_all(state.sites.iter().map(|site| Held::read(state, site)));
            let all = timeout(PATIENCE, all).await.unwrap_or_default();
            let codes = state.sites.iter().map(|site| site.code.clone());
            sites.extend(
                codes
                    .zip(all)
                    .filter_map(|(code, held)| Some((code, held.ok()?))),
            );
        }
        let inbox = state.inbox.clone();
        let inbox = tokio::task::spawn_blocking(move || inbox.len()).await;
        Self {
            read_at: Instant::now(),
            store_answers,
            inbox: inbox.ok().and_then(Result::ok),
            sites,
        }
    }
}
