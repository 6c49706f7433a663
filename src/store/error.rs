//! What a store can fail of, and whether to try again.

use thiserror::Error;

use super::MOST_REFRESHES;

/// Why the store could not do it. Texts hold no password and no customer data.
#[derive(Debug, Error)]
pub enum StoreError {
    /// It cannot be reached, or has failed.
    #[error("unavailable: {cause}")]
    Unavailable {
        /// What it said, without addresses or data.
        cause: String,
    },
    /// It did not answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// Too many writers at once on one order.
    #[error("too many writers of one order at once")]
    Conflict,
    /// Another warmer has taken the lease: whatever this one is doing, it must stop.
    #[error("another replica warms this site now")]
    Fenced,
    /// The refresh set is full.
    #[error("the refresh set holds {MOST_REFRESHES} orders already")]
    Full,
    /// Another process has the file.
    #[error(
        "{file} is in use: another shopify-warmer runs on this DATA_DIR; stop it, or give this one a DATA_DIR of its own"
    )]
    InUse {
        /// Which file.
        file: String,
    },
    /// The directory cannot be used.
    #[error("{dir} cannot be used: {cause}; set DATA_DIR to a directory that can be written")]
    Directory {
        /// Which.
        dir: String,
        /// Why.
        cause: String,
    },
    /// `REDIS_URL` is no address.
    #[error("REDIS_URL {advice}")]
    BadUrl {
        /// What is wrong with it and how to write it, without any of it.
        advice: &'static str,
    },
    /// It is written, but no replica has it yet: it would be lost with the server that took it.
    #[error("Redis took it, but no replica has confirmed that it has it too")]
    OneCopy,
}

impl StoreError {
    /// Whether trying again may help.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable { .. }
            | Self::TimedOut
            | Self::Conflict
            | Self::Full
            | Self::OneCopy => true,
            Self::Fenced | Self::InUse { .. } | Self::Directory { .. } | Self::BadUrl { .. } => {
                false
            }
        }
    }
}
