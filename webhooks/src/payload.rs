//! What the bodies hold, as far as a reader of orders needs it.
//!
//! - **Ids** are `u64` and exact. An id that Shopify did not write as a JSON integer (a string, a float, a negative or too
//!   large a number) is an error, never a conversion.
//! - **Money** stays the decimal text that Shopify wrote.
//! - **Times** are instants in UTC; Shopify writes them in the shop's own offset and to the second.
//! - **Words** of Shopify's enums (`financial_status`, `shipment_status`, …) stay text, because new ones appear.
//! - **Unknown fields** are ignored. What Shopify may leave out or null (a field the app has no right to see becomes null) is
//!   an `Option` or empty; what tells one kind of body from another is required.
//! - **`Debug`** shows ids and times and no personal data, so that an event in a log line leaks nothing.
//!
//! ```
//! use shopify_webhooks::payload::Fulfillment;
//!
//! let body = r#"{"id":255858046,"order_id":820982911946154508,"status":"success","shipment_status":null,
//!     "tracking_company":"UPS","tracking_numbers":["1Z2345"],"line_items":[{"id":466157049,"quantity":1}],
//!     "created_at":"2026-03-30T10:30:00-04:00","updated_at":"2026-03-30T10:30:00-04:00"}"#;
//! let parcel: Fulfillment = serde_json::from_str(body)?;
//! assert_eq!(parcel.order_id, 820_982_911_946_154_508);
//! assert_eq!(parcel.updated_at.to_rfc3339(), "2026-03-30T14:30:00+00:00");
//! assert!(!format!("{parcel:?}").contains("1Z2345"));
//! # Ok::<(), serde_json::Error>(())
//! ```

mod app;
mod customer;
mod fulfillment;
mod gid;
mod line_item;
mod money;
mod order;
mod privacy;
mod reversal;

use serde::{Deserialize, Deserializer};

pub use app::{AppUninstalled, BulkFinished, ScopesUpdate};
pub use customer::{Address, Customer};
pub use fulfillment::{Fulfillment, FulfillmentEvent, FulfillmentLineItem};
pub(crate) use gid::OfKind;
pub use line_item::LineItem;
pub use money::{DiscountCode, Money, MoneySet};
pub use order::{Order, OrderDeleted, OrderEdited};
pub use privacy::{CustomersDataRequest, CustomersRedact, DataRequest, DataSubject, ShopRedact};
pub(crate) use reversal::ReturnBody;
pub use reversal::{Refund, RefundLineItem, Return};

/// Reads a null as the type's empty value. With `#[serde(default)]` beside it the field may also be missing.
fn or_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
