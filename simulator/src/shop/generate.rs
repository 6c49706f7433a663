//! The orders that are there when the simulator starts, from a seed: the same seed makes the same shop.

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use fastrand::Rng;

use super::{NewFulfillment, NewOrder, create, fulfill, goods};
use crate::locked::lock;
use crate::model::{CancelReason, Event, FinancialStatus, Fulfillment, Order, ShipmentStatus};
use crate::world::World;

/// How far beyond the window the older orders reach. With a window of a week they all lie within 60 days.
const OLDER_SPAN: TimeDelta = TimeDelta::days(45);

/// How many orders, and how old.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) orders: u32,
    pub(crate) older_orders: u32,
    pub(crate) window: TimeDelta,
}

/// Fills the book: the older ones first, so that numbers rise with time.
pub(crate) fn generate(world: &World, wanted: Wanted) {
    let now = world.clock.now();
    let window_start = now - wanted.window;
    let spans = [
        (window_start - OLDER_SPAN, OLDER_SPAN, wanted.older_orders),
        (window_start, wanted.window, wanted.orders),
    ];
    let mut rng = lock(&world.rng);
    let mut book = lock(&world.book);
    for (start, span, count) in spans {
        for nth in 0..count {
            let order = lived(world, &mut rng, spread(start, span, nth, count), now);
            book.put(order.created_at, order);
        }
    }
    book.index_everything();
}

/// The middle of the `nth` of `count` equal parts of a span.
fn spread(start: DateTime<Utc>, span: TimeDelta, nth: u32, count: u32) -> DateTime<Utc> {
    let part = span.num_milliseconds() / i64::from(count.max(1));
    let at = start + TimeDelta::milliseconds(part * i64::from(nth) + part / 2);
    at.trunc_subsecs(0)
}

/// An order with the history that one of its age has.
fn lived(world: &World, rng: &mut Rng, at: DateTime<Utc>, now: DateTime<Utc>) -> Order {
    let mut new = NewOrder::default().placed_at(at);
    if rng.u8(..20) == 0 {
        new = new.no_customer();
    }
    if rng.u8(..8) == 0 {
        new = new.discount_code("WELCOME10");
    }
    if rng.u8(..6) == 0 {
        new = new.tags(["vip", "gift wrap"]);
    }
    if rng.u8(..10) == 0 {
        new = new.note("Please leave with the neighbour — 谢谢");
    }
    let mut order = create::build(world, rng, new, now);
    if rng.u8(..25) == 0 {
        cancel(&mut order, at + TimeDelta::hours(2), now);
        return order;
    }
    let packed = at + TimeDelta::minutes(rng.i64(8 * 60..40 * 60));
    if packed <= now {
        ship(world, rng, &mut order, packed, now);
    }
    order
}

fn cancel(order: &mut Order, at: DateTime<Utc>, now: DateTime<Utc>) {
    if at > now {
        return;
    }
    order.cancelled_at = Some(at);
    order.closed_at = Some(at);
    order.cancel_reason = Some(CancelReason::Customer);
    order.financial_status = FinancialStatus::Voided;
    order.updated_at = at;
}

/// One in seven orders with several lines goes out in two parcels, the second a day later or not yet.
fn ship(world: &World, rng: &mut Rng, order: &mut Order, at: DateTime<Utc>, now: DateTime<Utc>) {
    let splits = order.lines.len() > 1 && rng.u8(..7) == 0;
    let (company, number, url) = goods::parcel(rng);
    let mut new = NewFulfillment::default()
        .company(company)
        .number(&number)
        .url(&url);
    if splits {
        new = new.item(0, u32::MAX);
    }
    dispatch(world, rng, order, (new, at), now);
    let later = at + TimeDelta::days(1);
    if splits && later <= now {
        let (company, number, url) = goods::parcel(rng);
        let new = NewFulfillment::default()
            .company(company)
            .number(&number)
            .url(&url);
        dispatch(world, rng, order, (new, later), now);
    }
    if !splits || later <= now {
        order.closed_at = Some(order.updated_at);
    }
}

fn dispatch(
    world: &World,
    rng: &mut Rng,
    order: &mut Order,
    (new, at): (NewFulfillment, DateTime<Utc>),
    now: DateTime<Utc>,
) {
    let Ok(mut fulfillment) = fulfill::build(order, &world.ids, new, at) else {
        return;
    };
    let legs = [
        (
            ShipmentStatus::Confirmed,
            1,
            "Shipment information received",
        ),
        (
            ShipmentStatus::InTransit,
            rng.i64(6..30),
            "Departed from facility",
        ),
        (
            ShipmentStatus::OutForDelivery,
            rng.i64(36..60),
            "Out for delivery",
        ),
        (
            ShipmentStatus::Delivered,
            rng.i64(61..80),
            "Delivered, front door",
        ),
    ];
    for (status, hours, message) in legs {
        let happened_at = at + TimeDelta::hours(hours);
        if happened_at <= now {
            report(
                world,
                order,
                &mut fulfillment,
                (status, happened_at, message),
            );
        }
    }
    fulfillment.settle_times();
    order.updated_at = order.updated_at.max(fulfillment.updated_at);
    order.fulfillments.push(fulfillment);
}

fn report(
    world: &World,
    order: &Order,
    fulfillment: &mut Fulfillment,
    (status, happened_at, message): (ShipmentStatus, DateTime<Utc>, &str),
) {
    let address = order.shipping_address.as_ref();
    fulfillment.events.push(Event {
        id: world.ids.next(),
        status,
        message: Some(message.to_owned()),
        happened_at,
        created_at: happened_at,
        estimated_delivery_at: Some(fulfillment.created_at + TimeDelta::days(3)),
        city: address.map(|one| one.city.clone()),
        province: None,
        country: address.map(|one| one.country_code.clone()),
        zip: None,
    });
    fulfillment.updated_at = happened_at;
}
