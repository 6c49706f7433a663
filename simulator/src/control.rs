//! The simulator's own routes, for whoever runs it alone: see what it holds, let things happen, break it.
//! The crate's README lists the routes.

mod fault;
mod order;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::admin::reply;
use crate::locked::lock;
use crate::shop::{Shop, ShopError};
use crate::world::World;

pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/_simulator/status", get(status))
        .route("/_simulator/calls", get(calls))
        .route("/_simulator/orders", get(order::list).post(order::place))
        .route("/_simulator/orders/{id}/fulfill", post(order::fulfill))
        .route("/_simulator/orders/{id}/track", post(order::track))
        .route("/_simulator/orders/{id}/cancel", post(order::cancel))
        .route("/_simulator/orders/{id}/delete", post(order::delete))
        .route("/_simulator/orders/{id}/touch", post(order::touch))
        .route("/_simulator/faults", post(fault::set))
        .route("/_simulator/clock", post(clock))
}

async fn status(State(world): State<Arc<World>>) -> Json<Value> {
    let orders = Shop::new(Arc::clone(&world)).order_ids().len();
    let bucket = lock(&world.bucket).status(world.clock.now());
    let pending = |delivery: &crate::Delivery| delivery.outcome == crate::DeliveryOutcome::Pending;
    let deliveries = world.outbox.log();
    Json(json!({
        "shop_domain": world.facts.domain,
        "order_prefix": world.facts.prefix,
        "now": world.clock.now(),
        "orders": orders,
        "calls": world.calls.all().len(),
        "bucket": bucket,
        "deliver_to": world.outbox.target(),
        "deliveries": deliveries.len(),
        "deliveries_pending": deliveries.iter().filter(|one| pending(one)).count(),
        "faults_unused": world.faults.unused(),
    }))
}

async fn calls(State(world): State<Arc<World>>) -> Json<Value> {
    let calls = world.calls.all();
    let shown = calls.iter().map(|call| {
        json!({
            "operation": call.operation, "variables": call.variables, "at": call.at, "status": call.status,
            "requested_cost": call.requested_cost, "actual_cost": call.actual_cost, "error": call.error,
        })
    });
    Json(Value::Array(shown.collect()))
}

/// How to move the clock.
#[derive(Debug, Deserialize)]
struct Move {
    advance_seconds: Option<u64>,
    set: Option<DateTime<Utc>>,
}

async fn clock(State(world): State<Arc<World>>, Json(wanted): Json<Move>) -> Json<Value> {
    if let Some(to) = wanted.set {
        world.clock.set(to);
    }
    if let Some(seconds) = wanted.advance_seconds {
        world.clock.advance(Duration::from_secs(seconds));
    }
    Json(json!({ "now": world.clock.now() }))
}

/// The answer to a deed.
fn done(result: Result<Value, ShopError>) -> Response {
    match result {
        Ok(body) => reply::json(StatusCode::OK, &body),
        Err(error) => refuse(&error.to_string()),
    }
}

fn refuse(message: &str) -> Response {
    reply::json(
        StatusCode::UNPROCESSABLE_ENTITY,
        &json!({ "error": message }),
    )
}
