//! The full sweep: every order placed in the window, newest first, with all its detail.

use chrono::{DateTime, SecondsFormat, Utc};
use tracing::info;

use super::{
    Interrupted, Mode, Sweep,
    bulk::{self, Import},
    checkpoint::{Pages, Position, Sizing},
};
use crate::{
    order::{Order, OrderId},
    shopify::{OrderSortKey, OrdersCount, OrdersPage},
};

pub(super) async fn run(sweep: &mut Sweep<'_>) -> Result<(), Interrupted> {
    let whole = sweep.at.window_start();
    let mut way = match &sweep.at.position {
        Position::Pages(pages) => Way::Pages(pages.clone()),
        Position::Bulk(import) => Way::Bulk(import.clone()),
        Position::Start | Position::Renewal => Way::Pages(sweep.pages_since(whole)),
    };
    loop {
        let left = match way {
            Way::Pages(pages) => page_by_page(sweep, pages).await?.map(Way::Bulk),
            Way::Bulk(import) => bulk::run(sweep, import).await?.map(Way::Pages),
        };
        let Some(left) = left else { break };
        way = left;
    }
    sweep.at.findings.oldest = Some(whole);
    sweep.advance(0, 1.0);
    Ok(())
}

/// How a part of the window is read.
enum Way {
    Pages(Pages),
    Bulk(Import),
}

/// Reads page by page. Returns what is left where that turns out to be too much for pages.
async fn page_by_page(
    sweep: &mut Sweep<'_>,
    mut pages: Pages,
) -> Result<Option<Import>, Interrupted> {
    loop {
        let page = sweep.read_page(&mut pages, search).await?;
        let (orders, next) = sweep.readable(page);
        let read = orders.len();
        let placed: Vec<_> = orders.iter().filter_map(placed).collect();
        let oldest = placed.iter().map(|(_, at)| *at).min();
        sweep.take_in(orders).await?;
        sweep.at.findings.oldest = oldest.or(sweep.at.findings.oldest);
        let behind = covered(sweep, sweep.at.window_start());
        sweep.advance(read, behind);
        let Some(after) = next else { return Ok(None) };
        pages.after = Some(after);
        if may_be_large(sweep, &pages, behind) && is_large(sweep, &mut pages).await? {
            let of_that_second = placed.iter().filter(|(_, at)| Some(*at) == oldest);
            let known = of_that_second.map(|(id, _)| *id).collect();
            let left = Import::of(pages.since, sweep.at.findings.oldest, known);
            sweep.save(Position::Bulk(left.clone())).await?;
            return Ok(Some(left));
        }
        sweep.save(Position::Pages(pages.clone())).await?;
    }
}

fn placed(order: &Order) -> Option<(OrderId, DateTime<Utc>)> {
    let head = order.head.as_ref()?;
    Some((order.id, head.value.created_at))
}

/// Whether the window is worth counting, which costs a call: it seems to hold half of what is too much, or a quarter of that is read
/// and it goes on.
fn may_be_large(sweep: &Sweep<'_>, pages: &Pages, behind: f64) -> bool {
    if pages.sizing == Sizing::Known || sweep.mode() == Mode::DryRun {
        return false;
    }
    let threshold = count(sweep.around.bulk.threshold);
    let read = count(sweep.at.findings.orders);
    read > threshold / 4.0 || read > behind * threshold / 2.0
}

/// Whether the window holds more orders than pages are for.
async fn is_large(sweep: &mut Sweep<'_>, pages: &mut Pages) -> Result<bool, Interrupted> {
    let answer = sweep.ask(&OrdersCount(found_by(pages))).await?;
    pages.sizing = Sizing::Known;
    let (orders, threshold) = (answer.data.count(), sweep.around.bulk.threshold);
    if orders > threshold {
        info!(site = %sweep.site.code, task = %sweep.at.plan.task, orders, threshold, "the window is read by a bulk operation");
    }
    Ok(orders > threshold)
}

fn search(pages: &Pages) -> OrdersPage {
    OrdersPage {
        first: pages.first,
        after: pages.after.clone(),
        query: found_by(pages),
        sort: OrderSortKey::NewestFirst,
    }
}

fn found_by(pages: &Pages) -> String {
    let since = format!("created_at:>='{}'", quoted(pages.since));
    match pages.until {
        Some(until) => format!("{since} created_at:<='{}'", quoted(until)),
        None => since,
    }
}

/// How much of the window lies behind, by age: orders come newest first, so no count has to be asked for.
fn covered(sweep: &Sweep<'_>, since: DateTime<Utc>) -> f64 {
    let window = (sweep.at.started_at - since).as_seconds_f64();
    sweep.at.findings.oldest.map_or(0.0, |oldest| {
        (sweep.at.started_at - oldest).as_seconds_f64() / window
    })
}

/// A time as a quoted search value: unquoted, its colons would split it and everything would match.
pub(super) fn quoted(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn count(orders: u64) -> f64 {
    f64::from(u32::try_from(orders).unwrap_or(u32::MAX))
}
