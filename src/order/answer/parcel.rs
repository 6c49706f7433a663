//! One fulfilment with all that is known of it: its facet, what only the API tells, and its events.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::{
    CarrierFacts, Event, EventFacet, EventId, Facet, Fulfillment, FulfillmentId, LineItem,
    LineItemId, Order, Subject, Version, Words, carrier,
};

/// A fulfilment of an order, its facets side by side.
#[derive(Debug)]
pub(super) struct Parcel<'a> {
    id: FulfillmentId,
    facet: &'a Facet<Fulfillment>,
    carrier: Option<&'a Facet<CarrierFacts>>,
    /// Newest first.
    events: Vec<(EventId, &'a Event)>,
    /// When the newest event was recorded.
    newest_event_at: Option<DateTime<Utc>>,
}

/// One parcel of an order: what Shopify calls a fulfillment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Fulfillment)]
pub struct ParcelAnswer {
    /// Shopify's id of the fulfillment.
    pub id: String,
    /// Shopify's word for the fulfillment: `success`, `cancelled`, `open` …
    #[schema(examples("success"))]
    pub status: Option<String>,
    /// What the carrier said last: `in_transit`, `out_for_delivery`, `delivered` … Null while it has said nothing.
    #[schema(examples("in_transit"))]
    pub shipment_status: Option<String>,
    /// The carrier, by its usual name where its spelling is known.
    #[schema(examples("Royal Mail"))]
    pub tracking_company: Option<String>,
    /// The first of `tracking_numbers`.
    #[schema(examples("RM123456789GB"))]
    pub tracking_number: Option<String>,
    /// All tracking numbers.
    pub tracking_numbers: Vec<String>,
    /// The first of `tracking_urls`.
    pub tracking_url: Option<String>,
    /// Where the customer can follow the parcel: Shopify's links, else the carrier's own pages where they are known.
    pub tracking_urls: Vec<String>,
    /// When it was handed over.
    pub created_at: DateTime<Utc>,
    /// When it last changed, its events included.
    pub updated_at: DateTime<Utc>,
    /// When the carrier means to deliver it.
    pub estimated_delivery_at: Option<DateTime<Utc>>,
    /// When the carrier delivered it.
    pub delivered_at: Option<DateTime<Utc>>,
    /// What the carrier reported, newest first.
    pub events: Vec<EventAnswer>,
    /// What is in it.
    pub line_items: Vec<ShippedItemAnswer>,
}

/// One report of a carrier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = FulfillmentEvent)]
pub struct EventAnswer {
    /// Shopify's word for it.
    #[schema(examples("in_transit"))]
    pub status: String,
    /// The same in Chinese.
    #[schema(examples("运输中"))]
    pub status_zh: String,
    /// The same in English.
    #[schema(examples("In transit"))]
    pub status_en: String,
    /// The carrier's own words.
    pub message: Option<String>,
    /// When it happened.
    pub happened_at: DateTime<Utc>,
    /// Where it happened.
    pub city: Option<String>,
    /// Where it happened.
    pub province: Option<String>,
    /// Where it happened.
    pub country: Option<String>,
    /// Where it happened.
    pub zip: Option<String>,
}

/// A line of the order, as far as it is in a parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ShippedItem)]
pub struct ShippedItemAnswer {
    /// The line's id.
    pub line_item_id: String,
    /// The product's title; null where the order does not list the line any more.
    pub title: Option<String>,
    /// How many are in this parcel.
    pub quantity: u32,
}

impl<'a> Parcel<'a> {
    /// The order's parcels, oldest first.
    pub(super) fn all_of(order: &'a Order) -> Vec<Self> {
        let mut parcels: Vec<_> = order
            .fulfillments
            .iter()
            .map(|(id, facet)| Self::new(order, *id, facet))
            .collect();
        parcels.sort_by_key(|parcel| (parcel.facet.value.created_at, parcel.id));
        parcels
    }

    fn new(order: &'a Order, id: FulfillmentId, facet: &'a Facet<Fulfillment>) -> Self {
        let mut events: Vec<_> = order
            .events()
            .filter(|(_, event)| event.fulfillment == id)
            .collect();
        events.sort_by_key(|(id, event)| std::cmp::Reverse((event.happened_at, *id)));
        let newest = events
            .first()
            .and_then(|(id, _)| order.events.get(id))
            .and_then(EventFacet::version);
        let newest_event_at = newest.map(|version| version.updated_at);
        Self {
            id,
            facet,
            carrier: order.carrier.get(&id),
            events,
            newest_event_at,
        }
    }

    pub(super) fn is_live(&self) -> bool {
        self.facet.value.is_live()
    }

    pub(super) fn created_at(&self) -> DateTime<Utc> {
        self.facet.value.created_at
    }

    /// When the parcel last changed what has shipped: its making, or (once dead) its cancellation. However late it was last heard of,
    /// whatever was observed a second after its making knows of it.
    pub(super) fn appeared_or_vanished(&self) -> Version {
        let version = self.facet.version;
        if self.is_live() {
            let known_at = self.created_at() + TimeDelta::seconds(1);
            Version {
                updated_at: self.created_at(),
                observed_at: version.observed_at.min(known_at),
            }
        } else {
            version
        }
    }

    /// How many of the line are in it.
    pub(super) fn holds(&self, item: LineItemId) -> u32 {
        let items = self.facet.value.items.iter();
        items
            .filter(|shipped| shipped.line_item == item)
            .map(|shipped| shipped.quantity)
            .sum()
    }

    /// What the carrier said last. An event recorded since the fulfilment's own state is newer than it; in the same second
    /// too, because an event moves the fulfilment's `updated_at` to its own time.
    pub(super) fn shipment_status(&self) -> Option<&'a str> {
        if !self.is_live() {
            return None;
        }
        match self.events.first() {
            Some((_, event)) if self.newest_event_at >= Some(self.facet.version.updated_at) => {
                Some(&event.status)
            }
            Some(_) | None => self.facet.value.shipment_status.as_deref(),
        }
    }

    /// The state to show: what the carrier said, else that it has been shipped. Never "delivered" of our own.
    pub(super) fn state(&self) -> &'a str {
        self.shipment_status().unwrap_or("shipped")
    }

    /// Whether a carrier said that it has arrived.
    pub(super) fn is_delivered(&self) -> bool {
        self.state() == "delivered"
    }

    pub(super) fn id(&self) -> FulfillmentId {
        self.id
    }

    /// The carrier, by its usual name.
    pub(super) fn company(&self) -> Option<String> {
        let told = self.facet.value.tracking_company.as_deref();
        told.map(carrier::name)
    }

    pub(super) fn number(&self) -> Option<String> {
        self.facet.value.tracking_numbers.first().cloned()
    }

    pub(super) fn url(&self) -> Option<String> {
        self.urls().into_iter().next()
    }

    /// Shopify's links; where it gives none, the carrier's own page for each number.
    fn urls(&self) -> Vec<String> {
        let value = &self.facet.value;
        let Some(company) = &value.tracking_company else {
            return value.tracking_urls.clone();
        };
        if !value.tracking_urls.is_empty() {
            return value.tracking_urls.clone();
        }
        let numbers = value.tracking_numbers.iter();
        numbers
            .filter_map(|number| carrier::link(company, number))
            .collect()
    }

    /// The carrier's hand-over: as the API dates it, else the newest `delivered` event.
    pub(super) fn delivered_at(&self) -> Option<DateTime<Utc>> {
        let told = self.carrier.and_then(|facts| facts.value.delivered_at);
        let delivered = || {
            self.events
                .iter()
                .find(|(_, event)| event.status == "delivered")
        };
        told.or_else(|| delivered().map(|(_, event)| event.happened_at))
    }

    /// The newest promise: an event's, if it was recorded after the API's answer or the API gave none.
    pub(super) fn estimated_delivery_at(&self) -> Option<DateTime<Utc>> {
        let told = self
            .carrier
            .and_then(|facts| facts.value.estimated_delivery_at);
        let promised = self
            .events
            .iter()
            .find_map(|(_, event)| event.estimated_delivery_at);
        let event_is_newer =
            self.newest_event_at > self.carrier.map(|facts| facts.version.updated_at);
        if event_is_newer {
            promised.or(told)
        } else {
            told.or(promised)
        }
    }

    /// Renders it; `lines` gives the shipped items their titles.
    pub(super) fn answer(&self, lines: &[LineItem]) -> ParcelAnswer {
        let value = &self.facet.value;
        let title = |id| {
            lines
                .iter()
                .find(|line| line.id == id)
                .map(|line| line.title.clone())
        };
        ParcelAnswer {
            id: self.id.to_string(),
            status: value.status.clone(),
            shipment_status: self.shipment_status().map(str::to_owned),
            tracking_company: self.company(),
            tracking_number: self.number(),
            tracking_numbers: value.tracking_numbers.clone(),
            tracking_url: self.url(),
            tracking_urls: self.urls(),
            created_at: value.created_at,
            updated_at: self
                .newest_event_at
                .max(Some(self.facet.version.updated_at))
                .unwrap_or(self.facet.version.updated_at),
            estimated_delivery_at: self.estimated_delivery_at(),
            delivered_at: self.delivered_at(),
            events: self
                .events
                .iter()
                .map(|(_, event)| event_answer(event))
                .collect(),
            line_items: value
                .items
                .iter()
                .map(|item| ShippedItemAnswer {
                    line_item_id: item.line_item.to_string(),
                    title: title(item.line_item),
                    quantity: item.quantity,
                })
                .collect(),
        }
    }
}

fn event_answer(event: &Event) -> EventAnswer {
    let words = Words::of(Subject::Parcel, &event.status);
    EventAnswer {
        status: words.code,
        status_zh: words.zh,
        status_en: words.en,
        message: event.message.clone(),
        happened_at: event.happened_at,
        city: event.city.clone(),
        province: event.province.clone(),
        country: event.country.clone(),
        zip: event.zip.clone(),
    }
}
