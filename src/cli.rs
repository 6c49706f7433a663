//! The command line: one file a command.

#[cfg(feature = "demo")]
mod demo;
mod doctor;
mod healthcheck;
mod lookup;
mod openapi;
mod output;
mod serve;
mod service;
#[cfg(feature = "demo")]
mod simulate;
mod status;
mod sweep;
mod webhooks;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use self::output::complain;
use crate::{
    config::{Config, ConfigFaults},
    observe::{self, LogFormat},
};

/// The configuration or the command line is wrong.
const BAD_USAGE: u8 = 2;
/// The command was understood and failed.
const FAILED: u8 = 1;

/// Keeps a cache of Shopify orders and tracking warm, so that "where is my order?" is answered in milliseconds.
///
/// Settings come from the environment, or from `.env` in the working directory; `.env.example` describes each.
#[derive(Debug, Parser)]
#[command(name = "shopify-warmer", version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service (the default).
    Serve,
    /// Run the service on a simulated shop: no account, no Redis, no configuration.
    #[cfg(feature = "demo")]
    Demo,
    /// Run the simulated Shopify alone.
    #[cfg(feature = "demo")]
    Simulate(simulate::Options),
    /// Read orders from Shopify into the cache, once.
    Sweep(sweep::Options),
    /// Look one order up, as the API would.
    Lookup(lookup::Options),
    /// Show the shops' webhook subscriptions, put them right, end them, or print the app's own.
    Webhooks(webhooks::Options),
    /// Tell everything there is to see: what runs, how warm the cache is, what is wrong and how to mend it.
    Status(status::Options),
    /// Check the settings, the store, the shops and the way to this service; each finding with its fix.
    Doctor(doctor::Options),
    /// Say by the exit code whether the service answers, for a container's health check.
    Healthcheck(healthcheck::Options),
    /// Print the description of the HTTP API: OpenAPI 3.1, as `GET /openapi.json` answers it, or for Coze's importer.
    Openapi(openapi::Options),
}

/// What every command that prints a result takes.
#[derive(Debug, Args)]
struct ResultOptions {
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
    /// The running service's address; without one at `LISTEN_ADDR` or here the command works on the store itself.
    #[arg(long, value_name = "URL", value_parser = service::address)]
    url: Option<String>,
}

/// The service's log. What becomes of Redis it says itself; the driver would repeat it a hundred times a second.
const INFO: &str = "info,redis=off,tokio_cron_scheduler=warn";

/// Runs the command and says how it went: 0, 1 (failed) or 2 (bad usage or configuration).
pub fn main(cli: Cli) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return failed(&anyhow::Error::new(error).context("cannot start the runtime"));
        }
    };
    let result = runtime.block_on(run(cli.command.unwrap_or(Command::Serve)));
    match result {
        Ok(code) => code,
        Err(error) => match error.downcast_ref::<ConfigFaults>() {
            Some(faults) => {
                complain(&faults.to_string());
                ExitCode::from(BAD_USAGE)
            }
            None => failed(&error),
        },
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve => serve::run(configured(INFO)?).await,
        #[cfg(feature = "demo")]
        Command::Demo => demo::run().await,
        #[cfg(feature = "demo")]
        Command::Simulate(options) => simulate::run(&options).await,
        Command::Sweep(options) => sweep::run(&options).await,
        Command::Lookup(options) => lookup::run(&options).await,
        Command::Webhooks(options) => webhooks::run(&options).await,
        Command::Status(options) => status::run(&options).await,
        Command::Doctor(options) => doctor::run(&options).await,
        Command::Healthcheck(options) => healthcheck::run(&options).await,
        Command::Openapi(options) => openapi::run(&options),
    }
}

/// The configuration, with logging set up as it says; `level` is a command's own default.
fn configured(level: &str) -> Result<Config, ConfigFaults> {
    let config = Config::from_env()?;
    log_as(config.log_format, config.log_filter.as_deref(), level);
    Ok(config)
}

fn log_as(format: LogFormat, filter: Option<&str>, level: &str) {
    observe::init(format, filter.unwrap_or(level));
}

fn failed(error: &anyhow::Error) -> ExitCode {
    complain(&format!("{error:#}"));
    ExitCode::from(FAILED)
}
