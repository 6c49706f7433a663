//! Drains the refresh set: orders that partial news or a stale lookup asked to be fetched, many in one call.

use chrono::{DateTime, TimeDelta, Utc};
use tracing::{info, warn};

use crate::{
    calls::{OrdersFound, Priority, Reader},
    clock::Clock,
    order::{Order, OrderId, OrderState, Source},
    shopify::{AdminError, Retry},
    site::{Site, SiteCode},
    store::{Found, Needs, RefreshEntry, Settled, Store, StoreError},
};

/// Orders fetched in one call.
const BATCH: usize = 50;
/// How long an order that Shopify does not show may merely be late to appear there.
const API_LAG: TimeDelta = TimeDelta::minutes(10);
/// Fetches of one order that come back without what was announced: about four hours of them.
const MOST_ATTEMPTS: u32 = 12;
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

/// Fetches what is due, at most one batch, and settles it. Returns how many entries it looked at.
pub async fn drain_once(site: &Site, store: &Store, clock: &Clock) -> Result<usize, DrainError> {
    let due = store.refreshes_due(&site.code, clock.now(), BATCH).await?;
    let mut to_fetch = Vec::with_capacity(due.len());
    for entry in &due {
        if is_answered(store, &site.code, entry, clock.now()).await? {
            store
                .settle_refresh(&site.code, entry, Settled::Done)
                .await?;
        } else {
            to_fetch.push(*entry);
        }
    }
    fetch_all(site, store, clock, &to_fetch).await?;
    Ok(due.len())
}

/// Whether a full payload that came meanwhile holds the change already, so that a call would bring nothing.
async fn is_answered(
    store: &Store,
    site: &SiteCode,
    entry: &RefreshEntry,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let (Some(wanted), Needs::WholeOrder) = (entry.wanted, entry.needs) else {
        return Ok(false);
    };
    let Found::Order(cached) = store.order(site, entry.order, now).await? else {
        return Ok(false);
    };
    Ok(was_told_whole_since(&cached.order, wanted))
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

/// Fetches in one call, and where that cannot be answered or read, half of it at a time: one order too heavy, or of a shape we do
/// not know, must not hold up the others for ever.
async fn fetch_all(
    site: &Site,
    store: &Store,
    clock: &Clock,
    entries: &[RefreshEntry],
) -> Result<(), DrainError> {
    let mut batches = vec![entries];
    while let Some(batch) = batches.pop() {
        if batch.is_empty() {
            continue;
        }
        let ids: Vec<_> = batch.iter().map(|entry| entry.order).collect();
        let reader = Reader {
            calls: &site.calls,
            priority: Priority::Background,
            source: Source::Refresh,
        };
        match (reader.by_ids(&ids).await, batch) {
            (Ok(found), _) => settle(site, store, batch, found, clock.now()).await?,
            (Err(error), [only]) if blames_the_order(&error) => {
                warn!(site = %site.code, order.id = %only.order, "an order cannot be fetched and will be tried again: {error}");
                store
                    .settle_refresh(&site.code, only, again(only, clock.now()))
                    .await?;
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

/// Whether an error may be about one order of the batch rather than about the shop.
fn blames_the_order(error: &AdminError) -> bool {
    matches!(
        error,
        AdminError::Malformed { .. } | AdminError::AccessDenied { .. }
    ) || error.retry() == Retry::AskForLess
}

async fn settle(
    site: &Site,
    store: &Store,
    entries: &[RefreshEntry],
    found: OrdersFound,
    now: DateTime<Utc>,
) -> Result<(), DrainError> {
    let entry_of = |id: OrderId| entries.iter().find(|entry| entry.order == id);
    info!(site = %site.code, orders = found.orders.len(), missing = found.missing.len(), failed = found.failed.len(), "refreshed");
    for order in found.orders {
        let Some(entry) = entry_of(order.id) else {
            continue;
        };
        let settled = if holds(&order, entry) {
            Settled::Done
        } else {
            again(entry, now)
        };
        store
            .merge(&site.code, OrderState::Present(Box::new(order)), now)
            .await?;
        store.settle_refresh(&site.code, entry, settled).await?;
    }
    for entry in found.missing.iter().filter_map(|id| entry_of(*id)) {
        settle_missing(site, store, entry, now).await?;
    }
    for (id, error) in &found.failed {
        let Some(entry) = entry_of(*id) else { continue };
        warn!(site = %site.code, order.id = %id, "an order could not be read and will be tried again: {error}");
        store
            .settle_refresh(&site.code, entry, again(entry, now))
            .await?;
    }
    Ok(())
}

/// Whether a read is as new as the news that asked for it: the API can lag behind its own webhooks.
fn holds(order: &Order, entry: &RefreshEntry) -> bool {
    entry.wanted.is_none_or(|wanted| {
        order
            .newest()
            .is_some_and(|newest| second(newest) >= second(wanted))
    })
}

/// An order that Shopify does not show is deleted, hidden from the app, or not there yet. News of the last minutes is believed over
/// the read; otherwise the order is forgotten. A tombstone is left for deletions that Shopify announced: this may be none.
async fn settle_missing(
    site: &Site,
    store: &Store,
    entry: &RefreshEntry,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let news_at = match store.order(&site.code, entry.order, now).await? {
        Found::Order(cached) => cached.order.as_of.map(|as_of| as_of.at).max(entry.wanted),
        Found::Absent | Found::Unknown => entry.wanted,
    };
    if news_at.is_some_and(|at| now - at < API_LAG) {
        return store
            .settle_refresh(&site.code, entry, again(entry, now))
            .await;
    }
    store.forget(&site.code, entry.order, now).await?;
    store.settle_refresh(&site.code, entry, Settled::Done).await
}

/// Later: 2 s, 4 s, 8 s … after now. What has been tried often enough is left to the next sweep.
fn again(entry: &RefreshEntry, now: DateTime<Utc>) -> Settled {
    if entry.attempts >= MOST_ATTEMPTS {
        warn!(order.id = %entry.order, attempts = entry.attempts, "a refresh is given up: the next sweep reads the order");
        return Settled::Done;
    }
    let pause = TimeDelta::seconds(2_i64.saturating_pow(entry.attempts.saturating_add(1).min(12)));
    Settled::Again {
        due_at: now + pause.min(LONGEST_PAUSE),
    }
}
