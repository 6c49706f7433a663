//! The store's file: its tables, and compacting it where it is mostly empty.

use std::path::Path;

use chrono::{DateTime, Utc};
use redb::{Database, ReadTransaction, ReadableDatabase as _, WriteTransaction};
use tracing::{info, warn};

use super::{
    Redb, Result, StoreError, WINDOW, entries, redaction, refresh,
    site::{MARKS, RECORDS, VOICES},
    warming,
};
use crate::redb_file::{Check, Fault, Kind, OpenError, RedbFile, copy_table, guarded};

/// Less than this is not worth giving back.
const SMALL: u64 = 16 * 1024 * 1024;

/// It is a cache, so the service goes on without a file that cannot be read, and rather without it than with a part of it.
const CACHE: Kind = Kind {
    name: "cache.redb",
    page_cache: 64 * 1024 * 1024,
    make_tables,
    copy,
    check: Check::Pages,
    loss: "the cache starts empty and fills itself; delete the file once nobody misses it",
};

/// Opens the store's file in `dir`, and gives disk space back that it does not use.
pub(super) fn open(dir: &Path, now: DateTime<Utc>) -> Result<RedbFile> {
    let file = RedbFile::open(dir, CACHE, now)?;
    if is_to_be_rewritten(&file) {
        file.rewrite().map_err(|fault| StoreError::from(&fault))?;
    } else if let Err(fault) = file.with_owned(compact) {
        warn!("the cache file stays as large as it is: {fault}");
    }
    Ok(file)
}

/// Whether a redaction was cut off before the file was written anew.
fn is_to_be_rewritten(file: &RedbFile) -> bool {
    let look = || Ok(redaction::is_rewrite_demanded(&file.begin_read()?.0)?);
    guarded(look).unwrap_or(false)
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

/// Does something with each table. One list, so that none is made and then left out when the file is written anew.
macro_rules! each_table {
    ($done:ident) => {
        $done!(entries::ENTRIES);
        $done!(entries::EXPIRIES);
        $done!(WINDOW);
        $done!(MARKS);
        $done!(RECORDS);
        $done!(VOICES);
        $done!(refresh::REFRESHES);
        $done!(warming::WARMING);
        $done!(warming::DEAD);
        $done!(redaction::RECEIPTS);
    };
}

/// Makes the tables, so that readers never meet a missing one. Where they are there, nothing is written: the disk may be full.
fn make_tables(database: &Database) -> Redb<()> {
    let before = database.begin_read()?.list_tables()?.count();
    let write = database.begin_write()?;
    macro_rules! make {
        ($table:expr) => {
            write.open_table($table)?;
        };
    }
    each_table!(make);
    if write.list_tables()?.count() == before {
        write.abort()?;
    } else {
        write.commit()?;
    }
    Ok(())
}

/// All that is there goes into a new file, but the mark that demanded it.
fn copy(from: &ReadTransaction, to: &WriteTransaction) -> Redb<()> {
    macro_rules! copy {
        ($table:expr) => {
            copy_table(from, to, $table)?;
        };
    }
    each_table!(copy);
    to.open_table(MARKS)?.remove(redaction::REWRITE)?;
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
