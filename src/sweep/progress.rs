//! How far a sweep is, for whoever looks on.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far a sweep has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Progressed {
    /// Orders read.
    done: u64,
    /// How much of the work is behind us, from 0 to 1.
    fraction: f64,
}

/// A sweep's progress for whoever looks on in this process: the command line's bar.
#[derive(Debug, Default)]
pub struct Watched(
    /// Held for a copy only, never across an await.
    Mutex<Option<Snapshot>>,
);

/// What a watcher sees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Snapshot {
    /// Orders read.
    pub done: u64,
    /// Orders there will be; an estimate until the end, none before the first page.
    pub total: Option<u64>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// Seconds it will still take; none before the first page.
    pub eta_s: Option<u64>,
}

impl Progressed {
    /// Notes that `more` orders are done and how much of the work that leaves behind. Progress never goes back.
    pub(super) fn advance(&mut self, more: usize, fraction: f64) {
        self.done += u64::try_from(more).unwrap_or(u64::MAX);
        self.fraction = fraction.clamp(self.fraction, 1.0);
    }

    /// How far that is at `now`.
    pub fn snapshot(&self, started_at: DateTime<Utc>, now: DateTime<Utc>) -> Snapshot {
        let elapsed = (now - started_at).max(TimeDelta::zero());
        let known = self.fraction > 0.0;
        Snapshot {
            done: self.done,
            total: known.then(|| whole(count(self.done) / self.fraction)),
            started_at,
            eta_s: known
                .then(|| whole(elapsed.as_seconds_f64() * (1.0 - self.fraction) / self.fraction)),
        }
    }
}

impl Watched {
    pub(super) fn show(&self, snapshot: Snapshot) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(snapshot);
    }

    /// How far it is; none before it began.
    pub fn snapshot(&self) -> Option<Snapshot> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::as_conversions,
    reason = "an estimate; counts stay far below 2^52"
)]
fn count(orders: u64) -> f64 {
    orders as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::as_conversions,
    reason = "an estimate, not negative, and `as` saturates"
)]
fn whole(estimate: f64) -> u64 {
    estimate.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_done_in_ten_seconds_leaves_thirty() {
        let mut progress = Progressed::default();
        let began = DateTime::UNIX_EPOCH;
        let at = |seconds| began + TimeDelta::seconds(seconds);
        assert_eq!(progress.snapshot(began, at(1)).eta_s, None);
        progress.advance(350, 0.25);
        let seen = progress.snapshot(began, at(10));
        assert_eq!(
            (seen.done, seen.total, seen.eta_s),
            (350, Some(1400), Some(30))
        );
        progress.advance(0, 0.1);
        assert_eq!(
            progress.snapshot(began, at(10)).total,
            Some(1400),
            "progress never goes back"
        );
    }
}
