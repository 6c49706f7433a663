//! Which webhooks a change should have come with: what tells a sweep that one was lost.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{EventFacet, Order};

/// News that Shopify announces by a webhook of its own.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
pub enum Announcement {
    /// The order was placed.
    #[serde(rename = "orders/create")]
    OrderCreated,
    /// Something about it changed.
    #[serde(rename = "orders/updated")]
    OrderUpdated,
    /// It was cancelled.
    #[serde(rename = "orders/cancelled")]
    OrderCancelled,
    /// A parcel was handed over.
    #[serde(rename = "fulfillments/create")]
    FulfillmentCreated,
    /// Something about a parcel changed.
    #[serde(rename = "fulfillments/update")]
    FulfillmentUpdated,
    /// A carrier reported a step.
    #[serde(rename = "fulfillment_events/create")]
    EventCreated,
}

impl Order {
    /// What should have been announced for `before` to become this order. Empty where only a read could tell: a carrier's estimate, a
    /// line that payloads leave out.
    pub fn announcements_since(&self, before: Option<&Self>) -> BTreeSet<Announcement> {
        let Some(before) = before else {
            return BTreeSet::from([Announcement::OrderCreated]);
        };
        let mut announcements = BTreeSet::new();
        if let (Some(was), Some(is)) = (&before.head, &self.head)
            && was.value != is.value
        {
            announcements.insert(
                if was.value.cancelled_at.is_none() && is.value.cancelled_at.is_some() {
                    Announcement::OrderCancelled
                } else {
                    Announcement::OrderUpdated
                },
            );
        }
        for (id, is) in &self.fulfillments {
            match before.fulfillments.get(id) {
                None => {
                    announcements.insert(Announcement::FulfillmentCreated);
                    // What ships moves the order's own status, too.
                    announcements.insert(Announcement::OrderUpdated);
                }
                Some(was) if was.value != is.value => {
                    announcements.insert(Announcement::FulfillmentUpdated);
                    if was.value.is_live() != is.value.is_live() {
                        announcements.insert(Announcement::OrderUpdated);
                    }
                }
                Some(_the_same) => {}
            }
        }
        let is_new = |(id, event): (_, &EventFacet)| {
            matches!(event, EventFacet::Happened(_)) && !before.events.contains_key(id)
        };
        if self.events.iter().any(is_new) {
            announcements.insert(Announcement::EventCreated);
        }
        announcements
    }
}
