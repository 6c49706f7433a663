//! `status`: everything there is to see, as a table; of the running service, or of the store itself.

mod table;

use std::{process::ExitCode, time::Duration};

use anyhow::bail;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    FAILED, ResultOptions,
    output::{note, say},
    service::{Service, Workplace},
};
use crate::{
    app,
    clock::Clock,
    http::{self, AppState},
    store::MOST_RECORDS,
    tasks::Tasks,
};

/// How often a sweep is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How long a service that has never swept may take to begin.
const FIRST_SWEEP_WITHIN: Duration = Duration::from_secs(60);

/// What `status` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Watch the running sweep to its end; where the cache was never filled, the first one.
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    result: ResultOptions,
}

/// Who tells.
enum Teller {
    Service(Service),
    Store(Box<AppState>, Tasks),
}

#[derive(Debug, Deserialize)]
struct Success {
    data: Value,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let teller = match Workplace::find(&options.result).await? {
        Workplace::Service(service) => Teller::Service(service),
        Workplace::Store(config) => {
            let tasks = Tasks::default();
            let state = app::at_rest(&config, Clock::System, &tasks)?;
            Teller::Store(Box::new(state), tasks)
        }
    };
    let told = tell(&teller, options).await;
    let who = teller.who();
    teller.close().await;
    let (status, swept) = told?;
    if options.result.json {
        say(&serde_json::to_string_pretty(&status)?);
    } else {
        say(&table::of(&status, &who, Clock::System.now()));
    }
    Ok(if swept && is_well(&status) {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    })
}

/// The status, and whether the sweep that was watched, if one was, came to its end.
async fn tell(teller: &Teller, options: &Options) -> anyhow::Result<(Value, bool)> {
    let status = teller.status().await?;
    if !options.watch {
        return Ok((status, true));
    }
    let status = until_it_begins(teller, status).await?;
    let Some(task) = watch(teller, status).await? else {
        return Ok((teller.status().await?, true));
    };
    let records = teller.records().await?;
    let ours = records
        .iter()
        .filter(|record| text(record, "/task_id") == Some(&task));
    let completed = |record: &Value| text(record, "/outcome") == Some("completed");
    let swept = ours.clone().next().is_some() && ours.clone().all(completed);
    Ok((teller.status().await?, swept))
}

/// A cache that was never filled is filled at the first start, as soon as the warmer has its lease.
async fn until_it_begins(teller: &Teller, mut status: Value) -> anyhow::Result<Value> {
    let begins = async {
        while is(&status, "/enabled") && is_cold(&status) {
            tokio::time::sleep(LOOK_AGAIN).await;
            status = teller.status().await?;
        }
        Ok(status)
    };
    match tokio::time::timeout(FIRST_SWEEP_WITHIN, begins).await {
        Ok(status) => status,
        Err(_elapsed) => {
            bail!("no sweep begins: is a service running? Its log says why it does not sweep")
        }
    }
}

fn is_cold(status: &Value) -> bool {
    text(status, "/last_full_warmup").is_none() && !is(status, "/running")
}

/// Looks on until nothing runs; which task it was, if one was there.
async fn watch(teller: &Teller, mut status: Value) -> anyhow::Result<Option<String>> {
    let (bar, mut task) = (bar(), None);
    while is(&status, "/running") {
        let running = text(&status, "/sweep/task_id").map(str::to_owned);
        if let Some(running) = running.filter(|running| task.as_ref() != Some(running)) {
            note(&format!("watching {running}"));
            task = Some(running);
        }
        show(&bar, &status);
        tokio::time::sleep(LOOK_AGAIN).await;
        status = teller.status().await?;
    }
    bar.finish_and_clear();
    Ok(task)
}

/// Whether the store answers; what else is wrong is told as an alert, with its fix.
fn is_well(status: &Value) -> bool {
    text(status, "/store/state") == Some("ok")
}

impl Teller {
    async fn status(&self) -> anyhow::Result<Value> {
        match self {
            Self::Service(service) => Ok(service.get::<Success>("/api/warmup/status").await?.data),
            Self::Store(state, _) => Ok(http::status_of(state).await),
        }
    }

    /// The newest sweeps.
    async fn records(&self) -> anyhow::Result<Vec<Value>> {
        match self {
            Self::Service(service) => {
                let path = "/api/warmup/history?limit=100";
                let Success { data } = service.get(path).await?;
                let history = data.get("history").and_then(Value::as_array);
                Ok(history.cloned().unwrap_or_default())
            }
            Self::Store(state, _) => {
                let mut all = Vec::new();
                for site in state.sites.iter() {
                    let records = state.warmer.records(&site.code, MOST_RECORDS).await?;
                    all.extend(records.iter().map(|record| json!(record)));
                }
                Ok(all)
            }
        }
    }

    fn who(&self) -> String {
        match self {
            Self::Service(service) => format!("running at {}", service.base_url()),
            Self::Store(..) => "none answers; this is what the store itself tells".to_owned(),
        }
    }

    async fn close(self) {
        if let Self::Store(state, tasks) = self {
            tasks.cancel.cancel();
            tasks.tracker.close();
            tasks.tracker.wait().await;
            state.store.close().await;
        }
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

fn is(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer).and_then(Value::as_bool) == Some(true)
}

/// A bar that shows nothing where standard error is no terminal.
fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:32} {pos}/{len} orders  {msg}") {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, status: &Value) {
    let number = |name: &str| status.pointer(name).and_then(Value::as_u64);
    let done = number("/sweep/done").unwrap_or_default();
    bar.set_length(number("/sweep/total").unwrap_or(done));
    bar.set_position(done);
    let left = number("/sweep/eta_s").map_or_else(|| "…".to_owned(), |eta| format!("{eta} s left"));
    bar.set_message(left);
}
