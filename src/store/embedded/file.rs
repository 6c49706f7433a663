//! Opening the file: made where it is missing, moved aside where it cannot be read, compacted where it is mostly empty.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use chrono::{DateTime, Utc};
use redb::{Builder, Database, DatabaseError};
use tracing::{error, info};

use super::{RECORDS, Redb, Result, StoreError, WATERMARKS, WINDOW, entries, refresh};

const NAME: &str = "cache.redb";
/// redb's own cache of pages; left at its default it would grow to a gigabyte.
const PAGE_CACHE: usize = 64 * 1024 * 1024;
/// Below this a half-empty file is not worth compacting.
const SMALL: u64 = 16 * 1024 * 1024;

/// Opens `cache.redb` in `dir`. A file that is no store is kept under another name: it is a cache, so the service can go on
/// without it, but it may be somebody's.
pub(super) fn open(dir: &Path, now: DateTime<Utc>) -> Result<Database> {
    let unusable = |error: &io::Error| StoreError::Directory {
        dir: dir.display().to_string(),
        cause: error.to_string(),
    };
    std::fs::create_dir_all(dir).map_err(|error| unusable(&error))?;
    let path = dir.join(NAME);
    let failure = match create(&path) {
        Ok(database) => return Ok(database),
        Err(Failure::InUse) => {
            return Err(StoreError::InUse {
                file: path.display().to_string(),
            });
        }
        Err(Failure::Denied(error)) => return Err(unusable(&error)),
        Err(Failure::Unreadable(cause)) => cause,
    };
    let aside = dir.join(format!("{NAME}.unreadable-{}", now.timestamp_millis()));
    std::fs::rename(&path, &aside).map_err(|error| unusable(&error))?;
    error!(
        file = %aside.display(), cause = %failure,
        "the cache file could not be read: it was moved aside and the cache starts empty; delete it once nobody misses it"
    );
    create(&path).map_err(|_twice| StoreError::Unavailable {
        cause: "a new cache file could not be made".to_owned(),
    })
}

enum Failure {
    InUse,
    Denied(io::Error),
    Unreadable(String),
}

fn create(path: &Path) -> std::result::Result<Database, Failure> {
    // redb may panic on pages that are damaged in ways its checksums do not cover.
    let created = catch_unwind(AssertUnwindSafe(
        || -> std::result::Result<Database, DatabaseError> {
            let mut database = Builder::new().set_cache_size(PAGE_CACHE).create(path)?;
            prepare(&mut database).map_err(|error| DatabaseError::Storage(storage(error)))?;
            Ok(database)
        },
    ));
    match created {
        Ok(Ok(database)) => Ok(database),
        Ok(Err(DatabaseError::DatabaseAlreadyOpen)) => Err(Failure::InUse),
        Ok(Err(DatabaseError::Storage(redb::StorageError::Io(error)))) if is_denied(&error) => {
            Err(Failure::Denied(error))
        }
        Ok(Err(error)) => Err(Failure::Unreadable(error.to_string())),
        Err(_panic) => Err(Failure::Unreadable("its pages are damaged".to_owned())),
    }
}

/// A file that may not be opened, or a disk that is full, is no damaged file: moving it aside would lose it for nothing.
fn is_denied(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied
            | io::ErrorKind::StorageFull
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::IsADirectory
    )
}

fn storage(error: redb::Error) -> redb::StorageError {
    if let redb::Error::Io(error) = error {
        return redb::StorageError::Io(error);
    }
    redb::StorageError::Corrupted(error.to_string())
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
    let pages = stats
        .allocated_pages()
        .saturating_mul(u64::try_from(stats.page_size()).unwrap_or(u64::MAX));
    if pages > SMALL && pages > stats.stored_bytes().saturating_mul(2) {
        info!(
            bytes = pages,
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
