//! What an API fault puts in place of the answer.

use axum::body::Body;
use axum::response::Response;
use http::{StatusCode, header};
use serde_json::json;

use super::reply;
use crate::faults::ApiFault;
use crate::locked::lock;
use crate::net::Line;
use crate::world::World;

/// Answers as `fault` says. `answer` makes the right answer, for faults that need one.
pub(crate) async fn instead(
    world: &World,
    fault: ApiFault,
    line: &Line,
    answer: impl Future<Output = Response>,
) -> Response {
    match fault {
        ApiFault::Status(code) => reply::status(code),
        ApiFault::RateLimited(after) => {
            let mut response = reply::status(429);
            reply::retry_after(&mut response, &after);
            response
        }
        ApiFault::Throttled => throttled(world, 1000),
        ApiFault::InternalError => internal_error(),
        ApiFault::Reset => {
            line.cut();
            hang(world).await
        }
        ApiFault::Hang => hang(world).await,
        ApiFault::Empty => reply::of(
            StatusCode::OK,
            "application/json; charset=utf-8",
            String::new(),
        ),
        ApiFault::Html => reply::of(StatusCode::OK, "text/html; charset=utf-8", reply::page(200)),
        ApiFault::Truncated => truncate(answer.await).await,
        ApiFault::Slow(by) => {
            tokio::time::sleep(by).await;
            answer.await
        }
    }
}

/// `THROTTLED` in a 200, with the bucket as it stands.
pub(crate) fn throttled(world: &World, requested: u32) -> Response {
    let status = lock(&world.bucket).status(world.clock.now());
    let body = json!({
        "errors": [{ "message": "Throttled", "extensions": {
            "code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits" } }],
        "extensions": { "cost": {
            "requestedQueryCost": requested, "actualQueryCost": null, "throttleStatus": status } },
    });
    reply::json(StatusCode::OK, &body)
}

fn internal_error() -> Response {
    let message = "Internal error. Looks like something went wrong on our end.\n\
                   Request ID: 00000000-0000-4000-8000-000000000000 (include this in support requests).";
    let error = json!({ "message": message, "extensions": {
        "code": "INTERNAL_SERVER_ERROR", "requestId": "00000000-0000-4000-8000-000000000000" } });
    reply::json(StatusCode::OK, &json!({ "errors": [error] }))
}

/// Nothing more comes, until the caller leaves or the simulator stops.
async fn hang(world: &World) -> Response {
    world.stopped.cancelled().await;
    reply::status(504)
}

/// The first half of the body, as a whole answer of that length.
async fn truncate(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    let bytes = axum::body::to_bytes(body, usize::MAX).await;
    let bytes = bytes.unwrap_or_default();
    let half = bytes.slice(..bytes.len() / 2);
    Response::from_parts(parts, Body::from(half))
}
