//! Lookups: by number, by id, tracking.

mod verify;

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderValue, header::RETRY_AFTER},
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use self::verify::Verify;
use self::verify::{Proof, Verdict};
use super::{
    AppState,
    answer::{ApiError, success},
    openapi::{
        BadRequest, OrderLookup, OrderQuery, SearchQuery, ShopOrStoreUnavailable, Success,
        TrackingLookup, TrackingQuery, Unauthorized,
    },
    others::OthersAnswer,
};
use crate::{
    lookup::{Answer, Ask, FoundOrder, State as Freshness, Unanswered},
    order::{OrderAnswer, OrderId, OrderNumber, Source, TrackingAnswer},
    site::{Site, SiteCode, Sites},
};

/// What may stand behind the `?` of a lookup.
#[derive(Debug, Deserialize)]
pub(super) struct Params {
    q: Option<String>,
    order_id: Option<String>,
    site: Option<String>,
    email: Option<String>,
    zip: Option<String>,
}

/// Which part of an order is asked for.
#[derive(Debug, Clone, Copy)]
enum Part {
    Order,
    Tracking,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Tracking => "tracking",
        }
    }
}

/// How old an answer is and where it came from.
#[derive(Debug, Serialize)]
pub(super) struct FreshnessAnswer {
    state: Freshness,
    as_of: Option<DateTime<Utc>>,
    age_s: i64,
    source: Option<Source>,
}

/// Finds an order by its number.
///
/// An order that does not exist is a 200 with `order: null` and a `message`, so that a bot's workflow does not break on it.
#[utoipa::path(
    get,
    path = "/api/shopify/orders/search",
    operation_id = "searchOrder",
    tag = "lookups",
    params(SearchQuery),
    security(("bearer" = ["lookup"]), ("api_key" = ["lookup"])),
    responses(
        (status = 200, description = "The order, or why there is none.", body = Success<OrderLookup>),
        (status = 400, response = BadRequest),
        (status = 401, response = Unauthorized),
        (status = 503, response = ShopOrStoreUnavailable)
    )
)]
pub(super) async fn search(
    State(state): State<AppState>,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, ApiError> {
    let params = read(params)?;
    let Some(number) = params.q.as_deref() else {
        return Err(ApiError::bad_request(
            "q is missing: send the order number, as in ?q=UK22080",
        ));
    };
    let number =
        OrderNumber::parse(number).map_err(|bad| ApiError::bad_request(bad.to_string()))?;
    answer(&state, Ask::Number(number), &params, Part::Order).await
}

/// Finds an order by its id.
#[utoipa::path(
    get,
    path = "/api/shopify/orders/{order_id}",
    operation_id = "getOrder",
    tag = "lookups",
    params(
        ("order_id" = String, Path, description = "Shopify's id of the order, digits only.",
            pattern = "^0*[1-9][0-9]{0,18}$", example = "820982911946154508"),
        OrderQuery
    ),
    security(("bearer" = ["lookup"]), ("api_key" = ["lookup"])),
    responses(
        (status = 200, description = "The order, or why there is none.", body = Success<OrderLookup>),
        (status = 400, response = BadRequest),
        (status = 401, response = Unauthorized),
        (status = 503, response = ShopOrStoreUnavailable)
    )
)]
pub(super) async fn by_id(
    State(state): State<AppState>,
    id: Result<Path<String>, PathRejection>,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, ApiError> {
    let params = read(params)?;
    answer(&state, Ask::Id(path_id(id)?), &params, Part::Order).await
}

/// Tells where an order's parcels are.
#[utoipa::path(
    get,
    path = "/api/shopify/orders/{order_id}/tracking",
    operation_id = "getOrderTracking",
    tag = "lookups",
    params(
        ("order_id" = String, Path, description = "Shopify's id of the order, digits only.",
            pattern = "^0*[1-9][0-9]{0,18}$", example = "820982911946154508"),
        OrderQuery
    ),
    security(("bearer" = ["lookup"]), ("api_key" = ["lookup"])),
    responses(
        (status = 200, description = "The tracking, or why there is none.", body = Success<TrackingLookup>),
        (status = 400, response = BadRequest),
        (status = 401, response = Unauthorized),
        (status = 503, response = ShopOrStoreUnavailable)
    )
)]
pub(super) async fn tracking_of(
    State(state): State<AppState>,
    id: Result<Path<String>, PathRejection>,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, ApiError> {
    let params = read(params)?;
    answer(&state, Ask::Id(path_id(id)?), &params, Part::Tracking).await
}

/// Tells where an order's parcels are, for callers that cannot put the id into the path.
#[utoipa::path(
    get,
    path = "/api/shopify/tracking",
    operation_id = "getTracking",
    tag = "lookups",
    params(TrackingQuery),
    security(("bearer" = ["lookup"]), ("api_key" = ["lookup"])),
    responses(
        (status = 200, description = "The tracking, or why there is none.", body = Success<TrackingLookup>),
        (status = 400, response = BadRequest),
        (status = 401, response = Unauthorized),
        (status = 503, response = ShopOrStoreUnavailable)
    )
)]
pub(super) async fn tracking(
    State(state): State<AppState>,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, ApiError> {
    let params = read(params)?;
    let Some(id) = params.order_id.as_deref() else {
        return Err(ApiError::bad_request(
            "order_id is missing: send the order's id, as in ?order_id=5551234567890",
        ));
    };
    answer(&state, Ask::Id(order_id(id)?), &params, Part::Tracking).await
}

fn read(params: Result<Query<Params>, QueryRejection>) -> Result<Params, ApiError> {
    let Query(params) = params.map_err(|_values_may_be_a_customers: QueryRejection| {
        ApiError::bad_request(
            "the query cannot be read: send each parameter once, percent-encoded as UTF-8",
        )
    })?;
    Ok(params)
}

fn path_id(id: Result<Path<String>, PathRejection>) -> Result<OrderId, ApiError> {
    let Path(id) = id.map_err(|_no_text: PathRejection| {
        ApiError::bad_request("order_id is no text: send the order's id, digits only")
    })?;
    order_id(&id)
}

fn order_id(text: &str) -> Result<OrderId, ApiError> {
    text.trim()
        .parse()
        .map_err(|bad: crate::order::BadId| ApiError::bad_request(format!("order_id is {bad}")))
}

pub(super) fn site_named(sites: &Sites, name: Option<&str>) -> Result<Option<Arc<Site>>, ApiError> {
    let Some(name) = name.map(str::trim).filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    let known = name
        .parse::<SiteCode>()
        .ok()
        .and_then(|code| sites.by_code(&code).cloned());
    known.map(Some).ok_or_else(|| {
        ApiError::bad_request("there is no such site; GET /api/shopify/sites lists them")
    })
}

async fn answer(
    state: &AppState,
    ask: Ask,
    params: &Params,
    part: Part,
) -> Result<Response, ApiError> {
    let site = site_named(&state.sites, params.site.as_deref())?;
    let proof = Proof::asked(state.verify, params)?;
    match state.lookups.find(&ask, site).await? {
        Answer::Found(found) => {
            let verdict = proof.holds_for(&found.order);
            let now = state.clock.now();
            Ok(success(&found_answer(&found, part, verdict, now)))
        }
        Answer::NotFound { cached } => Ok(success(&not_found(cached, part))),
        Answer::Pending(unanswered) => Ok(pending(part, &unanswered)),
        Answer::Removed => Ok(success(&removed(part))),
    }
}

/// The part that was asked for, under its own name.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Asked {
    Order(Option<Box<OrderAnswer>>),
    Tracking(Option<Box<TrackingAnswer>>),
}

/// `data` of an order that was found.
#[derive(Debug, Serialize)]
struct FoundAnswer<'a> {
    #[serde(flatten)]
    asked: Asked,
    cached: bool,
    cache_ttl: u64,
    site_code: &'a SiteCode,
    freshness: FreshnessAnswer,
    #[serde(flatten)]
    verdict: Verdict,
    #[serde(flatten)]
    others: OthersAnswer<'a>,
}

fn found_answer(
    found: &FoundOrder,
    part: Part,
    verdict: Verdict,
    now: DateTime<Utc>,
) -> FoundAnswer<'_> {
    let (asked, ttl) = match part {
        Part::Order => {
            let order = OrderAnswer::of(&found.order, found.site.as_str());
            let order = if verdict.shows_all() {
                order
            } else {
                order.map(OrderAnswer::state_alone)
            };
            (Asked::Order(order.map(Box::new)), found.order_ttl)
        }
        Part::Tracking => {
            let tracking = if verdict.shows_all() {
                TrackingAnswer::of(&found.order)
            } else {
                TrackingAnswer::state_alone(&found.order)
            };
            (Asked::Tracking(tracking.map(Box::new)), found.tracking_ttl)
        }
    };
    let as_of = found.order.as_of;
    FoundAnswer {
        asked,
        cached: found.state != Freshness::Live,
        cache_ttl: seconds(ttl),
        site_code: &found.site,
        freshness: FreshnessAnswer {
            state: found.state,
            as_of: as_of.map(|as_of| as_of.at),
            age_s: as_of.map_or(0, |as_of| (now - as_of.at).num_seconds().max(0)),
            source: as_of.map(|as_of| as_of.source),
        },
        others: if verdict.shows_all() {
            OthersAnswer::of(found)
        } else {
            OthersAnswer::of(found).without_words()
        },
        verdict,
    }
}

/// The freshness of the oldest of several orders, and the worst of their states; none where there are none.
pub(super) fn oldest(found: &[&FoundOrder], now: DateTime<Utc>) -> Option<FreshnessAnswer> {
    let oldest = found.iter().min_by_key(|found| found.order.as_of)?;
    let as_of = oldest.order.as_of;
    let is = |state| found.iter().any(|found| found.state == state);
    let states = [Freshness::Stale, Freshness::Fresh, Freshness::Live];
    Some(FreshnessAnswer {
        state: states.into_iter().find(|state| is(*state))?,
        as_of: as_of.map(|as_of| as_of.at),
        age_s: as_of.map_or(0, |as_of| (now - as_of.at).num_seconds().max(0)),
        source: as_of.map(|as_of| as_of.source),
    })
}

/// What is left, rounded up as Redis' own `TTL` rounds to the nearest: a full 48 hours read as 172800.
pub(super) fn seconds(left: Duration) -> u64 {
    (left + Duration::from_millis(500)).as_secs()
}

fn not_found(cached: bool, part: Part) -> Value {
    json!({
        part.name(): null,
        "cached": cached,
        "cache_ttl": 0,
        "site_code": null,
        "freshness": null,
        "message": "ORDER_NOT_FOUND: no order of this shop has that number or id; check it for typing errors",
        "message_zh": "ORDER_NOT_FOUND：没有找到该订单，请核对订单号",
    })
}

/// A bot's workflow must not break on this either.
fn removed(part: Part) -> Value {
    json!({
        part.name(): null,
        "cached": false,
        "cache_ttl": 0,
        "site_code": null,
        "freshness": null,
        "message": "SHOP_NOT_CONNECTED: the shop has removed the app, so its orders cannot be looked up",
        "message_zh": "SHOP_NOT_CONNECTED：该店铺已卸载应用，暂时无法查询订单",
    })
}

fn pending(part: Part, unanswered: &[Unanswered]) -> Response {
    let body = json!({
        "success": true,
        "data": {
            part.name(): null,
            "pending": true,
            "incomplete": unanswered,
            "message": "the shop is taking long to answer; ask again in a few seconds",
            "message_zh": "店铺响应较慢，请几秒后再次查询",
        },
    });
    later(body)
}

/// A 200 that is not the last word.
pub(super) fn later(body: Value) -> Response {
    let mut response = Json(body).into_response();
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("5"));
    response
}
