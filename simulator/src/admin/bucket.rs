//! The leaky bucket of query cost.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// Points that come back with time.
#[derive(Debug)]
pub(crate) struct Bucket {
    maximum: f64,
    restore_per_second: f64,
    available: f64,
    at: DateTime<Utc>,
}

impl Bucket {
    pub(crate) fn new(maximum: u32, restore_per_second: u32, at: DateTime<Utc>) -> Self {
        let maximum = f64::from(maximum);
        Self {
            maximum,
            restore_per_second: f64::from(restore_per_second),
            available: maximum,
            at,
        }
    }

    fn restore(&mut self, now: DateTime<Utc>) {
        let elapsed = (now - self.at).to_std().unwrap_or_default();
        self.at = now;
        let restored = self.available + elapsed.as_secs_f64() * self.restore_per_second;
        self.available = restored.min(self.maximum);
    }

    /// Takes the requested points if they are there. What a query then did not need is given back.
    pub(crate) fn take(&mut self, requested: u32, now: DateTime<Utc>) -> bool {
        self.restore(now);
        let enough = self.available >= f64::from(requested);
        if enough {
            self.available -= f64::from(requested);
        }
        enough
    }

    pub(crate) fn give_back(&mut self, points: u32, now: DateTime<Utc>) {
        self.restore(now);
        self.available = (self.available + f64::from(points)).min(self.maximum);
    }

    /// Leaves so many points, for a test that needs an empty bucket.
    pub(crate) fn set_available(&mut self, points: u32, now: DateTime<Utc>) {
        self.restore(now);
        self.available = f64::from(points).min(self.maximum);
    }

    /// `throttleStatus`, with the point where Shopify has it.
    pub(crate) fn status(&mut self, now: DateTime<Utc>) -> Value {
        self.restore(now);
        json!({
            "maximumAvailable": self.maximum,
            "currentlyAvailable": self.available.floor(),
            "restoreRate": self.restore_per_second,
        })
    }
}
