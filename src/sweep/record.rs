//! How a sweep went, as history keeps it.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Interrupted, Kind, Sweep, page::Findings};
use crate::site::SiteCode;

/// `warmup_20251210_150000`; a second task of the same second gets a suffix.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskId(String);

impl TaskId {
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A store that had never seen a full sweep, or a slot that was missed.
    CatchUp,
    /// The API.
    Manual,
    /// The command line, working on the store itself.
    Cli,
}

/// How a sweep ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It read everything it set out to.
    Completed,
    /// Somebody stopped it.
    Stopped,
    /// It gave up; `reason` says why.
    Failed,
}

/// What a sweep found that no webhook had announced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// Orders the cache did not have.
    pub missing: u64,
    /// Orders the cache had in an older state.
    pub stale: u64,
}

/// One sweep of one site, as `GET /api/warmup/history` shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the fields are the contract's, named and described in the README"
)]
pub struct SweepRecord {
    pub task_id: TaskId,
    #[serde(rename = "type")]
    pub kind: Kind,
    pub site: SiteCode,
    pub trigger: Trigger,
    pub slot: Option<DateTime<Utc>>,
    pub outcome: Outcome,
    pub reason: Option<String>,
    pub started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
    pub duration_s: f64,
    pub total_orders: u64,
    pub orders_warmed: u64,
    pub unchanged: u64,
    pub failed: u64,
    pub api_calls: u64,
    pub cost: u64,
    pub drift: Drift,
    pub days_covered: Option<f64>,
    pub errors: Vec<String>,
}

pub(super) fn of(
    sweep: &Sweep<'_>,
    findings: &Findings,
    interrupted: Option<&Interrupted>,
) -> SweepRecord {
    let finished_at = sweep.clock.now();
    let (outcome, reason) = match interrupted {
        None => (Outcome::Completed, None),
        Some(Interrupted::Stopped) => (Outcome::Stopped, None),
        Some(error @ (Interrupted::Shopify(_) | Interrupted::Store(_))) => {
            (Outcome::Failed, Some(error.to_string()))
        }
    };
    let covered = findings
        .oldest
        .map(|oldest| (sweep.started_at - oldest).as_seconds_f64() / 86_400.0);
    SweepRecord {
        task_id: sweep.plan.task.clone(),
        kind: sweep.plan.kind,
        site: sweep.site.clone(),
        trigger: sweep.plan.trigger,
        slot: None,
        outcome,
        reason,
        started_at: sweep.started_at,
        finished_at,
        duration_s: rounded((finished_at - sweep.started_at).as_seconds_f64(), 1000.0),
        total_orders: findings.orders,
        orders_warmed: findings.missing + findings.stale + findings.unchanged,
        unchanged: findings.unchanged,
        failed: findings.failed,
        api_calls: sweep.calls.sent(),
        cost: sweep.calls.charged(),
        drift: Drift {
            missing: findings.missing,
            stale: findings.stale,
        },
        days_covered: covered.map(|days| rounded(days, 100.0)),
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
