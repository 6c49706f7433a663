//! The order's head: everything but its parcels.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Email, LineItemId, Money};

/// What an order says of itself, in Shopify's REST words. One facet, versioned by the order's `updated_at`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Head {
    /// The number as Shopify names it: `#UK22080`.
    pub name: String,
    /// When the order was placed.
    pub created_at: DateTime<Utc>,
    /// When it was cancelled, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_at: Option<DateTime<Utc>>,
    /// When the shop had nothing left to do for it, if that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<DateTime<Utc>>,
    /// `paid`, `pending`, `refunded` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub financial_status: Option<String>,
    /// `fulfilled`, `partial`, `restocked`, or `None` while nothing has shipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fulfillment_status: Option<String>,
    /// The shop's currency, ISO 4217; all amounts are in it.
    pub currency: String,
    /// What the order came to.
    pub total_price: Money,
    /// Before shipping and tax.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtotal_price: Option<Money>,
    /// Shipping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_shipping: Option<Money>,
    /// Discounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_discounts: Option<Money>,
    /// Taxes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_tax: Option<Money>,
    /// The order's e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The name on the shipping address, else on the bill: needs no scope beyond `read_orders`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_name: Option<String>,
    /// Where the parcel goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping_address: Option<Address>,
    /// The buyer's note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Sorted, without doubles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Codes the buyer typed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discount_codes: Vec<String>,
    /// Sorted by id, which is the order they were added in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub line_items: Vec<LineItem>,
    /// A test order of the payment gateway.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
}

impl Head {
    /// The order's e-mail address in the one spelling, if it has one.
    pub fn customer(&self) -> Option<Email> {
        Email::parse(self.email.as_deref()?).ok()
    }

    /// Puts lists into the one order both mouths share.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        self.tags.sort_unstable();
        self.tags.dedup();
        self.line_items.sort_unstable_by_key(|item| item.id);
        self
    }
}

/// One line of the order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LineItem {
    /// Its id; parcels name their contents by it.
    pub id: LineItemId,
    /// The product's title.
    pub title: String,
    /// The variant's title, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant_title: Option<String>,
    /// The stock keeping unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// How many were ordered.
    pub quantity: u32,
    /// How many are left after edits and refunds.
    pub current_quantity: u32,
    /// One of them, before discounts.
    pub price: Money,
    /// Whether it goes into a parcel at all.
    pub requires_shipping: bool,
}

/// A postal address.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[expect(
    missing_docs,
    reason = "the fields are Shopify's own words for the parts of an address"
)]
pub struct Address {
    pub name: Option<String>,
    pub company: Option<String>,
    pub address1: Option<String>,
    pub address2: Option<String>,
    pub city: Option<String>,
    pub province: Option<String>,
    pub province_code: Option<String>,
    pub zip: Option<String>,
    pub country: Option<String>,
    pub country_code: Option<String>,
    pub phone: Option<String>,
}
