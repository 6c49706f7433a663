//! How far an order has come, as a lookup shows it and as the shop has it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// What may not go back, and what must be right once everything is told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct State {
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) cancelled: bool,
    pub(crate) parcels: BTreeMap<u64, Parcel>,
    /// The words of the order that have no order among themselves.
    pub(crate) words: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parcel {
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) events: usize,
    pub(crate) words: Value,
}

impl State {
    /// Of an answer's `order`.
    pub(crate) fn served(order: &Value) -> Self {
        let events = |parcel: &Value| parcel["events"].as_array().map_or(0, Vec::len);
        Self::read(order, events)
    }

    /// Of the shop's own order, whose parcels have had so many events.
    pub(crate) fn of_shop(order: &Value, events: &BTreeMap<u64, usize>) -> Self {
        Self::read(order, |parcel| {
            events.get(&id(parcel)).copied().unwrap_or_default()
        })
    }

    fn read(order: &Value, events: impl Fn(&Value) -> usize) -> Self {
        let parcels = order["fulfillments"].as_array().into_iter().flatten();
        Self {
            updated_at: time(&order["updated_at"]),
            cancelled: !order["cancelled_at"].is_null(),
            parcels: parcels
                .map(|parcel| (id(parcel), Parcel::read(parcel, events(parcel))))
                .collect(),
            words: json!([
                order["financial_status"],
                order["fulfillment_status"],
                order["note"]
            ]),
        }
    }

    /// The first thing in which this is behind `other`.
    pub(crate) fn is_behind(&self, other: &Self) -> Option<String> {
        if self.updated_at < other.updated_at {
            return Some(format!(
                "updated_at {} before {}",
                self.updated_at, other.updated_at
            ));
        }
        if other.cancelled && !self.cancelled {
            return Some("no longer cancelled".to_owned());
        }
        other.parcels.iter().find_map(|(id, other)| {
            let Some(own) = self.parcels.get(id) else {
                return Some(format!("parcel {id} is missing"));
            };
            if own.updated_at < other.updated_at {
                return Some(format!(
                    "parcel {id}: updated_at {} before {}",
                    own.updated_at, other.updated_at
                ));
            }
            (own.events < other.events)
                .then(|| format!("parcel {id}: {} of {} events", own.events, other.events))
        })
    }

    /// The newest of both, in each thing.
    pub(crate) fn join(&mut self, other: Self) {
        self.updated_at = self.updated_at.max(other.updated_at);
        self.cancelled |= other.cancelled;
        for (id, parcel) in other.parcels {
            let known = self.parcels.entry(id).or_insert_with(|| parcel.clone());
            known.updated_at = known.updated_at.max(parcel.updated_at);
            known.events = known.events.max(parcel.events);
        }
        self.words = other.words;
    }
}

impl Parcel {
    fn read(parcel: &Value, events: usize) -> Self {
        let stands = parcel["status"] == "success";
        let shipment = stands.then(|| parcel["shipment_status"].clone());
        Self {
            updated_at: time(&parcel["updated_at"]),
            events,
            words: json!([parcel["status"], shipment, parcel["tracking_number"]]),
        }
    }
}

/// REST's numbers and the service's texts.
fn id(value: &Value) -> u64 {
    let id = &value["id"];
    let id = id
        .as_u64()
        .or_else(|| id.as_str().and_then(|id| id.parse().ok()));
    id.expect("an id")
}

fn time(value: &Value) -> DateTime<Utc> {
    let text = value.as_str().expect("a time");
    DateTime::parse_from_rfc3339(text)
        .expect("an RFC 3339 time")
        .to_utc()
}
