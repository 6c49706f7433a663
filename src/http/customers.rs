//! Lookups by e-mail, over all shops.

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::Response,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    AppState,
    answer::{ApiError, success},
    openapi::{
        BadRequest, CustomerLookup, CustomerQuery, ShopOrStoreUnavailable, Success, Unauthorized,
    },
    orders::{FreshnessAnswer, later, oldest, seconds, site_named},
    others::names_of,
};
use crate::{
    lookup::{CustomerAnswer, FoundOrder, OrderStatus, OrdersOf, Unanswered},
    order::{Email, OrderAnswer},
};

/// Orders in an answer, unless another number is asked for.
const SOME: usize = 10;
/// Orders in an answer at most.
const MOST: usize = 50;

/// What may stand behind the `?`.
#[derive(Debug, Deserialize)]
pub(super) struct Params {
    email: Option<String>,
    limit: Option<String>,
    status: Option<String>,
    site: Option<String>,
}

/// `data`.
#[derive(Debug, Serialize)]
struct Found {
    orders: Vec<OrderAnswer>,
    total: usize,
    cached: bool,
    cache_ttl: u64,
    freshness: Option<FreshnessAnswer>,
    incomplete: Vec<Unanswered>,
    pending: bool,
    message: Option<String>,
    message_zh: Option<String>,
}

/// Finds a customer's orders by the e-mail address they were placed with.
///
/// The address is compared exactly, whatever its case. Newest first, over all shops; a shop that does not answer is named in
/// `incomplete`, and its orders are missing then.
#[utoipa::path(
    get,
    path = "/api/shopify/orders",
    operation_id = "listOrdersByEmail",
    tag = "lookups",
    params(CustomerQuery),
    security(("bearer" = ["lookup"]), ("api_key" = ["lookup"])),
    responses(
        (status = 200, description = "The orders, or why there are none.", body = Success<CustomerLookup>),
        (status = 400, response = BadRequest),
        (status = 401, response = Unauthorized),
        (status = 503, response = ShopOrStoreUnavailable)
    )
)]
pub(super) async fn by_email(
    State(state): State<AppState>,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(params) = params.map_err(|_values_are_a_customers: QueryRejection| {
        ApiError::bad_request(
            "the query cannot be read: send each parameter once, percent-encoded as UTF-8",
        )
    })?;
    let email = params.email.as_deref().ok_or_else(|| {
        ApiError::bad_request("email is missing: send the address, as in ?email=jane@example.com")
    })?;
    let ask = OrdersOf {
        email: Email::parse(email).map_err(|bad| ApiError::bad_request(bad.to_string()))?,
        site: site_named(&state.sites, params.site.as_deref())?,
    };
    let (limit, status) = (
        limit(params.limit.as_deref())?,
        status(params.status.as_deref())?,
    );
    let answer = state.lookups.by_email(ask).await?;
    let found = found(&answer, (limit, status), &state);
    Ok(if found.pending {
        later(json!({ "success": true, "data": found }))
    } else {
        success(&found)
    })
}

fn found(
    answer: &CustomerAnswer,
    (limit, status): (usize, OrderStatus),
    state: &AppState,
) -> Found {
    let has_status = |found: &&FoundOrder| {
        let head = found.order.head.as_ref();
        head.is_some_and(|head| status.includes(&head.value))
    };
    let of_status: Vec<_> = answer.orders.iter().filter(has_status).collect();
    let shown: Vec<_> = of_status.iter().copied().take(limit).collect();
    let orders = shown
        .iter()
        .filter_map(|found| OrderAnswer::of(&found.order, found.site.as_str()));
    let (message, message_zh) = message(of_status.len(), &answer.incomplete);
    let nearest = shown.iter().map(|found| found.order_ttl).min();
    Found {
        orders: orders.collect(),
        total: of_status.len(),
        cached: answer.cached,
        cache_ttl: nearest.map_or(0, seconds),
        freshness: oldest(&shown, state.clock.now()),
        pending: answer.incomplete.iter().any(|one| one.reason.may_pass()),
        incomplete: answer.incomplete.clone(),
        message,
        message_zh,
    }
}

fn message(total: usize, incomplete: &[Unanswered]) -> (Option<String>, Option<String>) {
    match (total, incomplete) {
        (0, []) => (
            Some(
                "ORDER_NOT_FOUND: no order of the last 60 days, or of the time the app may see, has this address and status; \
                 check it for typing errors, or ask for the order number"
                    .to_owned(),
            ),
            Some("ORDER_NOT_FOUND：没有找到该邮箱的订单，请核对邮箱或提供订单号".to_owned()),
        ),
        (_, []) => (None, None),
        (_, _) if incomplete.iter().any(|one| one.reason.may_pass()) => (
            Some(format!(
                "INCOMPLETE: orders at {} are missing; ask again in a few seconds",
                names_of(incomplete)
            )),
            Some(format!("INCOMPLETE：{} 的订单暂未查到，请几秒后重试", names_of(incomplete))),
        ),
        (_, _) => (
            Some(format!(
                "INCOMPLETE: orders at {} are missing; `incomplete` says why",
                names_of(incomplete)
            )),
            Some(format!("INCOMPLETE：{} 的订单不完整，原因见 incomplete", names_of(incomplete))),
        ),
    }
}

pub(super) fn status(text: Option<&str>) -> Result<OrderStatus, ApiError> {
    let status = text.unwrap_or_default().parse();
    status.map_err(|bad: crate::lookup::BadStatus| ApiError::bad_request(bad.to_string()))
}

fn limit(text: Option<&str>) -> Result<usize, ApiError> {
    let Some(text) = text else {
        return Ok(SOME);
    };
    let limit = text.trim().parse().ok();
    limit
        .filter(|limit| (1..=MOST).contains(limit))
        .ok_or_else(|| ApiError::bad_request(format!("limit must be a number from 1 to {MOST}")))
}
