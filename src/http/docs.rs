//! `/docs`: the description of the API for people. One page and its two files, from within the program: nothing is loaded from elsewhere.

use axum::{
    extract::Path,
    http::{
        HeaderName, HeaderValue,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
            X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{IntoResponse as _, Response},
};

use super::{answer::ApiError, openapi::NoSuchFile};

const PAGE: &str = include_str!("../../assets/docs/index.html");
const STYLE: &str = include_str!("../../assets/docs/docs.css");
const SCRIPT: &str = include_str!("../../assets/docs/docs.js");

/// The page takes a token: nobody else's script may read it, and no other page may frame it.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
];

/// This description as a page, which works without the internet.
#[utoipa::path(
    get,
    path = "/docs",
    operation_id = "docs",
    tag = "service",
    responses((status = 200, description = "A page to read and to try requests on.", body = String, content_type = "text/html"))
)]
pub(super) async fn page() -> Response {
    served("text/html; charset=utf-8", PAGE)
}

/// What the page is made of.
#[utoipa::path(
    get,
    path = "/docs/{file}",
    operation_id = "docsFile",
    tag = "service",
    params(("file" = String, Path, description = "`docs.css` or `docs.js`.", example = "docs.css")),
    responses(
        (
            status = 200,
            description = "The page's style or its script.",
            content((String = "text/css"), (String = "text/javascript"))
        ),
        (status = 404, response = NoSuchFile)
    )
)]
pub(super) async fn file(Path(name): Path<String>) -> Result<Response, ApiError> {
    match name.as_str() {
        "docs.css" => Ok(served("text/css; charset=utf-8", STYLE)),
        "docs.js" => Ok(served("text/javascript; charset=utf-8", SCRIPT)),
        _other => Err(ApiError::no_such_route()),
    }
}

fn served(kind: &'static str, text: &'static str) -> Response {
    (HEADERS, [(CONTENT_TYPE, kind)], text).into_response()
}
