//! The shop as it is: what `rest` and the GraphQL resolvers both render. Nothing here knows either spelling beyond the words
//! of the statuses.

pub(crate) mod fulfillment;
pub(crate) mod money;
pub(crate) mod order;
pub(crate) mod people;
pub(crate) mod status;

use chrono::FixedOffset;

pub(crate) use fulfillment::{Event, Fulfillment, FulfillmentLine, Tracking};
pub(crate) use money::Currency;
pub(crate) use order::{DiscountCode, LineItem, Order, Refund, RefundLine};
pub(crate) use people::{Address, Customer};
pub(crate) use status::{CancelReason, FinancialStatus, FulfillmentStatus, ShipmentStatus};

/// What is true of the shop itself, and shows in every rendering.
#[derive(Debug, Clone)]
pub(crate) struct ShopFacts {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) domain: String,
    pub(crate) prefix: String,
    pub(crate) suffix: String,
    pub(crate) currency: Currency,
    /// The zone's name, and its offset: a zone without summer time, so that one offset is the whole truth.
    pub(crate) zone_name: String,
    pub(crate) zone: FixedOffset,
}

impl ShopFacts {
    /// What Shopify calls order `number` of this shop, such as `#UK22080`.
    pub(crate) fn order_name(&self, number: u64) -> String {
        format!("{}{number}{}", self.prefix, self.suffix)
    }
}

/// `gid://shopify/{kind}/{id}`.
pub(crate) fn gid(kind: &str, id: u64) -> String {
    format!("gid://shopify/{kind}/{id}")
}

/// The kind and number of a gid; arguments after `?` are dropped, as Shopify does.
pub(crate) fn parse_gid(gid: &str) -> Option<(&str, u64)> {
    let (kind, id) = gid.strip_prefix("gid://shopify/")?.split_once('/')?;
    let id = id.split_once('?').map_or(id, |(id, _)| id);
    Some((kind, id.parse().ok()?))
}
