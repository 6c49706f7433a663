//! What the management routes take and answer.
#![expect(dead_code, reason = "these types are described, never made")]

use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr, Schema,
        schema::{SchemaType, Type},
    },
};

use crate::sweep::{Kind, SweepRecord, TaskId};

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

/// The settings, without secrets; lifetimes are in seconds.
#[derive(ToSchema)]
pub(in crate::http) struct Settings {
    /// `WARMUP_ORDER_DAYS`.
    order_days: u32,
    /// `WARMUP_PAGE_SIZE`.
    page_size: u32,
    /// `WARMUP_MAX_DURATION`.
    max_duration_s: u64,
    /// `WARMUP_BULK_THRESHOLD`.
    bulk_threshold: u64,
    /// `WARMUP_MAX_MEMORY`, in bytes.
    max_memory: Option<u64>,
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
    /// `LOOKUP_VERIFY`: `off` or `contact`.
    #[schema(examples("off"))]
    lookup_verify: String,
}
