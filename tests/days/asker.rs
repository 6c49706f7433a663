//! Users: what they ask for, and whether what they get keeps the promises.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;
use serde_json::Value;

use crate::{
    figures::Miss,
    ledger::{FIRST_SECOND, Known},
    replica::{Replica, Reply},
    state::State,
    world::World,
};

/// How long an answer that there is no such order is remembered.
const NOT_FOUND_LASTS: TimeDelta = TimeDelta::seconds(60);

/// A question, and what was true when it was asked.
pub(crate) struct Question {
    path: String,
    part: &'static str,
    /// What Shopify's log would show of it.
    names: String,
    about: Option<Known>,
    at: DateTime<Utc>,
}

impl Question {
    /// Draws one. Most ask for an order of one to five days, some for one just placed, for an old one, or for none there is.
    pub(crate) fn draw(world: &World, rng: &mut Rng) -> Self {
        let at = world.time.now();
        let hours = match rng.u8(..100) {
            0..=4 => (0, 1),
            5..=18 => (1, 24),
            19..=79 => (24, 120),
            80..=88 => (120, 168),
            89..=94 => (168, 24 * 45),
            _ => return Self::about_nothing(at, rng),
        };
        let span = (
            at - TimeDelta::hours(hours.1),
            at - TimeDelta::hours(hours.0),
        );
        let known = world.ledger().any_between(span, rng).cloned();
        match known {
            Some(known) => Self::about(known, at, rng),
            None => Self::about_nothing(at, rng),
        }
    }

    fn about(known: Known, at: DateTime<Utc>, rng: &mut Rng) -> Self {
        let (id, number) = (known.id, known.name.trim_start_matches('#'));
        let search = |text: &str| format!("/api/shopify/orders/search?q={text}");
        let by_number = || number.to_owned();
        let (path, part, names) = match rng.u8(..20) {
            0..=12 => (search(number), "order", by_number()),
            13 => (search(&number.to_lowercase()), "order", by_number()),
            14 => (search(&format!("%23{number}")), "order", by_number()),
            15 => (
                search(number.trim_start_matches("UK")),
                "order",
                by_number(),
            ),
            16 | 17 => (format!("/api/shopify/orders/{id}"), "order", id.to_string()),
            _ => (
                format!("/api/shopify/orders/{id}/tracking"),
                "tracking",
                id.to_string(),
            ),
        };
        Self {
            path,
            part,
            names,
            about: Some(known),
            at,
        }
    }

    fn about_nothing(at: DateTime<Utc>, rng: &mut Rng) -> Self {
        // Far from any number that will be given in the days of a run.
        let number = format!("UK{}", rng.u32(700_000..800_000));
        Self {
            path: format!("/api/shopify/orders/search?q={number}"),
            part: "order",
            names: number,
            about: None,
            at,
        }
    }
}

/// Asks, and holds the answer against what was true when the question was put.
pub(crate) async fn ask(world: Arc<World>, replica: Arc<Replica>, question: Question) {
    let reply = replica.get(&question.path).await;
    let took = world.time.now() - question.at;
    let answer = Answer {
        world: &world,
        question: &question,
        reply: &reply,
        took,
    };
    answer.judge();
}

struct Answer<'a> {
    world: &'a World,
    question: &'a Question,
    reply: &'a Reply,
    took: TimeDelta,
}

impl Answer<'_> {
    fn judge(&self) {
        let data = &self.reply.json["data"];
        let value = &data[self.question.part];
        let is_hit = data["cached"] == true;
        if !is_hit {
            self.world.figures().misses.push(Miss {
                at: self.question.at,
                names: self.question.names.clone(),
            });
        }
        if self.reply.status != 200 || data["pending"] == true {
            self.world.figures().not_answered += 1;
            let lately = self.question.at - TimeDelta::minutes(5);
            if !self.world.was_ill(lately, self.world.time.now()) {
                self.broken("2 (coverage)", "not answered, though Shopify answers");
            }
        } else if is_hit && self.took > TimeDelta::zero() {
            self.broken("3 (users first)", &format!("a hit took {}", self.took));
        }
        match &self.question.about {
            None if !value.is_null() => self.broken("6 (that order or none)", "found something"),
            None => {}
            Some(known) if known.deleted => self.judge_deleted(known, value),
            Some(known) => {
                self.judge_coverage(known, value, is_hit);
                if !value.is_null() {
                    self.judge_content(known, value);
                }
            }
        }
    }

    fn judge_deleted(&self, known: &Known, value: &Value) {
        if known.is_told(self.question.at) && !value.is_null() {
            self.broken("1 (no rollback)", "a deleted order is served");
        }
    }

    fn judge_coverage(&self, known: &Known, value: &Value, is_hit: bool) {
        let (world, at) = (self.world, self.question.at);
        // An order may leave the window while it is asked for.
        let is_due = known.in_window(at - TimeDelta::minutes(1))
            && at - known.created_at > FIRST_SECOND
            && world.figures().is_covered;
        if !is_due {
            return;
        }
        let hit = is_hit && !value.is_null();
        world.figures().of_window.count(hit);
        if known.is_told(at) {
            world.figures().of_told.count(hit);
            if !hit && !self.may_be_forgotten() {
                self.broken("2 (coverage)", "a miss, though all was told a second ago");
            }
        }
        if hit {
            self.judge_age();
        }
    }

    /// Only a clock that is wrong may cost coverage.
    fn may_be_forgotten(&self) -> bool {
        let at = self.question.at;
        self.world.was_wrong(at - TimeDelta::days(1), at)
            || self.world.was_down(at - NOT_FOUND_LASTS, at)
    }

    fn judge_age(&self) {
        let (world, at) = (self.world, self.question.at);
        let freshness = &self.reply.json["data"]["freshness"];
        let age = TimeDelta::seconds(freshness["age_s"].as_i64().unwrap_or_default());
        let mut figures = world.figures();
        figures.stale += u64::from(freshness["state"] == "stale");
        let half_a_day = at - TimeDelta::hours(13);
        if world.was_ill(half_a_day, at)
            || world.was_wrong(half_a_day, at)
            || world.was_down(half_a_day, at)
        {
            return;
        }
        figures.worst_age = figures.worst_age.max(age);
        let most = TimeDelta::hours(6) + figures.longest_sweep + TimeDelta::minutes(1);
        drop(figures);
        if age > most {
            self.broken(
                "2 (coverage)",
                &format!("tracking of {} s was served", age.num_seconds()),
            );
        }
    }

    fn judge_content(&self, known: &Known, value: &Value) {
        let as_of = self.reply.json["data"]["freshness"]["as_of"].as_str();
        let as_of = as_of.and_then(|text| text.parse().ok());
        if let Some((before, before_as_of)) = &known.served {
            if as_of < *before_as_of && !self.world.was_wrong(self.world.start, self.question.at) {
                self.broken(
                    "1 (no rollback)",
                    &format!("as_of {as_of:?} after {before_as_of:?}"),
                );
            }
            if self.question.part == "order"
                && let Some(how) = State::served(value).is_behind(before)
            {
                self.broken("1 (no rollback)", &how);
            }
        }
        if self.question.part != "order" {
            return;
        }
        let state = State::served(value);
        if known.is_told(self.question.at) {
            self.judge_truth(known, &state);
        }
        let mut ledger = self.world.ledger();
        if let Some(known) = ledger.get_mut(known.id) {
            match &mut known.served {
                Some((newest, newest_as_of)) => {
                    newest.join(state);
                    *newest_as_of = as_of.max(*newest_as_of);
                }
                served @ None => *served = Some((state, as_of)),
            }
        }
    }

    /// All was told, so what is served is what is true.
    fn judge_truth(&self, known: &Known, state: &State) {
        let is_due = known.in_window(self.question.at) && self.world.figures().is_covered;
        if !is_due || self.may_be_forgotten() {
            return;
        }
        if let Some(how) = state.is_behind(&known.truth) {
            self.broken("2 (coverage)", &format!("behind the truth: {how}"));
        } else if self.took == TimeDelta::zero() && *state != known.truth {
            let how = format!("not the truth: {state:?} instead of {:?}", known.truth);
            self.broken("6 (honest answers)", &how);
        }
    }

    fn broken(&self, promise: &str, how: &str) {
        let Question { path, about, .. } = self.question;
        let told = about.as_ref().map(|known| {
            format!(
                "placed {}, changed {}, untold since {:?}",
                known.created_at, known.changed_at, known.untold_since
            )
        });
        let freshness = &self.reply.json["data"]["freshness"];
        self.world.broken(
            promise,
            &format!(
                "{how}; {path}: {} {freshness}; {}",
                self.reply.status,
                told.unwrap_or_default()
            ),
        );
    }
}
