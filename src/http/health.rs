//! Whether the process lives, and whether it can do its work.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde_json::json;
use tokio::time::timeout;

use super::{
    AppState,
    answer::success,
    openapi::{Alive, Readiness, Success},
};

/// A probe must answer before its prober gives up.
const PATIENCE: Duration = Duration::from_millis(500);

/// Tells that the process lives.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "alive",
    tag = "service",
    responses((status = 200, description = "It does.", body = Success<Alive>))
)]
pub(super) async fn alive() -> Response {
    success(&json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}

/// Tells whether the service can do its work.
///
/// It is ready while the store answers. A shop in trouble is named but does not make the service unready: the cache still answers.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "ready",
    tag = "service",
    responses(
        (status = 200, description = "It can.", body = Success<Readiness>),
        (status = 503, description = "It cannot: the store does not answer. `success` and `ready` are false.", body = Success<Readiness>)
    )
)]
pub(super) async fn ready(State(state): State<AppState>) -> Response {
    let store_answers = matches!(timeout(PATIENCE, state.store.ping()).await, Ok(Ok(())));
    let shopify: serde_json::Map<_, _> = state
        .sites
        .iter()
        .map(|site| (site.code.to_string(), json!(site.standing())))
        .collect();
    let store = json!({ "kind": state.store.kind().as_str(), "state": if store_answers { "ok" } else { "unreachable" } });
    let status = if store_answers {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let data = json!({ "ready": store_answers, "store": store, "shopify": shopify });
    (
        status,
        Json(json!({ "success": store_answers, "data": data })),
    )
        .into_response()
}
