//! Every slot ends as exactly one record, and no sweep begins during another.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use shopify_warmer::sweep::{Outcome, SweepRecord};

use crate::world::World;

/// UTC; the first is the full sweep's.
const HOURS: [u32; 4] = [2, 8, 14, 20];
/// A slot that came as shortly before the end may still be under way.
const UNDER_WAY: TimeDelta = TimeDelta::minutes(20);
/// A slot is met within this, by a service that runs and is not busy.
const PUNCTUAL: TimeDelta = TimeDelta::seconds(1);

/// What became of the slots.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    records: BTreeMap<DateTime<Utc>, Vec<Outcome>>,
    /// When the sweep before this one ended; unknown where the clock was wrong.
    swept_until: Option<DateTime<Utc>>,
    pub(crate) worst_delay: TimeDelta,
}

impl Slots {
    /// Takes a record that is new, the oldest first.
    pub(crate) fn note(&mut self, world: &World, record: &SweepRecord) {
        if let Some(slot) = record.slot {
            self.records.entry(slot).or_default().push(record.outcome);
        }
        if record.outcome == Outcome::Skipped {
            return;
        }
        if world.was_wrong(record.started_at, record.finished_at) {
            self.swept_until = None;
            return;
        }
        if self
            .swept_until
            .is_some_and(|until| record.started_at < until)
        {
            let task = &record.task_id;
            world.broken("5 (one warmer)", &format!("{task} began during another"));
        }
        self.swept_until = Some(record.finished_at);
        self.note_delay(world, record);
    }

    fn note_delay(&mut self, world: &World, record: &SweepRecord) {
        let Some(slot) = record.slot else { return };
        let before = slot - UNDER_WAY;
        if world.was_down(before, slot) || world.was_wrong(before, slot) {
            return;
        }
        let delay = record.started_at - slot;
        self.worst_delay = self.worst_delay.max(delay);
        if delay > PUNCTUAL {
            world.broken("5 (slots)", &format!("slot {slot} was met {delay} late"));
        }
    }

    /// In the end: whether each slot has its one record.
    pub(crate) fn check(&self, world: &World) {
        let end = world.time.now() - UNDER_WAY;
        let mut day = world.start.date_naive();
        while day <= end.date_naive() {
            for hour in HOURS {
                let at = day.and_hms_opt(hour, 0, 0).expect("an hour").and_utc();
                if at > world.start && at <= end && !world.was_down(at, end) {
                    self.check_one(world, at);
                }
            }
            day = day.succ_opt().expect("a day");
        }
    }

    fn check_one(&self, world: &World, slot: DateTime<Utc>) {
        let records = self.records.get(&slot).map_or(&[][..], Vec::as_slice);
        if records.len() != 1 {
            world.broken("5 (slots)", &format!("slot {slot} has {records:?}"));
        }
    }
}
