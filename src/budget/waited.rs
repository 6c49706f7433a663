//! The account of what users waited because of warming.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::Instant;

/// The sum so far.
#[derive(Debug, Default)]
pub(super) struct Waited {
    nanos: AtomicU64,
}

/// A user's call is waiting. What it waited is counted when this goes, also when the user goes before the end.
#[derive(Debug)]
#[must_use]
pub(super) struct HeldUp<'a> {
    waited: &'a Waited,
    since: Instant,
    /// None where warming is not to blame at all: a timer that is late is nobody's fault.
    beyond: Option<Duration>,
}

impl Waited {
    pub(super) fn so_far(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::Relaxed))
    }

    pub(super) fn add(&self, wait: Duration) {
        let nanos = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// A wait of which `without_warming` would have been there anyway.
    pub(super) fn begin(&self, wait: Duration, without_warming: Duration) -> HeldUp<'_> {
        HeldUp {
            waited: self,
            since: Instant::now(),
            beyond: (without_warming < wait).then_some(without_warming),
        }
    }
}

impl Drop for HeldUp<'_> {
    fn drop(&mut self) {
        if let Some(beyond) = self.beyond {
            self.waited.add(self.since.elapsed().saturating_sub(beyond));
        }
    }
}
