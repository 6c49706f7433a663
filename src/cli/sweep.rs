//! `sweep`: one sweep, with a progress bar; by the running service if there is one, else on the store itself.

use std::{collections::BTreeMap, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use clap::Args;
use futures_util::future::join_all;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    FAILED, ResultOptions, configured,
    output::say,
    serve::stop_signal,
    service::{Service, Workplace},
};
use crate::{
    app::{self, Foundation},
    clock::Clock,
    config::Config,
    site::{Site, SiteCode},
    store::{Change, Fence, Store, WarmingChange},
    sweep::{
        self, BulkSettings, Checkpoint, Ended, Kind, Limits, Outcome, Plan, Snapshot, Surroundings,
        SweepRecord, TaskId, Watched,
    },
    warmer::{self, Rhythm},
};

/// How often the progress bar moves.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// What `sweep` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// `full`: every order of the window. `incremental`: what changed, and what would expire.
    kind: Kind,
    /// How many days back; the default is `WARMUP_ORDER_DAYS`.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=60))]
    days: Option<u32>,
    /// Only this site.
    #[arg(long)]
    site: Option<SiteCode>,
    /// Say what would change and write nothing. It works on the store itself.
    #[arg(long, conflicts_with = "url")]
    dry_run: bool,
    #[command(flatten)]
    result: ResultOptions,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let workplace = if options.dry_run {
        Workplace::Store(Box::new(configured("warn")?))
    } else {
        Workplace::find(&options.result).await?
    };
    let records = match workplace {
        Workplace::Service(service) => by_the_service(&service, options).await?,
        Workplace::Store(config) => on_the_store(&config, options).await?,
    };
    if options.result.json {
        say(&serde_json::to_string_pretty(&records)?);
    } else {
        for record in &records {
            say(&for_a_person(record, options.dry_run));
        }
    }
    let all_well = records
        .iter()
        .all(|record| record.outcome == Outcome::Completed && record.failed == 0);
    Ok(if all_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    })
}

#[derive(Debug, Deserialize)]
struct Triggered {
    task_id: TaskId,
}

#[derive(Debug, Deserialize)]
struct Success<T> {
    data: T,
}

#[derive(Debug, Deserialize)]
struct Status {
    sites: BTreeMap<SiteCode, SiteStatus>,
}

#[derive(Debug, Deserialize)]
struct SiteStatus {
    sweep: Option<TaskProgress>,
}

#[derive(Debug, Deserialize)]
struct TaskProgress {
    task_id: TaskId,
    #[serde(flatten)]
    progress: Snapshot,
}

#[derive(Debug, Deserialize)]
struct History {
    history: Vec<SweepRecord>,
}

async fn by_the_service(service: &Service, options: &Options) -> anyhow::Result<Vec<SweepRecord>> {
    let body = json!({ "type": options.kind, "days": options.days, "site": options.site });
    let Triggered { task_id } = service.post("/api/warmup/trigger", &body).await?;
    let bar = bar();
    loop {
        let Success {
            data: Status { sites },
        } = service.get("/api/warmup/status").await?;
        let sweeps = sites.into_values().filter_map(|site| site.sweep);
        let ours: Vec<_> = sweeps.filter(|sweep| sweep.task_id == task_id).collect();
        if ours.is_empty() {
            break;
        }
        show(&bar, ours.iter().map(|sweep| &sweep.progress));
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    bar.finish_and_clear();
    let Success {
        data: History { history },
    } = service.get("/api/warmup/history?limit=100").await?;
    let records: Vec<_> = history
        .into_iter()
        .filter(|record| record.task_id == task_id)
        .collect();
    if records.is_empty() {
        bail!("the service kept no record of {task_id}: its log says why");
    }
    Ok(records)
}

async fn on_the_store(config: &Config, options: &Options) -> anyhow::Result<Vec<SweepRecord>> {
    let Foundation { sites, store } = app::open(config, &Clock::System)?;
    let chosen: Vec<_> = match &options.site {
        Some(code) => vec![
            sites
                .by_code(code)
                .cloned()
                .with_context(|| format!("there is no site {code}"))?,
        ],
        None => sites.iter().cloned().collect(),
    };
    let now = Clock::System.now();
    let (settings, schedule) = (&config.warmer.sweep, config.warmer.schedule.as_ref());
    let plan = warmer::plan_by_hand(settings, schedule, (options.kind, options.days), now);
    let by_hand = ByHand {
        plan,
        limits: settings.limits,
        bulk: config.warmer.bulk.clone(),
        dry_run: options.dry_run,
        store: store.clone(),
        holder: warmer::holder(),
        stop: CancellationToken::new(),
    };
    let sweeps = join_all(chosen.iter().map(|site| by_hand.sweep(site)));
    let records = tokio::select! {
        records = sweeps => records,
        stopped = stopped_by_signal(&by_hand.stop) => match stopped? {},
    };
    store.close().await;
    records.into_iter().collect()
}

/// A sweep by this process, which is the warmer while it lasts.
struct ByHand {
    plan: Plan,
    limits: Limits,
    bulk: BulkSettings,
    dry_run: bool,
    store: Store,
    holder: String,
    stop: CancellationToken,
}

/// Ctrl-C ends the sweep at its next page; the record then says so.
async fn stopped_by_signal(stop: &CancellationToken) -> anyhow::Result<std::convert::Infallible> {
    stop_signal().await?;
    stop.cancel();
    std::future::pending().await
}

impl ByHand {
    async fn sweep(&self, site: &Arc<Site>) -> anyhow::Result<SweepRecord> {
        if self.dry_run {
            return Box::pin(self.watched(site, None)).await;
        }
        let fence = self.take_lease(site).await?.with_context(|| {
            format!("site {} is warmed by a running service, which this command does not reach: set --url to where it listens", site.code)
        })?;
        self.claim(site, fence).await?;
        let keep_lease = async {
            loop {
                tokio::time::sleep(Rhythm::default().lease / 3).await;
                // A lease that was lost shows at the next page, whose checkpoint is refused.
                drop(self.take_lease(site).await);
            }
        };
        let record = tokio::select! {
            record = self.watched(site, Some(fence)) => record,
            never = keep_lease => never,
        };
        self.store.release_lease(&site.code, fence).await?;
        record
    }

    async fn take_lease(&self, site: &Site) -> anyhow::Result<Option<Fence>> {
        let lease = Rhythm::default().lease;
        Ok(self
            .store
            .take_lease(&site.code, &self.holder, lease)
            .await?)
    }

    /// Writes the sweep down, so that a service that starts meanwhile goes on with it if this process dies.
    async fn claim(&self, site: &Site, fence: Fence) -> anyhow::Result<()> {
        let warming = self.store.warming(&site.code).await?;
        if warming.sweep.is_some() {
            warn!(site = %site.code, "a sweep that was under way here is not gone on with: this one takes its place");
        }
        let change = WarmingChange {
            sweep: Change::Set(sweep::written(&self.checkpoint())),
            rest: Change::Clear,
            stop: Change::Clear,
            ..WarmingChange::default()
        };
        Ok(self.store.write_warming(&site.code, fence, &change).await?)
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint::new(self.plan.clone(), Clock::System.now())
    }

    async fn watched(&self, site: &Arc<Site>, fence: Option<Fence>) -> anyhow::Result<SweepRecord> {
        let (watched, leave) = (Watched::default(), CancellationToken::new());
        let around = Surroundings {
            store: &self.store,
            clock: &Clock::System,
            watched: &watched,
            stop: &self.stop,
            leave: &leave,
            fence,
            limits: self.limits,
            bulk: &self.bulk,
        };
        let bar = bar();
        let watch = async {
            loop {
                show(&bar, watched.snapshot().iter());
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        let ended = tokio::select! {
            ended = sweep::run(site, self.checkpoint(), &around) => ended,
            never = watch => never,
        };
        bar.finish_and_clear();
        match ended {
            Ended::Recorded { record, .. } => Ok(*record),
            Ended::Left(why) => bail!("the sweep of site {} was interrupted: {why}", site.code),
        }
    }
}

/// A bar that shows nothing where standard error is no terminal.
fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{bar:32} {pos}/{len} orders  {msg}");
    bar.set_style(
        style.unwrap_or_else(|_bad_template: indicatif::style::TemplateError| {
            ProgressStyle::default_bar()
        }),
    );
    bar
}

/// Shows the progress of one sweep, or of a task's sweeps together.
fn show<'a>(bar: &ProgressBar, sweeps: impl Iterator<Item = &'a Snapshot> + Clone) {
    let done = sweeps.clone().map(|sweep| sweep.done).sum();
    bar.set_length(
        sweeps
            .clone()
            .map(|sweep| sweep.total.unwrap_or(sweep.done))
            .sum(),
    );
    bar.set_position(done);
    let left = sweeps.filter_map(|sweep| sweep.eta_s).max();
    bar.set_message(left.map_or_else(|| "…".to_owned(), |eta| format!("{eta} s left")));
}

fn for_a_person(record: &SweepRecord, dry_run: bool) -> String {
    let would = if dry_run { "would be " } else { "" };
    let mut text = format!(
        "{site}: {outcome} in {seconds:.0} s with {calls} API calls: {total} orders read, {missing} {would}added, {stale} {would}brought up to date, {unchanged} unchanged, {failed} failed",
        site = record.site,
        outcome = match record.outcome {
            Outcome::Completed => "completed",
            Outcome::Stopped => "stopped",
            Outcome::Failed => "failed",
            Outcome::Skipped => "skipped",
            Outcome::Paused => "paused",
        },
        seconds = record.duration_s,
        calls = record.api_calls,
        total = record.total_orders,
        missing = record.drift.missing,
        stale = record.drift.stale,
        unchanged = record.unchanged,
        failed = record.failed,
    );
    for line in record.reason.iter().chain(&record.errors) {
        text.push_str("\n  ");
        text.push_str(line);
    }
    text
}
