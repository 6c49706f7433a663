//! Backfilling the cache from Shopify: all orders of the window, or what changed and what would expire.

mod bulk;
mod checkpoint;
mod findings;
mod full;
mod incremental;
mod page;
mod progress;
mod record;

use std::{str::FromStr, time::Duration};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use self::checkpoint::{Pages, Position, Sizing};
pub use self::{
    bulk::{BulkPatience, BulkSettings},
    checkpoint::{Checkpoint, Plan},
    progress::{Progressed, Snapshot, Watched},
    record::{Drift, Outcome, SweepRecord, TaskId, Trigger, skipped},
};
use crate::{
    calls::{Calls, Priority, Reader},
    clock::Clock,
    order::{OrderId, Source},
    shopify::AdminError,
    site::Site,
    store::{Change, Fence, Needs, RefreshAsk, Store, StoreError, WarmingChange},
};

/// How warming reads.
#[derive(Debug, Clone, Copy)]
pub struct SweepSettings {
    /// How many days back the window reaches.
    pub days: u32,
    /// Orders a call, at most 250. Halved while Shopify takes too long over it.
    pub page_size: u32,
    /// What bounds a sweep.
    pub limits: Limits,
}

/// What bounds a sweep.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long it may run (`WARMUP_MAX_DURATION`), not counting the time Shopify did not answer.
    pub duration: Duration,
    /// How many bytes the store may hold (`WARMUP_MAX_MEMORY`), besides its own limit.
    pub memory: Option<u64>,
}

/// Which sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
enum Mode {
    /// It merges every page into the cache.
    Warm,
    /// It only says what it would do.
    DryRun,
}

/// Why a sweep ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum Interrupted {
    /// Somebody stopped it.
    #[error("stopped by request")]
    Stopped,
    /// Its process ends, or another replica warms the site now. Whoever comes next goes on from the checkpoint.
    #[error("left to whoever warms the site next")]
    Left,
    /// It ran for as long as it may.
    #[error("cut at WARMUP_MAX_DURATION ({} s)", .0.as_secs())]
    Cut(Duration),
    /// The store is nearly full.
    #[error("memory: the store holds {used} bytes of {limit}")]
    Memory {
        /// What it holds.
        used: u64,
        /// What it may hold.
        limit: u64,
    },
    /// Shopify.
    #[error("Shopify: {0}")]
    Shopify(#[from] AdminError),
    /// The store.
    #[error("the store: {0}")]
    Store(#[from] StoreError),
}

/// What a sweep needs of the service around it.
#[derive(Debug)]
pub struct Surroundings<'a> {
    /// Where it writes.
    pub store: &'a Store,
    /// What time it is.
    pub clock: &'a Clock,
    /// Where others in this process see how far it is.
    pub watched: &'a Watched,
    /// Ends it, with a record.
    pub stop: &'a CancellationToken,
    /// Ends it without one: another goes on.
    pub leave: &'a CancellationToken,
    /// The lease it writes under; without one it is a dry run.
    pub fence: Option<Fence>,
    /// What bounds it.
    pub limits: Limits,
    /// How it reads a window that is too large for pages.
    pub bulk: &'a BulkSettings,
}

/// How a sweep came to its end.
#[derive(Debug)]
pub enum Ended {
    /// Its record is kept.
    Recorded {
        /// The record.
        record: Box<SweepRecord>,
        /// Why it did not reach its end, if it did not.
        interrupted: Option<Interrupted>,
    },
    /// It is where its last checkpoint says, and can go on from there.
    Left(Interrupted),
}

/// One sweep at work.
struct Sweep<'a> {
    site: &'a Site,
    around: &'a Surroundings<'a>,
    calls: Calls,
    at: Checkpoint,
    /// Counts of the checkpoint it was taken up from.
    before: (u64, u64, Duration),
    taken_up_at: Instant,
    /// How long it waited for a Shopify that did not answer.
    waited: Duration,
}

/// Sweeps one site from a checkpoint to the end. It never fails: how it ended is in the record.
pub async fn run(site: &Site, at: Checkpoint, around: &Surroundings<'_>) -> Ended {
    let mut sweep = Sweep {
        site,
        around,
        calls: site.calls.counted_apart(),
        before: (at.calls, at.cost, at.ran),
        at,
        taken_up_at: Instant::now(),
        waited: Duration::ZERO,
    };
    let Plan {
        task, kind, days, ..
    } = &sweep.at.plan;
    info!(site = %site.code, %task, %kind, days, "sweep started");
    let kind = *kind;
    let ended = sweep.run(kind).await;
    sweep.end(ended.err()).await
}

impl Sweep<'_> {
    async fn run(&mut self, kind: Kind) -> Result<(), Interrupted> {
        if self.at.position == Position::Start {
            let (store, site) = (self.around.store, &self.site.code);
            // What was read before cannot have been lost since, whether or not any webhook ever came.
            self.at.findings.known_until = store
                .heard_at(site)
                .await?
                .max(store.watermark(site).await?);
        }
        match kind {
            Kind::Full => full::run(self).await,
            Kind::Incremental => incremental::run(self).await,
        }
    }

    fn mode(&self) -> Mode {
        match self.around.fence {
            Some(_) => Mode::Warm,
            None => Mode::DryRun,
        }
    }

    fn reader(&self) -> Reader<'_> {
        Reader {
            calls: &self.calls,
            priority: Priority::Background,
            source: Source::Sweep,
        }
    }

    fn pages_since(&self, since: DateTime<Utc>) -> Pages {
        Pages {
            since,
            until: None,
            after: None,
            first: self.at.plan.page_size,
            sizing: Sizing::Open,
        }
    }

    fn advance(&mut self, more: usize, fraction: f64) {
        self.at.progress.advance(more, fraction);
        let now = self.around.clock.now();
        let snapshot = self.at.progress.snapshot(self.at.started_at, now);
        self.around.watched.show(snapshot);
    }

    /// How long it ran in all, by a clock that does not jump.
    fn ran(&self) -> Duration {
        let (_, _, before) = self.before;
        before + self.taken_up_at.elapsed().saturating_sub(self.waited)
    }

    /// Writes down that everything before `position` is done.
    async fn save(&mut self, position: Position) -> Result<(), Interrupted> {
        self.at.position = position;
        self.at.taken_up = 0;
        self.count();
        let Some(fence) = self.around.fence else {
            return Ok(());
        };
        let change = WarmingChange {
            sweep: Change::Set(written(&self.at)),
            ..WarmingChange::default()
        };
        let (store, site) = (self.around.store, &self.site.code);
        Ok(store.write_warming(site, fence, &change).await?)
    }

    fn count(&mut self) {
        let (calls, cost, _) = self.before;
        self.at.calls = calls + self.calls.sent();
        self.at.cost = cost + self.calls.charged();
        self.at.ran = self.ran();
    }

    async fn end(mut self, interrupted: Option<Interrupted>) -> Ended {
        match interrupted {
            Some(left @ (Interrupted::Left | Interrupted::Store(_))) => return Ended::Left(left),
            Some(
                Interrupted::Stopped
                | Interrupted::Cut(_)
                | Interrupted::Memory { .. }
                | Interrupted::Shopify(_),
            )
            | None => {}
        }
        self.count();
        let record = record::of(
            &self.at,
            &self.site.code,
            interrupted.as_ref(),
            self.around.clock.now(),
        );
        let kept = async {
            self.settle(interrupted.is_none()).await?;
            self.keep(&record, interrupted.as_ref()).await
        };
        if let Err(error) = kept.await {
            error!(site = %self.site.code, task = %self.at.plan.task, "the end of a sweep could not be written down: {error}");
            return Ended::Left(error.into());
        }
        info!(
            site = %self.site.code, task = %record.task_id, outcome = ?record.outcome, orders = record.total_orders, missing = record.drift.missing,
            stale = record.drift.stale, failed = record.failed, api_calls = record.api_calls, duration_s = record.duration_s, "sweep ended"
        );
        Ended::Recorded {
            record: Box::new(record),
            interrupted,
        }
    }

    /// What failed is fetched one by one, dead letters once more, and the watermark moves to the newest change that was read: in
    /// Shopify's own time, and only if everything before it was read or will be.
    async fn settle(&self, is_complete: bool) -> Result<(), StoreError> {
        let (store, site) = (self.around.store, &self.site.code);
        if self.mode() == Mode::DryRun {
            return Ok(());
        }
        let dead = if is_complete {
            store.dead_letters(site).await?
        } else {
            Vec::new()
        };
        let due_at = self.around.clock.now();
        let asks: Vec<_> = dead
            .iter()
            .map(|letter| letter.order)
            .chain(self.at.findings.to_fetch.iter().copied())
            .map(|order| again(order, due_at))
            .collect();
        store.ask_refresh(site, &asks).await?;
        match self.at.findings.newest_change {
            Some(newest) if !self.at.findings.lost_some() => {
                store.set_watermark(site, newest).await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Keeps the record, and what is left to do of a sweep that somebody may want to go on with.
    async fn keep(
        &self,
        record: &SweepRecord,
        interrupted: Option<&Interrupted>,
    ) -> Result<(), StoreError> {
        let Some(fence) = self.around.fence else {
            return Ok(());
        };
        let change = WarmingChange {
            sweep: Change::Clear,
            stop: Change::Clear,
            rest: match interrupted {
                Some(_) => Change::Set(written(&self.at)),
                None => Change::Clear,
            },
            records: vec![written(record)],
            ..WarmingChange::default()
        };
        let (store, site) = (self.around.store, &self.site.code);
        store.write_warming(site, fence, &change).await
    }
}

/// A read of an order that did not come through.
fn again(order: OrderId, due_at: DateTime<Utc>) -> RefreshAsk {
    RefreshAsk {
        order,
        wanted: None,
        needs: Needs::Read,
        due_at,
    }
}

/// As the store keeps it. Ours have no keys that are not texts, so it cannot fail; an empty text would read as garbage, which is
/// passed over.
pub(crate) fn written(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
