//! Steering the warming, and what became of it.

use axum::{
    Json,
    body::Bytes,
    extract::{
        Query, State,
        rejection::{BytesRejection, QueryRejection},
    },
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    AppState,
    answer::{ApiError, success},
    openapi::{
        BadRequest, BodyTooLarge, Busy, History, HistoryQuery, Started, Stopped, StoreUnavailable,
        Success, TimedOut, TriggerQuery, Unauthorized,
    },
};
use crate::{
    site::SiteCode,
    store::{MOST_RECORDS, StoreError},
    sweep::SweepRecord,
    warmer::{NotStarted, Request},
};

/// What a trigger may say, in the body or behind the `?`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TriggerParams {
    r#type: Option<String>,
    warmup_type: Option<String>,
    days: Option<Value>,
    site: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct HistoryParams {
    limit: Option<usize>,
}

/// Starts a sweep.
///
/// What to sweep is said in the body, or in the query by the same names; `type` is needed in one of them. Without `site` it is one task over
/// all sites.
#[utoipa::path(
    post,
    path = "/api/warmup/trigger",
    operation_id = "triggerWarmup",
    tag = "warming",
    params(TriggerQuery),
    request_body(
        content = ref("#/components/schemas/TriggerBody"),
        content_type = "application/json",
        example = json!({ "type": "full", "days": 7, "site": "uk" })
    ),
    security(("bearer" = ["manage"]), ("api_key" = ["manage"])),
    responses(
        (status = 200, description = "It has started.", body = Started),
        (status = 400, response = BadRequest),
        (status = 401, response = Unauthorized),
        (status = 409, response = Busy),
        (status = 413, response = BodyTooLarge),
        (status = 503, response = TimedOut)
    )
)]
pub(super) async fn trigger(
    State(state): State<AppState>,
    query: Result<Query<TriggerParams>, QueryRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let request = read(
        query,
        &body.map_err(|rejection| ApiError::from(&rejection))?,
    )?;
    let task = state
        .warmer
        .sweep(&request)
        .await
        .map_err(|refused| match refused {
            NotStarted::Busy(task) => ApiError::busy(task),
            NotStarted::Store(error) => ApiError::from(error),
            NotStarted::Removed => ApiError::not_connected(),
            unknown @ NotStarted::UnknownSite(_) => {
                ApiError::bad_request(format!("{unknown}; GET /api/shopify/sites lists them"))
            }
        })?;
    let message = format!(
        "the {} sweep has started; GET /api/warmup/status shows how far it is",
        request.kind
    );
    Ok(Json(json!({ "success": true, "message": message, "task_id": task })).into_response())
}

/// Stops what runs, at its next page.
#[utoipa::path(
    post,
    path = "/api/warmup/stop",
    operation_id = "stopWarmup",
    tag = "warming",
    security(("bearer" = ["manage"]), ("api_key" = ["manage"])),
    responses(
        (status = 200, description = "What was told to stop; also when nothing ran.", body = Success<Stopped>),
        (status = 401, response = Unauthorized),
        (status = 503, response = StoreUnavailable)
    )
)]
pub(super) async fn stop(State(state): State<AppState>) -> Result<Response, ApiError> {
    let tasks = state.warmer.stop().await?;
    Ok(success(
        &json!({ "stopped": !tasks.is_empty(), "task_ids": tasks }),
    ))
}

/// Lists the sweeps of the past, newest first.
#[utoipa::path(
    get,
    path = "/api/warmup/history",
    operation_id = "listWarmups",
    tag = "warming",
    params(HistoryQuery),
    security(("bearer" = ["manage"]), ("api_key" = ["manage"])),
    responses(
        (status = 200, description = "The sweeps.", body = Success<History>),
        (status = 400, response = BadRequest),
        (status = 401, response = Unauthorized),
        (status = 503, response = StoreUnavailable)
    )
)]
pub(super) async fn history(
    State(state): State<AppState>,
    query: Result<Query<HistoryParams>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|bad| {
        ApiError::bad_request(format!("limit is a number from 1 to {MOST_RECORDS}: {bad}"))
    })?;
    let mut all = records(&state).await?;
    let total = all.len();
    all.truncate(query.limit.unwrap_or(20).clamp(1, MOST_RECORDS));
    Ok(success(&json!({ "history": all, "total": total })))
}

/// All sites' records, newest first.
pub(super) async fn records(state: &AppState) -> Result<Vec<SweepRecord>, StoreError> {
    let mut all = Vec::new();
    for site in state.sites.iter() {
        all.extend(state.warmer.records(&site.code, MOST_RECORDS).await?);
    }
    all.sort_by_key(|record| std::cmp::Reverse(record.started_at));
    Ok(all)
}

/// What is to be swept: the body's words before the query's.
fn read(
    query: Result<Query<TriggerParams>, QueryRejection>,
    body: &Bytes,
) -> Result<Request, ApiError> {
    let Query(query) =
        query.map_err(|bad| ApiError::bad_request(format!("the query cannot be read: {bad}")))?;
    let body: TriggerParams = if body.is_empty() {
        TriggerParams::default()
    } else {
        let example = r#"{"type":"full","days":7,"site":"uk"}"#;
        serde_json::from_slice(body).map_err(|bad| {
            ApiError::bad_request(format!("the body is not as in {example}: {bad}"))
        })?
    };
    let kind = body
        .r#type
        .or(body.warmup_type)
        .or(query.r#type)
        .or(query.warmup_type);
    let Some(kind) = kind else {
        return Err(ApiError::bad_request(
            "type is missing: full or incremental",
        ));
    };
    let site = body
        .site
        .or(query.site)
        .filter(|site| !site.trim().is_empty());
    Ok(Request {
        kind: kind
            .trim()
            .parse()
            .map_err(|bad: crate::sweep::BadKind| ApiError::bad_request(format!("type: {bad}")))?,
        days: body
            .days
            .or(query.days)
            .map(|days| days_of(&days))
            .transpose()?,
        site: site.map(|site| site_code(&site)).transpose()?,
    })
}

/// A number, or a number as a text: a query knows no other.
fn days_of(days: &Value) -> Result<u32, ApiError> {
    let days = match days {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let in_range = days
        .and_then(|days| u32::try_from(days).ok())
        .filter(|days| (1..=60).contains(days));
    in_range.ok_or_else(|| ApiError::bad_request("days is not a whole number from 1 to 60"))
}

fn site_code(text: &str) -> Result<SiteCode, ApiError> {
    text.trim()
        .parse()
        .map_err(|bad: crate::site::BadSiteCode| ApiError::bad_request(format!("site: {bad}")))
}
