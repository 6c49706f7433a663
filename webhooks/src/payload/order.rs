//! Orders: whole, edited, deleted.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{
    Address, Customer, DiscountCode, Fulfillment, LineItem, MoneySet, OfKind, Refund, or_empty,
};

/// A whole order: the body of `orders/create`, `updated`, `paid`, `cancelled`, `fulfilled` and `partially_fulfilled`.
///
/// Whether it is cancelled or paid is what its fields say, whichever of these topics brought it.
///
/// ```
/// use shopify_webhooks::payload::Order;
///
/// let order: Order = serde_json::from_str(r##"{"id":820982911946154508,"name":"#UK22080","currency":"GBP",
///     "total_price":"404.95","tags":"vip, gift","email":"jane@example.com",
///     "created_at":"2026-03-30T10:30:00-04:00","updated_at":"2026-03-30T10:31:00-04:00"}"##)?;
/// assert_eq!(order.id, 820_982_911_946_154_508);
/// assert_eq!(order.tags().collect::<Vec<_>>(), ["vip", "gift"]);
/// assert!(!format!("{order:?}").contains("jane"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Order {
    /// The order's id.
    pub id: u64,
    /// `gid://shopify/Order/{id}`: its id in GraphQL.
    pub admin_graphql_api_id: Option<String>,
    /// The number that the customer knows, with the shop's prefix and suffix: `#UK22080`.
    pub name: String,
    /// The customer's email for this order.
    pub email: Option<String>,
    /// The customer's phone number for this order.
    pub phone: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When anything in it last changed, to the second: two states can share it.
    pub updated_at: DateTime<Utc>,
    /// When it was placed; an imported order was placed before it was made.
    pub processed_at: Option<DateTime<Utc>>,
    /// When it was cancelled.
    pub cancelled_at: Option<DateTime<Utc>>,
    /// Why: `customer`, `fraud`, `inventory`, `declined`, `staff`, `other`.
    pub cancel_reason: Option<String>,
    /// When it was closed (archived).
    pub closed_at: Option<DateTime<Utc>>,
    /// `pending`, `authorized`, `paid`, `partially_refunded`, `refunded`, `voided`, …
    pub financial_status: Option<String>,
    /// `fulfilled`, `partial`, `restocked`, or none yet.
    pub fulfillment_status: Option<String>,
    /// The shop's currency, ISO 4217; the plain amounts below are in it.
    pub currency: String,
    /// The currency the customer paid in.
    pub presentment_currency: Option<String>,
    /// All of it, with tax and shipping, less discounts.
    pub total_price: String,
    /// The lines, less discounts.
    pub subtotal_price: Option<String>,
    /// The discounts.
    pub total_discounts: Option<String>,
    /// The tax.
    pub total_tax: Option<String>,
    /// The shipping.
    pub total_shipping_price_set: Option<MoneySet>,
    /// The merchant's or customer's note.
    pub note: Option<String>,
    /// The tags as Shopify writes them, separated by commas; [`Order::tags`] splits them.
    #[serde(default, deserialize_with = "or_empty")]
    pub tags: String,
    /// The discount codes that were entered.
    #[serde(default, deserialize_with = "or_empty")]
    pub discount_codes: Vec<DiscountCode>,
    /// Whether it is a test order.
    #[serde(default, deserialize_with = "or_empty")]
    pub test: bool,
    /// The customer's page for this order. Whoever has it sees the order: treat it as a secret.
    pub order_status_url: Option<String>,
    /// What was ordered.
    #[serde(default, deserialize_with = "or_empty")]
    pub line_items: Vec<LineItem>,
    /// Its parcels.
    #[serde(default, deserialize_with = "or_empty")]
    pub fulfillments: Vec<Fulfillment>,
    /// Its refunds.
    #[serde(default, deserialize_with = "or_empty")]
    pub refunds: Vec<Refund>,
    /// Where it goes.
    pub shipping_address: Option<Address>,
    /// Who pays.
    pub billing_address: Option<Address>,
    /// Who ordered.
    pub customer: Option<Customer>,
}

impl Order {
    /// The tags one by one, without blanks around them.
    ///
    /// ```
    /// # use shopify_webhooks::payload::Order;
    /// # let order: Order = serde_json::from_str(r##"{"id":1,"name":"#1","currency":"GBP","total_price":"1.00","tags":"",
    /// #     "created_at":"2026-03-30T10:30:00Z","updated_at":"2026-03-30T10:30:00Z"}"##)?;
    /// assert_eq!(order.tags, "");
    /// assert_eq!(order.tags().count(), 0);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        let tags = self.tags.split(',').map(str::trim);
        tags.filter(|tag| !tag.is_empty())
    }
}

impl OfKind for Order {
    const KIND: &'static str = "Order";

    fn gid(&self) -> Option<&str> {
        self.admin_graphql_api_id.as_deref()
    }
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order")
            .field("id", &self.id)
            .field("updated_at", &self.updated_at)
            .finish_non_exhaustive()
    }
}

/// `orders/edited`: which order was edited. The order itself has to be fetched.
///
/// ```
/// use shopify_webhooks::payload::OrderEdited;
///
/// let edited: OrderEdited = serde_json::from_str(r#"{"order_edit":{"id":78912328793123782,"order_id":820982911946154508}}"#)?;
/// assert_eq!(edited.order_id, 820_982_911_946_154_508);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "OrderEditedBody")]
#[non_exhaustive]
pub struct OrderEdited {
    /// The order that was edited.
    pub order_id: u64,
    /// When the edit took effect.
    pub committed_at: Option<DateTime<Utc>>,
}

/// As it comes: one level deeper.
#[derive(Deserialize)]
struct OrderEditedBody {
    order_edit: OrderEdit,
}

#[derive(Deserialize)]
struct OrderEdit {
    order_id: u64,
    committed_at: Option<DateTime<Utc>>,
}

impl From<OrderEditedBody> for OrderEdited {
    fn from(body: OrderEditedBody) -> Self {
        Self {
            order_id: body.order_edit.order_id,
            committed_at: body.order_edit.committed_at,
        }
    }
}

/// `orders/delete`: which order is gone.
///
/// The topic is not signed, so a captured `orders/create` could be sent again as a deletion. That is why this reads only from
/// an object with the single key `id`.
///
/// ```
/// use shopify_webhooks::payload::OrderDeleted;
///
/// assert_eq!(serde_json::from_str::<OrderDeleted>(r#"{"id":820982911946154508}"#)?.id, 820_982_911_946_154_508);
/// assert!(serde_json::from_str::<OrderDeleted>(r##"{"id":820982911946154508,"name":"#1001"}"##).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct OrderDeleted {
    /// The order's id.
    pub id: u64,
}
