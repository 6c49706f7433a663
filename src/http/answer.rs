//! The two shapes of every answer: success with data, failure with a code and advice.

use std::{any::Any, time::Duration};

use axum::{
    Json,
    extract::{Request, State, rejection::BytesRejection},
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;
use tokio::time::timeout;
use tracing::error;

use crate::{lookup::Failure, store::StoreError, sweep::TaskId};

/// `{"success":true,"data":…}`, written out in one pass: a lookup's answer is the hot path.
pub(super) fn success(data: &impl Serialize) -> Response {
    Json(Success {
        success: true,
        data,
    })
    .into_response()
}

#[derive(Serialize)]
struct Success<'a, T> {
    success: bool,
    data: &'a T,
}

/// `{"success":false,"error":{"code":"…","detail":"…"}}`: what the caller did wrong or may do next, never an inner cause.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    code: &'static str,
    detail: String,
    task: Option<TaskId>,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            task: None,
        }
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", detail)
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "UNAUTHORIZED",
            "send the token as Authorization: Bearer or X-API-Key; where none is set, only requests from this machine are let in",
        )
    }

    pub(super) fn no_such_route() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            "there is no such route; the README lists them",
        )
    }

    pub(super) fn wrong_method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "METHOD_NOT_ALLOWED",
            "this route takes another method; the README lists them",
        )
    }

    fn timed_out() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "TIMED_OUT",
            "the request took too long: send it again, and its body at once",
        )
    }

    pub(super) fn not_connected() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "SHOP_NOT_CONNECTED",
            "the shop has removed the app: install it again, and it is swept by itself",
        )
    }

    pub(super) fn busy(task: TaskId) -> Self {
        let detail =
            format!("{task} is running: wait for it, or stop it with POST /api/warmup/stop");
        Self {
            task: Some(task),
            ..Self::new(StatusCode::CONFLICT, "WARMUP_RUNNING", detail)
        }
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        let code = match failure {
            Failure::Shopify => "SHOPIFY_UNAVAILABLE",
            Failure::Busy => "BUSY",
            Failure::Vague => return Self::bad_request(failure.to_string()),
        };
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, failure.to_string())
    }
}

impl From<&BytesRejection> for ApiError {
    fn from(rejection: &BytesRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "BODY_TOO_LARGE",
                "the body is larger than this route takes; the README shows one",
            );
        }
        Self::bad_request("the body broke off: send it again")
    }
}

impl From<StoreError> for ApiError {
    fn from(cause: StoreError) -> Self {
        error!("a request failed on the store: {cause}");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "STORE_UNAVAILABLE",
            "the store cannot be reached: try again in a few seconds",
        )
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut body =
            json!({ "success": false, "error": { "code": self.code, "detail": self.detail } });
        if let (Some(task), Some(body)) = (&self.task, body.as_object_mut()) {
            body.insert("task_id".to_owned(), json!(task));
        }
        let mut response = (self.status, Json(body)).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

/// Cuts off a request that takes longer than `limit`: most likely its body trickles in.
pub(super) async fn in_time(
    State(limit): State<Duration>,
    request: Request,
    next: Next,
) -> Response {
    within(limit, next.run(request)).await
}

async fn within(limit: Duration, response: impl Future<Output = Response>) -> Response {
    timeout(limit, response)
        .await
        .unwrap_or_else(|_elapsed| ApiError::timed_out().into_response())
}

/// A panic is our bug: the caller learns no more than that.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature is tower-http's"
)]
pub(super) fn after_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    error!(
        panic = text.unwrap_or("no text"),
        "a request panicked: please report this"
    );
    ApiError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "INTERNAL",
        "this is a bug of ours: its cause is in the log",
    )
    .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_that_takes_too_long_is_answered_in_our_shape() {
        let response = within(Duration::from_millis(1), std::future::pending()).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[RETRY_AFTER], "5");
        let body = axum::body::to_bytes(response.into_body(), 1000)
            .await
            .unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["error"]["code"], "TIMED_OUT");
    }
}
