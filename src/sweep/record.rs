//! How a sweep went, as history keeps it.

use std::{
    collections::BTreeMap,
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Checkpoint, Interrupted, Kind};
use crate::{order::Announcement, site::SiteCode};

/// `warmup_20251210_150000`; a second task of the same second gets a suffix.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[schema(
    description = "A task's name: `warmup_` and when it started; a second task of the same second gets a suffix.",
    examples("warmup_20251210_150000")
)]
#[serde(transparent)]
pub struct TaskId(String);

impl TaskId {
    /// The run of a slot: one task, at however many sites.
    pub fn of_slot(slot: DateTime<Utc>) -> Self {
        Self(slot.format("warmup_%Y%m%d_%H%M%S").to_string())
    }

    /// A task that begins at `now`, unlike any this process has named before.
    pub fn new(now: DateTime<Utc>) -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        // Second in the upper bits, suffix in the lower: one number that only grows.
        let second = u64::try_from(now.timestamp()).unwrap_or_default() << 20;
        let mine = |last: u64| {
            if last >> 20 == second >> 20 {
                last + 1
            } else {
                second
            }
        };
        let last = LAST
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some(mine(last)))
            .unwrap_or_default();
        let suffix = mine(last) & 0xF_FFFF;
        let name = now.format("warmup_%Y%m%d_%H%M%S");
        Self(if suffix == 0 {
            name.to_string()
        } else {
            format!("{name}_{}", suffix + 1)
        })
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who asked for a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The schedule.
    Slot,
    /// A store that had never seen a full sweep, or a slot that was missed.
    CatchUp,
    /// The API.
    Manual,
    /// The command line, working on the store itself.
    Cli,
}

/// How a sweep ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It read everything it set out to.
    Completed,
    /// Somebody stopped it.
    Stopped,
    /// It gave up; `reason` says why.
    Failed,
    /// A slot that was not run; `reason` says what covers it.
    Skipped,
    /// The store had no room for more.
    Paused,
}

/// What a sweep found that no webhook had announced.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Drift {
    /// Orders the cache did not have.
    pub missing: u64,
    /// Orders the cache had in an older state.
    pub stale: u64,
    /// Of both, how many changed after the last webhook came in: many of them mean that none come through any more.
    #[serde(default)]
    pub since_last_webhook: u64,
    /// How many should have come by which webhook.
    #[serde(default)]
    pub topics: BTreeMap<Announcement, u64>,
}

/// One sweep of one site, as `GET /api/warmup/history` shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SweepRecord {
    /// The task it was part of.
    pub task_id: TaskId,
    /// Which sweep it was.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The site it read.
    pub site: SiteCode,
    /// Who asked for it.
    pub trigger: Trigger,
    /// The scheduled moment it ran for, if the schedule asked for it.
    pub slot: Option<DateTime<Utc>>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it ended like that, where that needs a reason.
    pub reason: Option<String>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
    /// Seconds it took.
    pub duration_s: f64,
    /// Orders it read.
    pub total_orders: u64,
    /// Orders that are warm because of it.
    pub orders_warmed: u64,
    /// Orders the cache had in this state already.
    pub unchanged: u64,
    /// Orders that could not be read or kept.
    pub failed: u64,
    /// Calls it made to Shopify.
    pub api_calls: u64,
    /// Points Shopify charged for them.
    pub cost: u64,
    /// What no webhook had announced.
    pub drift: Drift,
    /// How far back the oldest order it read was placed, in days.
    pub days_covered: Option<f64>,
    /// What went wrong, at most ten; no personal data.
    pub errors: Vec<String>,
}

pub(super) fn of(
    at: &Checkpoint,
    site: &SiteCode,
    interrupted: Option<&Interrupted>,
    now: DateTime<Utc>,
) -> SweepRecord {
    let covered = at
        .findings
        .oldest
        .map(|oldest| rounded((at.started_at - oldest).as_seconds_f64() / 86_400.0, 100.0));
    let (outcome, reason) = match interrupted {
        None => (Outcome::Completed, None),
        Some(Interrupted::Stopped | Interrupted::Left) => (Outcome::Stopped, None),
        Some(cut @ Interrupted::Cut(_)) => {
            let days = covered.unwrap_or_default();
            let reason = format!("{cut}: the newest {days} days are covered");
            (Outcome::Stopped, Some(reason))
        }
        Some(full @ Interrupted::Memory { .. }) => (Outcome::Paused, Some(full.to_string())),
        Some(error @ (Interrupted::Shopify(_) | Interrupted::Store(_))) => {
            (Outcome::Failed, Some(error.to_string()))
        }
    };
    let late = reason.is_none().then(|| lateness(at)).flatten();
    SweepRecord {
        outcome,
        reason: reason.or(late),
        days_covered: covered,
        ..so_far(at, site, now)
    }
}

pub(super) fn given_up(
    at: &Checkpoint,
    site: &SiteCode,
    reason: &str,
    now: DateTime<Utc>,
) -> SweepRecord {
    SweepRecord {
        outcome: Outcome::Failed,
        reason: Some(reason.to_owned()),
        ..so_far(at, site, now)
    }
}

/// The record of a slot that was not run.
pub fn skipped(
    (kind, slot): (Kind, DateTime<Utc>),
    site: &SiteCode,
    reason: String,
    now: DateTime<Utc>,
) -> SweepRecord {
    SweepRecord {
        task_id: TaskId::of_slot(slot),
        kind,
        site: site.clone(),
        trigger: Trigger::Slot,
        slot: Some(slot),
        outcome: Outcome::Skipped,
        reason: Some(reason),
        started_at: now,
        finished_at: now,
        duration_s: 0.0,
        total_orders: 0,
        orders_warmed: 0,
        unchanged: 0,
        failed: 0,
        api_calls: 0,
        cost: 0,
        drift: Drift::default(),
        days_covered: None,
        errors: Vec::new(),
    }
}

/// That a slot was caught up, and how late.
fn lateness(at: &Checkpoint) -> Option<String> {
    let late = at.started_at - at.plan.slot?;
    (at.plan.trigger == Trigger::CatchUp)
        .then(|| format!("ran {} s after its slot", late.num_seconds()))
}

fn so_far(at: &Checkpoint, site: &SiteCode, now: DateTime<Utc>) -> SweepRecord {
    let (plan, findings) = (&at.plan, &at.findings);
    SweepRecord {
        task_id: plan.task.clone(),
        kind: plan.kind,
        site: site.clone(),
        trigger: plan.trigger,
        slot: plan.slot,
        outcome: Outcome::Completed,
        reason: None,
        started_at: at.started_at,
        finished_at: now,
        duration_s: rounded((now - at.started_at).as_seconds_f64(), 1000.0),
        total_orders: findings.orders,
        orders_warmed: findings.missing + findings.stale + findings.older + findings.unchanged,
        unchanged: findings.unchanged,
        failed: findings.failed,
        api_calls: at.calls,
        cost: at.cost,
        drift: Drift {
            missing: findings.missing,
            stale: findings.stale,
            since_last_webhook: findings.since_last_webhook,
            topics: findings.unannounced.clone(),
        },
        days_covered: None,
        errors: findings.errors.clone(),
    }
}

fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_of_one_second_are_told_apart() {
        let now = DateTime::from_timestamp(1_765_378_800, 0).unwrap();
        assert_eq!(TaskId::new(now).to_string(), "warmup_20251210_150000");
        assert_eq!(TaskId::new(now).to_string(), "warmup_20251210_150000_2");
        assert_eq!(TaskId::new(now).to_string(), "warmup_20251210_150000_3");
        assert_eq!(
            TaskId::new(now + chrono::TimeDelta::seconds(1)).to_string(),
            "warmup_20251210_150001"
        );
    }
}
