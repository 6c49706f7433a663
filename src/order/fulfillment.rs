//! A fulfilment and its tracking, as three kinds of facets: what every mouth tells, what only the API tells, and events.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{EventId, FulfillmentId, LineItemId};

/// What payloads and the API both tell of a fulfilment. Versioned by the fulfilment's `updated_at`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fulfillment {
    /// When it was made: when the parcel was handed over, as far as Shopify knows.
    pub created_at: DateTime<Utc>,
    /// `success`, `cancelled`, `error`, `failure`, `open`, `pending`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// What the carrier said last: `in_transit`, `delivered` …; `None` until a carrier says anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipment_status: Option<String>,
    /// The carrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_company: Option<String>,
    /// Tracking numbers, in Shopify's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tracking_numbers: Vec<String>,
    /// Tracking links, in Shopify's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tracking_urls: Vec<String>,
    /// What is in the parcel, sorted by line item.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ShippedItem>,
}

impl Fulfillment {
    /// Whether the parcel counts: a cancelled or failed fulfilment ships nothing.
    pub fn is_live(&self) -> bool {
        !matches!(
            self.status.as_deref(),
            Some("cancelled" | "error" | "failure")
        )
    }

    /// Clears what a mouth may still say of a dead fulfilment: GraphQL's `CANCELED` hides the last shipment status that a
    /// payload goes on repeating, and neither is news to a customer.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        if !self.is_live() {
            self.shipment_status = None;
        }
        self.items.sort_unstable();
        self
    }
}

/// So many of a line item in a parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ShippedItem {
    /// Which line.
    pub line_item: LineItemId,
    /// How many of it.
    pub quantity: u32,
}

/// What only the API tells of a fulfilment. Versioned like the fulfilment.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CarrierFacts {
    /// When the carrier handed it over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<DateTime<Utc>>,
    /// When the carrier means to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_delivery_at: Option<DateTime<Utc>>,
    /// The events the API listed.
    pub listing: EventListing,
}

/// Which events a read showed. An older event that a complete listing leaves out has been deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EventListing {
    /// The events shown.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ids: BTreeSet<EventId>,
    /// Whether that was all of them.
    pub complete: bool,
}

/// One step of a parcel, as its carrier reported it. Versioned by its `created_at`: events do not change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Event {
    /// When it happened, which is what orders events.
    pub happened_at: DateTime<Utc>,
    /// Whose it is.
    pub fulfillment: FulfillmentId,
    /// `in_transit`, `delivered` …
    pub status: String,
    /// The carrier's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What the carrier promised with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_delivery_at: Option<DateTime<Utc>>,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub province: Option<String>,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zip: Option<String>,
}
