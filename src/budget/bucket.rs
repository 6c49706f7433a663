//! Shopify's cost bucket as we reckon it: a pure thing of numbers and instants.

use std::time::Duration;

use tokio::time::Instant;

use super::BudgetStatus;
use crate::shopify::{Cost, CostReport};

/// Of the full bucket, what warming leaves to users.
const USERS_RESERVE: f64 = 0.5;

/// The bucket of one app on one shop.
#[derive(Debug)]
pub(super) struct Bucket {
    available: f64,
    maximum: f64,
    restore_rate: f64,
    reckoned_at: Instant,
    blocked_until: Instant,
    next_warming_at: Instant,
}

impl Bucket {
    /// The smallest plan's: size and rate are read from the first answer.
    pub(super) fn standard(now: Instant) -> Self {
        Self {
            available: 2000.0,
            maximum: 2000.0,
            restore_rate: 100.0,
            reckoned_at: now,
            blocked_until: now,
            next_warming_at: now,
        }
    }

    /// Spends for a user, or says how long to wait.
    pub(super) fn spend_for_user(&mut self, cost: Cost, now: Instant) -> Result<(), Duration> {
        self.spend(cost, 0.0, now)
    }

    /// Spends for warming, above the users' reserve and not before its turn, or says how long to wait.
    pub(super) fn spend_for_warming(
        &mut self,
        cost: Cost,
        pace: Duration,
        now: Instant,
    ) -> Result<(), Duration> {
        if now < self.next_warming_at {
            return Err(self.next_warming_at - now);
        }
        // A shop with a small bucket must not starve warming for good.
        let reserve = (self.maximum * USERS_RESERVE)
            .min(self.maximum - f64::from(cost.0))
            .max(0.0);
        self.spend(cost, reserve, now)?;
        self.next_warming_at = now + pace;
        Ok(())
    }

    fn spend(&mut self, cost: Cost, reserve: f64, now: Instant) -> Result<(), Duration> {
        self.refill(now);
        if now < self.blocked_until {
            return Err(self.blocked_until - now);
        }
        let needed = f64::from(cost.0).min(self.maximum) + reserve;
        if self.available < needed {
            let seconds = (needed - self.available) / self.restore_rate.max(1.0);
            // A millisecond more than reckoned, so that rounding cannot make us spin.
            return Err(
                Duration::from_secs_f64(seconds.clamp(0.0, 3600.0)) + Duration::from_millis(1)
            );
        }
        self.available -= f64::from(cost.0);
        Ok(())
    }

    /// Gives back what was asked for but not charged, then believes the lower of the two balances.
    pub(super) fn settle(&mut self, spent: Cost, report: &CostReport, now: Instant) {
        self.refill(now);
        let throttle = report.throttle_status;
        self.maximum = throttle.maximum_available.max(1.0);
        self.restore_rate = throttle.restore_rate.max(1.0);
        let unspent = f64::from(spent.0) - report.actual_query_cost.unwrap_or(0.0);
        self.available = (self.available + unspent.max(0.0))
            .min(throttle.currently_available)
            .clamp(0.0, self.maximum);
    }

    pub(super) fn block_until(&mut self, until: Instant) {
        self.blocked_until = self.blocked_until.max(until);
    }

    pub(super) fn status(&mut self, now: Instant) -> BudgetStatus {
        self.refill(now);
        BudgetStatus {
            available: self.available.floor(),
            maximum: self.maximum,
            restore_rate: self.restore_rate,
        }
    }

    fn refill(&mut self, now: Instant) {
        let elapsed = now
            .saturating_duration_since(self.reckoned_at)
            .as_secs_f64();
        self.available = (self.available + elapsed * self.restore_rate).min(self.maximum);
        self.reckoned_at = now;
    }
}
