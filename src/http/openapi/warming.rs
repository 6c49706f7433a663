//! What the management routes take and answer.
#![expect(dead_code, reason = "these types are described, never made")]

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr, Schema,
        schema::{SchemaType, Type},
    },
};

use super::health::StoreState;
use crate::{
    lookup::HitCounts,
    site::SiteCode,
    sweep::{Drift, Kind, SweepRecord, TaskId},
    warm::TopicCounts,
};

impl PartialSchema for Kind {
    fn schema() -> RefOr<Schema> {
        let kind = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "`full`: every order placed in the window. `incremental`: orders that changed since the last sweep, then those whose \
                 tracking would expire before the next one.",
            ))
            .enum_values(Some([Self::Full, Self::Incremental].map(|kind| kind.to_string())))
            .build();
        kind.into()
    }
}

impl ToSchema for Kind {}

/// What to sweep. What is not said here may be said in the query.
#[derive(ToSchema)]
pub(in crate::http) struct TriggerBody {
    /// Which sweep.
    r#type: Option<Kind>,
    /// Another name for `type`.
    warmup_type: Option<Kind>,
    /// How many days back a full sweep reads; the setting's where not given. A text of digits is taken too.
    #[schema(schema_with = days, required = false)]
    days: (),
    /// One site; without it, all.
    #[schema(pattern = "^[A-Za-z0-9]{0,16}$", examples("uk"))]
    site: Option<String>,
}

fn days() -> ObjectBuilder {
    ObjectBuilder::new()
        .description(Some(
            "How many days back a full sweep reads; the setting's where not given. A text of digits is taken too.",
        ))
        .schema_type(SchemaType::from_iter([
            Type::Integer,
            Type::String,
            Type::Null,
        ]))
        .pattern(Some("^([1-9]|[1-5][0-9]|60)$"))
        .minimum(Some(1))
        .maximum(Some(60))
        .examples([7])
}

/// The same as the body's fields, for callers that cannot send one; the body's words come first.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct TriggerQuery {
    /// Which sweep.
    #[param(required = false, inline, example = "incremental")]
    r#type: Kind,
    /// Another name for `type`.
    #[param(required = false, inline)]
    warmup_type: Kind,
    /// How many days back a full sweep reads; the setting's where not given.
    #[param(required = false, minimum = 1, maximum = 60, example = 7)]
    days: u32,
    /// One site; without it, all.
    #[param(required = false, pattern = "^[A-Za-z0-9]{0,16}$", example = "uk")]
    site: String,
}

/// The sweep has started.
#[derive(ToSchema)]
pub(in crate::http) struct Started {
    /// Always true.
    #[schema(examples(true))]
    success: bool,
    /// Where to look on.
    message: String,
    /// The task's name.
    task_id: TaskId,
}

/// What was told to stop.
#[derive(ToSchema)]
pub(in crate::http) struct Stopped {
    /// Whether anything ran.
    stopped: bool,
    /// What ran.
    task_ids: Vec<TaskId>,
}

/// What may stand behind the `?` of the history.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct HistoryQuery {
    /// How many records at most. 0 counts as 1, more than 100 as 100.
    #[param(required = false, minimum = 0, example = 20)]
    limit: usize,
}

/// Sweeps, newest first.
#[derive(ToSchema)]
pub(in crate::http) struct History {
    /// The records.
    history: Vec<SweepRecord>,
    /// How many there are; a site keeps 100.
    total: u64,
}

/// Everything there is to see. What the store would have to tell is null while it cannot be reached.
#[derive(ToSchema)]
pub(in crate::http) struct Status {
    /// Whether the service warms by itself.
    enabled: bool,
    /// Whether a sweep is running.
    running: bool,
    /// When the last full sweep ended.
    last_full_warmup: Option<DateTime<Utc>>,
    /// When the last incremental sweep ended.
    last_incremental_warmup: Option<DateTime<Utc>>,
    /// When the next sweep is due.
    next_scheduled: Option<DateTime<Utc>>,
    /// What has been done so far.
    stats: Stats,
    /// The running task, summed over its sites.
    sweep: Option<RunningTask>,
    /// How warm the window is, over all sites.
    coverage: Option<Covered>,
    /// What the last sweep found that no webhook had announced.
    drift: Option<Drift>,
    /// Deliveries by topic since the start; `refused` are those not signed with a known secret.
    webhooks: BTreeMap<String, TopicCounts>,
    /// Orders waiting to be fetched.
    refresh_set: Option<u64>,
    /// Deliveries the store has not taken yet.
    inbox: Option<u64>,
    /// The store.
    store: StoreState,
    /// Each site.
    sites: BTreeMap<String, SiteStatus>,
    /// The settings, without secrets.
    config: Settings,
    /// The service's version.
    version: String,
    /// When the process started.
    started_at: DateTime<Utc>,
}

/// What has been done so far.
#[derive(ToSchema)]
struct Stats {
    /// Orders warmed by the sweeps of the history.
    total_orders_warmed: u64,
    /// Lookups that the cache answered; null before the first.
    #[schema(examples("95.2%"))]
    cache_hit_rate: Option<String>,
    /// The same in numbers, since the start.
    lookups: HitCounts,
    /// How long the last sweep took.
    #[schema(examples("56 seconds"))]
    last_warmup_duration: Option<String>,
}

/// A running task, summed over its sites.
#[derive(ToSchema)]
struct RunningTask {
    /// Its name.
    task_id: TaskId,
    /// Which sweep.
    r#type: Kind,
    /// Its site; null where there are several.
    site: Option<SiteCode>,
    /// Orders read.
    done: u64,
    /// Orders there will be; an estimate until the end, none before the first page.
    total: Option<u64>,
    /// When it began.
    started_at: DateTime<Utc>,
    /// Seconds it will still take; none before the first page.
    eta_s: Option<u64>,
}

/// How warm the window is.
#[derive(ToSchema)]
struct Covered {
    /// Orders known to be in it.
    window: u64,
    /// Those whose tracking has not expired.
    warm: u64,
    /// `warm` of `window`; 1 where the window is empty.
    #[schema(minimum = 0, maximum = 1)]
    ratio: f64,
}

/// One site.
#[derive(ToSchema)]
struct SiteStatus {
    /// Whether it is being swept.
    running: bool,
    /// Its part of the running task.
    sweep: Option<RunningTask>,
    /// When its last full sweep ended.
    last_full_warmup: Option<DateTime<Utc>>,
    /// When its last incremental sweep ended.
    last_incremental_warmup: Option<DateTime<Utc>>,
    /// How warm its window is.
    coverage: Option<Covered>,
    /// What its last sweep found that no webhook had announced.
    drift: Option<Drift>,
    /// Its orders waiting to be fetched.
    refresh_set: Option<u64>,
    /// Its bucket at Shopify, in points.
    budget: Budget,
    /// `ok`, or the class of what went wrong with the last call.
    #[schema(examples("ok"))]
    shopify: String,
    /// The API version Shopify answered with, where it is not the one that was asked for.
    api_version_served_instead: Option<String>,
}

/// A shop's bucket at Shopify, in points.
#[derive(ToSchema)]
struct Budget {
    /// What it holds now.
    available: f64,
    /// What it holds when full.
    maximum: f64,
    /// Points a second that flow back.
    restore_rate: f64,
}

/// The settings, without secrets; lifetimes are in seconds.
#[derive(ToSchema)]
struct Settings {
    /// `WARMUP_ORDER_DAYS`.
    order_days: u32,
    /// `WARMUP_PAGE_SIZE`.
    page_size: u32,
    /// `WARMUP_RATE_LIMIT`.
    rate_limit: f64,
    /// `WARMUP_PAUSE_ON_USER_REQUEST`.
    pause_on_user_request: bool,
    /// `WARMUP_MAX_RETRIES`.
    max_retries: u32,
    /// `CACHE_ORDER_DETAIL_TTL`.
    order_detail_ttl: u64,
    /// `CACHE_TRACKING_TTL`.
    tracking_ttl: u64,
    /// `CACHE_ORDER_SEARCH_TTL`.
    order_search_ttl: u64,
    /// `CACHE_NOT_FOUND_TTL`.
    not_found_ttl: u64,
    /// `LOOKUP_TIMEOUT_MS`.
    lookup_timeout_ms: u64,
}
