//! What is to happen when.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};

use crate::life::Deed;

/// Something that happens at a time.
#[derive(Debug)]
pub(crate) enum Event {
    /// Somebody orders, and the next one after that is drawn.
    Order,
    /// Something becomes of an order.
    Deed(u64, Deed),
    /// Somebody asks, and the next one after that is drawn.
    Lookup,
    /// A webhook comes late.
    Deliver(Letter),
    /// A look at everything that must hold at every moment.
    Look,
    /// Shopify begins or ceases to refuse, or to throttle.
    Weather,
    /// A replica's clock is set.
    ClockJump(TimeDelta),
    /// The service stops; it starts again at the later event.
    Stop,
    Start,
    /// The warmer dies without a word, and starts again so much later.
    Kill(TimeDelta),
    Revive(usize),
}

/// A webhook on its way.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
    /// Which order it is about.
    pub(crate) order: Option<u64>,
}

/// Events by time; those of one moment in the order they were put in.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    events: BTreeMap<(DateTime<Utc>, u64), Event>,
    next: u64,
}

impl Queue {
    pub(crate) fn put(&mut self, at: DateTime<Utc>, event: Event) {
        self.next += 1;
        self.events.insert((at, self.next), event);
    }

    pub(crate) fn next_at(&self) -> Option<DateTime<Utc>> {
        self.events.keys().next().map(|(at, _)| *at)
    }

    pub(crate) fn pop(&mut self) -> Option<Event> {
        self.events.pop_first().map(|(_, event)| event)
    }
}
