//! The store's file: its tables, and compacting it where it is mostly empty.

use std::path::Path;

use chrono::{DateTime, Utc};
use redb::{Database, ReadableDatabase as _};
use tracing::{info, warn};

use super::{
    Redb, Result, StoreError, WINDOW, entries, refresh,
    site::{MARKS, RECORDS, VOICES},
    warming,
};
use crate::redb_file::{Check, Fault, Kind, OpenError, RedbFile};

/// Less than this is not worth giving back.
const SMALL: u64 = 16 * 1024 * 1024;

/// It is a cache, so the service goes on without a file that cannot be read, and rather without it than with a part of it.
const CACHE: Kind = Kind {
    name: "cache.redb",
    page_cache: 64 * 1024 * 1024,
    make_tables,
    check: Check::Pages,
    loss: "the cache starts empty and fills itself; delete the file once nobody misses it",
};

/// Opens the store's file in `dir`, and gives disk space back that it does not use.
pub(super) fn open(dir: &Path, now: DateTime<Utc>) -> Result<RedbFile> {
    let file = RedbFile::open(dir, CACHE, now)?;
    if let Err(fault) = file.with_owned(compact) {
        warn!("the cache file stays as large as it is: {fault}");
    }
    Ok(file)
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

impl From<&Fault> for StoreError {
    fn from(fault: &Fault) -> Self {
        Self::Unavailable {
            cause: format!("the cache file: {fault}"),
        }
    }
}

/// Makes the tables, so that readers never meet a missing one. Where they are there, nothing is written: the disk may be full.
fn make_tables(database: &Database) -> Redb<()> {
    let before = database.begin_read()?.list_tables()?.count();
    let write = database.begin_write()?;
    write.open_table(entries::ENTRIES)?;
    write.open_table(entries::EXPIRIES)?;
    write.open_table(WINDOW)?;
    write.open_table(MARKS)?;
    write.open_table(VOICES)?;
    write.open_table(RECORDS)?;
    write.open_table(refresh::REFRESHES)?;
    write.open_table(warming::WARMING)?;
    write.open_table(warming::DEAD)?;
    if write.list_tables()?.count() == before {
        write.abort()?;
    } else {
        write.commit()?;
    }
    Ok(())
}

fn compact(database: &mut Database) -> Redb<()> {
    let write = database.begin_write()?;
    let stats = write.stats()?;
    write.abort()?;
    // Free pages are part of what is fragmented: redb uses them again, but does not give them back by itself.
    let (used, free) = (
        stats.stored_bytes() + stats.metadata_bytes(),
        stats.fragmented_bytes(),
    );
    if free > SMALL && free > used {
        info!(used, free, "compacting the cache file");
        database.compact()?;
    }
    Ok(())
}
