//! The cron table: when which sweep is to run (UTC), and the bell that rings then.

mod bell;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use croner::{
    Cron,
    parser::{CronParser, Seconds},
};
use serde::Serialize;
use thiserror::Error;

pub use self::bell::ring;
use crate::sweep::Kind;

/// A slot that comes later than this is as good as never: a pattern such as 30 February.
const LONGEST_WAIT: TimeDelta = TimeDelta::days(366);

/// When sweeps run.
#[derive(Debug, Clone)]
pub struct Schedule {
    full: Cron,
    incremental: Cron,
}

/// One entry of the cron table, at its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
pub struct Slot {
    /// When.
    pub at: DateTime<Utc>,
    /// Which sweep.
    #[serde(rename = "type")]
    pub kind: Kind,
}

/// A text that is no cron pattern of ours.
#[derive(Debug, Error, PartialEq, Eq, Clone)]
#[error(
    "is no cron pattern of six fields (second minute hour day month weekday, UTC), such as 0 0 2 * * *: {0}"
)]
pub struct BadPattern(String);

/// Reads a pattern of six fields, by the rules the bell goes by.
///
/// # Errors
/// If it is none, or one that never comes up.
pub fn pattern(text: &str) -> Result<Cron, BadPattern> {
    let parser = CronParser::builder()
        .seconds(Seconds::Required)
        .dom_and_dow(true)
        .build();
    let cron = parser
        .parse(text)
        .map_err(|error| BadPattern(error.to_string()))?;
    match next(&cron, DateTime::UNIX_EPOCH) {
        Some(_comes_up) => Ok(cron),
        None => Err(BadPattern("it never comes up".to_owned())),
    }
}

impl Schedule {
    /// A schedule of a full and an incremental sweep's pattern.
    pub fn new(full: Cron, incremental: Cron) -> Self {
        Self { full, incremental }
    }

    /// The first slot after a time. A full sweep does what an incremental one does and more, so of two at one time it is the slot.
    pub fn next_after(&self, at: DateTime<Utc>) -> Option<Slot> {
        let slot = |cron, kind| next(cron, at).map(|at| Slot { at, kind });
        let (full, incremental) = (
            slot(&self.full, Kind::Full),
            slot(&self.incremental, Kind::Incremental),
        );
        match (full, incremental) {
            (Some(full), Some(incremental)) if incremental.at < full.at => Some(incremental),
            (None, incremental) => incremental,
            (full, _) => full,
        }
    }

    /// The slots after `after` up to `until`, oldest first; of more than `most` the newest.
    pub fn due(&self, after: DateTime<Utc>, until: DateTime<Utc>, most: usize) -> Vec<Slot> {
        let mut due = Vec::new();
        let mut before = until;
        while due.len() < most {
            let Some(slot) = self.last_until(before).filter(|slot| slot.at > after) else {
                break;
            };
            due.push(slot);
            before = slot.at - TimeDelta::seconds(1);
        }
        due.reverse();
        due
    }

    fn last_until(&self, until: DateTime<Utc>) -> Option<Slot> {
        let slot = |cron, kind| last(cron, until).map(|at| Slot { at, kind });
        let (full, incremental) = (
            slot(&self.full, Kind::Full),
            slot(&self.incremental, Kind::Incremental),
        );
        match (full, incremental) {
            (Some(full), Some(incremental)) if incremental.at > full.at => Some(incremental),
            (None, incremental) => incremental,
            (full, _) => full,
        }
    }
}

/// croner keeps the part of a second it is given, and would answer with it.
fn next(cron: &Cron, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let found = cron.find_next_occurrence(&after.trunc_subsecs(0), false);
    found.ok().filter(|at| *at - after < LONGEST_WAIT * 8)
}

fn last(cron: &Cron, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let found = cron.find_previous_occurrence(&until.trunc_subsecs(0), true);
    found.ok().filter(|at| until - *at < LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn schedule() -> Schedule {
        let patterns = ("0 0 2 * * *", "0 0 8,14,20 * * *");
        Schedule::new(pattern(patterns.0).unwrap(), pattern(patterns.1).unwrap())
    }

    fn slots(due: &[Slot]) -> Vec<String> {
        due.iter()
            .map(|slot| format!("{} {}", slot.at.format("%d %H:%M:%S"), slot.kind))
            .collect()
    }

    #[test]
    fn the_day_has_four_slots() {
        let (from, to) = (at("2026-11-23T02:00:00Z"), at("2026-11-24T02:00:00.7Z"));
        let due = schedule().due(from, to, 100);
        let expected = [
            "23 08:00:00 incremental",
            "23 14:00:00 incremental",
            "23 20:00:00 incremental",
            "24 02:00:00 full",
        ];
        assert_eq!(slots(&due), expected);
        assert_eq!(slots(&schedule().due(from, to, 2)), expected[2..]);
        assert!(schedule().due(to, to, 100).is_empty());
        assert!(schedule().due(to, from, 100).is_empty(), "a clock set back");
    }

    #[test]
    fn a_slot_is_due_in_its_very_second_and_next_after_it_is_the_one_after() {
        let eight = at("2026-11-23T08:00:00Z");
        let just_before = eight - TimeDelta::milliseconds(1);
        assert!(
            schedule()
                .due(eight - TimeDelta::hours(1), just_before, 9)
                .is_empty()
        );
        assert_eq!(schedule().due(just_before, eight, 9).len(), 1);
        assert_eq!(schedule().next_after(just_before).unwrap().at, eight);
        assert_eq!(
            schedule().next_after(eight).unwrap().at,
            eight + TimeDelta::hours(6)
        );
        let half_past = eight + TimeDelta::milliseconds(500);
        assert_eq!(
            schedule().next_after(half_past).unwrap().at,
            eight + TimeDelta::hours(6)
        );
    }

    #[test]
    fn of_two_at_one_time_the_full_sweep_is_the_slot() {
        let both = Schedule::new(
            pattern("0 0 2 * * *").unwrap(),
            pattern("0 0 * * * *").unwrap(),
        );
        let one = at("2026-11-23T01:00:00Z");
        assert_eq!(both.next_after(one).unwrap().kind, Kind::Full);
        let due = both.due(one, at("2026-11-23T03:00:00Z"), 9);
        assert_eq!(slots(&due), ["23 02:00:00 full", "23 03:00:00 incremental"]);
    }

    #[test]
    fn a_pattern_needs_six_fields_and_a_time_that_comes() {
        for bad in ["0 2 * * *", "0 0 25 * * *", "nonsense", "", "0 0 2 30 2 *"] {
            let told = pattern(bad).unwrap_err().to_string();
            assert!(told.contains("0 0 2 * * *"), "{bad}: {told}");
        }
    }
}
