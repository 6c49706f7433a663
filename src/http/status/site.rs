//! What the status says of one site.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Covered, RunningTask, last, summed, swept};
use crate::{
    budget::BudgetStatus,
    http::{AppState, held::Held},
    site::{BreakerState, Site},
    sweep::{Drift, Kind, SweepRecord},
    warm::Receipt,
};

/// One site.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SiteStatus {
    /// Whether the shop has the app.
    state: SiteState,
    /// Since when it has not.
    uninstalled_since: Option<DateTime<Utc>>,
    /// What was erased or asked for in the name of privacy, newest first; null while the store cannot be reached.
    receipts: Option<Vec<Receipt>>,
    /// Whether it is being swept.
    running: bool,
    /// Whether it is the process asked that warms it.
    warmed_here: bool,
    /// Its part of the running task.
    sweep: Option<RunningTask>,
    /// When its last full sweep ended.
    last_full_warmup: Option<DateTime<Utc>>,
    /// When its last incremental sweep ended.
    last_incremental_warmup: Option<DateTime<Utc>>,
    /// How warm its window is.
    coverage: Option<Covered>,
    /// What its last sweep found that no webhook had announced.
    drift: Option<Drift>,
    /// Its orders waiting to be fetched.
    refresh_set: Option<u64>,
    /// Its orders that could not be fetched.
    dead_letters: Option<usize>,
    /// When its last webhook came in, at any replica, to half a minute.
    last_webhook_at: Option<DateTime<Utc>>,
    /// Its bucket at Shopify, in points.
    budget: BudgetStatus,
    /// `ok`, or the class of what went wrong with the last call.
    #[schema(examples("ok"))]
    shopify: &'static str,
    /// Whether calls go out.
    breaker: BreakerState,
    /// The API version Shopify answered with, where it is not the one that was asked for.
    api_version_served_instead: Option<String>,
}

/// Whether a shop has the app.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum SiteState {
    /// It has, as far as is known.
    Active,
    /// It removed it: nothing is cached, and it is not asked.
    Uninstalled,
}

impl SiteStatus {
    pub(super) fn of(
        state: &AppState,
        site: &Site,
        (held, receipts): (Option<&Held>, Option<Vec<Receipt>>),
        records: &[SweepRecord],
    ) -> Self {
        let own = || records.iter().filter(|record| record.site == site.code);
        let told = held;
        Self {
            state: if site.calls.is_closed() {
                SiteState::Uninstalled
            } else {
                SiteState::Active
            },
            uninstalled_since: told.and_then(|held| held.removed_since),
            receipts,
            running: told.is_some_and(|held| held.sweep.is_some()),
            warmed_here: state.warmer.reigns(&site.code),
            last_full_warmup: last(own(), Kind::Full),
            last_incremental_warmup: last(own(), Kind::Incremental),
            coverage: told.map(|held| Covered::of(held.coverage)),
            drift: swept(own()).map(|record| record.drift.clone()),
            refresh_set: told.map(|held| held.waiting),
            dead_letters: told.map(|held| held.dead),
            last_webhook_at: told.and_then(|held| held.heard_at),
            budget: site.calls.budget().status(),
            shopify: site.calls.trouble().unwrap_or("ok"),
            breaker: site.calls.breaker(),
            api_version_served_instead: site.calls.fell_forward_to(),
            sweep: told.and_then(|held| summed(held.sweep.as_slice())),
        }
    }
}
