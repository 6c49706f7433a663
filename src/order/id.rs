//! Shopify's numeric ids: 64-bit, beyond what a float holds, so they never pass through one.

use std::{fmt, num::NonZeroU64, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An id that is no positive 64-bit number, and no `gid://shopify/…` of the right type.
#[derive(Debug, Error, PartialEq, Eq, Clone, Copy)]
#[error("not a Shopify id: expected digits, at most 18446744073709551615")]
pub struct BadId;

/// Defines one id newtype and its GraphQL type name, so that ids of different resources cannot be mixed up.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $graphql:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(NonZeroU64);

        impl $name {
            /// The id of a payload's number; `None` for zero, which Shopify never gives.
            pub fn new(id: u64) -> Option<Self> {
                NonZeroU64::new(id).map(Self)
            }

            /// The bare number.
            pub fn get(self) -> u64 {
                self.0.get()
            }

            /// The id as GraphQL names it: `gid://shopify/<Type>/<number>`.
            pub fn gid(self) -> String {
                format!(concat!("gid://shopify/", $graphql, "/{}"), self.0)
            }

            /// Reads the number out of `gid://shopify/<Type>/<number>` (a query such as `?x=y` behind it is passed over).
            pub fn from_gid(gid: &str) -> Result<Self, BadId> {
                let rest = gid.strip_prefix(concat!("gid://shopify/", $graphql, "/")).ok_or(BadId)?;
                rest.split('?').next().unwrap_or(rest).parse()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                // `u64::from_str` would take a leading `+`, which is no id.
                if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(BadId);
                }
                text.parse().map(Self).map_err(|_overflow_or_zero| BadId)
            }
        }
    )+};
}

ids! {
    /// An order.
    OrderId = "Order";
    /// A fulfilment: one parcel, or several with one label.
    FulfillmentId = "Fulfillment";
    /// A line item of an order.
    LineItemId = "LineItem";
    /// A tracking event of a fulfilment.
    EventId = "FulfillmentEvent";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_beyond_the_floats_are_exact() {
        let id = OrderId::from_gid("gid://shopify/Order/820982911946154508").unwrap();
        assert_eq!(id.get(), 820_982_911_946_154_508);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.gid(), "gid://shopify/Order/820982911946154508");
    }

    #[test]
    fn whatever_is_no_id_is_refused() {
        for text in [
            "",
            "0",
            "+5",
            "-5",
            " 5",
            "5a",
            "1e3",
            "18446744073709551616",
            "５",
        ] {
            assert_eq!(text.parse::<OrderId>(), Err(BadId), "{text:?}");
        }
        assert_eq!(OrderId::from_gid("gid://shopify/Product/5"), Err(BadId));
    }
}
