//! The way of a webhook from Shopify to the service: in process, and not always straight.

use std::sync::Arc;

use fastrand::Rng;
use serde::Deserialize;
use shopify_simulator::HandedOver;
use tokio::sync::mpsc;

use crate::{
    life::{hours_of, seconds},
    queue::{Event, Letter},
    world::World,
};

/// Takes what Shopify hands over, one after the other, until Shopify stops.
pub(crate) async fn run(
    world: Arc<World>,
    mut webhooks: mpsc::UnboundedReceiver<HandedOver>,
    mut rng: Rng,
) {
    while let Some(handed_over) = webhooks.recv().await {
        let letter = Letter {
            order: order_of(&handed_over.body),
            headers: handed_over.headers,
            body: handed_over.body,
        };
        // Nobody there to answer is a connection that breaks: the status is dropped.
        let answered = bring(&world, letter, &mut rng).await;
        if answered.is_some_and(|status| handed_over.status.send(status).is_err()) {
            return;
        }
    }
}

/// Lets happen to a webhook what the scenario wants. What is lost or late Shopify takes for delivered.
async fn bring(world: &World, letter: Letter, rng: &mut Rng) -> Option<u16> {
    let road = world.scenario.road;
    let mut dice = rng.f64();
    let mut falls_in = |share: f64| {
        dice -= share;
        dice < 0.0
    };
    let now = world.time.now();
    world.figures().webhooks += 1;
    if falls_in(road.lost) {
        world.figures().lost += 1;
        world.note_untold(letter.order);
        return Some(200);
    }
    if falls_in(road.late) {
        world.note_untold(letter.order);
        let at = now + hours_of(0.02..26.0, rng);
        world.queue().put(at, Event::Deliver(letter));
        return Some(200);
    }
    if falls_in(road.reordered) {
        world.note_untold(letter.order);
        let at = now + seconds(1.0 + 29.0 * rng.f64());
        world.queue().put(at, Event::Deliver(letter));
        return Some(200);
    }
    if falls_in(road.doubled) {
        deliver(world, &letter).await?;
    }
    deliver(world, &letter).await
}

/// Brings a webhook to any replica that runs.
pub(crate) async fn deliver(world: &World, letter: &Letter) -> Option<u16> {
    let Some(replica) = world.fleet.any() else {
        world.note_untold(letter.order);
        return None;
    };
    let status = replica.receive(letter).await;
    if status != 200 {
        world.note_untold(letter.order);
    }
    Some(status)
}

/// The order that a webhook is about.
fn order_of(body: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct About {
        id: Option<u64>,
        order_id: Option<u64>,
        order_edit: Option<Edit>,
    }
    #[derive(Deserialize)]
    struct Edit {
        order_id: Option<u64>,
    }
    let about: About = serde_json::from_slice(body).ok()?;
    let edited = about.order_edit.and_then(|edit| edit.order_id);
    edited.or(about.order_id).or(about.id)
}
