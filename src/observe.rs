//! What the service says of itself: structured log lines and metrics, without personal data.

mod durations;
pub mod exposition;

use std::{io::IsTerminal as _, str::FromStr};

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

pub use self::durations::{Counted, Durations};

/// What log lines look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For a person at a terminal.
    Text,
    /// One JSON object a line.
    Json,
}

/// A text that names no format.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
#[error("a log format is text or json")]
pub struct BadLogFormat;

impl FromStr for LogFormat {
    type Err = BadLogFormat;

    fn from_str(text: &str) -> Result<Self, BadLogFormat> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _other => Err(BadLogFormat),
        }
    }
}

/// Whether `text` is a filter that [`init`] can read.
pub fn is_filter(text: &str) -> bool {
    EnvFilter::try_new(text).is_ok()
}

/// Sends log lines to standard error, so that results on standard output stay clean. A filter that cannot be read counts as
/// `info`.
pub fn init(format: LogFormat, filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(
        |_unreadable: tracing_subscriber::filter::ParseError| EnvFilter::new("info"),
    );
    let registry = tracing_subscriber::registry().with(filter);
    let lines = fmt::layer().with_writer(std::io::stderr);
    // A file is not to be full of escape codes.
    let lines = if std::io::stderr().is_terminal() {
        lines
    } else {
        lines.with_ansi(false)
    };
    // A second call, as tests make, changes nothing.
    let installed = match format {
        LogFormat::Text => registry.with(lines).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
    drop(installed);
}
