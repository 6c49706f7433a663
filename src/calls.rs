//! Every call to Shopify goes out through here: the budget lets it, the client sends it, the answer corrects the budget, and
//! an error is tried again as its class advises.

mod breaker;
mod orders;
mod patience;
mod trouble;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use chrono::TimeDelta;
use tokio::{sync::Notify, time::Instant};
use tracing::warn;

pub use self::{
    breaker::BreakerState,
    orders::{OrdersFound, OrdersOfCustomer, Page, ReadError, Reader},
    patience::backoff,
    trouble::{About, Trouble},
};
use self::{
    breaker::{Breaker, Pass},
    patience::{Patience, jitter},
};
use crate::{
    budget::{Budget, Spent, TooLong},
    clock::Clock,
    shopify::{
        AdminClient, AdminError, Answer, BadSettings, Cost, GrantRefusal, Query, Retry, TokenStatus,
    },
};

/// On whose behalf a call goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// A user waits for it.
    Foreground,
    /// Warming: paced, and never before a user.
    Background,
}

/// The calls to one site's shop. Cheap to clone; clones share connections, budget, breaker and count.
#[derive(Debug, Clone)]
pub struct Calls {
    admin: AdminClient,
    /// On connections of its own, which no user waits for.
    warming: AdminClient,
    budget: Budget,
    breaker: Breaker,
    clock: Clock,
    retries: u32,
    sent: Arc<AtomicU64>,
    /// Points charged.
    charged: Arc<AtomicU64>,
    /// Whether the shop removed the app: nothing goes out then but a probe.
    is_closed: Arc<AtomicBool>,
    /// What went wrong with the last call, for whoever looks.
    trouble: Arc<ArcSwapOption<Trouble>>,
    /// Whether a call was denied access since somebody asked.
    denied: Arc<AtomicBool>,
}

impl Calls {
    /// Calls by `admin` within `budget`, each tried again at most `retries` times.
    ///
    /// # Errors
    /// If the connections for warming cannot be set up beside those for users.
    pub fn new(
        admin: AdminClient,
        budget: Budget,
        clock: Clock,
        retries: u32,
    ) -> Result<Self, BadSettings> {
        Ok(Self {
            warming: admin.with_own_connections()?,
            admin,
            budget,
            breaker: Breaker::default(),
            clock,
            retries,
            sent: Arc::default(),
            charged: Arc::default(),
            is_closed: Arc::default(),
            trouble: Arc::default(),
            denied: Arc::default(),
        })
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

    /// Why Shopify calls what we ask for deprecated, each reason once.
    pub fn deprecations(&self) -> Vec<String> {
        self.admin.deprecations()
    }

    /// The API version that is asked for.
    pub fn api_version(&self) -> &str {
        self.admin.api_version()
    }

    /// How far Shopify's clock is ahead of ours, to about a second, as of its last answer.
    pub fn clock_skew(&self) -> Option<TimeDelta> {
        self.admin.clock_skew()
    }

    /// The class of what went wrong with the last call; none while calls are answered.
    pub fn trouble(&self) -> Option<&'static str> {
        self.trouble.load().as_ref().map(|trouble| trouble.class)
    }

    /// What went wrong with the last call, in words; none while calls are answered.
    pub fn told_trouble(&self) -> Option<Arc<Trouble>> {
        self.trouble.load_full()
    }

    /// Whether a call was denied access since this was last asked.
    pub fn was_denied(&self) -> bool {
        self.denied.swap(false, Ordering::Relaxed)
    }

    /// Rung when there is something new to tell of the shop: another trouble or none, another version, a deprecation.
    pub(crate) fn bell(&self) -> &Arc<Notify> {
        self.admin.bell()
    }

    /// What there is to see of the access token.
    pub fn token(&self) -> TokenStatus {
        self.admin.token_status()
    }

    /// Why Shopify grants no token, if it refuses one.
    pub fn grant_refusal(&self) -> Option<GrantRefusal> {
        self.admin.grant_refusal()
    }

    /// How long until the access token is to be renewed; none where it never is.
    pub fn token_due_in(&self) -> Option<Duration> {
        self.admin.token_due_in(self.clock.now())
    }

    /// Renews the access token if that is due, over warming's connections; calls go on with the old one meanwhile.
    ///
    /// # Errors
    /// The grant's. A call that finds the token expired asks again by itself.
    pub async fn renew_token(&self) -> Result<(), AdminError> {
        if self.is_closed() {
            return Err(AdminError::AppRemoved);
        }
        let renewing = self.warming.renew_token(self.clock.now());
        let renewed = self.clock.at_shopify(renewing).await;
        self.bell().notify_one();
        renewed
    }

    /// The site's budget.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Whether calls go out, fail at once, or are about to be tried again.
    pub fn breaker(&self) -> BreakerState {
        self.breaker.state()
    }

    /// Lets no call out, since the shop removed the app.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    /// Lets calls out again.
    pub fn open(&self) {
        self.is_closed.store(false, Ordering::Relaxed);
    }

    /// Whether the shop removed the app, so that no call goes out.
    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    /// Runs a query, waiting and trying again as its errors advise.
    ///
    /// # Errors
    /// The last error. [`Retry::AskForLess`] is handed back at once if the query can ask for less. [`AdminError::AppRemoved`] while
    /// the calls are closed.
    pub async fn run<Q: Query>(
        &self,
        priority: Priority,
        query: &Q,
    ) -> Result<Answer<Q::Data>, AdminError> {
        if self.is_closed() {
            return Err(AdminError::AppRemoved);
        }
        self.run_though_closed(priority, query).await
    }

    /// Finds out, at warming's pace, whether the shop lets us in again. One call goes out even while the others are held back.
    ///
    /// # Errors
    /// The last error.
    pub async fn probe<Q: Query>(&self, query: &Q) -> Result<Answer<Q::Data>, AdminError> {
        self.run_though_closed(Priority::Background, query).await
    }

    async fn run_though_closed<Q: Query>(
        &self,
        priority: Priority,
        query: &Q,
    ) -> Result<Answer<Q::Data>, AdminError> {
        let mut patience = Patience::new(priority, self.retries);
        loop {
            let (spent, pass) = self.admitted(priority, query.cost(), &mut patience).await?;
            let error = match self.send(priority, query, spent, pass).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if may_be_too_heavy(query, &error) {
                return Err(error);
            }
            let Some(pause) = patience.pause(&error, Instant::now()) else {
                return Err(error);
            };
            warn!(
                shopify.operation = Q::NAME,
                error.class = error.class(),
                tries = patience.tries(),
                "a call failed and is tried again: {error}"
            );
            self.wait(priority, query.cost(), &error, pause).await;
        }
    }

    /// Waits until the call may go out. The breaker is asked before anything is spent, and again when it is the call's turn.
    async fn admitted(
        &self,
        priority: Priority,
        cost: Cost,
        patience: &mut Patience,
    ) -> Result<(Spent, Pass), AdminError> {
        loop {
            let spent = match priority {
                Priority::Foreground => {
                    self.breaker.check(priority)?;
                    self.budget.foreground(cost).await.map_err(too_long)?
                }
                Priority::Background => {
                    let refused = self.breaker.check(priority).is_err();
                    if refused {
                        self.breaker.wait(patience.deadline(Instant::now())).await?;
                    }
                    self.budget.background(cost).await
                }
            };
            match (self.breaker.admit(priority), priority) {
                (Ok(pass), _) => return Ok((spent, pass)),
                (Err(error), Priority::Foreground) => {
                    spent.unused();
                    return Err(error);
                }
                (Err(_), Priority::Background) => spent.unused(),
            }
        }
    }

    async fn send<Q: Query>(
        &self,
        priority: Priority,
        query: &Q,
        spent: Spent,
        pass: Pass,
    ) -> Result<Answer<Q::Data>, AdminError> {
        let admin = match priority {
            Priority::Foreground => &self.admin,
            Priority::Background => &self.warming,
        };
        self.sent.fetch_add(1, Ordering::Relaxed);
        let asked = admin.run(query, self.clock.now());
        let result = self.clock.at_shopify(asked).await;
        match &result {
            Err(error) if error.is_outage() && may_be_too_heavy(query, error) => pass.doubtful(),
            Ok(_) | Err(_) => pass.ended(&result),
        }
        self.note_trouble(result.as_ref().err());
        if let Ok(Answer {
            cost: Some(report), ..
        }) = &result
        {
            self.charged.fetch_add(report.charged(), Ordering::Relaxed);
        }
        settle(&spent, &result);
        result
    }

    /// Keeps what went wrong, or that nothing did, and rings if that is news.
    fn note_trouble(&self, error: Option<&AdminError>) {
        let before = self.trouble();
        if error.is_some_and(AdminError::denies_access) {
            self.denied.store(true, Ordering::Relaxed);
        }
        self.trouble
            .store(error.map(|error| Arc::new(Trouble::of(error))));
        if before != error.map(AdminError::class) {
            self.bell().notify_one();
        }
    }

    /// The pause between two tries. While the breaker is open warming waits there, and a user's call fails there, at once.
    async fn wait(&self, priority: Priority, cost: Cost, error: &AdminError, pause: Duration) {
        match (priority, error) {
            _ if error.is_outage() && self.breaker.state() != BreakerState::Closed => {}
            (Priority::Foreground, AdminError::Throttled { .. }) => {
                self.budget.hold_up_user(cost, pause).await;
            }
            (Priority::Foreground | Priority::Background, _) => tokio::time::sleep(pause).await,
        }
    }
}

/// Whether less of the same might be answered: only the caller knows how to ask for less.
fn may_be_too_heavy<Q: Query>(query: &Q, error: &AdminError) -> bool {
    error.retry() == Retry::AskForLess && query.can_ask_for_less()
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
        }) => spent.settle(report),
        Ok(Answer { cost: None, .. }) => {}
        // A throttled answer is about the bucket alone: a cheap call of a user may still go out at once.
        Err(AdminError::Throttled { report }) => spent.throttled(report.as_ref()),
        Err(error) => {
            if let Retry::After(wait) = error.retry() {
                spent.hold_back(wait + jitter(wait));
            }
        }
    }
}
