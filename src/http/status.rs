//! `GET /api/warmup/status`: everything there is to see, the same whichever replica is asked.

use std::collections::BTreeMap;

use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::{AppState, answer::success, held::Held, warmup::records};
use crate::{
    alert::ActiveAlert,
    budget::BudgetStatus,
    lookup::HitCounts,
    schedule::Slot,
    site::{BreakerState, Site, SiteCode},
    store::Coverage,
    sweep::{Drift, Kind, Outcome, SweepRecord, TaskId},
    warm::TopicCounts,
    warmer::RunningSweep,
};

/// Slots that are shown: a day of them to come, two days of them behind.
const SLOTS_TO_COME: usize = 4;
const SLOTS_BEHIND: usize = 8;

/// The status. What the store would have to tell is null while it cannot be reached: that is when somebody looks.
#[derive(Debug, Serialize)]
struct Status {
    enabled: bool,
    running: bool,
    last_full_warmup: Option<DateTime<Utc>>,
    last_incremental_warmup: Option<DateTime<Utc>>,
    next_scheduled: Option<DateTime<Utc>>,
    stats: Stats,
    sweep: Option<TaskProgress>,
    slots: Slots,
    coverage: Option<Covered>,
    drift: Option<Drift>,
    webhooks: BTreeMap<String, TopicCounts>,
    budget: BTreeMap<SiteCode, BudgetStatus>,
    refresh_set: Option<u64>,
    dead_letters: Option<usize>,
    users_waited_for_warming_ms: u64,
    alerts: Vec<ActiveAlert>,
    inbox: Option<u64>,
    store: StoreStatus,
    sites: BTreeMap<SiteCode, SiteStatus>,
    config: Value,
    version: &'static str,
    started_at: DateTime<Utc>,
}

#[derive(Debug, Serialize)]
struct Stats {
    total_orders_warmed: u64,
    cache_hit_rate: Option<String>,
    lookups: HitCounts,
    last_warmup_duration: Option<String>,
}

/// The running task over its sites.
#[derive(Debug, Serialize)]
struct TaskProgress {
    task_id: TaskId,
    #[serde(rename = "type")]
    kind: Kind,
    /// None if it runs at several.
    site: Option<SiteCode>,
    done: u64,
    total: Option<u64>,
    started_at: DateTime<Utc>,
    eta_s: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Slots {
    /// The soonest first.
    next: Vec<Slot>,
    /// The newest first.
    last: Vec<SlotRecord>,
}

#[derive(Debug, Serialize)]
struct SlotRecord {
    #[serde(flatten)]
    slot: Slot,
    site: SiteCode,
    task_id: TaskId,
    outcome: Outcome,
    reason: Option<String>,
    started_at: DateTime<Utc>,
}

/// How much of the window is warm.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Covered {
    pub(super) window: u64,
    pub(super) warm: u64,
    pub(super) ratio: f64,
}

#[derive(Debug, Serialize)]
struct StoreStatus {
    kind: &'static str,
    state: &'static str,
}

#[derive(Debug, Serialize)]
struct SiteStatus {
    running: bool,
    /// Whether it is the process asked that warms the site.
    warmed_here: bool,
    sweep: Option<RunningSweep>,
    last_full_warmup: Option<DateTime<Utc>>,
    last_incremental_warmup: Option<DateTime<Utc>>,
    coverage: Option<Covered>,
    drift: Option<Drift>,
    refresh_set: Option<u64>,
    dead_letters: Option<usize>,
    last_webhook_at: Option<DateTime<Utc>>,
    budget: BudgetStatus,
    shopify: &'static str,
    breaker: BreakerState,
    api_version_served_instead: Option<String>,
}

pub(super) async fn status(State(state): State<AppState>) -> Response {
    let now = state.clock.now();
    let history = records(&state).await;
    let store = StoreStatus {
        kind: state.store.kind().as_str(),
        state: if history.is_ok() { "ok" } else { "unreachable" },
    };
    let records = history.unwrap_or_default();
    let mut held = Vec::new();
    for site in state.sites.iter() {
        held.push((site, Held::read(&state, site).await.ok()));
    }
    let sweeps: Vec<_> = held
        .iter()
        .filter_map(|(_, held)| held.as_ref()?.sweep.clone())
        .collect();
    let inbox = state.inbox.clone();
    let inbox = tokio::task::spawn_blocking(move || inbox.len()).await;
    let next = next_slots(&state, now);
    success(&Status {
        enabled: state.warmer.schedule().is_some(),
        running: !sweeps.is_empty(),
        last_full_warmup: last(records.iter(), Kind::Full),
        last_incremental_warmup: last(records.iter(), Kind::Incremental),
        next_scheduled: next.first().map(|slot| slot.at),
        stats: stats(&state, &records),
        sweep: summed(&sweeps),
        slots: Slots {
            next,
            last: last_slots(&records),
        },
        coverage: all(&held, |held| held.coverage)
            .map(|all| Covered::of(all.into_iter().fold(Coverage::default(), Coverage::plus))),
        drift: swept(records.iter()).map(|record| record.drift.clone()),
        webhooks: state.tally.all(),
        budget: held
            .iter()
            .map(|(site, _)| (site.code.clone(), site.calls.budget().status()))
            .collect(),
        refresh_set: all(&held, |held| held.waiting).map(|all| all.into_iter().sum()),
        dead_letters: all(&held, |held| held.dead).map(|all| all.into_iter().sum()),
        users_waited_for_warming_ms: state.sites.users_waited_for_warming_ms(),
        alerts: state.alerts.active(),
        inbox: inbox.ok().and_then(Result::ok),
        store,
        sites: held
            .into_iter()
            .map(|(site, held)| {
                (
                    site.code.clone(),
                    SiteStatus::of(&state, site, held, &records),
                )
            })
            .collect(),
        config: state.about.config.clone(),
        version: env!("CARGO_PKG_VERSION"),
        started_at: state.about.started_at,
    })
}

impl SiteStatus {
    fn of(state: &AppState, site: &Site, held: Option<Held>, records: &[SweepRecord]) -> Self {
        let own = || records.iter().filter(|record| record.site == site.code);
        let told = held.as_ref();
        Self {
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
            sweep: held.and_then(|held| held.sweep),
        }
    }
}

/// What every site's store told, or nothing if one did not.
fn all<T>(held: &[(&std::sync::Arc<Site>, Option<Held>)], of: fn(&Held) -> T) -> Option<Vec<T>> {
    held.iter().map(|(_, held)| held.as_ref().map(of)).collect()
}

/// The newest record of a sweep that ran.
fn swept<'a>(mut records: impl Iterator<Item = &'a SweepRecord>) -> Option<&'a SweepRecord> {
    records.find(|record| record.outcome != Outcome::Skipped)
}

fn last<'a>(
    mut records: impl Iterator<Item = &'a SweepRecord>,
    kind: Kind,
) -> Option<DateTime<Utc>> {
    records
        .find(|record| record.kind == kind && record.outcome != Outcome::Skipped)
        .map(|record| record.finished_at)
}

fn next_slots(state: &AppState, now: DateTime<Utc>) -> Vec<Slot> {
    let schedule = state.warmer.schedule();
    let next = |after| schedule.and_then(|schedule| schedule.next_after(after));
    std::iter::successors(next(now), |slot| next(slot.at))
        .take(SLOTS_TO_COME)
        .collect()
}

fn last_slots(records: &[SweepRecord]) -> Vec<SlotRecord> {
    let mut slots: Vec<_> = records.iter().filter_map(slot_record).collect();
    slots.sort_by_key(|record| std::cmp::Reverse(record.slot));
    slots.truncate(SLOTS_BEHIND);
    slots
}

fn slot_record(record: &SweepRecord) -> Option<SlotRecord> {
    Some(SlotRecord {
        slot: Slot {
            at: record.slot?,
            kind: record.kind,
        },
        site: record.site.clone(),
        task_id: record.task_id.clone(),
        outcome: record.outcome,
        reason: record.reason.clone(),
        started_at: record.started_at,
    })
}

fn stats(state: &AppState, records: &[SweepRecord]) -> Stats {
    let counts = state.lookups.counts();
    let asked = counts.hits + counts.misses;
    // Tenths of a per cent, in whole numbers: 952 is "95.2%".
    let tenths = (counts.hits * 1000).checked_div(asked);
    Stats {
        total_orders_warmed: records.iter().map(|record| record.orders_warmed).sum(),
        cache_hit_rate: tenths.map(|tenths| format!("{}.{}%", tenths / 10, tenths % 10)),
        lookups: counts,
        last_warmup_duration: swept(records.iter())
            .map(|record| format!("{:.0} seconds", record.duration_s)),
    }
}

fn summed(running: &[RunningSweep]) -> Option<TaskProgress> {
    let first = running.first()?;
    let same_task = || {
        running
            .iter()
            .filter(|sweep| sweep.task_id == first.task_id)
    };
    let sites: Vec<_> = same_task().map(|sweep| &sweep.site).collect();
    Some(TaskProgress {
        task_id: first.task_id.clone(),
        kind: first.kind,
        site: match sites.as_slice() {
            [only] => Some((*only).clone()),
            _ => None,
        },
        done: same_task().map(|sweep| sweep.progress.done).sum(),
        total: same_task().map(|sweep| sweep.progress.total).sum(),
        started_at: first.progress.started_at,
        eta_s: same_task().filter_map(|sweep| sweep.progress.eta_s).max(),
    })
}

impl Coverage {
    fn plus(self, other: Self) -> Self {
        Self {
            window: self.window + other.window,
            warm: self.warm + other.warm,
        }
    }
}

impl Covered {
    pub(super) fn of(Coverage { window, warm }: Coverage) -> Self {
        // Orders of a window are counted in thousands: exact in 32 bits.
        let count = |orders: u64| f64::from(u32::try_from(orders).unwrap_or(u32::MAX));
        Self {
            window,
            warm,
            ratio: if window == 0 {
                1.0
            } else {
                count(warm) / count(window)
            },
        }
    }
}
