//! Drains the refresh set: orders that partial news or a stale lookup asked to be fetched, many in one call.

use chrono::{DateTime, TimeDelta, Utc};
use tracing::{info, warn};

use crate::{
    calls::{OrdersFound, Priority, Reader},
    clock::Clock,
    order::{Order, OrderId, OrderState, Source},
    shopify::{AdminError, Retry},
    site::Site,
    store::{DeadLetter, Found, Needs, RefreshEntry, Settled, Store, StoreError},
};

/// Orders fetched in one call.
const BATCH: usize = 100;
/// What is due within this time goes along with what is due now: a call costs the same for one order and for a hundred.
const GOES_ALONG: TimeDelta = TimeDelta::minutes(75);
/// How long an order that Shopify does not show may merely be late to appear there.
const API_LAG: TimeDelta = TimeDelta::minutes(10);
/// Before an order is fetched again: 5 s, then six times as long each time. The API lags seconds to minutes behind its own news.
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(5);
const PAUSE_GROWS: i32 = 6;
/// The longest pause between two fetches of one order.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(1);

/// Why a batch was not drained. Its entries stay in the set.
#[derive(Debug, thiserror::Error)]
pub enum DrainError {
    /// Shopify.
    #[error("Shopify: {0}")]
    Shopify(#[from] AdminError),
    /// The store.
    #[error("the store: {0}")]
    Store(#[from] StoreError),
}

/// One site's refresh set, and what draining it takes.
#[derive(Debug, Clone, Copy)]
pub struct Drain<'a> {
    /// The site.
    pub site: &'a Site,
    /// Where its set and its orders are.
    pub store: &'a Store,
    /// What time it is.
    pub clock: &'a Clock,
}

impl Drain<'_> {
    /// Fetches what is due, at most one batch, and settles it. Returns how many entries it looked at.
    pub async fn once(&self) -> Result<usize, DrainError> {
        let now = self.clock.now();
        if self.due(now, 1).await?.is_empty() {
            return Ok(0);
        }
        let mut batch = self.due(now + GOES_ALONG, BATCH).await?;
        // What was fetched in vain has its own time: Shopify is to have caught up by then.
        batch.retain(|entry| entry.due_at <= now || entry.attempts == 0);
        let mut to_fetch = Vec::with_capacity(batch.len());
        for entry in &batch {
            if self.is_answered(entry).await? {
                self.settle(entry, Settled::Done).await?;
            } else {
                to_fetch.push(*entry);
            }
        }
        if to_fetch.iter().all(|entry| entry.due_at > now) {
            return Ok(batch.len() - to_fetch.len());
        }
        self.fetch_all(&to_fetch).await?;
        Ok(batch.len())
    }

    async fn due(
        &self,
        until: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<RefreshEntry>, StoreError> {
        self.store.refreshes_due(&self.site.code, until, most).await
    }

    async fn settle(&self, entry: &RefreshEntry, settled: Settled) -> Result<(), StoreError> {
        self.store
            .settle_refresh(&self.site.code, entry, settled)
            .await
    }

    /// Whether a full payload or another read that came meanwhile holds the change already, so that a call would bring nothing.
    async fn is_answered(&self, entry: &RefreshEntry) -> Result<bool, StoreError> {
        let (Some(wanted), Needs::WholeOrder) = (entry.wanted, entry.needs) else {
            return Ok(false);
        };
        let now = self.clock.now();
        let cached = self.store.order(&self.site.code, entry.order, now).await?;
        Ok(match cached {
            Found::Order(cached) => was_told_whole_since(&cached.order, wanted),
            Found::Absent | Found::Unknown => false,
        })
    }

    /// Fetches in one call, and where that cannot be answered or read, half of it at a time: one order too heavy, or of a shape we
    /// do not know, must not hold up the others for ever.
    async fn fetch_all(&self, entries: &[RefreshEntry]) -> Result<(), DrainError> {
        let mut batches = vec![entries];
        while let Some(batch) = batches.pop() {
            if batch.is_empty() {
                continue;
            }
            let ids: Vec<_> = batch.iter().map(|entry| entry.order).collect();
            let reader = Reader {
                calls: &self.site.calls,
                priority: Priority::Background,
                source: Source::Refresh,
            };
            match (reader.by_ids(&ids).await, batch) {
                (Ok(found), _) => self.take_in(batch, found).await?,
                (Err(error), [only]) if blames_the_order(&error) => {
                    let again = self.again(only, &error.to_string());
                    self.settle(only, again).await?;
                }
                (Err(error), _) if blames_the_order(&error) => {
                    let (first, second) = batch.split_at(batch.len() / 2);
                    batches.extend([second, first]);
                }
                (Err(error), _) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn take_in(
        &self,
        entries: &[RefreshEntry],
        found: OrdersFound,
    ) -> Result<(), DrainError> {
        let entry_of = |id: OrderId| entries.iter().find(|entry| entry.order == id);
        info!(site = %self.site.code, orders = found.orders.len(), missing = found.missing.len(), failed = found.failed.len(), "refreshed");
        for order in found.orders {
            let Some(entry) = entry_of(order.id) else {
                continue;
            };
            let settled = if holds(&order, entry) {
                Settled::Done
            } else {
                self.again(entry, "Shopify's answer was older than the news")
            };
            let (state, now) = (OrderState::Present(Box::new(order)), self.clock.now());
            self.store.merge(&self.site.code, state, now).await?;
            self.settle(entry, settled).await?;
        }
        for entry in found.missing.iter().filter_map(|id| entry_of(*id)) {
            self.settle_missing(entry).await?;
        }
        for (id, error) in &found.failed {
            let Some(entry) = entry_of(*id) else { continue };
            let again = self.again(entry, &error.to_string());
            self.settle(entry, again).await?;
        }
        Ok(())
    }

    /// An order that Shopify does not show is deleted, hidden from the app, or not there yet. News of the last minutes is believed
    /// over the read; otherwise the order is forgotten. A tombstone is left for deletions that Shopify announced: this may be none.
    async fn settle_missing(&self, entry: &RefreshEntry) -> Result<(), StoreError> {
        let (site, now) = (&self.site.code, self.clock.now());
        let news_at = match self.store.order(site, entry.order, now).await? {
            Found::Order(cached) => cached.order.as_of.map(|as_of| as_of.at).max(entry.wanted),
            Found::Absent | Found::Unknown => entry.wanted,
        };
        if news_at.is_some_and(|at| now - at < API_LAG) {
            let again = self.again(entry, "Shopify does not show the order yet");
            return self.settle(entry, again).await;
        }
        self.store.forget(site, entry.order, now).await?;
        self.settle(entry, Settled::Done).await
    }

    /// Later: 5 s, 30 s, 3 min … after now. What was tried again as often as `WARMUP_MAX_RETRIES` allows becomes a dead letter,
    /// which the next sweep has fetched once more.
    fn again(&self, entry: &RefreshEntry, cause: &str) -> Settled {
        let now = self.clock.now();
        if entry.attempts >= self.site.calls.retries() {
            warn!(site = %self.site.code, order.id = %entry.order, attempts = entry.attempts, "a refresh is given up until the next sweep: {cause}");
            return Settled::Dead(DeadLetter {
                order: entry.order,
                cause: cause.to_owned(),
                at: now,
            });
        }
        warn!(site = %self.site.code, order.id = %entry.order, "an order is fetched again later: {cause}");
        let pause = FIRST_PAUSE * PAUSE_GROWS.saturating_pow(entry.attempts.min(6));
        Settled::Again {
            due_at: now + pause.min(LONGEST_PAUSE),
        }
    }
}

/// Whether the whole order was observed at or after `wanted`, and no part of it later than the whole.
fn was_told_whole_since(order: &Order, wanted: DateTime<Utc>) -> bool {
    let (Some(as_of), Some(head)) = (order.as_of, &order.head) else {
        return false;
    };
    let nothing_newer = order
        .observed_at()
        .is_none_or(|observed_at| observed_at <= as_of.at);
    nothing_newer && as_of.at >= wanted && second(head.version.updated_at) >= second(wanted)
}

/// Shopify's times have whole seconds, what we want may be finer.
fn second(at: DateTime<Utc>) -> i64 {
    at.timestamp()
}

/// Whether a read is as new as the news that asked for it: the API can lag behind its own webhooks.
fn holds(order: &Order, entry: &RefreshEntry) -> bool {
    entry.wanted.is_none_or(|wanted| {
        order
            .newest()
            .is_some_and(|newest| second(newest) >= second(wanted))
    })
}

/// Whether an error may be about one order of the batch rather than about the shop.
fn blames_the_order(error: &AdminError) -> bool {
    matches!(
        error,
        AdminError::Malformed { .. } | AdminError::AccessDenied { .. }
    ) || error.retry() == Retry::AskForLess
}
