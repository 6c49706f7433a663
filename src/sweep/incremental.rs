//! The incremental sweep: what changed since the watermark, then what would expire before the next sweep has run.

use chrono::TimeDelta;
use tracing::warn;

use super::{Interrupted, Mode, Sweep, full::quoted, page::Findings};
use crate::{
    order::OrderId,
    shopify::{OrderSortKey, OrdersPage, Retry},
    store::{Found, Window},
};

/// Shopify's search index lags seconds to minutes behind; what changed in its last ten minutes may not have been in it.
const INDEX_LAG: TimeDelta = TimeDelta::minutes(10);
/// Orders renewed by one sweep at most: a hundred times the design window.
const MOST_RENEWED: usize = 140_000;

pub(super) async fn run(sweep: &Sweep<'_>, findings: &mut Findings) -> Result<(), Interrupted> {
    changed(sweep, findings).await?;
    expiring(sweep, findings).await
}

/// Orders updated since the watermark, oldest change first: what changes meanwhile moves to the end and is still seen.
async fn changed(sweep: &Sweep<'_>, findings: &mut Findings) -> Result<(), Interrupted> {
    let watermark = sweep.store.watermark(sweep.site).await?;
    // Without a watermark nothing has been read yet: the window is all there is to go by.
    let since = watermark.map_or_else(|| sweep.window_start(), |watermark| watermark - INDEX_LAG);
    let mut query = OrdersPage {
        first: sweep.plan.page_size,
        after: None,
        query: format!("updated_at:>='{}'", quoted(since)),
        sort: OrderSortKey::OldestChangeFirst,
    };
    loop {
        let page = sweep.read_page(&mut query).await?;
        let (orders, next) = Sweep::readable(page, findings);
        let read = orders.len();
        sweep.take_in(orders, findings).await?;
        sweep.progress.advance(read, 0.0);
        let Some(after) = next else { return Ok(()) };
        query.after = Some(after);
    }
}

/// Orders of the window whose tracking would expire before the next sweep has renewed it, soonest first, read by id.
async fn expiring(sweep: &Sweep<'_>, findings: &mut Findings) -> Result<(), Interrupted> {
    let window = Window {
        created_since: sweep.window_start(),
        expires_before: sweep.plan.next_renewal,
    };
    let ids = sweep
        .store
        .expiring(sweep.site, &window, MOST_RENEWED)
        .await?;
    let mut page_size = usize::try_from(sweep.plan.page_size).unwrap_or(usize::MAX);
    let mut done = 0_usize;
    while let Some(rest) = ids.get(done..).filter(|rest| !rest.is_empty()) {
        let batch = rest.get(..page_size).unwrap_or(rest);
        let found = match sweep.until_stopped(sweep.reader().by_ids(batch)).await? {
            Ok(found) => found,
            Err(error) if error.retry() == Retry::AskForLess && page_size > 10 => {
                page_size = (page_size / 2).max(10);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        for (id, error) in &found.failed {
            findings.failure(Some(*id), error);
        }
        let read = found.orders.len();
        sweep.take_in(found.orders, findings).await?;
        forget(sweep, &found.missing, batch.len()).await?;
        done += batch.len();
        sweep.progress.advance(read, fraction(done, ids.len()));
    }
    sweep.progress.advance(0, 1.0);
    Ok(())
}

/// Orders that Shopify no longer shows are forgotten: sweeps by search would never notice a deletion. Not if half a page is
/// missing at once, which speaks of a lost scope rather than of deletions, nor if the cache saw the order only just now, which
/// speaks of a read that lags.
async fn forget(sweep: &Sweep<'_>, missing: &[OrderId], asked: usize) -> Result<(), Interrupted> {
    if sweep.plan.mode == Mode::DryRun || missing.is_empty() {
        return Ok(());
    }
    if asked > 1 && missing.len() * 2 > asked {
        warn!(site = %sweep.site, missing = missing.len(), asked, "Shopify shows too few of the orders asked for to believe that they are deleted: check the app's scopes");
        return Ok(());
    }
    let now = sweep.clock.now();
    for id in missing {
        let found = sweep.store.order(sweep.site, *id, now).await?;
        let seen_lately = match &found {
            Found::Order(entry) => entry
                .order
                .as_of
                .is_some_and(|as_of| now - as_of.at < INDEX_LAG),
            Found::Absent | Found::Unknown => false,
        };
        if !seen_lately {
            sweep.store.forget(sweep.site, *id, now).await?;
        }
    }
    Ok(())
}

fn fraction(done: usize, all: usize) -> f64 {
    let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    count(done) / count(all.max(1))
}
