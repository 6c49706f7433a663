//! What a site's warmer does next: a pure decision over what the store says and what time it is.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::{
    schedule::{Schedule, Slot},
    site::SiteCode,
    store::{Change, MOST_RECORDS, Warming, WarmingChange},
    sweep::{self, Checkpoint, Kind, Plan, SweepRecord, SweepSettings, TaskId, Trigger},
};

/// A slot that is met later than this was caught up.
const PUNCTUAL: TimeDelta = TimeDelta::seconds(60);
/// A clock that is further back than this from the last slot was wrong before, not now.
const LONGEST_SET_BACK: TimeDelta = TimeDelta::days(1);
/// By then a sweep has renewed its last order: one of the design size takes half a minute, one of ten times that five.
const LONGEST_SWEEP: TimeDelta = TimeDelta::minutes(30);
/// Between sweeps where there is no schedule, and how long a stopped sweep's rest is worth going on with.
const SIX_HOURS: TimeDelta = TimeDelta::hours(6);
/// How often a sweep is taken up at one page before it is given up.
const MOST_TAKEN_UP: u32 = 5;

/// A sweep that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wish {
    pub(super) task: TaskId,
    pub(super) kind: Kind,
    pub(super) days: Option<u32>,
    pub(super) asked_at: DateTime<Utc>,
}

/// What there is to do.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Nothing,
    /// Write this down, and sweep if there is a checkpoint.
    Do {
        change: Box<WarmingChange>,
        sweep: Option<Box<Checkpoint>>,
    },
}

/// What the decision depends on, besides the store's word.
#[derive(Debug)]
pub(super) struct Situation<'a> {
    pub(super) site: &'a SiteCode,
    pub(super) settings: &'a SweepSettings,
    /// None where the service does not warm by itself.
    pub(super) schedule: Option<&'a Schedule>,
    /// Whether the cache has never been filled, and it is time to try.
    pub(super) is_cold: bool,
    pub(super) now: DateTime<Utc>,
}

impl Situation<'_> {
    /// A sweep that was begun goes on; else a wish is granted; else slots are met; else a cold cache is filled.
    pub(super) fn next(&self, warming: &Warming) -> Step {
        if let Some(text) = &warming.sweep {
            return self.take_up(text);
        }
        if let Some(text) = &warming.wish {
            return self.grant(text, warming.rest.as_deref());
        }
        let Some(schedule) = self.schedule else {
            return Step::Nothing;
        };
        let due = match warming.slots_until {
            None => return self.count_slots_from_now(),
            Some(until) if until - self.now > LONGEST_SET_BACK => {
                warn!(site = %self.site, last = %until, "the clock was set back by more than a day: slots are counted from now on");
                return self.count_slots_from_now();
            }
            Some(until) => schedule.due(until, self.now, MOST_RECORDS),
        };
        if due.is_empty() && self.is_cold {
            return self.fill();
        }
        self.meet(&due)
    }

    fn count_slots_from_now(&self) -> Step {
        let change = WarmingChange {
            slots_until: Some(self.now),
            ..WarmingChange::default()
        };
        if self.is_cold {
            return begin(change, self.checkpoint(self.cold_plan()));
        }
        Step::Do {
            change: Box::new(change),
            sweep: None,
        }
    }

    fn take_up(&self, text: &str) -> Step {
        let Ok(mut checkpoint) = serde_json::from_str::<Checkpoint>(text) else {
            warn!(site = %self.site, "the sweep under way was written down by another version, and is dropped");
            return forget_sweep(&[]);
        };
        if checkpoint.taken_up >= MOST_TAKEN_UP {
            let reason = format!("given up: {MOST_TAKEN_UP} warmers did not get past one page");
            let record = checkpoint.given_up(self.site, &reason, self.now);
            return forget_sweep(&[record]);
        }
        checkpoint.taken_up += 1;
        begin(WarmingChange::default(), checkpoint)
    }

    fn grant(&self, text: &str, rest: Option<&str>) -> Step {
        let change = WarmingChange {
            wish: Change::Clear,
            rest: Change::Clear,
            stop: Change::Clear,
            ..WarmingChange::default()
        };
        let Ok(wish) = serde_json::from_str::<Wish>(text) else {
            return Step::Do {
                change: Box::new(change),
                sweep: None,
            };
        };
        let plan = Plan {
            days: wish.days.unwrap_or(self.settings.days),
            whole_window: wish.days.is_none_or(|days| days >= self.settings.days),
            ..self.plan(wish.task.clone(), wish.kind, Trigger::Manual)
        };
        let rest = rest
            .and_then(|rest| serde_json::from_str::<Checkpoint>(rest).ok())
            .filter(|rest| self.is_the_rest_of(rest, &plan));
        let checkpoint = match rest {
            Some(rest) => rest.go_on(wish.task, Trigger::Manual, self.now),
            None => self.checkpoint(plan),
        };
        begin(change, checkpoint)
    }

    /// Whether asking for this sweep means going on with that one.
    fn is_the_rest_of(&self, rest: &Checkpoint, plan: &Plan) -> bool {
        rest.plan.kind == plan.kind
            && rest.plan.days == plan.days
            && self.now - rest.started_at < SIX_HOURS
    }

    /// However many slots were missed, one sweep covers them: a full one if one was due. Each of the others has its record.
    fn meet(&self, due: &[Slot]) -> Step {
        let full = due.iter().rposition(|slot| slot.kind == Kind::Full);
        let Some((chosen, last)) = full.or(due.len().checked_sub(1)).zip(due.last()) else {
            return Step::Nothing;
        };
        let Some(slot) = due.get(chosen) else {
            return Step::Nothing;
        };
        let trigger = if self.now - last.at <= PUNCTUAL && chosen + 1 == due.len() {
            Trigger::Slot
        } else {
            Trigger::CatchUp
        };
        let task = TaskId::of_slot(slot.at);
        let reason = format!("no warmer was free at its time; {task} covers it");
        let skipped = due.iter().enumerate().filter(|(at, _)| *at != chosen);
        let records = skipped.map(|(_, missed)| {
            sweep::skipped(
                (missed.kind, missed.at),
                self.site,
                reason.clone(),
                self.now,
            )
        });
        let change = WarmingChange {
            slots_until: Some(last.at),
            rest: Change::Clear,
            stop: Change::Clear,
            records: records.map(|record| sweep::written(&record)).collect(),
            ..WarmingChange::default()
        };
        let plan = Plan {
            slot: Some(slot.at),
            ..self.plan(task, slot.kind, trigger)
        };
        begin(change, self.checkpoint(plan))
    }

    fn fill(&self) -> Step {
        begin(WarmingChange::default(), self.checkpoint(self.cold_plan()))
    }

    fn cold_plan(&self) -> Plan {
        self.plan(TaskId::new(self.now), Kind::Full, Trigger::CatchUp)
    }

    fn checkpoint(&self, plan: Plan) -> Checkpoint {
        Checkpoint::new(plan, self.now)
    }

    fn plan(&self, task: TaskId, kind: Kind, trigger: Trigger) -> Plan {
        plan(
            self.settings,
            self.schedule,
            (task, kind, trigger),
            self.now,
        )
    }
}

fn plan(
    settings: &SweepSettings,
    schedule: Option<&Schedule>,
    (task, kind, trigger): (TaskId, Kind, Trigger),
    now: DateTime<Utc>,
) -> Plan {
    let next_slot = schedule
        .and_then(|schedule| schedule.next_after(now))
        .map_or(now + SIX_HOURS, |slot| slot.at);
    Plan {
        task,
        kind,
        trigger,
        slot: None,
        days: settings.days,
        whole_window: true,
        page_size: settings.page_size,
        renewed_by: next_slot + LONGEST_SWEEP,
        patient_until: match trigger {
            // Whoever asks by hand wants to hear at once that Shopify does not answer.
            Trigger::Manual | Trigger::Cli => None,
            Trigger::Slot | Trigger::CatchUp => Some(next_slot),
        },
    }
}

fn begin(change: WarmingChange, checkpoint: Checkpoint) -> Step {
    let change = WarmingChange {
        sweep: Change::Set(sweep::written(&checkpoint)),
        ..change
    };
    Step::Do {
        change: Box::new(change),
        sweep: Some(Box::new(checkpoint)),
    }
}

fn forget_sweep(records: &[SweepRecord]) -> Step {
    let change = WarmingChange {
        sweep: Change::Clear,
        stop: Change::Clear,
        records: records.iter().map(sweep::written).collect(),
        ..WarmingChange::default()
    };
    Step::Do {
        change: Box::new(change),
        sweep: None,
    }
}

/// The plan of a sweep by hand, without a service.
pub fn plan_by_hand(
    settings: &SweepSettings,
    schedule: Option<&Schedule>,
    (kind, days): (Kind, Option<u32>),
    now: DateTime<Utc>,
) -> Plan {
    Plan {
        days: days.unwrap_or(settings.days),
        whole_window: days.is_none_or(|days| days >= settings.days),
        ..plan(
            settings,
            schedule,
            (TaskId::new(now), kind, Trigger::Cli),
            now,
        )
    }
}

#[cfg(test)]
mod tests;
