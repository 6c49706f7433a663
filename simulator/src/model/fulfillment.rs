//! A shipment of some of an order's lines.

use chrono::{DateTime, Utc};

use super::status::{FulfillmentStatus, ShipmentStatus};

/// One fulfilment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fulfillment {
    pub(crate) id: u64,
    /// Its place among the order's, from 1: the name is `#UK22080-F1` in GraphQL and `#UK22080.1` in REST.
    pub(crate) ordinal: usize,
    pub(crate) status: FulfillmentStatus,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) in_transit_at: Option<DateTime<Utc>>,
    pub(crate) delivered_at: Option<DateTime<Utc>>,
    pub(crate) estimated_delivery_at: Option<DateTime<Utc>>,
    pub(crate) company: Option<String>,
    pub(crate) tracking: Vec<Tracking>,
    pub(crate) lines: Vec<FulfillmentLine>,
    pub(crate) events: Vec<Event>,
}

/// A parcel of a fulfilment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tracking {
    pub(crate) number: String,
    pub(crate) url: Option<String>,
}

/// How many of a line are in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FulfillmentLine {
    pub(crate) id: u64,
    pub(crate) line_item: u64,
    pub(crate) quantity: u32,
}

/// Something a carrier reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) id: u64,
    pub(crate) status: ShipmentStatus,
    pub(crate) message: Option<String>,
    pub(crate) happened_at: DateTime<Utc>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) estimated_delivery_at: Option<DateTime<Utc>>,
    pub(crate) city: Option<String>,
    pub(crate) province: Option<String>,
    pub(crate) country: Option<String>,
    pub(crate) zip: Option<String>,
}

impl Fulfillment {
    pub(crate) fn stands(&self) -> bool {
        self.status == FulfillmentStatus::Success
    }

    /// What the latest event says; without one REST has null.
    pub(crate) fn shipment_status(&self) -> Option<ShipmentStatus> {
        let latest = self
            .events
            .iter()
            .max_by_key(|event| (event.happened_at, event.id));
        latest.map(|event| event.status)
    }

    /// GraphQL's one word for both statuses.
    pub(crate) fn display_status(&self) -> &'static str {
        match (self.status, self.shipment_status()) {
            (FulfillmentStatus::Cancelled, _) => "CANCELED",
            (FulfillmentStatus::Error | FulfillmentStatus::Failure, _) => "FAILURE",
            (FulfillmentStatus::Success, Some(status)) => status.graphql(),
            (FulfillmentStatus::Success, None) if self.tracking.is_empty() => "MARKED_AS_FULFILLED",
            (FulfillmentStatus::Success, None) => "FULFILLED",
        }
    }

    pub(crate) fn total_quantity(&self) -> u32 {
        self.lines.iter().map(|line| line.quantity).sum()
    }

    /// Sets the times that follow from the events, after one came or went.
    pub(crate) fn settle_times(&mut self) {
        let when = |status| {
            let of_status = self.events.iter().filter(|event| event.status == status);
            of_status.map(|event| event.happened_at).max()
        };
        let (in_transit, delivered) = (
            when(ShipmentStatus::InTransit),
            when(ShipmentStatus::Delivered),
        );
        let estimate = self
            .events
            .iter()
            .filter(|event| event.estimated_delivery_at.is_some())
            .max_by_key(|event| (event.happened_at, event.id))
            .and_then(|event| event.estimated_delivery_at);
        self.in_transit_at = in_transit;
        self.delivered_at = delivered;
        self.estimated_delivery_at = estimate;
    }
}
