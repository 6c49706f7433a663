//! What asking a running service takes. It may run on another machine, whose shops nobody here has set.

use std::path::Path;

use secrecy::SecretString;

use super::{ConfigFaults, environment, log_filter, read_env_file, reader::Reader};
use crate::observe::LogFormat;

/// Who asks, and how the command logs. A token that is missing is for the service to refuse: it may want none.
#[derive(Debug)]
pub struct Caller {
    /// `ADMIN_TOKEN`, or else `LOOKUP_TOKEN`, which is enough for lookups.
    pub token: Option<SecretString>,
    /// What log lines look like.
    pub log_format: LogFormat,
    /// Which log lines there are, in `RUST_LOG`'s syntax.
    pub log_filter: Option<String>,
}

impl Caller {
    /// Reads the process's environment, and `.env` in the working directory below it.
    ///
    /// # Errors
    /// What is wrong of the few variables that matter here.
    pub fn from_env() -> Result<Self, ConfigFaults> {
        read_env_file(Path::new(".env"))?;
        let mut reader = Reader::new(environment());
        let token = reader.secret("ADMIN_TOKEN");
        let caller = Self {
            token: token.or_else(|| reader.secret("LOOKUP_TOKEN")),
            log_format: reader.parse("LOG_FORMAT", LogFormat::Text, "text or json"),
            log_filter: log_filter(&mut reader),
        };
        reader.finish(caller)
    }
}
