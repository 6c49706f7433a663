//! Opening a file of redb's: private to this user, and moved aside, never deleted, where it cannot be read.

use std::{
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use redb::{Builder, Database, DatabaseError, StorageError};
use thiserror::Error;

/// redb's own cache of pages; left at its default it would grow to a gigabyte.
const PAGE_CACHE: usize = 64 * 1024 * 1024;

/// Why a file cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("{} is in use", .0.display())]
    InUse(PathBuf),
    /// The directory or the disk does not allow it.
    #[error("{} cannot be used: {source}", .path.display())]
    Denied {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It could not even be made anew.
    #[error("a new {} could not be made: {cause}", .path.display())]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: String,
    },
}

/// An open file.
pub(crate) struct Opened {
    pub(crate) database: Database,
    /// Where the file went that stood there and could not be read, and why.
    pub(crate) set_aside: Option<(PathBuf, String)>,
}

/// What is done with a file when it is opened: making its tables, compacting.
type Prepare = fn(&mut Database) -> Result<(), redb::Error>;

/// Opens `name` in `dir`, making both where they are missing.
pub(crate) fn open(
    dir: &Path,
    name: &str,
    prepare: Prepare,
    now: DateTime<Utc>,
) -> Result<Opened, OpenError> {
    let path = dir.join(name);
    let denied = |source| OpenError::Denied {
        path: dir.to_owned(),
        source,
    };
    fs::create_dir_all(dir).map_err(denied)?;
    make_private(&path).map_err(denied)?;
    let cause = match create(&path, prepare) {
        Ok(database) => {
            return Ok(Opened {
                database,
                set_aside: None,
            });
        }
        Err(Failure::InUse) => return Err(OpenError::InUse(path)),
        Err(Failure::Denied(error)) => return Err(denied(error)),
        Err(Failure::Unreadable(cause)) => cause,
    };
    let aside = dir.join(format!("{name}.unreadable-{}", now.timestamp_millis()));
    fs::rename(&path, &aside).map_err(denied)?;
    make_private(&path).map_err(denied)?;
    match create(&path, prepare) {
        Ok(database) => Ok(Opened {
            database,
            set_aside: Some((aside, cause)),
        }),
        Err(Failure::InUse) => Err(OpenError::InUse(path)),
        Err(Failure::Denied(error)) => Err(denied(error)),
        Err(Failure::Unreadable(cause)) => Err(OpenError::Unusable { path, cause }),
    }
}

/// Makes the file, if it is missing, so that nobody but this user may read it: it holds customers' names and addresses.
fn make_private(path: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

enum Failure {
    InUse,
    Denied(io::Error),
    Unreadable(String),
}

fn create(path: &Path, prepare: Prepare) -> Result<Database, Failure> {
    // redb may panic on pages that are damaged in ways its checksums do not cover.
    let created = catch_unwind(AssertUnwindSafe(|| -> Result<Database, Failure> {
        let mut database = Builder::new()
            .set_cache_size(PAGE_CACHE)
            .create(path)
            .map_err(Failure::of)?;
        prepare(&mut database).map_err(|error| Failure::Unreadable(error.to_string()))?;
        Ok(database)
    }));
    created.unwrap_or_else(|_panic| Err(Failure::Unreadable("its pages are damaged".to_owned())))
}

impl Failure {
    /// A file that may not be opened, or a disk that is full, is no damaged file: moving it aside would lose it for nothing.
    fn of(error: DatabaseError) -> Self {
        if let DatabaseError::DatabaseAlreadyOpen = error {
            return Self::InUse;
        }
        if let DatabaseError::Storage(StorageError::Io(error)) = error {
            let about_its_content = matches!(
                error.kind(),
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
            );
            return if about_its_content {
                Self::Unreadable(error.to_string())
            } else {
                Self::Denied(error)
            };
        }
        Self::Unreadable(error.to_string())
    }
}
