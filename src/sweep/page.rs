//! Taking in a page of orders: merge, compare, count.

use chrono::{DateTime, Utc};
use tokio::select;

use super::{Interrupted, Mode, Sweep};
use crate::{
    calls::{Page, backoff},
    order::{Order, OrderId, OrderState},
    shopify::{OrdersPage, Retry},
    store::{Found, MergeOutcome, StoreError},
};

/// Tries a page gets, each asking for half as many orders.
const TRIES: u32 = 3;
/// Below this a page is not halved further.
const SMALLEST_PAGE: u32 = 10;
/// Errors a record shows.
const MOST_ERRORS: usize = 10;

/// What a sweep found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) orders: u64,
    /// Not in the cache.
    pub(super) missing: u64,
    /// In the cache in an older state.
    pub(super) stale: u64,
    pub(super) unchanged: u64,
    /// Orders that were read but not kept: deleted here, or too old to keep.
    pub(super) passed_over: u64,
    pub(super) failed: u64,
    /// Which failed, as far as their ids could be read: they are fetched one by one later.
    pub(super) to_fetch: Vec<OrderId>,
    /// At most [`MOST_ERRORS`], without personal data.
    pub(super) errors: Vec<String>,
    /// The oldest order read in full sweeps: how far back the window was really covered.
    pub(super) oldest: Option<DateTime<Utc>>,
}

impl Findings {
    pub(super) fn failure(&mut self, order: Option<OrderId>, error: &impl std::fmt::Display) {
        self.failed += 1;
        self.to_fetch.extend(order);
        if self.errors.len() < MOST_ERRORS {
            let order = order.map_or_else(|| "?".to_owned(), |id| id.to_string());
            self.errors.push(format!("order {order}: {error}"));
        }
    }

    fn note(&mut self, outcome: MergeOutcome) {
        match outcome {
            MergeOutcome::Created => self.missing += 1,
            MergeOutcome::Changed => self.stale += 1,
            MergeOutcome::Confirmed | MergeOutcome::Unchanged => self.unchanged += 1,
            MergeOutcome::Tombstoned
            | MergeOutcome::NotCached
            | MergeOutcome::Expired
            | MergeOutcome::Deleted => self.passed_over += 1,
        }
    }
}

impl Sweep<'_> {
    /// Reads a page. Where Shopify takes too long over it, it is tried again with half as many orders; `query.first` stays
    /// halved for the pages after it.
    pub(super) async fn read_page(&self, query: &mut OrdersPage) -> Result<Page, Interrupted> {
        let mut tries = 0;
        loop {
            let error = match self.until_stopped(self.reader().page(query)).await? {
                Ok(page) => return Ok(page),
                Err(error) => error,
            };
            tries += 1;
            if tries >= TRIES || error.retry() != Retry::AskForLess || query.first <= SMALLEST_PAGE
            {
                return Err(error.into());
            }
            query.first = (query.first / 2).max(SMALLEST_PAGE);
            self.until_stopped(tokio::time::sleep(backoff(tries)))
                .await?;
        }
    }

    /// Waits for something, but not beyond a stop.
    pub(super) async fn until_stopped<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> Result<T, Interrupted> {
        select! {
            () = self.stop.cancelled() => Err(Interrupted::Stopped),
            done = work => Ok(done),
        }
    }

    /// Merges orders into the cache, or in a dry run compares them with it. A store that fails as a whole ends the sweep; one
    /// bad order does not.
    pub(super) async fn take_in(
        &self,
        orders: Vec<Order>,
        findings: &mut Findings,
    ) -> Result<(), Interrupted> {
        findings.orders += u64::try_from(orders.len()).unwrap_or(u64::MAX);
        let ids: Vec<_> = orders.iter().map(|order| order.id).collect();
        let outcomes = match self.plan.mode {
            Mode::Warm => {
                let states = orders
                    .into_iter()
                    .map(|order| OrderState::Present(Box::new(order)))
                    .collect();
                let merged = self
                    .store
                    .merge_all(self.site, states, self.clock.now())
                    .await;
                merged
                    .into_iter()
                    .map(|merged| merged.map(|merged| merged.outcome))
                    .collect()
            }
            Mode::DryRun => self.compare(&orders).await,
        };
        let mut last_error = None;
        let mut good = 0;
        for (id, outcome) in ids.iter().zip(outcomes) {
            match outcome {
                Ok(outcome) => {
                    good += 1;
                    findings.note(outcome);
                }
                Err(error) => {
                    findings.failure(Some(*id), &error);
                    last_error = Some(error);
                }
            }
        }
        match last_error {
            Some(error) if good == 0 => Err(error.into()),
            Some(_) | None => Ok(()),
        }
    }

    async fn compare(&self, orders: &[Order]) -> Vec<Result<MergeOutcome, StoreError>> {
        let mut outcomes = Vec::with_capacity(orders.len());
        for order in orders {
            let found = self
                .store
                .order(self.site, order.id, self.clock.now())
                .await;
            outcomes.push(found.map(|found| match found {
                Found::Order(entry) => {
                    let mut merged = entry.order.clone();
                    merged.merge(order.clone());
                    if merged.says_the_same(&entry.order) {
                        MergeOutcome::Confirmed
                    } else {
                        MergeOutcome::Changed
                    }
                }
                Found::Absent | Found::Unknown => MergeOutcome::Created,
            }));
        }
        outcomes
    }

    /// Separates the orders of a page from those that could not be read, and counts the latter.
    pub(super) fn readable(page: Page, findings: &mut Findings) -> (Vec<Order>, Option<String>) {
        let mut orders = Vec::with_capacity(page.orders.len());
        for read in page.orders {
            match read {
                Ok(order) => orders.push(order),
                Err((id, error)) => {
                    findings.failure(id, &error);
                }
            }
        }
        (orders, page.next)
    }
}
