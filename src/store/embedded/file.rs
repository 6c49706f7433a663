//! The store's file: its tables, compacting, and reading without being taken down by a damaged page.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use chrono::{DateTime, Utc};
use redb::Database;
use tracing::{error, info};

use super::{RECORDS, Redb, Result, StoreError, WATERMARKS, WINDOW, entries, refresh};
use crate::redb_file::{self, OpenError};

const NAME: &str = "cache.redb";
/// Below this a half-empty file is not worth compacting.
const SMALL: u64 = 16 * 1024 * 1024;

/// Opens the store's file in `dir`. It is a cache, so the service goes on without a file that cannot be read.
pub(super) fn open(dir: &Path, now: DateTime<Utc>) -> Result<Database> {
    let opened = redb_file::open(dir, NAME, prepare, now)?;
    if let Some((aside, cause)) = opened.set_aside {
        error!(
            file = %aside.display(), cause,
            "the cache file could not be read: it was moved aside and the cache starts empty; delete it once nobody misses it"
        );
    }
    Ok(opened.database)
}

impl From<OpenError> for StoreError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::InUse(file) => Self::InUse {
                file: file.display().to_string(),
            },
            OpenError::Denied {
                path: dir,
                source: cause,
            } => Self::Directory {
                dir: dir.display().to_string(),
                cause: cause.to_string(),
            },
            OpenError::Unusable { path: file, cause } => Self::Directory {
                dir: file.display().to_string(),
                cause,
            },
        }
    }
}

/// Makes the tables, so that readers never meet a missing one, and gives disk space back.
fn prepare(database: &mut Database) -> Redb<()> {
    let write = database.begin_write()?;
    write.open_table(entries::ENTRIES)?;
    write.open_table(entries::EXPIRIES)?;
    write.open_table(WINDOW)?;
    write.open_table(WATERMARKS)?;
    write.open_table(RECORDS)?;
    write.open_table(refresh::REFRESHES)?;
    let stats = write.stats()?;
    write.commit()?;
    let page_size = u64::try_from(stats.page_size()).unwrap_or(u64::MAX);
    let bytes = stats.allocated_pages().saturating_mul(page_size);
    if bytes > SMALL && bytes > stats.stored_bytes().saturating_mul(2) {
        info!(
            bytes,
            stored = stats.stored_bytes(),
            "compacting the cache file"
        );
        database.compact()?;
    }
    Ok(())
}

/// Runs a read; a panic over a damaged page becomes an error of this read alone.
pub(super) fn guarded<T>(work: impl FnOnce() -> Redb<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(unavailable(&error)),
        Err(_panic) => Err(StoreError::Unavailable {
            cause: "a page of the cache file is damaged".to_owned(),
        }),
    }
}

pub(super) fn unavailable(error: &redb::Error) -> StoreError {
    StoreError::Unavailable {
        cause: error.to_string(),
    }
}
