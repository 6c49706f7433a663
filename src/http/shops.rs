//! What is known of the shops: which there are, and how many orders they have.

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::Response,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    AppState,
    answer::{ApiError, success},
    customers::status,
    openapi::{BadRequest, CountQuery, ShopOrStoreUnavailable, SiteList, Success, Unauthorized},
    orders::site_named,
    others::names_of,
};
use crate::{
    lookup::{OrderStatus, SiteCount, Unanswered},
    site::{Site, SiteCode, Sites},
};

/// What may stand behind the `?` of a count.
#[derive(Debug, Deserialize)]
pub(super) struct Params {
    status: Option<String>,
    site: Option<String>,
}

/// A configured shop.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SiteEntry {
    /// Its code.
    code: SiteCode,
    /// Its permanent domain.
    #[schema(examples("my-shop.myshopify.com"))]
    shop_domain: String,
    /// What the merchant calls it; null until the shop has told.
    #[schema(examples("My Shop"))]
    name: Option<String>,
    /// Its currency, ISO 4217; null until the shop has told.
    #[schema(examples("GBP"))]
    currency: Option<String>,
    /// What its order numbers begin with; null while that is not known.
    #[schema(examples("UK"))]
    order_prefix: Option<String>,
    /// What they end with.
    #[schema(examples(""))]
    order_suffix: Option<String>,
}

/// How many orders the shops have, as Shopify counts them. Without `read_all_orders` Shopify counts those of the last 60 days alone.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OrderCount {
    /// All counts together; null where no shop told.
    count: Option<u64>,
    /// The same number: what lists call it.
    total: Option<u64>,
    /// Which orders were counted.
    status: OrderStatus,
    /// By shop.
    sites: Vec<SiteCount>,
    /// Whether Shopify was not asked: counts are good for a minute.
    cached: bool,
    /// Shops that did not tell; `count` is without theirs.
    incomplete: Vec<Unanswered>,
    /// What is missing, where something is.
    message: Option<String>,
}

/// Lists the configured shops.
#[utoipa::path(
    get,
    path = "/api/shopify/sites",
    operation_id = "listSites",
    tag = "lookups",
    security(("bearer" = ["lookup"]), ("api_key" = ["lookup"])),
    responses(
        (status = 200, description = "The shops.", body = Success<SiteList>),
        (status = 401, response = Unauthorized)
    )
)]
pub(super) async fn sites(State(sites): State<Sites>) -> Response {
    let all: Vec<_> = sites.iter().map(|site| SiteEntry::of(site)).collect();
    success(&serde_json::json!({ "total": all.len(), "sites": all }))
}

/// Counts orders, at each shop and together.
#[utoipa::path(
    get,
    path = "/api/shopify/orders/count",
    operation_id = "countOrders",
    tag = "lookups",
    params(CountQuery),
    security(("bearer" = ["lookup"]), ("api_key" = ["lookup"])),
    responses(
        (status = 200, description = "The counts.", body = Success<OrderCount>),
        (status = 400, response = BadRequest),
        (status = 401, response = Unauthorized),
        (status = 503, response = ShopOrStoreUnavailable)
    )
)]
pub(super) async fn count(
    State(state): State<AppState>,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(params) = params.map_err(|_unreadable: QueryRejection| {
        ApiError::bad_request(
            "the query cannot be read: send each parameter once, percent-encoded as UTF-8",
        )
    })?;
    let site = site_named(&state.sites, params.site.as_deref())?;
    let status = status(params.status.as_deref())?;
    let counted = state.lookups.count_orders(status, site).await?;
    let counts: Vec<_> = counted.sites.iter().filter_map(|site| site.count).collect();
    let total = (!counts.is_empty()).then(|| {
        counts
            .iter()
            .fold(0, |all: u64, one| all.saturating_add(*one))
    });
    let silent = &counted.incomplete;
    let message = (!silent.is_empty()).then(|| {
        let again = silent.iter().any(|one| one.reason.may_pass());
        let again = if again {
            "; ask again in a few seconds"
        } else {
            ""
        };
        format!("INCOMPLETE: {} did not answer{again}", names_of(silent))
    });
    Ok(success(&OrderCount {
        count: total,
        total,
        status,
        sites: counted.sites,
        cached: counted.cached,
        incomplete: counted.incomplete,
        message,
    }))
}

impl SiteEntry {
    fn of(site: &Site) -> Self {
        let (access, format) = (site.access(), site.number_format());
        let shop = access.as_ref().map(|access| &access.shop);
        Self {
            code: site.code.clone(),
            shop_domain: site.shop_domain.to_string(),
            name: shop.map(|shop| shop.name.clone()),
            currency: shop.map(|shop| shop.currency.clone()),
            order_prefix: format.as_ref().map(|format| format.prefix().to_owned()),
            order_suffix: shop
                .and(format.as_ref())
                .map(|format| format.suffix().to_owned()),
        }
    }
}
