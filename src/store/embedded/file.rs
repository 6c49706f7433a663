//! The store's file: its tables, and compacting it where it is mostly empty.

use redb::Database;
use tracing::info;

use super::{RECORDS, Redb, StoreError, WATERMARKS, WINDOW, entries, refresh};
use crate::redb_file::{Fault, Kind, OpenError};

/// Less than this is not worth giving back.
const SMALL: u64 = 16 * 1024 * 1024;

/// It is a cache, so the service goes on without a file that cannot be read, and rather without it than with a part of it.
pub(super) const CACHE: Kind = Kind {
    name: "cache.redb",
    prepare,
    verify: true,
    loss: "the cache starts empty and fills itself; delete the file once nobody misses it",
};

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

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        Self::Unavailable {
            cause: format!("the cache file: {fault}"),
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
