//! Webhooks on their way out: what is to be sent, to whom, when, and what became of it.

mod fate;
mod parcel;
mod pump;
mod record;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot, watch};

use crate::admin::filter::Filter;
use crate::admin::subscriptions::Subscriptions;
use crate::locked::lock;
use crate::world::API_VERSION;

pub(crate) use parcel::{Occasion, Parcel, sign};
pub(crate) use pump::{client, post_now, run};
pub use record::{Attempt, Delivery, DeliveryOutcome};

/// How many deliveries the log keeps.
const MAX_LOG: usize = 20_000;

/// How many deliveries may be in flight at once. Those about one order go one after another.
const MAX_IN_FLIGHT: usize = 8;

/// Deliveries about no order, and those that were reordered, share this lane.
const COMMON_LANE: u64 = 0;

/// A delivery handed over in this process, without a socket.
#[derive(Debug)]
pub struct HandedOver {
    /// Its headers, except those that every HTTP request has.
    pub headers: Vec<(&'static str, String)>,
    /// Its body.
    pub body: Bytes,
    /// Where the answer's status goes. Dropped without one, it is a connection that broke.
    pub status: oneshot::Sender<u16>,
}

/// What is to be sent.
#[derive(Debug)]
pub(crate) struct Outbox {
    secret: String,
    state: Mutex<State>,
    /// Ticks at each change, for the pump and for whoever waits until all is settled.
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    /// The app's own endpoint, as its configuration names it.
    target: Option<String>,
    /// What its configuration calls that subscription.
    target_name: Option<String>,
    /// Who takes deliveries in this process, instead of a socket.
    courier: Option<mpsc::UnboundedSender<HandedOver>>,
    /// The API version that bodies are written in; `None` is the newest.
    version: Option<String>,
    /// The topics it is subscribed to; `None` is all.
    topics: Option<BTreeSet<String>>,
    queue: BTreeMap<(DateTime<Utc>, u64), Queued>,
    /// Parcels that wait for others, to be sent in reverse.
    held: Vec<Queued>,
    busy_lanes: BTreeSet<u64>,
    log: BTreeMap<u64, Delivery>,
    /// How often in a row each API-made subscription has failed.
    failures: HashMap<String, u32>,
    next: u64,
}

/// A parcel in the queue.
#[derive(Debug, Clone)]
struct Queued {
    parcel: Parcel,
    lane: u64,
    attempt: u32,
    /// Its entry in the log.
    entry: u64,
}

/// Somebody who gets a topic.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    /// The subscription that was made through the API, if it was: Shopify deletes it when it fails too often.
    pub(crate) subscription: Option<String>,
    pub(crate) name: Option<String>,
    /// Only bodies that match are sent.
    pub(crate) filter: Option<Filter>,
    pub(crate) include_fields: Vec<String>,
}

impl Receiver {
    /// Whether a body gets through its filter.
    pub(crate) fn wants(&self, body: &Bytes) -> bool {
        let Some(filter) = &self.filter else {
            return true;
        };
        let body = serde_json::from_slice(body);
        body.is_ok_and(|body| filter.matches(&body))
    }

    /// The body with only the fields that were asked for.
    pub(crate) fn trim(&self, body: &Bytes) -> Bytes {
        if self.include_fields.is_empty() {
            return body.clone();
        }
        let Ok(serde_json::Value::Object(mut fields)) = serde_json::from_slice(body) else {
            return body.clone();
        };
        fields.retain(|field, _| self.include_fields.iter().any(|one| one == field));
        Bytes::from(serde_json::Value::Object(fields).to_string())
    }
}

impl Outbox {
    pub(crate) fn new(secret: String, target: Option<String>) -> Self {
        let state = State {
            target,
            ..State::default()
        };
        Self {
            secret,
            state: Mutex::new(state),
            changed: watch::Sender::new(()),
        }
    }

    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    pub(crate) fn set_target(&self, target: Option<String>) {
        lock(&self.state).target = target;
    }

    pub(crate) fn set_version(&self, version: &str) {
        lock(&self.state).version = Some(version.to_owned());
    }

    fn version(&self) -> String {
        let version = lock(&self.state).version.clone();
        version.unwrap_or_else(|| API_VERSION.to_owned())
    }

    pub(crate) fn set_courier(&self, courier: mpsc::UnboundedSender<HandedOver>) {
        lock(&self.state).courier = Some(courier);
    }

    fn courier(&self) -> Option<mpsc::UnboundedSender<HandedOver>> {
        lock(&self.state).courier.clone()
    }

    pub(crate) fn target(&self) -> Option<String> {
        lock(&self.state).target.clone()
    }

    pub(crate) fn set_target_name(&self, name: Option<String>) {
        lock(&self.state).target_name = name;
    }

    pub(crate) fn target_name(&self) -> Option<String> {
        lock(&self.state).target_name.clone()
    }

    pub(crate) fn set_topics(&self, topics: Option<BTreeSet<String>>) {
        lock(&self.state).topics = topics;
    }

    /// Who gets a topic: the app's endpoint, and each subscription made through the API.
    pub(crate) fn receivers(&self, topic: &str, subscriptions: &Subscriptions) -> Vec<Receiver> {
        let state = lock(&self.state);
        let wanted = state.topics.as_ref().is_none_or(|all| all.contains(topic));
        let own = state.target.clone().filter(|_| wanted).map(|url| Receiver {
            url,
            subscription: None,
            name: state.target_name.clone(),
            filter: None,
            include_fields: Vec::new(),
        });
        let made = subscriptions.receivers(topic);
        own.into_iter().chain(made).collect()
    }

    pub(crate) fn log(&self) -> Vec<Delivery> {
        lock(&self.state).log.values().cloned().collect()
    }

    pub(crate) fn clear_log(&self) {
        let mut state = lock(&self.state);
        let live: BTreeSet<u64> = state.queue.values().map(|queued| queued.entry).collect();
        state.log.retain(|entry, _| live.contains(entry));
    }

    /// Sends what a reordering still holds back.
    pub(crate) fn release_held(&self, now: DateTime<Utc>) {
        let mut state = lock(&self.state);
        state.release(now);
        drop(state);
        self.changed.send_replace(());
    }

    /// Waits until nothing is in flight or due.
    pub(crate) async fn settled(&self, now: impl Fn() -> DateTime<Utc>) {
        let mut changed = self.changed.subscribe();
        loop {
            if lock(&self.state).is_settled(now()) {
                return;
            }
            if changed.changed().await.is_err() {
                return;
            }
        }
    }
}

impl State {
    fn is_settled(&self, now: DateTime<Utc>) -> bool {
        let due = self.queue.keys().next().is_some_and(|(at, _)| *at <= now);
        !due && self.busy_lanes.is_empty()
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn enqueue(&mut self, due: DateTime<Utc>, queued: Queued) {
        let number = self.number();
        self.queue.insert((due, number), queued);
    }

    fn release(&mut self, now: DateTime<Utc>) {
        while let Some(queued) = self.held.pop() {
            self.enqueue(now, queued);
        }
    }

    /// A new entry in the log.
    fn enter(&mut self, parcel: &Parcel, order: Option<u64>) -> u64 {
        let entry = self.number();
        self.log.insert(entry, Delivery::of(parcel, order));
        while self.log.len() > MAX_LOG {
            self.log.pop_first();
        }
        entry
    }
}
