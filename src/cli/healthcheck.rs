//! `healthcheck`: whether the service answers, for a container's health check, which has no `curl`.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::service::{Service, address, base_url};
use crate::config::Config;

/// What `healthcheck` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The running service's address; where it listens if not given.
    #[arg(long, value_name = "URL", value_parser = address)]
    url: Option<String>,
}

/// Only the address is read of the configuration: a fault elsewhere says nothing of a service that runs.
pub(super) async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let listen = Config::listen_addr_from_env()?;
    let service = Service::at(base_url(listen, options.url.as_deref()), None)?;
    service.get::<Value>("/healthz").await?;
    Ok(ExitCode::SUCCESS)
}
