//! The shop's side: every deed is done at Shopify and noted in the ledger at once.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use fastrand::Rng;
use serde_json::Value;
use shopify_simulator::{NewOrder, ShipmentStatus, Shop};

use crate::{
    ledger::Known,
    life::{Deed, hours_of, journey, shipping},
    queue::{Event, Queue},
    state::State,
    world::World,
};

/// Notes the orders that are there from the start, and lets those of the window go their way.
pub(crate) fn take_over(world: &World, shop: &Shop, queue: &mut Queue, rng: &mut Rng) {
    let now = world.time.now();
    for id in shop.order_ids().into_iter().rev() {
        let order = shop.rest_order(id).expect("an order of the list");
        let known = known(id, &order, reported(&order), now);
        let deeds = if known.truth.cancelled || !known.in_window(now) {
            Vec::new()
        } else if known.truth.parcels.is_empty() {
            shipping(now + hours_of(0.0..40.0, rng), rng)
        } else {
            journey(now, 0, last_report(&order["fulfillments"][0]), rng)
        };
        for (at, deed) in deeds {
            queue.put(at, Event::Deed(id, deed));
        }
        world.ledger().put(known);
    }
}

/// Places an order. Time must be held.
pub(crate) fn place(world: &World, shop: &Shop, new: NewOrder) -> u64 {
    let id = shop.place_order(new);
    let order = shop.rest_order(id).expect("the order just placed");
    let known = known(id, &order, BTreeMap::new(), world.time.now());
    world.ledger().put(known);
    world.figures().orders += 1;
    id
}

/// Does a deed, if it can be done. Time must be held.
pub(crate) fn act(world: &World, shop: &Shop, id: u64, deed: Deed) {
    let now = world.time.now();
    let reported_on = deed.reports_on().and_then(|nth| {
        let parcels = shop.fulfillment_ids(id).ok()?;
        parcels.get(nth).copied()
    });
    if deed.run(shop, id).is_err() {
        return;
    }
    let mut ledger = world.ledger();
    let Some(known) = ledger.change(id) else {
        return;
    };
    known.changed_at = now;
    if let Some(parcel) = reported_on {
        *known.events.entry(parcel).or_default() += 1;
    }
    match shop.rest_order(id) {
        Ok(order) => known.truth = State::of_shop(&order, &known.events),
        Err(_deleted) => known.deleted = true,
    }
}

fn known(id: u64, order: &Value, events: BTreeMap<u64, usize>, now: DateTime<Utc>) -> Known {
    let created_at = order["created_at"].as_str().expect("a time");
    Known {
        id,
        name: order["name"].as_str().expect("a name").to_owned(),
        created_at: DateTime::parse_from_rfc3339(created_at)
            .expect("an RFC 3339 time")
            .to_utc(),
        truth: State::of_shop(order, &events),
        changed_at: now,
        deleted: false,
        untold_since: None,
        served: None,
        events,
    }
}

/// How many reports each parcel of an order from the start has had: one for each leg up to where it is.
fn reported(order: &Value) -> BTreeMap<u64, usize> {
    let parcels = order["fulfillments"].as_array().into_iter().flatten();
    parcels
        .map(|parcel| {
            let reports = match last_report(parcel) {
                Some(ShipmentStatus::Confirmed) => 1,
                Some(ShipmentStatus::InTransit) => 2,
                Some(ShipmentStatus::OutForDelivery) => 3,
                Some(ShipmentStatus::Delivered) => 4,
                _ => 0,
            };
            (parcel["id"].as_u64().expect("an id"), reports)
        })
        .collect()
}

fn last_report(parcel: &Value) -> Option<ShipmentStatus> {
    parcel["shipment_status"]
        .as_str()
        .and_then(ShipmentStatus::parse)
}
