//! Live traffic: a shop that is busy by itself.

use std::sync::{Arc, Weak};
use std::time::Duration;

use fastrand::Rng;

use crate::locked::lock;
use crate::model::{Fulfillment, FulfillmentStatus, Order, ShipmentStatus};
use crate::shop::{NewEvent, NewFulfillment, NewOrder, Shop, ShopError};
use crate::world::World;

/// The slowest pace: a deed an hour.
const SLOWEST: f64 = 1.0 / 3600.0;
/// The fastest pace: more would only measure the machine.
const FASTEST: f64 = 1000.0;

/// How many of the newest orders things happen to.
const LIVELY: usize = 200;

/// Starts the task. It holds the world only while it acts, so that it does not keep a simulator alive.
pub(crate) fn start(world: &Arc<World>, per_second: f64) {
    let pause = Duration::from_secs_f64(1.0 / per_second.clamp(SLOWEST, FASTEST));
    let stopped = world.stopped.clone();
    let rng = lock(&world.rng).fork();
    let world = Arc::downgrade(world);
    let Some(tasks) = world.upgrade().map(|world| world.tasks.clone()) else {
        return;
    };
    tasks.spawn(async move {
        tokio::select! {
            () = stopped.cancelled() => {}
            () = act(world, rng, pause) => {}
        }
    });
}

async fn act(world: Weak<World>, mut rng: Rng, pause: Duration) {
    let mut ticks = tokio::time::interval(pause);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(world) = world.upgrade() else {
            return;
        };
        // An order may be gone or done by the time its turn comes; the next deed is another's.
        if let Err(error) = deed(&world, &mut rng) {
            tracing::debug!(%error, "a deed came too late");
        }
    }
}

/// One deed: a new order, or the next step of one of the newest.
fn deed(world: &Arc<World>, rng: &mut Rng) -> Result<(), ShopError> {
    let shop = Shop::new(Arc::clone(world));
    let ids = lock(&world.book).newest(LIVELY);
    let chosen = (rng.u8(..3) > 0).then(|| rng.choice(&ids)).flatten();
    let Some(id) = chosen else {
        shop.place_order(NewOrder::default());
        return Ok(());
    };
    let order = lock(&world.book).get(*id).map(Arc::clone);
    match order {
        Some(order) => step(&shop, &order, rng),
        None => Ok(()),
    }
}

fn step(shop: &Shop, order: &Order, rng: &mut Rng) -> Result<(), ShopError> {
    if order.cancelled_at.is_some() {
        return Ok(());
    }
    let standing = |one: &&Fulfillment| one.status == FulfillmentStatus::Success;
    let Some(last) = order.fulfillments.iter().rfind(standing) else {
        if rng.u8(..20) == 0 {
            return shop.cancel_order(order.id);
        }
        let number = format!("1550{:08}", rng.u32(..100_000_000));
        let url = format!("https://www.dpd.co.uk/tracking/{number}");
        let new = NewFulfillment::default().company("DPD UK");
        shop.fulfill(order.id, new.number(&number).url(&url))?;
        return Ok(());
    };
    let (status, message) = match last.shipment_status() {
        None => (ShipmentStatus::Confirmed, "Shipment information received"),
        Some(ShipmentStatus::Confirmed) => (ShipmentStatus::InTransit, "Departed from facility"),
        Some(ShipmentStatus::InTransit) => (ShipmentStatus::OutForDelivery, "Out for delivery"),
        Some(ShipmentStatus::Delivered) => return shop.touch(order.id),
        Some(_) => (ShipmentStatus::Delivered, "Delivered, front door"),
    };
    shop.track_with(last.id, NewEvent::new(status).message(message))?;
    Ok(())
}
