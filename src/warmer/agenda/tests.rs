//! Every slot ends as exactly one record, whatever was missed, busy or wrong about the clock.

use super::*;
use crate::{schedule, sweep::Outcome};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A site with the usual schedule.
struct Site {
    code: SiteCode,
    schedule: Schedule,
    settings: SweepSettings,
}

impl Site {
    fn new() -> Self {
        let pattern = |text| schedule::pattern(text).unwrap();
        Self {
            code: "uk".parse().unwrap(),
            schedule: Schedule::new(pattern("0 0 2 * * *"), pattern("0 0 8,14,20 * * *")),
            settings: SweepSettings {
                days: 7,
                page_size: 100,
                limits: sweep::Limits {
                    duration: std::time::Duration::from_secs(7200),
                    memory: None,
                },
            },
        }
    }

    fn next(&self, now: &str, warming: &Warming) -> Step {
        self.situation(now).next(warming)
    }

    fn situation(&self, now: &str) -> Situation<'_> {
        Situation {
            site: &self.code,
            settings: &self.settings,
            schedule: Some(&self.schedule),
            is_cold: false,
            now: at(now),
        }
    }
}

fn until(slots_until: &str) -> Warming {
    Warming {
        slots_until: Some(at(slots_until)),
        ..Warming::default()
    }
}

/// What is begun and what is written, or a failed test.
fn done(step: Step) -> (WarmingChange, Option<Checkpoint>) {
    match step {
        Step::Do { change, sweep } => (*change, sweep.map(|sweep| *sweep)),
        Step::Nothing => panic!("nothing was to be done"),
    }
}

fn skipped(change: &WarmingChange) -> Vec<String> {
    let records = change.records.iter().map(|record| {
        let record: SweepRecord = serde_json::from_str(record).unwrap();
        assert_eq!(record.outcome, Outcome::Skipped);
        assert!(record.reason.is_some());
        record.slot.unwrap().format("%d %H").to_string()
    });
    records.collect()
}

#[test]
fn a_slot_is_run_in_its_second_and_once() {
    let site = Site::new();
    let before = until("2026-11-23T02:00:00Z");
    assert_eq!(site.next("2026-11-23T07:59:59.9Z", &before), Step::Nothing);
    let (change, sweep) = done(site.next("2026-11-23T08:00:00.2Z", &before));
    let plan = sweep.unwrap().plan;
    assert_eq!(
        (plan.kind, plan.trigger),
        (Kind::Incremental, Trigger::Slot)
    );
    assert_eq!(plan.slot, Some(at("2026-11-23T08:00:00Z")));
    assert_eq!(plan.task.to_string(), "warmup_20261123_080000");
    assert_eq!(plan.renewed_by, at("2026-11-23T14:30:00Z"));
    assert_eq!(change.slots_until, plan.slot);
    assert!(change.records.is_empty());
    assert_eq!(
        site.next("2026-11-23T08:00:01Z", &until("2026-11-23T08:00:00Z")),
        Step::Nothing
    );
}

#[test]
fn of_missed_slots_one_is_caught_up_and_the_others_are_skipped_by_name() {
    let site = Site::new();
    let (change, sweep) = done(site.next("2026-11-25T09:10:00Z", &until("2026-11-24T08:00:00Z")));
    let plan = sweep.unwrap().plan;
    assert_eq!((plan.kind, plan.trigger), (Kind::Full, Trigger::CatchUp));
    assert_eq!(plan.slot, Some(at("2026-11-25T02:00:00Z")));
    assert_eq!(skipped(&change), ["24 14", "24 20", "25 08"]);
    assert_eq!(change.slots_until, Some(at("2026-11-25T08:00:00Z")));
}

#[test]
fn a_slot_that_fell_into_a_running_sweep_is_caught_up_after_it() {
    let site = Site::new();
    let long = site.situation("2026-11-23T07:30:00Z").cold_plan();
    let busy = Warming {
        sweep: Some(sweep::written(&Checkpoint::new(
            long,
            at("2026-11-23T07:30:00Z"),
        ))),
        ..until("2026-11-23T02:00:00Z")
    };
    let (change, taken_up) = done(site.next("2026-11-23T08:00:00Z", &busy));
    assert_eq!((taken_up.unwrap().taken_up, change.slots_until), (1, None));
    let (_, sweep) = done(site.next("2026-11-23T08:20:00Z", &until("2026-11-23T02:00:00Z")));
    assert_eq!(sweep.unwrap().plan.trigger, Trigger::CatchUp);
}

#[test]
fn a_clock_set_back_runs_no_slot_twice_and_one_set_far_back_stops_nothing() {
    let site = Site::new();
    let after_eight = until("2026-11-23T08:00:00Z");
    assert_eq!(
        site.next("2026-11-23T07:00:00Z", &after_eight),
        Step::Nothing
    );
    assert_eq!(
        site.next("2026-11-23T08:00:00Z", &after_eight),
        Step::Nothing
    );
    let years_ahead = until("2031-01-01T00:00:00Z");
    let (change, sweep) = done(site.next("2026-11-23T07:00:00Z", &years_ahead));
    assert_eq!(change.slots_until, Some(at("2026-11-23T07:00:00Z")));
    assert!(sweep.is_none());
}

#[test]
fn the_first_start_counts_slots_from_now_and_fills_a_cold_cache() {
    let site = Site::new();
    let cold = Situation {
        is_cold: true,
        ..site.situation("2026-11-23T08:30:00Z")
    };
    let (change, sweep) = done(cold.next(&Warming::default()));
    let plan = sweep.unwrap().plan;
    assert_eq!(
        (plan.kind, plan.trigger, plan.slot),
        (Kind::Full, Trigger::CatchUp, None)
    );
    assert_eq!(change.slots_until, Some(at("2026-11-23T08:30:00Z")));
    let warm = site.next("2026-11-23T08:30:00Z", &Warming::default());
    assert!(done(warm).1.is_none());
}

#[test]
fn without_a_schedule_only_wishes_are_granted() {
    let site = Site::new();
    let by_hand = Situation {
        schedule: None,
        is_cold: true,
        ..site.situation("2026-11-23T09:00:00Z")
    };
    assert_eq!(by_hand.next(&until("2026-11-20T02:00:00Z")), Step::Nothing);
    let wished = Warming {
        wish: Some(wish(3)),
        ..Warming::default()
    };
    let (change, sweep) = done(by_hand.next(&wished));
    let plan = sweep.unwrap().plan;
    assert_eq!(
        (plan.days, plan.whole_window, plan.trigger),
        (3, false, Trigger::Manual)
    );
    assert_eq!(change.wish, Change::Clear);
}

#[test]
fn asking_again_for_a_stopped_sweep_goes_on_with_it_for_a_while() {
    let site = Site::new();
    let plan = Plan {
        days: 3,
        ..site.situation("2026-11-23T09:00:00Z").cold_plan()
    };
    let rest = Checkpoint::new(plan, at("2026-11-23T09:00:00Z"));
    let asked = Warming {
        wish: Some(wish(3)),
        rest: Some(sweep::written(&rest)),
        ..until("2026-11-23T08:00:00Z")
    };
    let goes_on = done(site.next("2026-11-23T10:00:00Z", &asked)).1.unwrap();
    assert_eq!(goes_on.plan.renewed_by, rest.plan.renewed_by);
    let too_late = done(site.next("2026-11-23T15:30:00Z", &asked)).1.unwrap();
    assert_ne!(too_late.plan.renewed_by, rest.plan.renewed_by);
}

#[test]
fn a_sweep_that_no_warmer_gets_past_a_page_of_is_given_up_with_a_record() {
    let site = Site::new();
    let mut stuck = Checkpoint::new(
        site.situation("2026-11-23T08:00:00Z").cold_plan(),
        at("2026-11-23T08:00:00Z"),
    );
    stuck.taken_up = MOST_TAKEN_UP;
    let warming = Warming {
        sweep: Some(sweep::written(&stuck)),
        ..until("2026-11-23T08:00:00Z")
    };
    let (change, sweep) = done(site.next("2026-11-23T08:10:00Z", &warming));
    assert_eq!((change.sweep, sweep), (Change::Clear, None));
    let record: SweepRecord = serde_json::from_str(&change.records[0]).unwrap();
    assert_eq!(record.outcome, Outcome::Failed);
}

#[test]
fn what_another_version_wrote_is_dropped_and_stops_nothing() {
    let site = Site::new();
    let garbage = Warming {
        sweep: Some("{".to_owned()),
        wish: Some("[]".to_owned()),
        ..until("2026-11-23T08:00:00Z")
    };
    let (change, sweep) = done(site.next("2026-11-23T08:10:00Z", &garbage));
    assert_eq!((change.sweep, sweep), (Change::Clear, None));
    let wish_left = Warming {
        sweep: None,
        ..garbage
    };
    let (change, sweep) = done(site.next("2026-11-23T08:10:00Z", &wish_left));
    assert_eq!((change.wish, sweep), (Change::Clear, None));
}

fn wish(days: u32) -> String {
    let asked_at = at("2026-11-23T09:59:00Z");
    sweep::written(&Wish {
        task: TaskId::new(asked_at),
        kind: Kind::Full,
        days: Some(days),
        asked_at,
    })
}
