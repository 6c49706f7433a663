//! The log of deliveries.

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::Parcel;

/// A webhook and what became of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Delivery {
    /// `orders/updated`.
    pub topic: String,
    /// `X-Shopify-Webhook-Id`: this delivery's own, also on retries.
    pub webhook_id: String,
    /// `X-Shopify-Event-Id`: shared by all that one action produced.
    pub event_id: String,
    /// The order it is about, if any.
    pub order: Option<u64>,
    /// The bytes that were signed.
    pub body: Bytes,
    /// When what it tells of happened.
    pub triggered_at: DateTime<Utc>,
    /// Each time it was sent.
    pub attempts: Vec<Attempt>,
    /// How it stands.
    pub outcome: DeliveryOutcome,
    pub(super) parcel: Parcel,
}

/// One time that it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// When, by the simulator's clock.
    pub at: DateTime<Utc>,
    /// The status of the answer, if one came in time.
    pub status: Option<u16>,
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryOutcome {
    /// Not sent yet, or to be sent again.
    Pending,
    /// Answered with a 2xx.
    Delivered,
    /// Given up after every retry.
    GivenUp,
    /// A fault swallowed it.
    Dropped,
}

impl Delivery {
    pub(super) fn of(parcel: &Parcel, order: Option<u64>) -> Self {
        Self {
            topic: parcel.topic.clone(),
            webhook_id: parcel.webhook_id.clone(),
            event_id: parcel.event_id.clone(),
            order,
            body: parcel.body.clone(),
            triggered_at: parcel.triggered_at,
            attempts: Vec::new(),
            outcome: DeliveryOutcome::Pending,
            parcel: parcel.clone(),
        }
    }
}
