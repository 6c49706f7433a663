//! Everything that the two mouths and the handles share.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::admin::auth::Tokens;
use crate::admin::bucket::Bucket;
use crate::admin::calls::CallLog;
use crate::admin::subscriptions::Subscriptions;
use crate::book::Book;
use crate::bulk::Desk;
use crate::clock::Clock;
use crate::delivery::{Occasion, Outbox};
use crate::faults::FaultBoard;
use crate::graphql::Schema;
use crate::locked::lock;
use crate::model::ShopFacts;

/// The API version that webhooks are written in, and the newest the API serves.
pub(crate) const API_VERSION: &str = "2026-10";

/// The simulator's inside. Each part has its own lock, held for a few lines and never across an `.await`.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) facts: ShopFacts,
    pub(crate) clock: Clock,
    pub(crate) schema: Schema,
    pub(crate) book: Mutex<Book>,
    pub(crate) rng: Mutex<Rng>,
    /// Apart from what the shop is made of: how many requests came must not change who orders what.
    pub(crate) uuids: Mutex<Rng>,
    pub(crate) ids: Ids,
    pub(crate) numbers: Numbers,
    pub(crate) settings: Mutex<Settings>,
    pub(crate) tokens: Mutex<Tokens>,
    pub(crate) bucket: Mutex<Bucket>,
    pub(crate) subscriptions: Mutex<Subscriptions>,
    pub(crate) calls: CallLog,
    pub(crate) faults: FaultBoard,
    pub(crate) outbox: Outbox,
    pub(crate) bulk: Desk,
    pub(crate) tasks: TaskTracker,
    pub(crate) stopped: CancellationToken,
}

/// What can be set while it runs.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) latency: Duration,
    pub(crate) event_bump: EventBump,
    pub(crate) scopes: Vec<String>,
    /// What each answer says of fields that are deprecated.
    pub(crate) deprecated: Option<String>,
}

/// Whether a fulfilment event moves the order's `updated_at`: Shopify does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EventBump {
    /// Only the fulfilment's moves.
    #[default]
    FulfillmentOnly,
    /// The order's moves too, and `orders/updated` is sent.
    Order,
}

impl World {
    pub(crate) fn settings(&self) -> Settings {
        lock(&self.settings).clone()
    }

    pub(crate) fn has_scope(&self, scope: &str) -> bool {
        lock(&self.settings).scopes.iter().any(|one| one == scope)
    }

    /// Sends what one action produced: all of it shares an event id.
    pub(crate) fn announce(&self, order: Option<u64>, news: Vec<(String, Bytes)>) {
        let now = self.clock.now();
        let event_id = self.uuid();
        for (topic, body) in news {
            let receivers = self.outbox.receivers(&topic, &lock(&self.subscriptions));
            for receiver in receivers.into_iter().filter(|one| one.wants(&body)) {
                let occasion = Occasion {
                    webhook_id: self.uuid(),
                    event_id: event_id.clone(),
                    triggered_at: now,
                };
                let body = receiver.trim(&body);
                let domain = &self.facts.domain;
                let parcel = self
                    .outbox
                    .parcel(domain, occasion, (&topic, body), receiver);
                let fault = self.faults.next_delivery(&topic);
                self.outbox.post(parcel, order, fault, now);
            }
        }
    }

    /// A version 4 UUID out of the seed.
    pub(crate) fn uuid(&self) -> String {
        let bits = lock(&self.uuids).u128(..);
        let hex = format!("{bits:032x}");
        let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
        format!(
            "{}-{}-4{}-8{}-{}",
            part(0..8),
            part(8..12),
            part(13..16),
            part(17..20),
            part(20..32)
        )
    }
}

/// Hands out ids. They lie beyond 2^53 and are odd as often as not, so that whoever reads them as floating point gets others.
#[derive(Debug)]
pub(crate) struct Ids(AtomicU64);

impl Ids {
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(820_982_911_946_154_508))
    }

    pub(crate) fn next(&self) -> u64 {
        self.0.fetch_add(7, Ordering::Relaxed)
    }
}

/// Hands out order numbers.
#[derive(Debug)]
pub(crate) struct Numbers(AtomicU64);

impl Numbers {
    pub(crate) const fn new(first: u64) -> Self {
        Self(AtomicU64::new(first))
    }

    /// The next number, or `wanted`, and then those after it.
    pub(crate) fn take(&self, wanted: Option<u64>) -> u64 {
        if let Some(wanted) = wanted {
            self.0.fetch_max(wanted + 1, Ordering::Relaxed);
            return wanted;
        }
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}
