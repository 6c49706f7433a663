//! What a site's warmer keeps besides the orders: who it is, the sweep under way, what was asked of it.
//!
//! Everything that only the warmer may write is written together, and only while its lease holds: a warmer that was frozen, and
//! wakes up after another took over, changes nothing any more.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::order::OrderId;

/// A lease that was taken: the number grows with each taking, so that the store tells an old holder from the new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fence(pub(super) u64);

/// What is known of a site's warming, whichever replica asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Warming {
    /// The sweep under way, as its warmer last wrote it down.
    pub sweep: Option<String>,
    /// What a stopped sweep left to do.
    pub rest: Option<String>,
    /// A sweep that was asked for and has not begun.
    pub wish: Option<String>,
    /// The task that is to stop.
    pub stop: Option<String>,
    /// Slots up to here have their record, or a sweep under way that will leave it.
    pub slots_until: Option<DateTime<Utc>>,
    /// What the last audit of the shop's subscriptions found.
    pub audit: Option<String>,
}

/// What the warmer writes in one step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WarmingChange {
    /// The sweep under way.
    pub sweep: Change,
    /// What a stopped sweep left to do.
    pub rest: Change,
    /// The wish: it can only be taken away.
    pub wish: Change,
    /// The task that is to stop: it can only be taken away.
    pub stop: Change,
    /// Slots up to here have their record. May move back: a clock that was years ahead must not stop the schedule.
    pub slots_until: Option<DateTime<Utc>>,
    /// What the last audit of the shop's subscriptions found.
    pub audit: Change,
    /// Records of sweeps that ended or were skipped, the oldest first.
    pub records: Vec<String>,
}

/// What becomes of one text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Change {
    /// It stays as it is.
    #[default]
    Keep,
    /// It becomes this.
    Set(String),
    /// It goes.
    Clear,
}

/// What came of asking for a sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The warmer will begin it.
    Taken,
    /// One is under way or asked for already: this.
    Busy(String),
}

/// An order that could not be fetched as often as it was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Which.
    pub order: OrderId,
    /// Why. No personal data.
    pub cause: String,
    /// Since when.
    pub at: DateTime<Utc>,
}

/// How much room the store has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// Bytes in use.
    pub used: u64,
    /// The store's own limit in bytes, if it has one.
    pub limit: Option<u64>,
    /// The policy by which the server may throw our keys away, if it may.
    pub eviction: Option<String>,
}

impl Warming {
    /// The six texts a store keeps, by name.
    pub(super) const FIELDS: [&str; 6] = ["sweep", "rest", "wish", "stop", "slots_until", "audit"];

    /// From the texts, in the order of [`Self::FIELDS`].
    pub(super) fn of(mut texts: [Option<String>; 6]) -> Self {
        let slots_until = texts[4].take().and_then(|millis| millis.parse().ok());
        Self {
            sweep: texts[0].take(),
            rest: texts[1].take(),
            wish: texts[2].take(),
            stop: texts[3].take(),
            slots_until: slots_until.and_then(DateTime::from_timestamp_millis),
            audit: texts[5].take(),
        }
    }
}

impl WarmingChange {
    /// What becomes of each of [`Warming::FIELDS`].
    pub(super) fn fields(&self) -> [(&'static str, Change); 6] {
        let slots_until = self.slots_until.map_or(Change::Keep, |at| {
            Change::Set(at.timestamp_millis().to_string())
        });
        let [sweep, rest, wish, stop, until, audit] = Warming::FIELDS;
        [
            (sweep, self.sweep.clone()),
            (rest, self.rest.clone()),
            (wish, self.wish.clone()),
            (stop, self.stop.clone()),
            (until, slots_until),
            (audit, self.audit.clone()),
        ]
    }
}
