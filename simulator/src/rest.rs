//! The shop as webhooks tell it: REST's shapes, spelled as in Shopify's sample payloads of 2026-07 and later.

mod fulfillment;
mod line;
mod order;
mod parts;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::model::{Fulfillment, Order, ShopFacts, gid};

pub(crate) use fulfillment::{event, fulfillment};
pub(crate) use order::order;
pub(crate) use parts::refund;

/// What a rendering needs besides its subject.
#[derive(Clone, Copy)]
pub(crate) struct Renderer<'a> {
    pub(crate) facts: &'a ShopFacts,
}

impl Renderer<'_> {
    /// A time in the shop's zone, to the second: `2021-12-31T19:00:00-05:00`.
    fn time(self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.facts.zone)
            .to_rfc3339_opts(SecondsFormat::Secs, false)
    }

    fn time_or_null(self, at: Option<DateTime<Utc>>) -> Value {
        at.map_or(Value::Null, |at| self.time(at).into())
    }
}

/// The body of `orders/edited`.
pub(crate) fn order_edit(
    render: Renderer<'_>,
    order: &Order,
    id: u64,
    additions: &[(u64, u32)],
    removals: &[(u64, u32)],
) -> Value {
    let deltas = |lines: &[(u64, u32)]| -> Vec<Value> {
        let lines = lines.iter();
        lines
            .map(|(id, delta)| json!({ "id": id, "delta": delta }))
            .collect()
    };
    let at = render.time(order.updated_at);
    json!({ "order_edit": {
        "id": id, "app_id": null, "created_at": at, "committed_at": at, "notify_customer": false,
        "order_id": order.id, "staff_note": "", "user_id": null,
        "line_items": { "additions": deltas(additions), "removals": deltas(removals) },
        "discounts": { "line_item": { "additions": [], "removals": [] } },
        "shipping_lines": { "additions": [], "removals": [] },
    } })
}

/// The name REST gives a fulfilment: `#UK22080.1`.
fn fulfillment_name(order: &Order, fulfillment: &Fulfillment) -> String {
    format!("{}.{}", order.name, fulfillment.ordinal)
}

/// `admin_graphql_api_id`.
fn api_id(kind: &str, id: u64) -> Value {
    gid(kind, id).into()
}

/// `{shop_money, presentment_money}` of one amount.
fn money_set(order: &Order, minor: i64) -> Value {
    let money =
        json!({ "amount": order.currency.rest(minor), "currency_code": order.currency.code() });
    json!({ "shop_money": money, "presentment_money": money })
}
