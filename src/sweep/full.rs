//! The full sweep: every order placed in the window, newest first, with all its detail.

use chrono::{DateTime, SecondsFormat, Utc};

use super::{Interrupted, Sweep, page::Findings};
use crate::shopify::{OrderSortKey, OrdersPage};

pub(super) async fn run(sweep: &Sweep<'_>, findings: &mut Findings) -> Result<(), Interrupted> {
    let mut query = OrdersPage {
        first: sweep.plan.page_size,
        after: None,
        query: format!("created_at:>='{}'", quoted(sweep.window_start())),
        sort: OrderSortKey::NewestFirst,
    };
    loop {
        let page = sweep.read_page(&mut query).await?;
        let (orders, next) = Sweep::readable(page, findings);
        let read = orders.len();
        let oldest = orders
            .iter()
            .filter_map(|order| order.head.as_ref())
            .map(|head| head.value.created_at)
            .min();
        sweep.take_in(orders, findings).await?;
        findings.oldest = oldest.or(findings.oldest);
        let Some(after) = next else {
            findings.oldest = Some(sweep.window_start());
            sweep.progress.advance(read, 1.0);
            return Ok(());
        };
        sweep
            .progress
            .advance(read, covered(sweep, findings.oldest));
        query.after = Some(after);
    }
}

/// How much of the window lies behind, by age: orders come newest first, so no count has to be asked for.
fn covered(sweep: &Sweep<'_>, oldest: Option<DateTime<Utc>>) -> f64 {
    let window = sweep.started_at - sweep.window_start();
    oldest.map_or(0.0, |oldest| {
        (sweep.started_at - oldest).as_seconds_f64() / window.as_seconds_f64()
    })
}

/// A time as a quoted search value: unquoted, its colons would split it and everything would match.
pub(super) fn quoted(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
