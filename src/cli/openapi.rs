//! `openapi`: the description of the HTTP API, as the service serves it at `/openapi.json`.

use std::process::ExitCode;

use super::output::say;
use crate::http;

pub(super) fn run() -> anyhow::Result<ExitCode> {
    say(&serde_json::to_string_pretty(http::document())?);
    Ok(ExitCode::SUCCESS)
}
