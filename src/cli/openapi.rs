//! `openapi`: the description of the HTTP API, as the service serves it at `/openapi.json`, or for Coze's importer.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::output::say;
use crate::{config::Config, http};

/// What `openapi` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// For whom: all of it as JSON, or what a bot needs as YAML.
    #[arg(long, value_enum, default_value_t = Profile::Full)]
    profile: Profile,
}

/// For whom the description is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Profile {
    /// OpenAPI 3.1, everything.
    Full,
    /// OpenAPI 3.0 for Coze's importer: the lookups alone, without references.
    Coze,
}

pub(super) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    match options.profile {
        Profile::Full => say(&serde_json::to_string_pretty(http::document())?),
        Profile::Coze => {
            let (listen_addr, _) = Config::demo_listen_addr()?;
            let addr =
                listen_addr.map_or_else(|| "127.0.0.1:8080".to_owned(), |addr| addr.to_string());
            say(http::coze(&format!("http://{addr}")).trim_end());
        }
    }
    Ok(ExitCode::SUCCESS)
}
