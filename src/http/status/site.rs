//! What the status says of one site.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Covered, RunningTask, last, summed, swept};
use crate::{
    budget::BudgetStatus,
    http::{AppState, held::Held},
    site::{Access, BreakerState, Site, TokenStatus},
    subscriptions::Finding,
    sweep::{Drift, Kind, SweepRecord},
    warm::{Heard, OtherVersion, Receipt, SecretUse},
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
    /// `ok`, `uninstalled`, the class of what went wrong with the last call, `wrong_shop`, or `scope_missing`.
    #[schema(examples("ok"))]
    shopify: &'static str,
    /// What a person is to do about that, where it takes a person.
    advice: Option<&'static str>,
    /// The access token; never its value.
    token: TokenStatus,
    /// What the app may do in the shop, and what not; null until the shop has told.
    access: Option<Access>,
    /// Which of the webhook secrets sign, as this process has seen.
    webhook_secrets: Option<SecretUse>,
    /// Topics that come in another API version than is set.
    webhooks_in_other_versions: Vec<OtherVersion>,
    /// Whether calls go out.
    breaker: BreakerState,
    /// The webhook subscriptions, as the last audit found them; null before the first.
    subscriptions: Option<SubscriptionsStatus>,
    /// The API version Shopify answered with, where it is not the one that was asked for.
    api_version_served_instead: Option<String>,
    /// Why Shopify calls what is asked for deprecated.
    deprecations: Vec<String>,
    /// How far Shopify's clock is ahead of this machine's, in milliseconds, to about a second; null before the first answer.
    clock_skew_ms: Option<i64>,
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

/// The webhook subscriptions of a shop.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SubscriptionsStatus {
    /// When they were looked at.
    audited_at: DateTime<Utc>,
    /// Whether every topic arrives, once.
    ok: bool,
    /// What was found, and whether it was put right.
    findings: Vec<Finding>,
    /// Topics that the app's own configuration delivers, as far as what came in tells.
    app_owned: Vec<String>,
    /// Who delivered which topic, and until when.
    heard: Vec<Heard>,
    /// Why they could not be read.
    error: Option<String>,
}

impl SubscriptionsStatus {
    fn of(held: &Held) -> Option<Self> {
        let audited = held.audited.as_ref()?;
        Some(Self {
            audited_at: audited.audited_at,
            ok: audited.ok(),
            findings: audited.findings.clone(),
            app_owned: audited.app_owned.clone(),
            heard: held.voices.all(),
            error: audited.error.clone(),
        })
    }
}

impl SiteStatus {
    pub(super) fn of(
        state: &AppState,
        site: &Site,
        held: Option<&Held>,
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
            receipts: told.map(|held| held.receipts.clone()),
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
            shopify: site.standing(),
            advice: site.advice(),
            token: site.calls.token(),
            access: site.access().map(|access| Access::clone(&access)),
            webhook_secrets: state.postmarks.secrets(&site.code),
            webhooks_in_other_versions: state.postmarks.other_versions(&site.code),
            breaker: site.calls.breaker(),
            subscriptions: told.and_then(SubscriptionsStatus::of),
            api_version_served_instead: site.calls.fell_forward_to(),
            deprecations: site.calls.deprecations(),
            clock_skew_ms: site.calls.clock_skew().map(|skew| skew.num_milliseconds()),
            sweep: told.and_then(|held| summed(held.sweep.as_slice())),
        }
    }
}
