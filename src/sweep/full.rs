//! The full sweep: every order placed in the window, newest first, with all its detail.

use chrono::{DateTime, SecondsFormat, Utc};

use super::{
    Interrupted, Sweep,
    checkpoint::{Pages, Position},
};
use crate::shopify::{OrderSortKey, OrdersPage};

pub(super) async fn run(sweep: &mut Sweep<'_>) -> Result<(), Interrupted> {
    let mut pages = match &sweep.at.position {
        Position::Pages(pages) => pages.clone(),
        Position::Start | Position::Renewal => sweep.pages_since(sweep.at.window_start()),
    };
    loop {
        let page = sweep.read_page(&mut pages, search).await?;
        let (orders, next) = sweep.readable(page);
        let read = orders.len();
        let oldest = orders
            .iter()
            .filter_map(|order| order.head.as_ref())
            .map(|head| head.value.created_at)
            .min();
        sweep.take_in(orders).await?;
        sweep.at.findings.oldest = oldest.or(sweep.at.findings.oldest);
        let Some(after) = next else {
            sweep.at.findings.oldest = Some(pages.since);
            sweep.advance(read, 1.0);
            return Ok(());
        };
        let behind = covered(sweep, pages.since);
        sweep.advance(read, behind);
        pages.after = Some(after);
        sweep.save(Position::Pages(pages.clone())).await?;
    }
}

fn search(pages: &Pages) -> OrdersPage {
    OrdersPage {
        first: pages.first,
        after: pages.after.clone(),
        query: format!("created_at:>='{}'", quoted(pages.since)),
        sort: OrderSortKey::NewestFirst,
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
