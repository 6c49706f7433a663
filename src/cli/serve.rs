//! `serve`: the service, until it is told to stop.

use std::process::ExitCode;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use super::FAILED;
use crate::{
    app::App,
    clock::Clock,
    config::{self, Config},
};

pub(super) async fn run(config: Config) -> anyhow::Result<ExitCode> {
    let app = App::start(&config, Clock::System).await?;
    let manager = config::service_manager();
    manager.ready(&app.summary());
    tokio::select! {
        stopped = stop_signal() => stopped?,
        () = manager.watch(app.tasks(), || app.summary()) => {}
    }
    manager.stopping();
    Ok(if app.stop().await {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    })
}

/// Waits for SIGTERM or Ctrl-C.
pub(super) async fn stop_signal() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
