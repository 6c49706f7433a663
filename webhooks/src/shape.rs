//! Whether a body has the shape of its topic, for the topics that destroy data.
//!
//! Required fields alone do not keep a longer body out: every order has the `id` that a deletion needs. So for these topics the
//! names at the top level are looked at, and nothing else.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::decode::{Failure, Fault, read};

/// Fields of orders, fulfilments, their events, refunds and returns.
const OF_AN_ORDER: &[&str] = &[
    "admin_graphql_api_id",
    "order_id",
    "order_edit",
    "order",
    "line_items",
    "fulfillments",
    "tracking_number",
    "financial_status",
    "total_price",
];

/// Fields of a request for a customer's data.
const OF_A_DATA_REQUEST: &[&str] = &["orders_requested", "data_request"];

/// Fields of a customer's redaction.
const OF_A_CUSTOMER: &[&str] = &["customer", "orders_to_redact"];

/// Not in `orders/delete`, which has an id and nothing else.
pub(crate) fn foreign_to_order_deletion(name: &str) -> bool {
    name != "id"
}

/// Not in `customers/redact`.
pub(crate) fn foreign_to_customer_redaction(name: &str) -> bool {
    name == "id" || OF_AN_ORDER.contains(&name) || OF_A_DATA_REQUEST.contains(&name)
}

/// Not in `shop/redact`. A customer's redaction has all of its fields, so it must be kept from erasing the whole shop.
pub(crate) fn foreign_to_shop_redaction(name: &str) -> bool {
    foreign_to_customer_redaction(name) || OF_A_CUSTOMER.contains(&name)
}

/// Not in `app/uninstalled`, whose body is a shop.
pub(crate) fn foreign_to_shop(name: &str) -> bool {
    OF_AN_ORDER.contains(&name)
}

/// Reads a body, unless a name at its top level is foreign to its topic.
pub(crate) fn read_own<T: DeserializeOwned>(
    body: &[u8],
    is_foreign: fn(&str) -> bool,
) -> Result<T, Failure> {
    let Names(names) = read(body)?;
    if names.iter().any(|name| is_foreign(name)) {
        return Err(Fault::OtherTopic.into());
    }
    read(body)
}

/// The names at the top level of an object.
struct Names(BTreeSet<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
        let mut names = BTreeSet::new();
        while let Some((name, IgnoredAny)) = map.next_entry()? {
            names.insert(name);
        }
        Ok(Names(names))
    }
}
