//! `POST /admin/api/{version}/graphql.json`.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::calls::Running;
use super::{misbehave, reply, versions};
use crate::graphql::{self, Request};
use crate::locked::lock;
use crate::net::Line;
use crate::world::World;

/// Bodies above this are refused; Shopify's own limit is not known.
const MAX_BODY: usize = 8 * 1024 * 1024;

pub(crate) async fn graphql(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path(version): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let now = world.clock.now();
    let request = Request::read(&body);
    let (operation, variables) = match &request {
        Ok(request) => (request.operation(), request.variables.clone()),
        Err(_) => (String::new(), Value::Null),
    };
    let running = world.calls.begin(&operation, variables, now);
    tokio::time::sleep(world.settings().latency).await;
    let answer = async {
        let Some(version) = versions::served(&version, world.clock.now()) else {
            return reply::status(404);
        };
        let mut response = answer(&world, &headers, request, &running, &version).await;
        if let Ok(version) = HeaderValue::from_str(&version) {
            response
                .headers_mut()
                .insert("x-shopify-api-version", version);
        }
        response
    };
    let mut response = match world.faults.next_api(&operation) {
        Some(fault) => misbehave::instead(&world, fault, &line, answer).await,
        None => answer.await,
    };
    dress(&world, response.headers_mut());
    let status = response.status().as_u16();
    running.note(|call| call.status = Some(status));
    response
}

/// What every answer carries, by the simulator's clock.
fn dress(world: &World, headers: &mut HeaderMap) {
    let date = world.clock.now().format("%a, %d %b %Y %H:%M:%S GMT");
    if let Ok(date) = HeaderValue::from_str(&date.to_string()) {
        headers.insert(header::DATE, date);
    }
    let deprecated = world.settings().deprecated;
    if let Some(Ok(reason)) = deprecated.map(|reason| HeaderValue::from_str(&reason)) {
        headers.insert("x-shopify-api-deprecated-reason", reason);
    }
    if let Ok(id) = HeaderValue::from_str(&world.uuid()) {
        headers.insert("x-request-id", id);
    }
}

async fn answer(
    world: &Arc<World>,
    headers: &HeaderMap,
    request: Result<Request, &'static str>,
    running: &Running<'_>,
    version: &str,
) -> Response {
    let token = headers.get("x-shopify-access-token");
    let token = token.and_then(|token| token.to_str().ok());
    let known = token.is_some_and(|token| lock(&world.tokens).accepts(token, world.clock.now()));
    if !known {
        return reply::status(401);
    }
    let request = match request {
        Ok(request) => request,
        Err(problem) => return reply::json(StatusCode::BAD_REQUEST, &json!({ "errors": problem })),
    };
    // A page of orders takes a while to render, so it must not hold up what else this thread does.
    let (inside, version) = (Arc::clone(world), version.to_owned());
    let work = move || graphql::run(&inside, &request, &version);
    let Ok(outcome) = tokio::task::spawn_blocking(work).await else {
        return reply::status(500);
    };
    running.note(|call| {
        call.requested_cost = outcome.requested;
        call.actual_cost = outcome.actual;
        call.error.clone_from(&outcome.error);
    });
    reply::of(
        StatusCode::OK,
        "application/json; charset=utf-8",
        outcome.body,
    )
}

/// The largest body that is read.
pub(crate) fn body_limit() -> axum::extract::DefaultBodyLimit {
    axum::extract::DefaultBodyLimit::max(MAX_BODY)
}
