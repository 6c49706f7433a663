//! How far a sweep is, for whoever looks on.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A running sweep's progress. Shared between the sweep and those who watch it.
#[derive(Debug)]
pub struct Progress {
    started_at: DateTime<Utc>,
    /// Held for a copy only, never across an await.
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    done: u64,
    /// How much of the work is behind us, from 0 to 1.
    fraction: f64,
}

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

impl Progress {
    /// Nothing done yet.
    pub fn new(started_at: DateTime<Utc>) -> Self {
        Self {
            started_at,
            state: Mutex::new(State::default()),
        }
    }

    /// Notes that `more` orders are done and how much of the work that leaves behind.
    pub(super) fn advance(&self, more: usize, fraction: f64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done += u64::try_from(more).unwrap_or(u64::MAX);
        state.fraction = fraction.clamp(state.fraction, 1.0);
    }

    /// How far it is at `now`.
    pub fn snapshot(&self, now: DateTime<Utc>) -> Snapshot {
        let state = *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = (now - self.started_at).max(TimeDelta::zero());
        let known = state.fraction > 0.0;
        Snapshot {
            done: state.done,
            total: known.then(|| whole(count(state.done) / state.fraction)),
            started_at: self.started_at,
            eta_s: known
                .then(|| whole(elapsed.as_seconds_f64() * (1.0 - state.fraction) / state.fraction)),
        }
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
        let progress = Progress::new(DateTime::UNIX_EPOCH);
        let at = |seconds| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
        assert_eq!(progress.snapshot(at(1)).eta_s, None);
        progress.advance(350, 0.25);
        let seen = progress.snapshot(at(10));
        assert_eq!(
            (seen.done, seen.total, seen.eta_s),
            (350, Some(1400), Some(30))
        );
        progress.advance(0, 0.1);
        assert_eq!(
            progress.snapshot(at(10)).total,
            Some(1400),
            "progress never goes back"
        );
    }
}
