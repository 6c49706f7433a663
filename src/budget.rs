//! Who may call Shopify now: a user's request at once, warming at its own pace and only when no user needs the bucket.
//!
//! One budget a site. It spends before the call and corrects from each answer; of our own reckoning and Shopify's report
//! the lower balance wins. It also keeps account of what users waited because warming had spent or was spending.

mod bucket;
mod spent;
mod waited;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

pub use self::spent::Spent;
use self::{
    bucket::Bucket,
    spent::UserInFlight,
    waited::{HeldUp, Waited},
};
use crate::shopify::Cost;

/// A user who would have to wait longer is told at once.
pub(crate) const USERS_PATIENCE: Duration = Duration::from_secs(10);

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
    waited_for_warming: Waited,
}

/// The bucket as the status shows it, in points.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct BudgetStatus {
    /// What it holds now, by the lower of the two reckonings.
    pub available: f64,
    /// What it holds when full.
    pub maximum: f64,
    /// Points a second that flow back.
    pub restore_rate: f64,
    /// What users have waited because of warming: see [`Budget::users_waited_for_warming`].
    pub users_waited_for_warming_ms: u64,
}

impl Budget {
    /// A full bucket of a Standard shop, until the first answer tells better.
    pub fn new(settings: BudgetSettings) -> Self {
        Self(Arc::new(Inner {
            settings,
            bucket: Mutex::new(Bucket::standard(Instant::now())),
            users_in_flight: AtomicUsize::new(0),
            users_gone: Notify::new(),
            waited_for_warming: Waited::default(),
        }))
    }

    /// Waits for nothing but Shopify's own bucket. From here until the result is dropped, warming stands back.
    ///
    /// # Errors
    /// If Shopify asked for more quiet than a user would wait for.
    pub async fn foreground(&self, cost: Cost) -> Result<Spent, TooLong> {
        let user = UserInFlight::enter(self.clone());
        loop {
            let now = Instant::now();
            // Out of the match, or the lock would be held while we wait.
            let wait = self.bucket().spend_for_user(cost, now);
            match wait {
                Ok(()) => {
                    return Ok(Spent {
                        budget: self.clone(),
                        cost,
                        at: now,
                        user: Some(user),
                    });
                }
                Err(wait) if wait.total > USERS_PATIENCE => return Err(TooLong(wait.total)),
                Err(wait) => {
                    let _held_up = self.held_up(wait.total, wait.without_warming);
                    tokio::time::sleep(wait.total).await;
                }
            }
        }
    }

    /// A user's call was throttled and waits for its points. What it would not have waited without warming is counted.
    pub async fn hold_up_user(&self, cost: Cost, wait: Duration) {
        let without_warming = self.bucket().wait_without_warming(cost, Instant::now());
        let _held_up = self.held_up(wait, without_warming);
        tokio::time::sleep(wait).await;
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
            let (pace, now) = (self.0.settings.pace, Instant::now());
            let wait = self.bucket().spend_for_warming(cost, pace, now);
            let Err(wait) = wait else {
                return Spent {
                    budget: self.clone(),
                    cost,
                    at: now,
                    user: None,
                };
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// How long users' calls have waited, since the start, for what warming held or spent: for points that would have been
    /// there had warming spent none, for quiet that Shopify asked of a warming call first, and for calls that Shopify refused
    /// for either. An upper bound: what other processes spent counts as warming's. Promise 3 is that this is 0.
    ///
    /// Nothing else of warming's is in a user's way: warming's calls have connections of their own and fetch for nobody, and
    /// a breaker that is open makes users' calls fail, not wait.
    pub fn users_waited_for_warming(&self) -> Duration {
        self.0.waited_for_warming.so_far()
    }

    /// What the bucket holds, and what users waited.
    pub fn status(&self) -> BudgetStatus {
        let (available, maximum, restore_rate) = self.bucket().levels(Instant::now());
        let waited = self.users_waited_for_warming().as_millis();
        BudgetStatus {
            available,
            maximum,
            restore_rate,
            users_waited_for_warming_ms: u64::try_from(waited).unwrap_or(u64::MAX),
        }
    }

    fn held_up(&self, wait: Duration, without_warming: Duration) -> HeldUp<'_> {
        self.0.waited_for_warming.begin(wait, without_warming)
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        // A panic while holding it cannot leave the numbers half-written in a way that matters.
        self.0.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
