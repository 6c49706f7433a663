//! Who may call Shopify now: a user's request at once, warming at its own pace and only when no user needs the bucket.
//!
//! One budget a site. It spends before the call and corrects from each answer; of our own reckoning and Shopify's report
//! the lower balance wins.

mod bucket;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use self::bucket::Bucket;
use crate::shopify::{Cost, CostReport};

/// A user who would have to wait longer is told at once.
const USERS_PATIENCE: Duration = Duration::from_secs(10);

/// Shopify asked for this much quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong(pub Duration);

/// How warming holds back.
#[derive(Debug, Clone, Copy)]
pub struct BudgetSettings {
    /// The least time between two warming calls: 2 s for `WARMUP_RATE_LIMIT` 0.5.
    pub pace: Duration,
    /// Whether warming waits while a user's call is in flight (`WARMUP_PAUSE_ON_USER_REQUEST`).
    pub pause_for_users: bool,
}

/// A site's budget. Cheap to clone; clones share it.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: BudgetSettings,
    /// Held for arithmetic only, never across an await.
    bucket: Mutex<Bucket>,
    users_in_flight: AtomicUsize,
    /// Rung when the last user's call ends.
    users_gone: Notify,
}

/// A call that may go out now. Tell it what the answer cost; dropping it ends the call.
#[derive(Debug)]
#[must_use]
pub struct Spent {
    budget: Budget,
    cost: Cost,
    _user: Option<UserInFlight>,
}

#[derive(Debug)]
struct UserInFlight(Budget);

/// The bucket as the status shows it, in points.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct BudgetStatus {
    /// What it holds now, by the lower of the two reckonings.
    pub available: f64,
    /// What it holds when full.
    pub maximum: f64,
    /// Points a second that flow back.
    pub restore_rate: f64,
}

impl Budget {
    /// A full bucket of a Standard shop, until the first answer tells better.
    pub fn new(settings: BudgetSettings) -> Self {
        Self(Arc::new(Inner {
            settings,
            bucket: Mutex::new(Bucket::standard(Instant::now())),
            users_in_flight: AtomicUsize::new(0),
            users_gone: Notify::new(),
        }))
    }

    /// Waits for nothing but Shopify's own bucket. From here until the result is dropped, warming stands back.
    ///
    /// # Errors
    /// If Shopify asked for more quiet than a user would wait for.
    pub async fn foreground(&self, cost: Cost) -> Result<Spent, TooLong> {
        let user = UserInFlight::enter(self.clone());
        loop {
            let wait = self.bucket().spend_for_user(cost, Instant::now());
            match wait {
                Ok(()) => {
                    return Ok(Spent {
                        budget: self.clone(),
                        cost,
                        _user: Some(user),
                    });
                }
                Err(wait) if wait > USERS_PATIENCE => return Err(TooLong(wait)),
                Err(wait) => tokio::time::sleep(wait).await,
            }
        }
    }

    /// Waits for the pace, for users, and for a bucket that leaves users their reserve.
    pub async fn background(&self, cost: Cost) -> Spent {
        loop {
            // Registered before the look, or a user leaving in between would not wake us.
            let users_gone = self.0.users_gone.notified();
            if self.0.settings.pause_for_users && self.0.users_in_flight.load(Ordering::SeqCst) > 0
            {
                users_gone.await;
                continue;
            }
            let wait = self
                .bucket()
                .spend_for_warming(cost, self.0.settings.pace, Instant::now());
            let Err(wait) = wait else {
                return Spent {
                    budget: self.clone(),
                    cost,
                    _user: None,
                };
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// What the bucket holds.
    pub fn status(&self) -> BudgetStatus {
        self.bucket().status(Instant::now())
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        // A panic while holding it cannot leave the numbers half-written in a way that matters.
        self.0.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spent {
    /// Corrects the bucket by what the answer reported.
    pub fn settle(&self, report: &CostReport) {
        self.budget
            .bucket()
            .settle(self.cost, report, Instant::now());
    }

    /// Nothing goes out to this shop for `wait`: Shopify asked for it.
    pub fn hold_back(&self, wait: Duration) {
        self.budget.bucket().block_until(Instant::now() + wait);
    }
}

impl UserInFlight {
    fn enter(budget: Budget) -> Self {
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

#[cfg(test)]
mod tests;
