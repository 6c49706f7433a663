//! A sweep that can be put down and taken up again: its plan, how far it is, what it found.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{
    Kind, SweepRecord, TaskId, Trigger, bulk::Import, findings::Findings, progress::Progressed,
    record,
};
use crate::site::SiteCode;

/// What a sweep is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Which task this is part of.
    pub task: TaskId,
    /// Which sweep.
    pub kind: Kind,
    /// Who asked for it.
    pub trigger: Trigger,
    /// The slot it is the run of, if it is one's.
    pub slot: Option<DateTime<Utc>>,
    /// How many days back.
    pub days: u32,
    /// Whether that is the window or more: a sweep of less says nothing about the rest.
    pub whole_window: bool,
    /// Orders a call.
    pub page_size: u32,
    /// By when the next sweep will have renewed what this one leaves.
    pub renewed_by: DateTime<Utc>,
    /// Until when it waits for a Shopify that does not answer; at once given up where none.
    pub patient_until: Option<DateTime<Utc>>,
}

/// A sweep, as far as it has come. Written down after each page, so that whoever takes over reads at most one page again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// What it is to do.
    pub plan: Plan,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// How far others see it is.
    pub progress: Progressed,
    /// How often it was taken up since it last got further.
    pub taken_up: u32,
    pub(super) position: Position,
    pub(super) findings: Findings,
    pub(super) calls: u64,
    pub(super) cost: u64,
    pub(super) ran: Duration,
}

/// Where in its work a sweep is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Position {
    /// Nothing is read yet.
    Start,
    /// Reading pages of a search.
    Pages(Pages),
    /// Reading what would expire.
    Renewal,
    /// Taking in what Shopify's bulk operations find.
    Bulk(Import),
}

/// A search, and how far it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pages {
    /// Its lower bound. A cursor is good for the same search only.
    pub(super) since: DateTime<Utc>,
    /// Its upper bound, where the newest is read already.
    #[serde(default)]
    pub(super) until: Option<DateTime<Utc>>,
    /// After which cursor.
    pub(super) after: Option<String>,
    /// Orders a call, which halves where Shopify takes too long.
    pub(super) first: u32,
    /// Whether pages are known to be the way to read it.
    #[serde(default)]
    pub(super) sizing: Sizing,
}

/// Whether pages are known to be the way to read a window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Sizing {
    /// It may turn out to be too large for that.
    #[default]
    Open,
    /// It was counted, or nothing else does.
    Known,
}

impl Checkpoint {
    /// A sweep that has not begun.
    pub fn new(plan: Plan, started_at: DateTime<Utc>) -> Self {
        Self {
            plan,
            started_at,
            progress: Progressed::default(),
            taken_up: 0,
            position: Position::Start,
            findings: Findings::default(),
            calls: 0,
            cost: 0,
            ran: Duration::ZERO,
        }
    }

    /// What a stopped sweep left, as a task of its own: it goes on at the page where that one stopped.
    #[must_use]
    pub fn go_on(self, task: TaskId, trigger: Trigger, now: DateTime<Utc>) -> Self {
        let plan = Plan {
            task,
            trigger,
            slot: None,
            ..self.plan
        };
        Self {
            position: self.position,
            ..Self::new(plan, now)
        }
    }

    /// The start of the window.
    pub fn window_start(&self) -> DateTime<Utc> {
        self.started_at - TimeDelta::days(i64::from(self.plan.days))
    }

    /// The record of a sweep that cannot go on: its warmer panicked, or it never gets past a page.
    pub fn given_up(&self, site: &SiteCode, reason: &str, now: DateTime<Utc>) -> SweepRecord {
        record::given_up(self, site, reason, now)
    }
}
