//! What a call has spent, and what its answer says of that.

use std::{sync::atomic::Ordering, time::Duration};

use tokio::time::Instant;

use super::Budget;
use crate::shopify::{Cost, CostReport};

/// A call that may go out now. Tell it what the answer cost; dropping it ends the call.
#[derive(Debug)]
#[must_use]
pub struct Spent {
    pub(super) budget: Budget,
    pub(super) cost: Cost,
    /// When.
    pub(super) at: Instant,
    /// Where it is a user's.
    pub(super) user: Option<UserInFlight>,
}

/// Keeps warming back while it is there.
#[derive(Debug)]
pub(super) struct UserInFlight(Budget);

impl Spent {
    /// Corrects the bucket by what the answer reported.
    pub fn settle(&self, report: &CostReport) {
        let now = Instant::now();
        let mut bucket = self.budget.bucket();
        match self.user {
            Some(_) => bucket.settle_user(self.cost, report, now),
            None => bucket.settle_warming(self.cost, report, now),
        }
    }

    /// Shopify refused the call for want of points (PLATFORM 4.2: THROTTLED), so nothing was charged.
    pub fn throttled(&self, report: Option<&CostReport>) {
        match report {
            Some(report) => self.settle(report),
            None => self.give_back(),
        }
        if self.user.is_some() {
            let now = Instant::now();
            let wait = self.budget.bucket().wait_without_warming(self.cost, now);
            if wait.is_zero() {
                self.count_the_way_there_and_back();
            }
        }
    }

    /// Shopify asked for quiet. Asked of a user's call it holds all back; asked of a warming call only warming: a user's call
    /// goes out, and Shopify itself says whether it may.
    pub fn hold_back(&self, wait: Duration) {
        let until = Instant::now() + wait;
        if self.user.is_none() {
            self.budget.bucket().quiet_for_warming(until);
        } else if self.budget.bucket().quiet_for_all(self.at, until) {
            self.count_the_way_there_and_back();
        }
    }

    /// The call was not sent after all.
    pub fn unused(self) {
        self.give_back();
    }

    fn give_back(&self) {
        let (points, now) = (f64::from(self.cost.0), Instant::now());
        match self.user {
            Some(_) => self.budget.bucket().give_back_to_user(points, now),
            None => self.budget.bucket().give_back_to_warming(points, now),
        }
    }

    /// A user's call that was refused on warming's account has lost the time it took.
    fn count_the_way_there_and_back(&self) {
        self.budget.0.waited_for_warming.add(self.at.elapsed());
    }
}

impl UserInFlight {
    pub(super) fn enter(budget: Budget) -> Self {
        budget.0.users_in_flight.fetch_add(1, Ordering::SeqCst);
        Self(budget)
    }
}

impl Drop for UserInFlight {
    fn drop(&mut self) {
        if self.0.0.users_in_flight.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.0.users_gone.notify_waiters();
        }
    }
}
