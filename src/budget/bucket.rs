//! Shopify's cost bucket as we reckon it, twice: as it is, and as it would be had warming spent nothing. A pure thing of
//! numbers and instants.

use std::time::Duration;

use tokio::time::Instant;

use crate::shopify::{Cost, CostReport, Throttle};

/// Of the full bucket, what warming leaves to users.
const USERS_RESERVE: f64 = 0.5;

/// The bucket of one app on one shop.
#[derive(Debug)]
pub(super) struct Bucket {
    /// By the lower of our reckoning and Shopify's reports.
    available: f64,
    /// As if users of this process alone had spent. No report lowers it, so what anybody else spent counts as warming's, and
    /// what users waited for warming is never told too low.
    without_warming: f64,
    maximum: f64,
    restore_rate: f64,
    reckoned_at: Instant,
    /// A user's call was told to be quiet until then: all are.
    users_quiet_until: Instant,
    /// A warming call was told so: users' calls are not, until Shopify tells one of them.
    warming_quiet_until: Instant,
    next_warming_at: Instant,
}

/// How long a user's call has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UsersWait {
    pub(super) total: Duration,
    /// What of it there would be without warming.
    pub(super) without_warming: Duration,
}

impl Bucket {
    /// The smallest plan's: size and rate are read from the first answer.
    pub(super) fn standard(now: Instant) -> Self {
        Self {
            available: 2000.0,
            without_warming: 2000.0,
            maximum: 2000.0,
            restore_rate: 100.0,
            reckoned_at: now,
            users_quiet_until: now,
            warming_quiet_until: now,
            next_warming_at: now,
        }
    }

    /// Spends for a user, or says how long to wait.
    pub(super) fn spend_for_user(&mut self, cost: Cost, now: Instant) -> Result<(), UsersWait> {
        self.refill(now);
        if now < self.users_quiet_until {
            let total = self.users_quiet_until - now;
            let warmings = self.warming_quiet_until.saturating_duration_since(now);
            return Err(UsersWait {
                total,
                without_warming: total.saturating_sub(warmings),
            });
        }
        if let Some(total) = self.wait_for(cost, 0.0, self.available) {
            return Err(UsersWait {
                total,
                without_warming: self.wait_without_warming(cost, now),
            });
        }
        self.available -= f64::from(cost.0);
        self.without_warming = (self.without_warming - f64::from(cost.0)).max(0.0);
        Ok(())
    }

    /// Spends for warming, above the users' reserve and not before its turn, or says how long to wait.
    pub(super) fn spend_for_warming(
        &mut self,
        cost: Cost,
        pace: Duration,
        now: Instant,
    ) -> Result<(), Duration> {
        self.refill(now);
        let first = self
            .next_warming_at
            .max(self.users_quiet_until)
            .max(self.warming_quiet_until);
        if now < first {
            return Err(first - now);
        }
        // A shop with a small bucket must not starve warming for good.
        let reserve = (self.maximum * USERS_RESERVE)
            .min(self.maximum - f64::from(cost.0))
            .max(0.0);
        if let Some(wait) = self.wait_for(cost, reserve, self.available) {
            return Err(wait);
        }
        self.available -= f64::from(cost.0);
        self.next_warming_at = now + pace;
        Ok(())
    }

    /// How long a user would wait for the points of a call had warming spent nothing.
    pub(super) fn wait_without_warming(&mut self, cost: Cost, now: Instant) -> Duration {
        self.refill(now);
        self.wait_for(cost, 0.0, self.without_warming)
            .unwrap_or_default()
    }

    fn wait_for(&self, cost: Cost, reserve: f64, available: f64) -> Option<Duration> {
        let needed = f64::from(cost.0).min(self.maximum) + reserve;
        (available < needed).then(|| {
            let seconds = (needed - available) / self.restore_rate.max(1.0);
            // A millisecond more than reckoned, so that rounding cannot make us spin.
            Duration::from_secs_f64(seconds.clamp(0.0, 3600.0)) + Duration::from_millis(1)
        })
    }

    /// Gives back what a user's call asked for but was not charged, then believes the report.
    pub(super) fn settle_user(&mut self, spent: Cost, report: &CostReport, now: Instant) {
        let unspent = unspent(spent, report);
        self.give_back_to_user(unspent, now);
        self.believe(report.throttle_status);
    }

    /// The same for a warming call.
    pub(super) fn settle_warming(&mut self, spent: Cost, report: &CostReport, now: Instant) {
        self.give_back_to_warming(unspent(spent, report), now);
        self.believe(report.throttle_status);
    }

    /// Points a user's call did not need after all.
    pub(super) fn give_back_to_user(&mut self, points: f64, now: Instant) {
        self.give_back_to_warming(points, now);
        self.without_warming = (self.without_warming + points).min(self.maximum);
    }

    /// Points a warming call did not need after all.
    pub(super) fn give_back_to_warming(&mut self, points: f64, now: Instant) {
        self.refill(now);
        self.available = (self.available + points).min(self.maximum);
    }

    /// The lower of the two balances wins. A bucket that grew is taken to have grown by points that are there.
    fn believe(&mut self, throttle: Throttle) {
        let maximum = throttle.maximum_available.max(1.0);
        let growth = (maximum - self.maximum).max(0.0);
        self.maximum = maximum;
        self.restore_rate = throttle.restore_rate.max(1.0);
        self.available = (self.available + growth)
            .min(throttle.currently_available)
            .clamp(0.0, maximum);
        self.without_warming = (self.without_warming + growth).clamp(0.0, maximum);
    }

    /// Shopify told a user's call to be quiet. Whether it had told a warming call so, when the user's went out.
    pub(super) fn quiet_for_all(&mut self, sent_at: Instant, until: Instant) -> bool {
        self.users_quiet_until = self.users_quiet_until.max(until);
        self.warming_quiet_until > sent_at
    }

    /// Shopify told a warming call to be quiet.
    pub(super) fn quiet_for_warming(&mut self, until: Instant) {
        self.warming_quiet_until = self.warming_quiet_until.max(until);
    }

    /// Points available, when full, and flowing back a second.
    pub(super) fn levels(&mut self, now: Instant) -> (f64, f64, f64) {
        self.refill(now);
        (self.available.floor(), self.maximum, self.restore_rate)
    }

    fn refill(&mut self, now: Instant) {
        let elapsed = now
            .saturating_duration_since(self.reckoned_at)
            .as_secs_f64();
        let restored = elapsed * self.restore_rate;
        self.available = (self.available + restored).min(self.maximum);
        self.without_warming = (self.without_warming + restored).min(self.maximum);
        self.reckoned_at = now;
    }
}

fn unspent(spent: Cost, report: &CostReport) -> f64 {
    (f64::from(spent.0) - report.actual_query_cost.unwrap_or(0.0)).max(0.0)
}
