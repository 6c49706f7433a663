//! Sends what is due, and again when it failed.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{mpsc, oneshot};

use super::{Attempt, DeliveryOutcome, HandedOver, MAX_IN_FLIGHT, Outbox, Parcel, Queued, State};
use crate::locked::lock;
use crate::world::World;

/// Waits before each of the eight retries: they double, and end after four hours.
const RETRIES: [TimeDelta; 8] = [
    TimeDelta::minutes(1),
    TimeDelta::minutes(2),
    TimeDelta::minutes(4),
    TimeDelta::minutes(8),
    TimeDelta::minutes(16),
    TimeDelta::minutes(32),
    TimeDelta::minutes(64),
    TimeDelta::minutes(113),
];

/// An API-made subscription is deleted after so many failures in a row.
const MAX_FAILURES: u32 = 8;

/// Shopify's timeouts.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(5);

/// Runs until the simulator stops.
pub(crate) async fn run(world: Arc<World>, client: reqwest::Client) {
    let mut changed = world.outbox.changed.subscribe();
    loop {
        changed.mark_unchanged();
        let now = world.clock.now();
        while let Some(queued) = world.outbox.take_due(now) {
            let (world, client) = (Arc::clone(&world), client.clone());
            let tasks = world.tasks.clone();
            tasks.spawn(async move { attempt(&world, &client, queued).await });
        }
        let due = world.outbox.next_due(now);
        tokio::select! {
            () = world.stopped.cancelled() => return,
            ticked = changed.changed() => if ticked.is_err() { return },
            () = sleep_until(&world, due) => {}
        }
    }
}

async fn sleep_until(world: &World, due: Option<DateTime<Utc>>) {
    match due {
        Some(due) => world.clock.sleep_until(due).await,
        None => std::future::pending().await,
    }
}

async fn attempt(world: &World, client: &reqwest::Client, queued: Queued) {
    let status = tokio::select! {
        () = world.stopped.cancelled() => return,
        status = bring(&world.outbox, client, &queued.parcel) => status,
    };
    let dead = world.outbox.settle(queued, status, world.clock.now());
    if let Some(subscription) = dead {
        lock(&world.subscriptions).delete(&subscription);
    }
}

/// A client as strict as Shopify's: no redirects, five seconds in all.
pub(crate) fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
}

/// Brings a parcel to whoever is to have it. Returns the answer's status, if there was one.
async fn bring(outbox: &Outbox, client: &reqwest::Client, parcel: &Parcel) -> Option<u16> {
    match outbox.courier() {
        Some(courier) => hand_over(&courier, parcel).await,
        None => send(client, parcel).await.ok(),
    }
}

async fn hand_over(courier: &mpsc::UnboundedSender<HandedOver>, parcel: &Parcel) -> Option<u16> {
    let (status, answered) = oneshot::channel();
    let handed_over = HandedOver {
        headers: parcel.headers(),
        body: parcel.body.clone(),
        status,
    };
    courier.send(handed_over).ok()?;
    answered.await.ok()
}

/// Sends a parcel once and returns the answer's status.
async fn send(client: &reqwest::Client, parcel: &Parcel) -> reqwest::Result<u16> {
    let mut request = client.post(&parcel.receiver.url).body(parcel.body.clone());
    for (name, value) in parcel.headers() {
        request = request.header(name, value);
    }
    let response = request.send().await?;
    let status = response.status().as_u16();
    // Read to the end, so that the connection can be used again.
    response.bytes().await?;
    Ok(status)
}

/// Sends a parcel once, outside the queue.
pub(crate) async fn post_now(parcel: &Parcel) -> io::Result<u16> {
    let client = client().map_err(io::Error::other)?;
    send(&client, parcel).await.map_err(io::Error::other)
}

impl Outbox {
    /// Takes the first parcel that is due, and whose lane is free.
    fn take_due(&self, now: DateTime<Utc>) -> Option<Queued> {
        let mut state = lock(&self.state);
        if state.busy_lanes.len() >= MAX_IN_FLIGHT {
            return None;
        }
        let due = state.queue.range(..=(now, u64::MAX));
        let free = |queued: &Queued| !state.busy_lanes.contains(&queued.lane);
        let (key, _) = due.into_iter().find(|(_, queued)| free(queued))?;
        let key = *key;
        let queued = state.queue.remove(&key)?;
        state.busy_lanes.insert(queued.lane);
        Some(queued)
    }

    /// When something is due next that is not due already; what is, waits for its lane and needs no clock.
    fn next_due(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let state = lock(&self.state);
        let mut later = state.queue.range((now, u64::MAX)..);
        later.next().map(|((due, _), _)| *due)
    }

    /// Notes how an attempt went. Returns the subscription that has failed once too often.
    fn settle(
        &self,
        mut queued: Queued,
        status: Option<u16>,
        now: DateTime<Utc>,
    ) -> Option<String> {
        let mut state = lock(&self.state);
        state.busy_lanes.remove(&queued.lane);
        let delivered = status.is_some_and(|status| (200..300).contains(&status));
        let retry = usize::try_from(queued.attempt).ok();
        let wait = retry.and_then(|retry| RETRIES.get(retry));
        let outcome = match (delivered, wait) {
            (true, _) => DeliveryOutcome::Delivered,
            (false, Some(_)) => DeliveryOutcome::Pending,
            (false, None) => DeliveryOutcome::GivenUp,
        };
        if let Some(entry) = state.log.get_mut(&queued.entry) {
            entry.attempts.push(Attempt { at: now, status });
            entry.outcome = outcome;
        }
        let dead = state.count_failure(&queued.parcel, delivered);
        if let (DeliveryOutcome::Pending, Some(wait)) = (outcome, wait) {
            queued.attempt += 1;
            state.enqueue(now + *wait, queued);
        }
        drop(state);
        self.changed.send_replace(());
        dead
    }
}

impl State {
    fn count_failure(&mut self, parcel: &Parcel, delivered: bool) -> Option<String> {
        let subscription = parcel.receiver.subscription.clone()?;
        if delivered {
            self.failures.remove(&subscription);
            return None;
        }
        let failures = self.failures.entry(subscription.clone()).or_default();
        *failures += 1;
        (*failures >= MAX_FAILURES).then_some(subscription)
    }
}
