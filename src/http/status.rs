//! `GET /api/warmup/status`: everything there is to see, the same whichever replica is asked.

mod site;

use std::collections::BTreeMap;

use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use self::site::SiteStatus;
use super::{
    AppState,
    answer::success,
    held::Held,
    openapi::{Settings, StoreState, Success, Unauthorized},
    warmup::records,
};
use crate::{
    alert::ActiveAlert,
    budget::BudgetStatus,
    lookup::HitCounts,
    schedule::Slot,
    site::{Site, SiteCode},
    store::Coverage,
    sweep::{Drift, Kind, Outcome, SweepRecord, TaskId},
    warm::TopicCounts,
    warmer::RunningSweep,
};

/// Slots that are shown: a day of them to come, two days of them behind.
const SLOTS_TO_COME: usize = 4;
const SLOTS_BEHIND: usize = 8;

/// Everything there is to see. What the store would have to tell is null while it cannot be reached: that is when somebody looks.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Status {
    /// Whether the service sweeps by itself.
    enabled: bool,
    /// Whether a sweep is running, or is about to.
    running: bool,
    /// When the last full sweep ended.
    last_full_warmup: Option<DateTime<Utc>>,
    /// When the last incremental sweep ended.
    last_incremental_warmup: Option<DateTime<Utc>>,
    /// When the next sweep is due.
    next_scheduled: Option<DateTime<Utc>>,
    /// What has been done so far.
    stats: Stats,
    /// The running task, summed over its sites.
    sweep: Option<RunningTask>,
    /// The slots of the schedule.
    slots: Slots,
    /// How warm the window is, over all sites.
    coverage: Option<Covered>,
    /// What the last sweep found that no webhook had announced.
    drift: Option<Drift>,
    /// Deliveries by topic since the start, at this process; `refused` are those not signed with a known secret.
    webhooks: BTreeMap<String, TopicCounts>,
    /// Each site's bucket at Shopify, as this process knows it.
    budget: BTreeMap<SiteCode, BudgetStatus>,
    /// Orders waiting to be fetched.
    refresh_set: Option<u64>,
    /// Orders that could not be fetched, and wait for the next sweep.
    dead_letters: Option<usize>,
    /// How long users of this process have waited for something that warming held or spent.
    users_waited_for_warming_ms: u64,
    /// What a person should look at, as far as this process knows.
    alerts: Vec<ActiveAlert>,
    /// Deliveries the store has not taken yet.
    inbox: Option<u64>,
    /// The store.
    #[schema(value_type = StoreState)]
    store: StoreStatus,
    /// Each site.
    sites: BTreeMap<SiteCode, SiteStatus>,
    /// The settings, without secrets.
    #[schema(value_type = Settings)]
    config: Value,
    /// The service's version.
    version: &'static str,
    /// When the process started.
    started_at: DateTime<Utc>,
}

/// What has been done so far.
#[derive(Debug, Serialize, ToSchema)]
struct Stats {
    /// Orders warmed by the sweeps of the history.
    total_orders_warmed: u64,
    /// Lookups that the cache answered; null before the first.
    #[schema(examples("95.2%"))]
    cache_hit_rate: Option<String>,
    /// The same in numbers, since the start of this process.
    lookups: HitCounts,
    /// How long the last sweep took.
    #[schema(examples("56 seconds"))]
    last_warmup_duration: Option<String>,
}

/// A running task, summed over its sites.
#[derive(Debug, Serialize, ToSchema)]
struct RunningTask {
    /// Its name.
    task_id: TaskId,
    /// Which sweep.
    r#type: Kind,
    /// Its site; null where there are several.
    site: Option<SiteCode>,
    /// Orders read.
    done: u64,
    /// Orders there will be; an estimate until the end, null before the first page.
    total: Option<u64>,
    /// When it began.
    started_at: DateTime<Utc>,
    /// Seconds it will still take; null before the first page.
    eta_s: Option<u64>,
}

/// The slots of the schedule.
#[derive(Debug, Serialize, ToSchema)]
struct Slots {
    /// Those to come, the soonest first.
    next: Vec<Slot>,
    /// Those behind, the newest first.
    last: Vec<SlotRecord>,
}

/// What became of a slot.
#[derive(Debug, Serialize, ToSchema)]
struct SlotRecord {
    /// When it was.
    at: DateTime<Utc>,
    /// Which sweep.
    r#type: Kind,
    /// At which site.
    site: SiteCode,
    /// The task that met it, or its own name where it was skipped.
    task_id: TaskId,
    /// How that ended.
    outcome: Outcome,
    /// Why, where there is something to say.
    reason: Option<String>,
    /// When it was met.
    started_at: DateTime<Utc>,
}

/// How warm the window is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(super) struct Covered {
    /// Orders known to be in it.
    pub(super) window: u64,
    /// Those whose tracking has not expired.
    pub(super) warm: u64,
    /// `warm` of `window`; 1 where the window is empty.
    #[schema(minimum = 0, maximum = 1)]
    pub(super) ratio: f64,
}

#[derive(Debug, Serialize)]
struct StoreStatus {
    kind: &'static str,
    state: &'static str,
}

/// Tells everything there is to see.
///
/// What the store would have to tell is null while it cannot be reached: that is when somebody looks.
#[utoipa::path(
    get,
    path = "/api/warmup/status",
    operation_id = "getWarmupStatus",
    tag = "warming",
    security(("bearer" = ["manage"]), ("api_key" = ["manage"])),
    responses(
        (status = 200, description = "What runs, how warm the window is, deliveries, budgets, settings.", body = Success<Status>),
        (status = 401, response = Unauthorized)
    )
)]
pub(super) async fn status(State(state): State<AppState>) -> Response {
    success(&read(&state).await)
}

/// The same for a command that has no service to ask.
pub async fn status_of(state: &AppState) -> Value {
    json!(read(state).await)
}

async fn read(state: &AppState) -> Status {
    let now = state.clock.now();
    let history = records(state).await;
    let store = StoreStatus {
        kind: state.store.kind().as_str(),
        state: if history.is_ok() { "ok" } else { "unreachable" },
    };
    let records = history.unwrap_or_default();
    let mut held = Vec::new();
    for site in state.sites.iter() {
        held.push((site, Held::read(state, site).await.ok()));
    }
    let sweeps: Vec<_> = held
        .iter()
        .filter_map(|(_, held)| held.as_ref()?.sweep.clone())
        .collect();
    let inbox = state.inbox.clone();
    let inbox = tokio::task::spawn_blocking(move || inbox.len()).await;
    let next = next_slots(state, now);
    Status {
        enabled: state.warmer.schedule().is_some(),
        running: !sweeps.is_empty(),
        last_full_warmup: last(records.iter(), Kind::Full),
        last_incremental_warmup: last(records.iter(), Kind::Incremental),
        next_scheduled: next.first().map(|slot| slot.at),
        stats: stats(state, &records),
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
                    SiteStatus::of(state, site, held.as_ref(), &records),
                )
            })
            .collect(),
        config: state.about.config.clone(),
        version: env!("CARGO_PKG_VERSION"),
        started_at: state.about.started_at,
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
        .find(|record| record.kind == kind && record.outcome == Outcome::Completed)
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
    slots.sort_by_key(|record| std::cmp::Reverse(record.at));
    slots.truncate(SLOTS_BEHIND);
    slots
}

fn slot_record(record: &SweepRecord) -> Option<SlotRecord> {
    Some(SlotRecord {
        at: record.slot?,
        r#type: record.kind,
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

fn summed(running: &[RunningSweep]) -> Option<RunningTask> {
    let first = running.first()?;
    let same_task = || {
        running
            .iter()
            .filter(|sweep| sweep.task_id == first.task_id)
    };
    let sites: Vec<_> = same_task().map(|sweep| &sweep.site).collect();
    Some(RunningTask {
        task_id: first.task_id.clone(),
        r#type: first.kind,
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
