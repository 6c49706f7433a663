//! Backfilling the cache from Shopify: all orders of the window, or what changed and what would expire.

mod full;
mod incremental;
mod page;
mod progress;
mod record;

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use self::page::Findings;
pub use self::{
    progress::{Progress, Snapshot},
    record::{Drift, Outcome, SweepRecord, TaskId, Trigger},
};
use crate::{
    calls::{Calls, Priority, Reader},
    clock::Clock,
    order::{OrderId, Source},
    shopify::AdminError,
    site::{Site, SiteCode},
    store::{Needs, RefreshAsk, Store, StoreError},
};

/// How warming reads.
#[derive(Debug, Clone, Copy)]
pub struct SweepSettings {
    /// How many days back the window reaches.
    pub days: u32,
    /// Orders a call, at most 250. Halved while Shopify takes too long over it.
    pub page_size: u32,
}

/// Which sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Every order placed in the window.
    Full,
    /// Orders that changed since the last sweep, then those whose tracking would expire before the next one has run.
    Incremental,
}

/// A text that names no kind of sweep.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
#[error("a sweep is full or incremental")]
pub struct BadKind;

impl FromStr for Kind {
    type Err = BadKind;

    fn from_str(text: &str) -> Result<Self, BadKind> {
        match text {
            "full" => Ok(Self::Full),
            "incremental" => Ok(Self::Incremental),
            _other => Err(BadKind),
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Full => "full",
            Self::Incremental => "incremental",
        })
    }
}

/// Whether a sweep writes what it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It merges every page into the cache.
    Warm,
    /// It only says what it would do.
    DryRun,
}

/// What a sweep is to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Which task this is part of.
    pub task: TaskId,
    /// Which sweep.
    pub kind: Kind,
    /// Who asked for it.
    pub trigger: Trigger,
    /// How many days back.
    pub days: u32,
    /// Whether that is the window or more: a sweep of less says nothing about the rest.
    pub whole_window: bool,
    /// Orders a call.
    pub page_size: u32,
    /// By when the next sweep will have renewed what this one leaves.
    pub next_renewal: DateTime<Utc>,
    /// Whether it writes.
    pub mode: Mode,
}

/// Why a sweep ended before its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Interrupted {
    #[error("stopped")]
    Stopped,
    #[error("Shopify: {0}")]
    Shopify(#[from] AdminError),
    #[error("the store: {0}")]
    Store(#[from] StoreError),
}

/// One sweep at work: what it reads from, writes to and listens for.
pub(crate) struct Sweep<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) store: &'a Store,
    pub(crate) site: &'a SiteCode,
    pub(crate) calls: Calls,
    pub(crate) clock: &'a Clock,
    pub(crate) progress: &'a Progress,
    pub(crate) stop: &'a CancellationToken,
    pub(crate) started_at: DateTime<Utc>,
}

impl Sweep<'_> {
    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader {
            calls: &self.calls,
            priority: Priority::Background,
            source: Source::Sweep,
        }
    }

    pub(crate) fn window_start(&self) -> DateTime<Utc> {
        self.started_at - TimeDelta::days(i64::from(self.plan.days))
    }
}

/// What a sweep needs of the service around it.
#[derive(Debug)]
pub struct Surroundings<'a> {
    /// Where it writes.
    pub store: &'a Store,
    /// What time it is.
    pub clock: &'a Clock,
    /// Where others see how far it is.
    pub progress: &'a Progress,
    /// Ends it at the next page.
    pub stop: &'a CancellationToken,
}

/// Sweeps one site once and keeps the record of it. It never fails: how it ended is in the record.
pub async fn run_once(site: &Site, plan: &Plan, around: &Surroundings<'_>) -> SweepRecord {
    let started_at = around.clock.now();
    let sweep = Sweep {
        plan,
        store: around.store,
        site: &site.code,
        calls: site.calls.counted_apart(),
        clock: around.clock,
        progress: around.progress,
        stop: around.stop,
        started_at,
    };
    info!(site = %site.code, task = %plan.task, kind = %plan.kind, days = plan.days, "sweep started");
    let mut findings = Findings::default();
    let ended = match plan.kind {
        Kind::Full => full::run(&sweep, &mut findings).await,
        Kind::Incremental => incremental::run(&sweep, &mut findings).await,
    };
    let record = record::of(&sweep, &findings, ended.as_ref().err());
    if plan.mode == Mode::Warm {
        if ended.is_ok() {
            settle(&sweep, &findings).await;
        }
        keep(&sweep, &record).await;
    }
    info!(
        site = %site.code, task = %plan.task, outcome = ?record.outcome, orders = record.total_orders, missing = record.drift.missing,
        stale = record.drift.stale, failed = record.failed, api_calls = record.api_calls, duration_s = record.duration_s, "sweep ended"
    );
    record
}

/// After a sweep that reached its end: what failed is fetched one by one, and the watermark moves to where all has been read or
/// will be.
async fn settle(sweep: &Sweep<'_>, findings: &Findings) {
    let ask = |order: &OrderId| RefreshAsk {
        order: *order,
        wanted: None,
        needs: Needs::Read,
        due_at: sweep.clock.now(),
    };
    let asks: Vec<_> = findings.to_fetch.iter().map(ask).collect();
    let nameless = findings.failed > u64::try_from(asks.len()).unwrap_or(u64::MAX);
    if nameless || !sweep.plan.whole_window {
        return;
    }
    let settled = async {
        sweep.store.ask_refresh(sweep.site, &asks).await?;
        sweep
            .store
            .set_watermark(sweep.site, sweep.started_at)
            .await
    };
    if let Err(error) = settled.await {
        error!(site = %sweep.site, "the watermark could not be moved, so the next incremental sweep reads more: {error}");
    }
}

async fn keep(sweep: &Sweep<'_>, record: &SweepRecord) {
    let kept = match serde_json::to_string(record) {
        Ok(json) => sweep
            .store
            .push_record(sweep.site, &json)
            .await
            .map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = kept {
        error!(site = %sweep.site, task = %sweep.plan.task, "the record of a sweep could not be kept: {error}");
    }
}
