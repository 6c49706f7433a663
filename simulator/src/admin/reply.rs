//! Answers that have nothing to do with what was asked.

use axum::body::Body;
use axum::response::Response;
use http::{StatusCode, header};
use serde_json::{Value, json};

pub(crate) fn json(status: StatusCode, body: &Value) -> Response {
    of(status, "application/json; charset=utf-8", body.to_string())
}

pub(crate) fn of(status: StatusCode, kind: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let kind = http::HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Shopify's answer for a status code: a word in `errors`, and a page from 500 on.
pub(crate) fn status(code: u16) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if code >= 500 {
        return of(status, "text/html; charset=utf-8", page(code));
    }
    let errors = match code {
        400 => "Bad Request",
        401 => "[API] Invalid API key or access token (unrecognized login or wrong password)",
        402 => "This shop's plan does not have access to this feature",
        403 => "[API] This action requires merchant approval for the required scope.",
        404 => "Not Found",
        423 => "This shop is unavailable",
        429 => {
            "Exceeded 2 calls per second for api client. Reduce request rates to resume uninterrupted service."
        }
        430 => "Shopify Security Rejection",
        _ => "Unprocessable",
    };
    let mut response = json(status, &json!({ "errors": errors }));
    if code == 429 {
        retry_after(&mut response, "4.0");
    }
    response
}

pub(crate) fn retry_after(response: &mut Response, value: &str) {
    if let Ok(value) = value.parse() {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
}

/// The page that Shopify's edge shows when nothing behind it answers.
pub(crate) fn page(code: u16) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><title>Something went wrong</title></head>\n\
         <body><h1>There’s a problem loading this page</h1><p>Error {code}</p></body></html>\n"
    )
}
