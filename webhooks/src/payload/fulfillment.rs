//! Parcels, and what carriers report of them.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{OfKind, or_empty};

/// A fulfilment: one parcel, or what of an order was sent together. `Debug` shows ids and times only.
///
/// The key `line_items` is required, because it tells a fulfilment from the events and refunds that have the same ids.
///
/// ```
/// use shopify_webhooks::payload::Fulfillment;
///
/// let parcel: Fulfillment = serde_json::from_str(r#"{"id":255858046,"order_id":450789469,"status":"success",
///     "tracking_number":"1Z2345","tracking_numbers":["1Z2345","1Z2346"],"tracking_urls":null,"line_items":[],
///     "created_at":"2026-03-30T10:30:00-04:00","updated_at":"2026-03-30T10:30:00-04:00"}"#)?;
/// assert_eq!(parcel.tracking_numbers.len(), 2);
/// assert!(parcel.tracking_urls.is_empty());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Fulfillment {
    /// The fulfilment's id.
    pub id: u64,
    /// `gid://shopify/Fulfillment/{id}`: its id in GraphQL.
    pub admin_graphql_api_id: Option<String>,
    /// The order it belongs to.
    pub order_id: u64,
    /// Its name: the order's, a dot, and a number.
    pub name: Option<String>,
    /// `pending`, `open`, `success`, `cancelled`, `error`, `failure`: of the making of it, not of the parcel.
    pub status: Option<String>,
    /// What the carrier last said: `in_transit`, `out_for_delivery`, `delivered`, …
    pub shipment_status: Option<String>,
    /// The carrier.
    pub tracking_company: Option<String>,
    /// The first tracking number.
    pub tracking_number: Option<String>,
    /// All tracking numbers.
    #[serde(default, deserialize_with = "or_empty")]
    pub tracking_numbers: Vec<String>,
    /// The first tracking page.
    pub tracking_url: Option<String>,
    /// All tracking pages.
    #[serde(default, deserialize_with = "or_empty")]
    pub tracking_urls: Vec<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// What is in it.
    #[serde(deserialize_with = "or_empty")]
    pub line_items: Vec<FulfillmentLineItem>,
}

impl OfKind for Fulfillment {
    const KIND: &'static str = "Fulfillment";

    fn gid(&self) -> Option<&str> {
        self.admin_graphql_api_id.as_deref()
    }
}

impl fmt::Debug for Fulfillment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fulfillment")
            .field("id", &self.id)
            .field("order_id", &self.order_id)
            .field("updated_at", &self.updated_at)
            .finish_non_exhaustive()
    }
}

/// A line of an order as far as it is in this parcel: `quantity` is what is in the parcel.
///
/// ```
/// use shopify_webhooks::payload::FulfillmentLineItem;
///
/// let line: FulfillmentLineItem = serde_json::from_str(r#"{"id":466157049,"quantity":1,"sku":null}"#)?;
/// assert_eq!((line.id, line.quantity), (466_157_049, 1));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct FulfillmentLineItem {
    /// The id of the order's line.
    pub id: u64,
    /// How many are in this parcel.
    pub quantity: i64,
    /// The product's title.
    #[serde(default, deserialize_with = "or_empty")]
    pub title: String,
    /// The variant's title.
    pub variant_title: Option<String>,
    /// Title and variant together.
    pub name: Option<String>,
    /// The stock keeping unit.
    pub sku: Option<String>,
    /// The price of one.
    pub price: Option<String>,
    /// The product, unless it was deleted or never was one.
    pub product_id: Option<u64>,
    /// The variant, likewise.
    pub variant_id: Option<u64>,
}

/// What a carrier reported of a parcel, and where. `Debug` shows ids, status and time only.
///
/// ```
/// use shopify_webhooks::payload::FulfillmentEvent;
///
/// let event: FulfillmentEvent = serde_json::from_str(r#"{"id":944956391,"fulfillment_id":255858046,"order_id":450789469,
///     "status":"in_transit","city":"Leeds","happened_at":"2026-03-30T10:30:00-04:00",
///     "created_at":"2026-03-30T10:30:05-04:00","updated_at":"2026-03-30T10:30:05-04:00"}"#)?;
/// assert_eq!(event.status, "in_transit");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct FulfillmentEvent {
    /// The event's id.
    pub id: u64,
    /// `gid://shopify/FulfillmentEvent/{id}`: its id in GraphQL.
    pub admin_graphql_api_id: Option<String>,
    /// The parcel.
    pub fulfillment_id: u64,
    /// The order.
    pub order_id: u64,
    /// `confirmed`, `in_transit`, `out_for_delivery`, `delivered`, `failure`, …
    pub status: String,
    /// The carrier's words.
    pub message: Option<String>,
    /// When it happened.
    pub happened_at: Option<DateTime<Utc>>,
    /// When Shopify recorded it.
    pub created_at: DateTime<Utc>,
    /// When the record last changed.
    pub updated_at: DateTime<Utc>,
    /// When the carrier expects to deliver.
    pub estimated_delivery_at: Option<DateTime<Utc>>,
    /// Where it happened: the street.
    pub address1: Option<String>,
    /// The city.
    pub city: Option<String>,
    /// The state, county or province.
    pub province: Option<String>,
    /// The postcode.
    pub zip: Option<String>,
    /// The country.
    pub country: Option<String>,
}

impl OfKind for FulfillmentEvent {
    const KIND: &'static str = "FulfillmentEvent";

    fn gid(&self) -> Option<&str> {
        self.admin_graphql_api_id.as_deref()
    }
}

impl fmt::Debug for FulfillmentEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FulfillmentEvent")
            .field("id", &self.id)
            .field("fulfillment_id", &self.fulfillment_id)
            .field("order_id", &self.order_id)
            .field("status", &self.status)
            .field("updated_at", &self.updated_at)
            .finish_non_exhaustive()
    }
}
