//! The incremental sweep: what changed since the watermark, then what would expire before the next sweep has run.

use chrono::TimeDelta;
use tracing::warn;

use super::{
    Interrupted, Mode, Sweep,
    checkpoint::{Pages, Position},
    full::quoted,
};
use crate::{
    calls::OrdersFound,
    order::OrderId,
    shopify::{OrderSortKey, OrdersPage},
    store::{Found, Window},
};

/// Shopify's search index lags seconds to minutes behind; what changed in its last ten minutes may not have been in it.
const INDEX_LAG: TimeDelta = TimeDelta::minutes(10);
/// Orders renewed by one sweep at most: a hundred times the design window.
const MOST_RENEWED: usize = 140_000;

pub(super) async fn run(sweep: &mut Sweep<'_>) -> Result<(), Interrupted> {
    let pages = match &sweep.at.position {
        Position::Start => {
            let watermark = sweep.around.store.watermark(&sweep.site.code).await?;
            // Without a watermark no change has been read yet: the window is all there is to go by.
            let since = watermark.map_or_else(
                || sweep.at.window_start(),
                |watermark| watermark - INDEX_LAG,
            );
            Some(sweep.pages_since(since))
        }
        Position::Pages(pages) => Some(pages.clone()),
        // Only full sweeps are read by bulk operations.
        Position::Renewal | Position::Bulk(_) => None,
    };
    if let Some(pages) = pages {
        changed(sweep, pages).await?;
        sweep.save(Position::Renewal).await?;
    }
    expiring(sweep).await
}

/// Orders updated since the watermark, oldest change first: what changes meanwhile moves to the end and is still seen.
async fn changed(sweep: &mut Sweep<'_>, mut pages: Pages) -> Result<(), Interrupted> {
    loop {
        let page = sweep.read_page(&mut pages, search).await?;
        let (orders, next) = sweep.readable(page);
        let read = orders.len();
        let changes = orders
            .iter()
            .filter_map(|order| order.head.as_ref())
            .map(|head| head.version.updated_at);
        let newest = changes.max();
        sweep.take_in(orders).await?;
        sweep.at.findings.newest_change = newest.max(sweep.at.findings.newest_change);
        sweep.advance(read, 0.0);
        let Some(after) = next else { return Ok(()) };
        pages.after = Some(after);
        sweep.save(Position::Pages(pages.clone())).await?;
    }
}

fn search(pages: &Pages) -> OrdersPage {
    OrdersPage {
        first: pages.first,
        after: pages.after.clone(),
        query: format!("updated_at:>='{}'", quoted(pages.since)),
        sort: OrderSortKey::OldestChangeFirst,
    }
}

/// Orders of the window whose tracking would expire before the next sweep has renewed it, soonest first, read by id. What this
/// sweep has confirmed already lives at least as long as tracking does from its start, and is not read again.
async fn expiring(sweep: &mut Sweep<'_>) -> Result<(), Interrupted> {
    let tracking = TimeDelta::from_std(sweep.around.store.ttls().tracking).unwrap_or_default();
    let window = Window {
        created_since: sweep.at.window_start(),
        expires_before: sweep.at.plan.renewed_by.min(sweep.at.started_at + tracking),
    };
    let ids = sweep
        .around
        .store
        .expiring(&sweep.site.code, &window, MOST_RENEWED)
        .await?;
    let mut page_size = sweep.at.plan.page_size;
    let mut done = 0_usize;
    while let Some(rest) = ids.get(done..).filter(|rest| !rest.is_empty()) {
        let (batch, found) = sweep.read_ids(&mut page_size, rest).await?;
        for (id, error) in &found.failed {
            sweep.at.findings.failure(Some(*id), error);
        }
        let OrdersFound {
            orders, missing, ..
        } = found;
        let read = orders.len();
        sweep.take_in(orders).await?;
        forget(sweep, &missing, batch.len()).await?;
        done += batch.len();
        sweep.advance(read, fraction(done, ids.len()));
        sweep.save(Position::Renewal).await?;
    }
    sweep.advance(0, 1.0);
    Ok(())
}

/// Orders that Shopify no longer shows are forgotten: sweeps by search would never notice a deletion. Not if half a page is
/// missing at once, which speaks of a lost scope rather than of deletions, nor if the cache saw the order only just now, which
/// speaks of a read that lags.
async fn forget(sweep: &Sweep<'_>, missing: &[OrderId], asked: usize) -> Result<(), Interrupted> {
    if sweep.mode() == Mode::DryRun || missing.is_empty() {
        return Ok(());
    }
    let (store, site) = (sweep.around.store, &sweep.site.code);
    if asked > 1 && missing.len() * 2 > asked {
        warn!(%site, missing = missing.len(), asked, "Shopify shows too few of the orders asked for to believe that they are deleted: check the app's scopes");
        return Ok(());
    }
    let now = sweep.around.clock.now();
    for id in missing {
        let seen_lately = match &store.order(site, *id, now).await? {
            Found::Order(entry) => entry
                .order
                .as_of
                .is_some_and(|as_of| now - as_of.at < INDEX_LAG),
            Found::Absent | Found::Unknown => false,
        };
        if !seen_lately {
            store.forget(site, *id, now).await?;
        }
    }
    Ok(())
}

fn fraction(done: usize, all: usize) -> f64 {
    let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    count(done) / count(all.max(1))
}
