//! Every call to Shopify goes out through here: the budget lets it, the client sends it, the answer corrects the budget, and
//! an error is tried again as its class advises.

mod orders;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use tracing::warn;

pub use self::orders::{OrdersFound, Page, ReadError, Reader};
use crate::{
    budget::{Budget, Spent, TooLong},
    clock::Clock,
    shopify::{AdminClient, AdminError, Answer, Query, Retry},
};

/// The longest pause between two tries; a longer one is the sweep's or the user's to decide.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// On whose behalf a call goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// A user waits for it.
    Foreground,
    /// Warming: paced, and never before a user.
    Background,
}

/// The calls to one site's shop. Cheap to clone; clones share connections, budget and count.
#[derive(Debug, Clone)]
pub struct Calls {
    admin: AdminClient,
    budget: Budget,
    clock: Clock,
    retries: u32,
    sent: Arc<AtomicU64>,
    /// Points charged.
    charged: Arc<AtomicU64>,
    /// The class of the last error since the last answer, for the readiness page.
    trouble: Arc<ArcSwapOption<&'static str>>,
}

impl Calls {
    /// Calls by `admin` within `budget`, each tried again at most `retries` times.
    pub fn new(admin: AdminClient, budget: Budget, clock: Clock, retries: u32) -> Self {
        Self {
            admin,
            budget,
            clock,
            retries,
            sent: Arc::default(),
            charged: Arc::default(),
            trouble: Arc::default(),
        }
    }

    /// The same calls, counted apart: how many a sweep made.
    #[must_use]
    pub fn counted_apart(&self) -> Self {
        Self {
            sent: Arc::default(),
            charged: Arc::default(),
            ..self.clone()
        }
    }

    /// How often a call, or a fetch of one order, is tried again.
    pub fn retries(&self) -> u32 {
        self.retries
    }

    /// How many have been sent, tries included.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// The points Shopify has charged for them.
    pub fn charged(&self) -> u64 {
        self.charged.load(Ordering::Relaxed)
    }

    /// The API version Shopify serves instead of the one asked for, if it does.
    pub fn fell_forward_to(&self) -> Option<String> {
        self.admin.fell_forward_to()
    }

    /// The class of what went wrong with the last call; none while calls are answered.
    pub fn trouble(&self) -> Option<&'static str> {
        self.trouble.load().as_deref().copied()
    }

    /// The site's budget.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Runs a query, waiting and trying again as its errors advise.
    ///
    /// # Errors
    /// The last error. [`Retry::AskForLess`] is handed back at once: only the caller knows how to ask for less.
    pub async fn run<Q: Query>(
        &self,
        priority: Priority,
        query: &Q,
    ) -> Result<Answer<Q::Data>, AdminError> {
        let mut tries = 0;
        loop {
            let error = match self.once(priority, query).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let pause = match error.retry() {
                _ if tries >= self.retries => return Err(error),
                Retry::Never => return Err(error),
                Retry::AskForLess if query.can_ask_for_less() => return Err(error),
                Retry::After(wait) if wait > LONGEST_PAUSE => return Err(error),
                Retry::After(wait) => Self::pause_the_budget_leaves(&error, wait),
                Retry::Backoff | Retry::AskForLess => backoff(tries),
            };
            warn!(
                shopify.operation = Q::NAME,
                error.class = error.class(),
                tries,
                "a call failed and is tried again: {error}"
            );
            tries += 1;
            tokio::time::sleep(pause).await;
        }
    }

    /// The budget makes the next try wait for the quiet that Shopify asked for; how long the bucket takes to admit this query
    /// only Shopify's answer tells, since its price may be above what we reckon.
    fn pause_the_budget_leaves(error: &AdminError, wait: Duration) -> Duration {
        if matches!(error, AdminError::Throttled { .. }) {
            wait + jitter(wait)
        } else {
            Duration::ZERO
        }
    }

    async fn once<Q: Query>(
        &self,
        priority: Priority,
        query: &Q,
    ) -> Result<Answer<Q::Data>, AdminError> {
        let spent = match priority {
            Priority::Foreground => self
                .budget
                .foreground(query.cost())
                .await
                .map_err(too_long)?,
            Priority::Background => self.budget.background(query.cost()).await,
        };
        self.sent.fetch_add(1, Ordering::Relaxed);
        let answer = self.admin.run(query, self.clock.now());
        let result = self.clock.at_shopify(answer).await;
        self.trouble
            .store(result.as_ref().err().map(|error| Arc::new(error.class())));
        if let Ok(Answer {
            cost: Some(report), ..
        }) = &result
        {
            self.charged.fetch_add(report.charged(), Ordering::Relaxed);
        }
        settle(&spent, &result);
        result
    }
}

/// Shopify asked for more quiet than a user would wait for.
fn too_long(TooLong(wait): TooLong) -> AdminError {
    AdminError::RateLimited {
        retry_after: Some(wait),
    }
}

fn settle<T>(spent: &Spent, result: &Result<Answer<T>, AdminError>) {
    match result {
        Ok(Answer {
            cost: Some(report), ..
        })
        | Err(AdminError::Throttled {
            report: Some(report),
        }) => spent.settle(report),
        // A throttled answer is about the bucket alone: a cheap call of a user may still go out at once.
        Ok(Answer { cost: None, .. }) | Err(AdminError::Throttled { report: None }) => {}
        Err(error) => {
            if let Retry::After(wait) = error.retry() {
                spent.hold_back(wait + jitter(wait));
            }
        }
    }
}

/// 0.5 s, 1 s, 2 s …, each up to half as long again so that replicas do not march in step.
pub fn backoff(tries: u32) -> Duration {
    let pause = Duration::from_millis(500) * 2u32.saturating_pow(tries.min(7));
    pause + jitter(pause)
}

fn jitter(pause: Duration) -> Duration {
    pause
        .mul_f64(fastrand::f64() / 2.0)
        .min(Duration::from_secs(1))
}
