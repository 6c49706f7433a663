//! The stored form of an order: what a lookup returns, for readers in any language, and below `_meta` the facets it was
//! rendered from, which are what we read back.

use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::{
    order::{Order, OrderAnswer, TrackingAnswer},
    site::SiteCode,
};

/// Raised when the facets' shape changes: a value of another format is fetched anew, never misread.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct StoredOrder<'a> {
    #[serde(flatten)]
    answer: OrderAnswer,
    #[serde(rename = "_meta")]
    meta: MetaRef<'a>,
}

#[derive(Serialize)]
struct MetaRef<'a> {
    format: u32,
    facets: &'a Order,
}

#[derive(Deserialize)]
struct StoredFormat {
    #[serde(rename = "_meta")]
    meta: MetaFormat,
}

#[derive(Deserialize)]
struct MetaFormat {
    format: u32,
}

#[derive(Deserialize)]
struct StoredFacets {
    #[serde(rename = "_meta")]
    meta: MetaFacets,
}

#[derive(Deserialize)]
struct MetaFacets {
    facets: Order,
}

/// The values of an order's two keys; `None` for an order without a head, which is never stored.
pub(super) fn encode(order: &Order, site: &SiteCode) -> Option<(String, String)> {
    let answer = OrderAnswer::of(order, site.as_str())?;
    let stored = StoredOrder {
        answer,
        meta: MetaRef {
            format: FORMAT,
            facets: order,
        },
    };
    let order_json = serde_json::to_string(&stored).ok()?;
    let tracking_json = serde_json::to_string(&TrackingAnswer::of(order)?).ok()?;
    Some((order_json, tracking_json))
}

/// The order of a stored value. Whatever cannot be read counts as not cached, and is written over by the next news.
pub(super) fn decode(value: &str) -> Option<Order> {
    // Redis' script has no other word for a key that is not there: nothing to warn of.
    if value.is_empty() {
        return None;
    }
    match serde_json::from_str::<StoredFormat>(value) {
        Ok(stored) if stored.meta.format == FORMAT => {}
        Ok(_) | Err(_) => {
            warn!(
                "a cached order is of another format than this version writes, and will be fetched anew"
            );
            return None;
        }
    }
    match serde_json::from_str::<StoredFacets>(value) {
        Ok(stored) => Some(stored.meta.facets),
        Err(error) => {
            // Where, not what: the value is a customer's.
            warn!(
                column = error.column(),
                "a cached order cannot be read, and will be fetched anew"
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The form of format 1. If this test must change, raise [`FORMAT`].
    const FORMAT_1: &str = r##"{"order_id":"5551","_meta":{"format":1,"facets":{"id":5551,"as_of":{"at":"2026-11-20T10:00:00Z","source":"webhook"},"head":{"ver":{"u":"2026-11-20T09:59:58Z","o":"2026-11-20T10:00:00Z"},"val":{"name":"#UK1","created_at":"2026-11-20T09:00:00Z","currency":"GBP","total_price":"10.00","line_items":[{"id":1,"title":"Shirt","quantity":1,"current_quantity":1,"price":"10.00","requires_shipping":true}]}},"fulfillments":{"7":{"ver":{"u":"2026-11-20T09:59:58Z","o":"2026-11-20T10:00:00Z"},"val":{"created_at":"2026-11-20T09:30:00Z","status":"success","items":[{"line_item":1,"quantity":1}]}}},"carrier":{"7":{"ver":{"u":"2026-11-20T09:59:58Z","o":"2026-11-20T10:00:00Z"},"val":{"listing":{"ids":[9],"complete":true}}}},"events":{"9":{"happened":{"ver":{"u":"2026-11-20T09:59:58Z","o":"2026-11-20T10:00:00Z"},"val":{"happened_at":"2026-11-20T09:59:58Z","fulfillment":7,"status":"in_transit"}}}}}}}"##;

    #[test]
    fn the_stored_form_is_pinned() {
        let order = decode(FORMAT_1).unwrap();
        let site = "uk".parse().unwrap();
        let (order_json, _) = encode(&order, &site).unwrap();
        let facets =
            |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap()["_meta"].clone();
        assert_eq!(facets(&order_json), facets(FORMAT_1));
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&order_json).unwrap()["fulfillments"][0]["shipment_status"],
            "in_transit"
        );
    }

    #[test]
    fn other_forms_count_as_not_cached() {
        for value in [
            "",
            "-",
            "{}",
            "null",
            "\u{0}",
            r#"{"_meta":{"format":2}}"#,
            r#"{"_meta":{"format":1,"facets":{}}}"#,
        ] {
            assert!(decode(value).is_none(), "{value:?}");
        }
    }
}
