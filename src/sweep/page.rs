//! One page: reading it, however long Shopify takes, and merging it into the cache.

use std::time::Duration;

use tokio::{select, time::sleep};
use tracing::warn;

use super::{Interrupted, Mode, Sweep, checkpoint::Pages};
use crate::{
    calls::{OrdersFound, Page, Priority, backoff},
    order::{Order, OrderId, OrderState},
    shopify::{AdminError, Answer, OrdersPage, Query, Retry},
    store::{Found, MergeOutcome, Merged, StoreError},
};

/// Below this a page is not halved further.
const SMALLEST_PAGE: u32 = 10;
/// The longest pause before Shopify is asked again whether it answers.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// The part of the store's limit that is left alone: a page more must not fill it.
const MEMORY_MARGIN: u64 = 10;

impl Sweep<'_> {
    /// Reads a page. Where Shopify takes too long over it, it is tried again with half as many orders; `pages.first` stays halved
    /// for the pages after it.
    pub(super) async fn read_page(
        &mut self,
        pages: &mut Pages,
        search: fn(&Pages) -> OrdersPage,
    ) -> Result<Page, Interrupted> {
        self.may_go_on().await?;
        let mut tries = 0;
        loop {
            let query = search(pages);
            let error = match self.until_stopped(self.reader().page(&query)).await? {
                Ok(page) => return Ok(page),
                Err(error) => error,
            };
            tries = self.after(error, &mut pages.first, tries).await?;
        }
    }

    /// Reads the first of these orders, as many as fit a page, which halves like any other. Returns which were asked for.
    pub(super) async fn read_ids<'a>(
        &mut self,
        page_size: &mut u32,
        ids: &'a [OrderId],
    ) -> Result<(&'a [OrderId], OrdersFound), Interrupted> {
        self.may_go_on().await?;
        let mut tries = 0;
        loop {
            let most = usize::try_from(*page_size).unwrap_or(usize::MAX);
            let batch = ids.get(..most).unwrap_or(ids);
            let error = match self.until_stopped(self.reader().by_ids(batch)).await? {
                Ok(found) => return Ok((batch, found)),
                Err(error) => error,
            };
            tries = self.after(error, page_size, tries).await?;
        }
    }

    /// Asks once more and once more, as long as that may help.
    pub(super) async fn ask<Q: Query>(
        &mut self,
        query: &Q,
    ) -> Result<Answer<Q::Data>, Interrupted> {
        self.may_go_on().await?;
        let mut tries = 0;
        loop {
            let call = self.calls.run(Priority::Background, query);
            match self.until_stopped(call).await? {
                Ok(answer) => return Ok(answer),
                Err(error) => tries = self.after_error(error, tries).await?,
            }
        }
    }

    /// What an error of a call leaves to do that cannot ask for less.
    pub(super) async fn after_error(
        &mut self,
        error: AdminError,
        tries: u32,
    ) -> Result<u32, Interrupted> {
        let mut smallest = SMALLEST_PAGE;
        self.after(error, &mut smallest, tries).await
    }

    /// What an error leaves to do: ask for less, wait until Shopify answers again, or give up.
    async fn after(
        &mut self,
        error: AdminError,
        page_size: &mut u32,
        tries: u32,
    ) -> Result<u32, Interrupted> {
        let ask_for_less = error.retry() == Retry::AskForLess && *page_size > SMALLEST_PAGE;
        if error.retry() == Retry::Never {
            return Err(error.into());
        }
        if ask_for_less {
            *page_size = (*page_size / 2).max(SMALLEST_PAGE);
            self.until_stopped(sleep(backoff(tries))).await?;
            return Ok(tries + 1);
        }
        let patient = self
            .at
            .plan
            .patient_until
            .is_some_and(|until| self.around.clock.now() < until);
        if !patient {
            return Err(error.into());
        }
        let pause = match error.retry() {
            Retry::After(wait) => wait.max(backoff(tries)),
            Retry::Backoff | Retry::AskForLess | Retry::Never => backoff(tries.saturating_add(3)),
        };
        let pause = pause.min(LONGEST_WAIT);
        warn!(site = %self.site.code, task = %self.at.plan.task, pause_s = pause.as_secs(), "the sweep waits until Shopify answers again: {error}");
        self.waited += pause;
        // A Shopify that is away is slow about any page; one that is back need not be asked for small ones.
        *page_size = self.at.plan.page_size;
        self.until_stopped(sleep(pause)).await?;
        Ok(tries + 1)
    }

    /// Before each page: is there room in the store, and time left?
    pub(super) async fn may_go_on(&mut self) -> Result<(), Interrupted> {
        if self.mode() == Mode::DryRun {
            return Ok(());
        }
        if self.ran() > self.around.limits.duration {
            return Err(Interrupted::Cut(self.around.limits.duration));
        }
        let memory = self.around.store.memory().await?;
        let limit = [memory.limit, self.around.limits.memory]
            .into_iter()
            .flatten()
            .min();
        match limit {
            Some(limit) if memory.used > limit - limit / MEMORY_MARGIN => {
                Err(Interrupted::Memory {
                    used: memory.used,
                    limit,
                })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Waits for something, but not beyond a stop.
    pub(super) async fn until_stopped<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> Result<T, Interrupted> {
        select! {
            biased;
            () = self.around.leave.cancelled() => Err(Interrupted::Left),
            () = self.around.stop.cancelled() => Err(Interrupted::Stopped),
            done = work => Ok(done),
        }
    }

    /// Merges orders into the cache, or in a dry run compares them with it. A store that fails as a whole ends the sweep; one
    /// bad order does not.
    pub(super) async fn take_in(&mut self, orders: Vec<Order>) -> Result<(), Interrupted> {
        self.at.findings.orders += u64::try_from(orders.len()).unwrap_or(u64::MAX);
        let ids: Vec<_> = orders.iter().map(|order| order.id).collect();
        let merged = match self.mode() {
            Mode::Warm => self.merge(orders).await,
            Mode::DryRun => self.compare(orders).await,
        };
        let window_start = self.at.window_start();
        let mut failures = Vec::new();
        let mut good = 0;
        for (id, merged) in ids.iter().zip(merged) {
            match merged {
                Ok(merged) => {
                    good += 1;
                    self.at.findings.note(&merged, window_start);
                }
                Err(error) => failures.push((*id, error)),
            }
        }
        if good == 0
            && let Some((_, error)) = failures.pop()
        {
            return Err(error.into());
        }
        for (id, error) in &failures {
            self.at.findings.failure(Some(*id), error);
        }
        Ok(())
    }

    /// Merges reads of orders that were counted before.
    pub(super) async fn complete(&mut self, orders: Vec<Order>) -> Result<(), Interrupted> {
        let ids: Vec<_> = orders.iter().map(|order| order.id).collect();
        let mut failed = 0;
        for (id, merged) in ids.iter().zip(self.merge(orders).await) {
            let Err(error) = merged else { continue };
            failed += 1;
            if failed == ids.len() {
                return Err(error.into());
            }
            self.at.findings.failure(Some(*id), &error);
        }
        Ok(())
    }

    async fn merge(&self, orders: Vec<Order>) -> Vec<Result<Merged, StoreError>> {
        let states = orders
            .into_iter()
            .map(|order| OrderState::Present(Box::new(order)))
            .collect();
        let now = self.around.clock.now();
        self.around
            .store
            .merge_all(&self.site.code, states, now)
            .await
    }

    async fn compare(&self, orders: Vec<Order>) -> Vec<Result<Merged, StoreError>> {
        let mut all = Vec::with_capacity(orders.len());
        for order in orders {
            let found = self
                .around
                .store
                .order(&self.site.code, order.id, self.around.clock.now())
                .await;
            all.push(found.map(|found| compared(found, order)));
        }
        all
    }

    /// Separates the orders of a page from those that could not be read, and counts the latter.
    pub(super) fn readable(&mut self, page: Page) -> (Vec<Order>, Option<String>) {
        let mut orders = Vec::with_capacity(page.orders.len());
        for read in page.orders {
            match read {
                Ok(order) => orders.push(order),
                Err((id, error)) => {
                    self.at.findings.failure(id, &error);
                }
            }
        }
        (orders, page.next)
    }
}

/// What merging would come to.
fn compared(found: Found, order: Order) -> Merged {
    let before = match found {
        Found::Order(entry) => Some(entry.order),
        Found::Absent | Found::Unknown => None,
    };
    let mut after = before.clone().unwrap_or_else(|| Order::unknown(order.id));
    after.merge(order);
    let outcome = match &before {
        None => MergeOutcome::Created,
        Some(before) if after.says_the_same(before) => MergeOutcome::Confirmed,
        Some(_) => MergeOutcome::Changed,
    };
    Merged {
        outcome,
        announcements: after.announcements_since(before.as_ref()),
        order: Some(after),
    }
}
