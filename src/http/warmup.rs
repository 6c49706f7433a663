//! Seeing and steering the warming.

use axum::{
    Json,
    body::Bytes,
    extract::{
        Query, State,
        rejection::{BytesRejection, QueryRejection},
    },
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    AppState,
    answer::{ApiError, success},
    openapi::{
        BadRequest, BodyTooLarge, Busy, History, HistoryQuery, Started, Status, Stopped,
        StoreUnavailable, Success, TimedOut, TriggerQuery, Unauthorized,
    },
};
use crate::{
    site::{Site, SiteCode},
    store::{Coverage, StoreError},
    sweep::{Kind, SweepRecord, Trigger},
    warmer::{NotStarted, Request, RunningSweep},
};

/// Most records one answer shows; a site keeps no more.
const MOST_RECORDS: usize = 100;

/// What a trigger may say, in the body or behind the `?`.
#[derive(Debug, Default, Deserialize)]
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
        .map_err(|refused| match refused {
            NotStarted::Busy(task) => ApiError::busy(task),
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
        (status = 401, response = Unauthorized)
    )
)]
pub(super) async fn stop(State(state): State<AppState>) -> Response {
    let tasks = state.warmer.stop();
    success(&json!({ "stopped": !tasks.is_empty(), "task_ids": tasks }))
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

/// Tells everything there is to see.
///
/// What the store would have to tell is null while it cannot be reached: that is when somebody looks.
#[utoipa::path(
    get,
    path = "/api/warmup/status",
    operation_id = "getWarmupStatus",
    tag = "warming",
    security(("bearer" = ["manage"]), ("api_key" = ["manage"])),
    responses(
        (status = 200, description = "What runs, how warm the window is, deliveries, budgets, settings.", body = Success<Status>),
        (status = 401, response = Unauthorized)
    )
)]
pub(super) async fn status(State(state): State<AppState>) -> Response {
    let now = state.clock.now();
    let history = records(&state).await;
    let store_state = if history.is_ok() { "ok" } else { "unreachable" };
    let records = history.unwrap_or_default();
    let running = state.warmer.running_sweeps();
    let (mut sites, mut coverage, mut waiting) = (Map::new(), Some(Coverage::default()), Some(0));
    for site in state.sites.iter() {
        let held = Held::of(&state, site, now).await.ok();
        coverage = coverage
            .zip(held)
            .map(|(all, held)| all.plus(held.coverage));
        waiting = waiting.zip(held).map(|(all, held)| all + held.waiting);
        let own: Vec<_> = records
            .iter()
            .filter(|record| record.site == site.code)
            .collect();
        let sweep = running.iter().find(|sweep| sweep.site == site.code);
        sites.insert(site.code.to_string(), site_status(site, sweep, held, &own));
    }
    let all: Vec<_> = records.iter().collect();
    let inbox = state.inbox.clone();
    let inbox = tokio::task::spawn_blocking(move || inbox.len()).await;
    success(&json!({
        "enabled": state.about.warmup_enabled,
        "running": !running.is_empty(),
        "last_full_warmup": last(&all, Kind::Full),
        "last_incremental_warmup": last(&all, Kind::Incremental),
        "next_scheduled": null,
        "stats": stats(&state, &records),
        "sweep": summed(&running),
        "coverage": coverage.map(coverage_answer),
        "drift": records.first().map(|record| record.drift),
        "webhooks": state.tally.all(),
        "refresh_set": waiting,
        "inbox": inbox.ok().and_then(Result::ok),
        "store": { "kind": state.store.kind().as_str(), "state": store_state },
        "sites": sites,
        "config": state.about.config,
        "version": env!("CARGO_PKG_VERSION"),
        "started_at": state.about.started_at,
    }))
}

/// What the store holds of a site.
#[derive(Debug, Clone, Copy)]
struct Held {
    coverage: Coverage,
    waiting: u64,
}

impl Held {
    async fn of(state: &AppState, site: &Site, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let created_since = now - TimeDelta::days(i64::from(state.about.days));
        Ok(Self {
            coverage: state.store.coverage(&site.code, created_since, now).await?,
            waiting: state.store.refresh_len(&site.code).await?,
        })
    }
}

fn site_status(
    site: &Site,
    sweep: Option<&RunningSweep>,
    held: Option<Held>,
    records: &[&SweepRecord],
) -> Value {
    json!({
        "running": sweep.is_some(),
        "sweep": sweep,
        "last_full_warmup": last(records, Kind::Full),
        "last_incremental_warmup": last(records, Kind::Incremental),
        "coverage": held.map(|held| coverage_answer(held.coverage)),
        "drift": records.first().map(|record| record.drift),
        "refresh_set": held.map(|held| held.waiting),
        "budget": site.calls.budget().status(),
        "shopify": site.calls.trouble().unwrap_or("ok"),
        "api_version_served_instead": site.calls.fell_forward_to(),
    })
}

/// All sites' records, newest first.
async fn records(state: &AppState) -> Result<Vec<SweepRecord>, StoreError> {
    let mut all = Vec::new();
    for site in state.sites.iter() {
        all.extend(state.warmer.records(&site.code, MOST_RECORDS).await?);
    }
    all.sort_by_key(|record| std::cmp::Reverse(record.started_at));
    Ok(all)
}

fn last(records: &[&SweepRecord], kind: Kind) -> Value {
    json!(
        records
            .iter()
            .find(|record| record.kind == kind)
            .map(|record| record.finished_at)
    )
}

fn stats(state: &AppState, records: &[SweepRecord]) -> Value {
    let counts = state.lookups.counts();
    let asked = counts.hits + counts.misses;
    // Tenths of a per cent, in whole numbers: 952 is "95.2%".
    let tenths = (counts.hits * 1000).checked_div(asked);
    json!({
        "total_orders_warmed": records.iter().map(|record| record.orders_warmed).sum::<u64>(),
        "cache_hit_rate": tenths.map(|tenths| format!("{}.{}%", tenths / 10, tenths % 10)),
        "lookups": counts,
        "last_warmup_duration": records.first().map(|record| format!("{:.0} seconds", record.duration_s)),
    })
}

impl Coverage {
    fn plus(self, other: Self) -> Self {
        Self {
            window: self.window + other.window,
            warm: self.warm + other.warm,
        }
    }
}

fn coverage_answer(coverage: Coverage) -> Value {
    // Orders of a window are counted in thousands: exact in 32 bits.
    let count = |orders: u64| f64::from(u32::try_from(orders).unwrap_or(u32::MAX));
    let ratio = if coverage.window == 0 {
        1.0
    } else {
        count(coverage.warm) / count(coverage.window)
    };
    json!({ "window": coverage.window, "warm": coverage.warm, "ratio": ratio })
}

/// The running task over its sites.
fn summed(running: &[RunningSweep]) -> Value {
    let Some(first) = running.first() else {
        return Value::Null;
    };
    let same_task = || {
        running
            .iter()
            .filter(|sweep| sweep.task_id == first.task_id)
    };
    let sites: Vec<_> = same_task().map(|sweep| &sweep.site).collect();
    json!({
        "task_id": first.task_id,
        "type": first.kind,
        "site": if let [only] = sites.as_slice() { json!(only) } else { Value::Null },
        "done": same_task().map(|sweep| sweep.progress.done).sum::<u64>(),
        "total": same_task().map(|sweep| sweep.progress.total).sum::<Option<u64>>(),
        "started_at": first.progress.started_at,
        "eta_s": same_task().filter_map(|sweep| sweep.progress.eta_s).max(),
    })
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
        trigger: Trigger::Manual,
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
