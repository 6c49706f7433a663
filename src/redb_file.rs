//! A file of redb's: private to this user, moved aside, never deleted, where it cannot be read, and opened anew after a failure.
//!
//! From the first read or write that the disk refuses, redb refuses all others until the file is opened again. A disk that is
//! full for a second must not cost a restart, so whoever writes opens it again.

use std::{
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use chrono::{DateTime, Utc};
use redb::{
    Builder, Database, Key, ReadTransaction, ReadableDatabase as _, ReadableTable as _,
    TableDefinition, Value, WriteTransaction,
};
use thiserror::Error;
use tracing::error;

/// Up to here all pages are checked in a fraction of a second; those of a larger file are first seen when they are used.
const CHECKED_UP_TO: u64 = 256 * 1024 * 1024;
/// Files moved aside in one millisecond: more than one is a clock that stands still, more than this is something else.
const MOST_NAMES: u32 = 1000;

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

/// What kind of file.
#[derive(Debug)]
pub(crate) struct Kind {
    /// Its name.
    pub(crate) name: &'static str,
    /// redb's own cache of pages; left at its default it would grow to a gigabyte.
    pub(crate) page_cache: usize,
    /// Makes its tables.
    pub(crate) make_tables: fn(&Database) -> Result<(), redb::Error>,
    /// Copies what its tables hold into a new file.
    pub(crate) copy: fn(&ReadTransaction, &WriteTransaction) -> Result<(), redb::Error>,
    /// How carefully it is looked at when the service starts.
    pub(crate) check: Check,
    /// What it means, for whoever reads the log, that such a file was moved aside.
    pub(crate) loss: &'static str,
}

/// How carefully a file is looked at when it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Check {
    /// A damaged page is met when it is used, and what can still be read of the others is.
    Header,
    /// Every page: rather no file than one that is not as it was written.
    Pages,
}

/// A file that several threads read and one at a time writes.
#[derive(Debug)]
pub(crate) struct RedbFile {
    dir: PathBuf,
    kind: Kind,
    opened_at: DateTime<Utc>,
    openings: AtomicU64,
    /// Held to begin a transaction and to put another database in its place, never while there is something to wait for.
    open: RwLock<Option<Open>>,
}

#[derive(Debug)]
struct Open {
    database: Database,
    generation: Generation,
}

/// Which opening of the file: what failed in an earlier one says nothing of this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Generation(u64);

/// Why a transaction failed.
#[derive(Debug)]
pub(crate) enum Fault {
    /// redb says so.
    Redb(redb::Error),
    /// redb panicked, as it does over some damaged pages.
    Panicked,
    /// The file is closed, or is just being opened anew.
    Closed,
    /// It cannot be opened anew.
    NotOpened(OpenError),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Redb(error) => error.fmt(f),
            Self::Panicked => f.write_str("a page of the file is damaged"),
            Self::Closed => f.write_str("the file is closed"),
            Self::NotOpened(error) => error.fmt(f),
        }
    }
}

impl<E: Into<redb::Error>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::Redb(error.into())
    }
}

impl RedbFile {
    /// Opens the file in `dir`, making both where they are missing.
    pub(crate) fn open(dir: &Path, kind: Kind, now: DateTime<Utc>) -> Result<Self, OpenError> {
        let database = open(dir, &kind, kind.check, now)?;
        let open = Open {
            database,
            generation: Generation(0),
        };
        Ok(Self {
            dir: dir.to_owned(),
            kind,
            opened_at: now,
            openings: AtomicU64::new(1),
            open: RwLock::new(Some(open)),
        })
    }

    pub(crate) fn begin_read(&self) -> Result<(ReadTransaction, Generation), Fault> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let open = open.as_ref().ok_or(Fault::Closed)?;
        Ok((open.database.begin_read()?, open.generation))
    }

    pub(crate) fn begin_write(&self) -> Result<WriteTransaction, Fault> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        Ok(open.as_ref().ok_or(Fault::Closed)?.database.begin_write()?)
    }

    pub(crate) fn generation(&self) -> Option<Generation> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().map(|open| open.generation)
    }

    /// Opens it again. Only for the one who writes, and only between transactions; readers wait meanwhile.
    pub(crate) fn reopen(&self, check: Check) -> Result<(), Fault> {
        let mut place = self.open.write().unwrap_or_else(PoisonError::into_inner);
        let_go(place.take());
        let database =
            open(&self.dir, &self.kind, check, self.opened_at).map_err(Fault::NotOpened)?;
        let generation = Generation(self.openings.fetch_add(1, Ordering::Relaxed));
        *place = Some(Open {
            database,
            generation,
        });
        Ok(())
    }

    /// Writes the file anew with nothing but what is in its tables: redb does not overwrite what was removed until it needs the
    /// room. Only for the one who writes, and only between transactions. Readers go on meanwhile; who is reading as the files change
    /// places fails, and can tell by the generation that it is worth reading again.
    pub(crate) fn rewrite(&self) -> Result<(), Fault> {
        let (path, fresh) = (
            self.dir.join(self.kind.name),
            rewritten(&self.dir, &self.kind),
        );
        remove_left_over(&fresh)?;
        let database = create(&fresh, &self.kind, Check::Header).map_err(|failure| {
            Fault::NotOpened(OpenError::Unusable {
                path: fresh.clone(),
                cause: failure.to_string(),
            })
        })?;
        let (read, _) = self.begin_read()?;
        let write = database.begin_write()?;
        (self.kind.copy)(&read, &write)?;
        write.commit()?;
        drop(read);
        let mut place = self.open.write().unwrap_or_else(PoisonError::into_inner);
        fs::rename(&fresh, &path).map_err(redb::Error::Io)?;
        fs::File::open(&self.dir)
            .and_then(|dir| dir.sync_all())
            .map_err(redb::Error::Io)?;
        let generation = Generation(self.openings.fetch_add(1, Ordering::Relaxed));
        let before = place.replace(Open {
            database,
            generation,
        });
        let_go(before);
        Ok(())
    }

    /// What it takes on disk, in bytes.
    pub(crate) fn length(&self) -> io::Result<u64> {
        Ok(fs::metadata(self.dir.join(self.kind.name))?.len())
    }

    /// Lets it go. Transactions under way fail.
    pub(crate) fn close(&self) {
        let mut place = self.open.write().unwrap_or_else(PoisonError::into_inner);
        let_go(place.take());
    }

    /// Whatever only an owner may do.
    pub(crate) fn with_owned<T>(
        &self,
        work: impl FnOnce(&mut Database) -> Result<T, redb::Error>,
    ) -> Result<T, Fault> {
        let mut place = self.open.write().unwrap_or_else(PoisonError::into_inner);
        let open = place.as_mut().ok_or(Fault::Closed)?;
        guarded(|| Ok(work(&mut open.database)?))
    }
}

/// redb may panic even here; whoever opens the file next repairs it.
fn let_go(open: Option<Open>) {
    drop(guarded(|| {
        drop(open);
        Ok(())
    }));
}

impl Fault {
    /// How carefully the file has to be looked at now.
    pub(crate) fn check(&self) -> Check {
        match self {
            Self::Redb(redb::Error::Io(_) | redb::Error::PreviousIo)
            | Self::Closed
            | Self::NotOpened(_) => Check::Header,
            Self::Redb(_) | Self::Panicked => Check::Pages,
        }
    }
}

/// Runs something on a file; a panic over a damaged page becomes a fault of this call alone.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Fault::Panicked))
}

/// Copies a table into another file.
pub(crate) fn copy_table<K: Key + 'static, V: Value + 'static>(
    from: &ReadTransaction,
    to: &WriteTransaction,
    table: TableDefinition<'_, K, V>,
) -> Result<(), redb::Error> {
    let mut copy = to.open_table(table)?;
    for row in from.open_table(table)?.iter()? {
        let (key, value) = row?;
        copy.insert(key.value(), value.value())?;
    }
    Ok(())
}

/// Where a file is written anew.
fn rewritten(dir: &Path, kind: &Kind) -> PathBuf {
    dir.join(format!("{}.rewriting", kind.name))
}

/// A crash may have left a file that was being written anew.
fn remove_left_over(path: &Path) -> Result<(), Fault> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(redb::Error::Io(error).into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn open(dir: &Path, kind: &Kind, check: Check, now: DateTime<Utc>) -> Result<Database, OpenError> {
    let path = dir.join(kind.name);
    let denied = |source| OpenError::Denied {
        path: dir.to_owned(),
        source,
    };
    fs::create_dir_all(dir).map_err(denied)?;
    if let Err(fault) = remove_left_over(&rewritten(dir, kind)) {
        error!(
            "what a crash left of {} cannot be removed: {fault}",
            kind.name
        );
    }
    let cause = match create(&path, kind, check) {
        Ok(database) => return Ok(database),
        Err(Failure::InUse) => return Err(OpenError::InUse(path)),
        Err(Failure::Denied(error)) => return Err(denied(error)),
        Err(Failure::Unreadable(cause)) => cause,
    };
    let aside = free_name(&path, now);
    fs::rename(&path, &aside).map_err(denied)?;
    error!(file = %aside.display(), cause, "{} could not be read and was moved aside: {}", kind.name, kind.loss);
    match create(&path, kind, check) {
        Ok(database) => Ok(database),
        Err(Failure::InUse) => Err(OpenError::InUse(path)),
        Err(Failure::Denied(error)) => Err(denied(error)),
        Err(Failure::Unreadable(cause)) => Err(OpenError::Unusable { path, cause }),
    }
}

/// A name that no file moved aside before has: renaming would replace it.
fn free_name(path: &Path, now: DateTime<Utc>) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let numbered = |number| {
        let again = if number == 0 {
            String::new()
        } else {
            format!("-{number}")
        };
        let millis = now.timestamp_millis();
        path.with_file_name(format!("{name}.unreadable-{millis}{again}"))
    };
    let mut names = (0..MOST_NAMES).map(numbered);
    names
        .find(|path| fs::symlink_metadata(path).is_err())
        .unwrap_or_else(|| numbered(MOST_NAMES))
}

/// Makes the file, if it is missing, so that nobody but this user may read it: it holds customers' names and addresses.
fn make_private(path: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

#[derive(Debug)]
enum Failure {
    InUse,
    Denied(io::Error),
    Unreadable(String),
}

fn create(path: &Path, kind: &Kind, check: Check) -> Result<Database, Failure> {
    make_private(path).map_err(Failure::Denied)?;
    let length = fs::metadata(path).map_or(0, |file| file.len());
    let mut builder = Builder::new();
    builder
        .set_cache_size(kind.page_cache)
        .set_check_integrity_on_open(check == Check::Pages && length <= CHECKED_UP_TO);
    // redb may panic on pages that are damaged in ways its checksums do not cover.
    let created = catch_unwind(AssertUnwindSafe(|| -> Result<Database, redb::Error> {
        let database = builder.create(path)?;
        (kind.make_tables)(&database)?;
        Ok(database)
    }));
    match created {
        Ok(created) => created.map_err(Failure::of),
        Err(_panic) => Err(Failure::Unreadable("its pages are damaged".to_owned())),
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::InUse => f.write_str("it is in use"),
            Self::Denied(error) => error.fmt(f),
            Self::Unreadable(cause) => f.write_str(cause),
        }
    }
}

impl Failure {
    /// A file that may not be opened, or a disk that is full, is no damaged file: moving it aside would lose it for nothing.
    fn of(error: redb::Error) -> Self {
        if let redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch = error {
            return Self::InUse;
        }
        if let redb::Error::Io(error) = error {
            return if is_about_the_content(&error) {
                Self::Unreadable(error.to_string())
            } else {
                Self::Denied(error)
            };
        }
        if let redb::Error::PreviousIo = error {
            return Self::Denied(io::Error::other("the disk has failed"));
        }
        Self::Unreadable(error.to_string())
    }
}

fn is_about_the_content(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
    )
}
