//! An order as a set of facets, each a value with a version, and the merge that never goes back.
//!
//! Shopify tells of one order through many mouths (full payloads, partial ones, API reads that can be older than the
//! webhook that asked for them, redeliveries). Each of them becomes an [`OrderState`]; merging two keeps the newest value
//! of every facet, so it does not matter in which order, how often, or from where the news arrives.
//!
//! This module imports none of ours: wire formats are turned into it beside the wire types.

mod announcement;
mod answer;
mod carrier;
mod email;
mod facet;
mod fulfillment;
mod head;
mod id;
mod merge;
mod money;
mod number;
mod standing;
mod verify;
mod vocabulary;

pub use announcement::Announcement;
pub use answer::{OrderAnswer, TrackingAnswer};
pub use email::{BadEmail, Email};
pub use facet::{Facet, Observation, Source, Version};
pub use fulfillment::{CarrierFacts, Event, EventListing, Fulfillment, ShippedItem};
pub use head::{Address, Head, LineItem};
pub use id::{BadId, EventId, FulfillmentId, LineItemId, OrderId};
pub use merge::{EventFacet, Order, OrderState, Tombstone};
pub use money::Money;
pub use number::{BadOrderNumber, NumberFormat, OrderNumber};
pub use standing::Standing;
pub use verify::{BadContact, Contact};
pub use vocabulary::{Subject, Words};

/// A word as Shopify's REST payloads spell it: lower case, and `None` for the empty text.
///
/// GraphQL says `IN_TRANSIT` where a payload says `in_transit`; one spelling lets both mouths agree, and a word of the
/// future passes through unharmed.
pub fn word(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_ascii_lowercase())
}

/// `Some(text)` unless it is empty: Shopify says `""` through one mouth and `null` through the other.
pub fn text(text: Option<&str>) -> Option<String> {
    text.map(str::trim)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}
