//! The set of facets, and the merge: commutative, associative, idempotent, and never back.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    CarrierFacts, Event, EventId, Facet, Fulfillment, FulfillmentId, Head, Observation, OrderId,
    Standing, Version,
};

/// All that is known of one order, or what one mouth just said of it: the two have one shape, so that merging is all there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Which order.
    pub id: OrderId,
    /// When the whole of it was last confirmed; `None` in partial news.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Observation>,
    /// Everything but its parcels; `None` in partial news.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Facet<Head>>,
    /// What only the API tells of it as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Facet<Standing>>,
    /// Its fulfilments.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fulfillments: BTreeMap<FulfillmentId, Facet<Fulfillment>>,
    /// What only the API tells of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub carrier: BTreeMap<FulfillmentId, Facet<CarrierFacts>>,
    /// Their tracking events.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub events: BTreeMap<EventId, EventFacet>,
}

/// A tracking event, or the news that it was deleted. Shopify never takes a deletion back, so it outranks any version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventFacet {
    /// It happened.
    Happened(Facet<Event>),
    /// It was deleted.
    Deleted,
}

/// An order, or the memory that it is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderState {
    /// It is there.
    Present(Box<Order>),
    /// It was deleted or redacted; whatever else is said of it does not bring it back while this is remembered.
    Gone(Tombstone),
}

/// The memory of a deletion, kept longer than any redelivery can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tombstone {
    /// Which order.
    pub id: OrderId,
    /// When the deletion was observed.
    pub at: DateTime<Utc>,
}

impl OrderState {
    /// Which order this is about.
    pub fn id(&self) -> OrderId {
        match self {
            Self::Present(order) => order.id,
            Self::Gone(tombstone) => tombstone.id,
        }
    }

    /// What is known once both are: the newest value of each facet, and a deletion above all.
    ///
    /// Both must be about the same order; the receiver's id wins otherwise, which callers rule out by keying on the id.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        match (self, other) {
            (Self::Present(mut order), Self::Present(news)) => {
                order.merge(*news);
                Self::Present(order)
            }
            (Self::Gone(a), Self::Gone(b)) => Self::Gone(a.max(b)),
            (Self::Gone(tombstone), Self::Present(_))
            | (Self::Present(_), Self::Gone(tombstone)) => Self::Gone(tombstone),
        }
    }
}

impl Order {
    /// An order of which nothing is known yet.
    pub fn unknown(id: OrderId) -> Self {
        Self {
            id,
            as_of: None,
            head: None,
            standing: None,
            fulfillments: BTreeMap::new(),
            carrier: BTreeMap::new(),
            events: BTreeMap::new(),
        }
    }

    /// Takes in `news`, keeping the newest value of each facet.
    pub fn merge(&mut self, news: Self) {
        self.as_of = self.as_of.max(news.as_of);
        merge_facets(&mut self.head, news.head);
        merge_facets(&mut self.standing, news.standing);
        merge_maps(&mut self.fulfillments, news.fulfillments);
        merge_maps(&mut self.carrier, news.carrier);
        merge_maps(&mut self.events, news.events);
    }

    /// Whether the order as a whole is known, and so can be served.
    pub fn is_whole(&self) -> bool {
        self.as_of.is_some() && self.head.is_some()
    }

    /// Whether both hold the same values, whenever they were observed.
    pub fn says_the_same(&self, other: &Self) -> bool {
        fn values<K: Ord, T>(facets: &BTreeMap<K, Facet<T>>) -> impl Iterator<Item = (&K, &T)> {
            facets.iter().map(|(id, facet)| (id, &facet.value))
        }
        self.head.as_ref().map(|head| &head.value) == other.head.as_ref().map(|head| &head.value)
            && self.standing_or_none() == other.standing_or_none()
            && values(&self.fulfillments).eq(values(&other.fulfillments))
            && values(&self.carrier).eq(values(&other.carrier))
            && self.events().eq(other.events())
    }

    /// What only the API tells of it; whoever was not told of anything special has nothing special to tell.
    fn standing_or_none(&self) -> Standing {
        let standing = self.standing.as_ref();
        standing.map_or_else(Standing::default, |facet| facet.value.clone())
    }

    /// The newest `updated_at` of anything in it: how far Shopify had come when this was said.
    pub fn newest(&self) -> Option<DateTime<Utc>> {
        self.versions().map(|version| version.updated_at).max()
    }

    /// When the newest part of it was observed.
    pub fn observed_at(&self) -> Option<DateTime<Utc>> {
        self.versions().map(|version| version.observed_at).max()
    }

    /// The events that still stand, without regard to order: not deleted, and not left out by a newer complete listing.
    pub fn events(&self) -> impl Iterator<Item = (EventId, &Event)> {
        self.events.iter().filter_map(|(id, event)| match event {
            EventFacet::Happened(event) if !self.is_left_out(*id, event) => {
                Some((*id, &event.value))
            }
            EventFacet::Happened(_) | EventFacet::Deleted => None,
        })
    }

    fn versions(&self) -> impl Iterator<Item = Version> {
        let head = self.head.iter().map(|head| head.version);
        let parcels = self.fulfillments.values().map(|facet| facet.version);
        let events = self.events.values().filter_map(EventFacet::version);
        head.chain(parcels).chain(events)
    }

    fn is_left_out(&self, id: EventId, event: &Facet<Event>) -> bool {
        self.carrier
            .get(&event.value.fulfillment)
            .is_some_and(|facts| {
                let listing = &facts.value.listing;
                listing.complete && facts.version > event.version && !listing.ids.contains(&id)
            })
    }
}

impl EventFacet {
    /// Its version; a deletion has none, being final.
    pub fn version(&self) -> Option<Version> {
        match self {
            Self::Happened(event) => Some(event.version),
            Self::Deleted => None,
        }
    }
}

/// Keeps the newer of two facets, or the one there is.
fn merge_facets<T: Ord>(known: &mut Option<Facet<T>>, news: Option<Facet<T>>) {
    match (known, news) {
        (Some(known), Some(news)) => known.merge(news),
        (known @ None, news) => *known = news,
        (Some(_), None) => {}
    }
}

/// Keeps the greater value of each key. (`Facet` orders by version, `EventFacet` puts a deletion on top.)
fn merge_maps<K: Ord, V: Ord>(into: &mut BTreeMap<K, V>, news: BTreeMap<K, V>) {
    for (id, value) in news {
        match into.get_mut(&id) {
            Some(known) if *known >= value => {}
            Some(known) => *known = value,
            None => {
                into.insert(id, value);
            }
        }
    }
}

#[cfg(test)]
mod tests;
