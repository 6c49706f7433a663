//! A look at what must hold at every moment: one sweep at a time, and gaps that end with the next sweep.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use shopify_warmer::{
    order::{OrderAnswer, OrderId},
    store::Found,
    sweep::{Kind, Outcome, SweepRecord},
};

use crate::{ledger::Known, replica::Replica, slots::Slots, state::State, world::World};

/// A change that a sweep may have missed by a hair, beside what the API lags.
const HAIR: TimeDelta = TimeDelta::seconds(10);
/// Records that can be new since the last look.
const RECORDS: usize = 20;

/// What earlier looks have seen.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    records: BTreeSet<String>,
    pub(crate) slots: Slots,
}

impl Looks {
    /// Looks at the service through any replica that runs.
    pub(crate) async fn look(&mut self, world: &World) {
        let Some(replica) = world.fleet.any() else {
            return;
        };
        what_was_told_is_cached(world, &replica).await;
        for record in self.new_records(world, &replica).await {
            self.slots.note(world, &record);
            note(world, &record);
            if record.outcome == Outcome::Completed {
                after_sweep(world, &replica, &record).await;
            }
        }
        let untold = world.ledger().untold();
        for order in untold {
            close_gap(world, &replica, order).await;
        }
    }

    /// Oldest first.
    async fn new_records(&mut self, world: &World, replica: &Replica) -> Vec<SweepRecord> {
        let warmer = &replica.app.state().warmer;
        let records = warmer.records(&world.site, RECORDS).await;
        let mut new = records.expect("the store can be read");
        // By their whole text: one that came twice, or changed, shows in what follows.
        new.retain(|record| self.records.insert(format!("{record:?}")));
        new.reverse();
        new
    }
}

/// Every change whose webhooks were delivered, not only those that somebody asks for.
async fn what_was_told_is_cached(world: &World, replica: &Replica) {
    let now = world.time.now();
    let changed = world.ledger().take_changed(now);
    if !world.figures().is_covered {
        return;
    }
    for known in changed.iter().filter(|known| known.in_window(now)) {
        if let Some(how) = differs(world, replica, known).await {
            let how = format!("{} of {}: {how}", known.name, known.changed_at);
            world.broken("2 (coverage)", &how);
        }
    }
}

fn note(world: &World, record: &SweepRecord) {
    let mut figures = world.figures();
    if record.outcome == Outcome::Skipped {
        figures.slots_skipped += 1;
        return;
    }
    figures.sweeps += 1;
    figures.sweep_calls += record.api_calls;
    figures.sweeps_failed += u64::from(record.outcome != Outcome::Completed);
    let took = record.finished_at - record.started_at;
    if record.outcome == Outcome::Completed {
        figures.longest_sweep = figures.longest_sweep.max(took);
        figures.is_covered |= record.kind == Kind::Full;
    }
}

/// Whatever was lost before the sweep began is in the cache now.
async fn after_sweep(world: &World, replica: &Replica, record: &SweepRecord) {
    let seen = record.started_at - world.lag() - HAIR;
    if world.was_wrong(record.started_at, record.finished_at) {
        return;
    }
    let window: Vec<Known> = world.ledger().window(record.started_at).cloned().collect();
    for known in window {
        // What left the window, or changed while the sweep ran, is not its to tell. Only reads by id see a deletion.
        let is_due = known.changed_at < seen
            && known.untold_since.is_none_or(|since| since < seen)
            && known.in_window(record.finished_at)
            && (!known.deleted || record.kind == Kind::Incremental);
        if !is_due {
            continue;
        }
        if let Some(how) = differs(world, replica, &known).await {
            let task = &record.task_id;
            world.broken(
                "2 (coverage)",
                &format!(
                    "after {task} ({}) {}: {how}; untold since {:?}, changed {}",
                    record.kind, known.name, known.untold_since, known.changed_at
                ),
            );
        }
    }
}

async fn close_gap(world: &World, replica: &Replica, order: u64) {
    let now = world.time.now();
    let Some(known) = world.ledger().get(order).cloned() else {
        return;
    };
    let is_right = !known.in_window(now) || differs(world, replica, &known).await.is_none();
    if !is_right {
        return;
    }
    let since: Option<DateTime<Utc>> = world
        .ledger()
        .get_mut(order)
        .and_then(|known| known.untold_since.take());
    let is_measured = known.in_window(now) && world.figures().is_covered;
    world
        .figures()
        .gaps
        .extend(since.filter(|_| is_measured).map(|since| now - since));
}

/// How the cache's order differs from the truth; nothing if it does not.
async fn differs(world: &World, replica: &Replica, known: &Known) -> Option<String> {
    let state = replica.app.state();
    let id = OrderId::new(known.id)?;
    let now = state.clock.now();
    let found = state.store.order(&world.site, id, now).await;
    match found.expect("the store can be read") {
        Found::Order(_) if known.deleted => Some("deleted, and cached".to_owned()),
        Found::Order(entry) => {
            let answer = OrderAnswer::of(&entry.order, world.site.as_str())?;
            let answer = serde_json::to_value(answer).expect("JSON");
            let cached = State::served(&answer);
            cached.is_behind(&known.truth)
        }
        Found::Absent | Found::Unknown if known.deleted => None,
        Found::Absent => Some("cached as absent".to_owned()),
        Found::Unknown => Some("not cached".to_owned()),
    }
}
