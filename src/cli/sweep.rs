//! `sweep`: one sweep, with a progress bar; by the running service if there is one, else on the store itself.

use std::{collections::BTreeMap, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use clap::Args;
use futures_util::future::join_all;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{FAILED, ResultOptions, output::say, serve::stop_signal, service::Service};
use crate::{
    app::{self, Foundation},
    clock::Clock,
    config::Config,
    site::{Site, SiteCode},
    store::Store,
    sweep::{
        self, Kind, Mode, Outcome, Plan, Progress, Snapshot, Surroundings, SweepRecord, TaskId,
        Trigger,
    },
    warmer,
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
    /// Say what would change and write nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    result: ResultOptions,
}

pub(super) async fn run(config: &Config, options: &Options) -> anyhow::Result<ExitCode> {
    let service = if options.dry_run {
        None
    } else {
        Service::running(config, options.result.url.as_deref()).await?
    };
    let records = match service {
        Some(service) => by_the_service(&service, options).await?,
        None => on_the_store(config, options).await?,
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
    let plan = Plan {
        task: TaskId::new(now),
        kind: options.kind,
        trigger: Trigger::Cli,
        days: options.days.unwrap_or(config.sweep.days),
        whole_window: options.days.is_none_or(|days| days >= config.sweep.days),
        page_size: config.sweep.page_size,
        next_renewal: warmer::next_renewal(now),
        mode: if options.dry_run {
            Mode::DryRun
        } else {
            Mode::Warm
        },
    };
    let stop = CancellationToken::new();
    let sweeps = join_all(chosen.iter().map(|site| one(site, &plan, &store, &stop)));
    let records = tokio::select! {
        records = sweeps => records,
        stopped = stopped_by_signal(&stop) => match stopped? {},
    };
    store.close().await;
    Ok(records)
}

/// Ctrl-C ends the sweep at its next page; the record then says so.
async fn stopped_by_signal(stop: &CancellationToken) -> anyhow::Result<std::convert::Infallible> {
    stop_signal().await?;
    stop.cancel();
    std::future::pending().await
}

async fn one(
    site: &Arc<Site>,
    plan: &Plan,
    store: &Store,
    stop: &CancellationToken,
) -> SweepRecord {
    let progress = Progress::new(Clock::System.now());
    let around = Surroundings {
        store,
        clock: &Clock::System,
        progress: &progress,
        stop,
    };
    let bar = bar();
    let watch = async {
        loop {
            show(
                &bar,
                std::iter::once(&progress.snapshot(Clock::System.now())),
            );
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    let record = tokio::select! {
        record = sweep::run_once(site, plan, &around) => record,
        never = watch => never,
    };
    bar.finish_and_clear();
    record
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
