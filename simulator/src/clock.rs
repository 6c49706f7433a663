//! The one time that everything in a simulator goes by.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use crate::locked::lock;

/// The simulator's clock: the system's, or one that stands still until it is moved. Clones show the same time.
#[derive(Debug, Clone)]
pub struct Clock {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Where a standing clock began; `None` runs with the system.
    start: Option<DateTime<Utc>>,
    /// How far it has been moved since, for either kind.
    moved: Mutex<TimeDelta>,
    changed: watch::Sender<()>,
}

impl Clock {
    /// The system's time.
    pub fn system() -> Self {
        Self::new(None)
    }

    /// A clock that shows `start` until somebody moves it.
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self::new(Some(start))
    }

    fn new(start: Option<DateTime<Utc>>) -> Self {
        Self {
            inner: Arc::new(Inner {
                start,
                moved: Mutex::new(TimeDelta::zero()),
                changed: watch::Sender::new(()),
            }),
        }
    }

    /// The time by this clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.inner.start.unwrap_or_else(system_now) + *lock(&self.inner.moved)
    }

    /// Moves the clock on. A system clock keeps running from there.
    pub fn advance(&self, by: Duration) {
        let by = TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX);
        let mut moved = lock(&self.inner.moved);
        *moved = moved.checked_add(&by).unwrap_or(TimeDelta::MAX);
        drop(moved);
        self.inner.changed.send_replace(());
    }

    /// Moves the clock to `to`, backwards if need be.
    pub fn set(&self, to: DateTime<Utc>) {
        *lock(&self.inner.moved) = to - self.inner.start.unwrap_or_else(system_now);
        self.inner.changed.send_replace(());
    }

    /// Waits until this clock shows `until`, however it gets there.
    pub(crate) async fn sleep_until(&self, until: DateTime<Utc>) {
        let mut changed = self.inner.changed.subscribe();
        loop {
            let Ok(left) = (until - self.now()).to_std() else {
                return;
            };
            if left.is_zero() {
                return;
            }
            // The sender lives as long as `self`, so an error cannot come; should it, the loop reads the clock again.
            let moved = async { changed.changed().await.is_ok() };
            if self.inner.start.is_some() {
                moved.await;
            } else {
                tokio::select! {
                    _ = moved => {}
                    () = tokio::time::sleep(left) => {}
                }
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the simulator reads the system's time"
)]
fn system_now() -> DateTime<Utc> {
    Utc::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_stands_until_it_is_moved_and_wakes_sleepers() {
        let start = "2026-11-22T10:00:00Z".parse().unwrap();
        let clock = Clock::manual(start);
        assert_eq!(clock.now(), start);
        let sleeper = clock.clone();
        let until = start + TimeDelta::hours(1);
        let slept = async move { sleeper.sleep_until(until).await };
        let moved = async {
            clock.advance(Duration::from_secs(1800));
            clock.advance(Duration::from_secs(1800));
        };
        tokio::join!(slept, moved);
        assert_eq!(clock.now(), until);
        clock.set(start);
        assert_eq!(clock.now(), start);
    }
}
