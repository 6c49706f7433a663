//! What was ordered.

use serde::Deserialize;

use super::or_empty;

/// One line of an order.
///
/// ```
/// use shopify_webhooks::payload::LineItem;
///
/// let line: LineItem = serde_json::from_str(
///     r#"{"id":487817672276298554,"title":"Aviator sunglasses","quantity":2,"current_quantity":1,"price":"89.99"}"#,
/// )?;
/// assert_eq!((line.id, line.quantity, line.current_quantity), (487_817_672_276_298_554, 2, Some(1)));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct LineItem {
    /// The line's id.
    pub id: u64,
    /// The product's title when it was bought.
    #[serde(default, deserialize_with = "or_empty")]
    pub title: String,
    /// The variant's title.
    pub variant_title: Option<String>,
    /// Title and variant together.
    pub name: Option<String>,
    /// The stock keeping unit.
    pub sku: Option<String>,
    /// How many were ordered.
    pub quantity: i64,
    /// How many are left after edits, returns and refunds.
    pub current_quantity: Option<i64>,
    /// How many are still to be fulfilled.
    pub fulfillable_quantity: Option<i64>,
    /// The price of one.
    pub price: String,
    /// Whether it is shipped at all; false for a gift card.
    #[serde(default, deserialize_with = "or_empty")]
    pub requires_shipping: bool,
    /// `fulfilled`, `partial`, or none yet.
    pub fulfillment_status: Option<String>,
    /// The product, unless it was deleted or never was one.
    pub product_id: Option<u64>,
    /// The variant, likewise.
    pub variant_id: Option<u64>,
    /// Who makes it.
    pub vendor: Option<String>,
}
