//! The two shapes of every answer.
#![expect(dead_code, reason = "these types are described, never made")]

use utoipa::{ToResponse, ToSchema};

use crate::sweep::TaskId;

/// What every success looks like.
#[derive(ToSchema)]
pub(in crate::http) struct Success<T> {
    /// Always true.
    #[schema(examples(true))]
    success: bool,
    /// What was asked for.
    data: T,
}

/// What every failure looks like.
#[derive(ToSchema)]
pub(in crate::http) struct Failure {
    /// Always false.
    #[schema(examples(false))]
    success: bool,
    /// What is wrong.
    error: Fault,
}

/// What is wrong.
#[derive(ToSchema)]
pub(in crate::http) struct Fault {
    /// For programs: `BAD_REQUEST`, `UNAUTHORIZED`, `WARMUP_RUNNING` …
    code: String,
    /// For people: what to do. No inner cause, no personal data.
    detail: String,
}

/// A failure that names the task which is running.
#[derive(ToSchema)]
pub(in crate::http) struct Running {
    /// Always false.
    #[schema(examples(false))]
    success: bool,
    /// What is wrong.
    error: Fault,
    /// The task that is running.
    task_id: TaskId,
}

/// The request is wrong; `detail` says how to write it.
#[derive(ToResponse)]
#[response(example = json!({
    "success": false,
    "error": { "code": "BAD_REQUEST", "detail": "q is missing: send the order number, as in ?q=UK22080" }
}))]
pub(in crate::http) struct BadRequest(Failure);

/// No token, or the wrong one.
#[derive(ToResponse)]
#[response(example = json!({
    "success": false,
    "error": { "code": "UNAUTHORIZED", "detail": "send the token as Authorization: Bearer or X-API-Key" }
}))]
pub(in crate::http) struct Unauthorized(Failure);

/// There is no such file.
#[derive(ToResponse)]
#[response(example = json!({
    "success": false,
    "error": { "code": "NOT_FOUND", "detail": "there is no such route; the README lists them" }
}))]
pub(in crate::http) struct NoSuchFile(Failure);

/// A sweep is running; `task_id` names it.
#[derive(ToResponse)]
#[response(example = json!({
    "success": false,
    "error": { "code": "WARMUP_RUNNING", "detail": "warmup_20251210_150000 is running: wait for it, or stop it with POST /api/warmup/stop" },
    "task_id": "warmup_20251210_150000"
}))]
pub(in crate::http) struct Busy(Running);

/// The body is larger than 64 KiB.
#[derive(ToResponse)]
#[response(example = json!({
    "success": false,
    "error": { "code": "BODY_TOO_LARGE", "detail": "the body is larger than this route takes; the README shows one" }
}))]
pub(in crate::http) struct BodyTooLarge(Failure);

/// Neither the cache nor Shopify can tell now: `SHOPIFY_UNAVAILABLE`, `BUSY` or `TIMED_OUT`.
#[derive(ToResponse)]
#[response(
    headers(("Retry-After" = u32, description = "Seconds to wait before asking again")),
    example = json!({
        "success": false,
        "error": { "code": "SHOPIFY_UNAVAILABLE", "detail": "the shop cannot be reached: try again in a few seconds" }
    })
)]
pub(in crate::http) struct ShopOrStoreUnavailable(Failure);

/// The store cannot be reached.
#[derive(ToResponse)]
#[response(
    headers(("Retry-After" = u32, description = "Seconds to wait before asking again")),
    example = json!({
        "success": false,
        "error": { "code": "STORE_UNAVAILABLE", "detail": "the store cannot be reached: try again in a few seconds" }
    })
)]
pub(in crate::http) struct StoreUnavailable(Failure);

/// The request was not finished in time; a body that trickles in is cut off.
#[derive(ToResponse)]
#[response(
    headers(("Retry-After" = u32, description = "Seconds to wait before asking again")),
    example = json!({
        "success": false,
        "error": { "code": "TIMED_OUT", "detail": "the request took too long: send it again, and its body at once" }
    })
)]
pub(in crate::http) struct TimedOut(Failure);
