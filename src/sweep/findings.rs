//! What a sweep found, counted.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    order::{Announcement, Order, OrderId},
    store::{MergeOutcome, Merged},
};

/// What changed so shortly after a webhook may have one that is still on its way.
const ON_ITS_WAY: TimeDelta = TimeDelta::minutes(5);
/// Errors a record shows.
const MOST_ERRORS: usize = 10;
/// Failed orders that are fetched one by one after the sweep; a sweep that fails more has another trouble.
const MOST_TO_FETCH: usize = 1000;

/// What a sweep found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Findings {
    pub(super) orders: u64,
    /// Not in the cache.
    pub(super) missing: u64,
    /// In the cache in an older state, though a webhook should have told.
    pub(super) stale: u64,
    /// Of both, how many should have come by which webhook.
    pub(super) unannounced: BTreeMap<Announcement, u64>,
    /// Of both, how many changed after the last webhook of the site came in.
    pub(super) since_last_webhook: u64,
    /// When that was, or up to when changes had been read, when the sweep began.
    pub(super) known_until: Option<DateTime<Utc>>,
    pub(super) unchanged: u64,
    /// Not in the cache, and not missed there: they changed, but are older than the window.
    pub(super) older: u64,
    /// Orders that were read but not kept: deleted here, or too old to keep.
    pub(super) passed_over: u64,
    pub(super) failed: u64,
    /// Which failed, as far as their ids could be read: they are fetched one by one later.
    pub(super) to_fetch: Vec<OrderId>,
    /// At most [`MOST_ERRORS`], without personal data.
    pub(super) errors: Vec<String>,
    /// The oldest order read in full sweeps: how far back the window was really covered.
    pub(super) oldest: Option<DateTime<Utc>>,
    /// The newest change read, in Shopify's time: how far the watermark may move.
    pub(super) newest_change: Option<DateTime<Utc>>,
}

impl Findings {
    pub(super) fn failure(&mut self, order: Option<OrderId>, error: &impl std::fmt::Display) {
        self.failed += 1;
        if self.to_fetch.len() < MOST_TO_FETCH {
            self.to_fetch.extend(order);
        }
        if self.errors.len() < MOST_ERRORS {
            let order = order.map_or_else(|| "?".to_owned(), |id| id.to_string());
            self.errors.push(format!("order {order}: {error}"));
        }
    }

    /// Notes what went wrong without an order being lost by it.
    pub(super) fn trouble(&mut self, what: &str) {
        if self.errors.len() < MOST_ERRORS {
            self.errors.push(what.to_owned());
        }
    }

    /// Whether some that failed cannot be fetched later: nobody knows which they are.
    pub(super) fn lost_some(&self) -> bool {
        self.failed > u64::try_from(self.to_fetch.len()).unwrap_or(u64::MAX)
    }

    pub(super) fn note(&mut self, merged: &Merged, window_start: DateTime<Utc>) {
        let placed_at = merged.order.as_ref().and_then(|order| order.head.as_ref());
        let is_older = placed_at.is_some_and(|head| head.value.created_at < window_start);
        match merged.outcome {
            MergeOutcome::Created if is_older => {
                self.older += 1;
                return;
            }
            MergeOutcome::Created => self.missing += 1,
            MergeOutcome::Changed if merged.announcements.is_empty() => self.unchanged += 1,
            MergeOutcome::Changed => self.stale += 1,
            MergeOutcome::Confirmed | MergeOutcome::Unchanged => self.unchanged += 1,
            MergeOutcome::Tombstoned
            | MergeOutcome::NotCached
            | MergeOutcome::Expired
            | MergeOutcome::Deleted => self.passed_over += 1,
        }
        for announcement in &merged.announcements {
            *self.unannounced.entry(*announcement).or_default() += 1;
        }
        let changed_at = merged.order.as_ref().and_then(Order::newest);
        let is_later = self
            .known_until
            .is_some_and(|until| changed_at > Some(until + ON_ITS_WAY));
        if is_later && !merged.announcements.is_empty() {
            self.since_last_webhook += 1;
        }
    }
}
