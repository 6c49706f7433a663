//! Deliveries that the store could not take: kept on the local disk, synced before they are acknowledged, and applied once the
//! store is back.
//!
//! A file of redb's rather than a format of our own: a torn write or a `kill -9` must not cost an acknowledged delivery.

mod intake;

use std::{
    borrow::Cow,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use redb::{
    Database, ReadTransaction, ReadableDatabase as _, ReadableTable as _,
    ReadableTableMetadata as _, TableDefinition, WriteTransaction,
};
use serde::{Deserialize, Serialize};
use shopify_webhooks::{ShopDomain, Topic};
use thiserror::Error;
use tokio::sync::Notify;
use tracing::{error, warn};

pub use self::intake::take;
use crate::{
    redb_file::{Check, Fault, Kind, OpenError, RedbFile, copy_table, guarded},
    site::SiteCode,
    warm::Received,
};

/// Header (JSON) and body, in the order they came. Bytes, both: redb would panic over a damaged text.
const DELIVERIES: TableDefinition<'_, u64, (&[u8], &[u8])> = TableDefinition::new("deliveries");
/// What could not be read back, for a person to look at.
const UNREADABLE: TableDefinition<'_, u64, (&[u8], &[u8])> = TableDefinition::new("unreadable");

/// More than a busy shop sends in a day; beyond it Shopify's own retries (8 in 4 h) are the better memory.
const MOST_DELIVERIES: u64 = 100_000;
/// What they may take on disk together. A full disk would take the cache with it.
const MOST_BYTES: u64 = 512 * 1024 * 1024;

/// One delivery that cannot be read is no reason to give up the others.
const INBOX: Kind = Kind {
    name: "inbox.redb",
    page_cache: 4 * 1024 * 1024,
    make_tables,
    copy,
    check: Check::Header,
    loss: "deliveries in it are missing until the next sweep",
};

/// The inbox. Cheap to clone. Its calls block for a disk sync: run them off the async threads.
#[derive(Debug, Clone)]
pub struct Inbox(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: RedbFile,
    room: Room,
    /// Whoever works on the file holds it: a file that is opened anew must be nobody else's meanwhile. In it are the bytes that the
    /// deliveries take; none until they are counted, and again once the file may have been replaced.
    turn: Mutex<Option<u64>>,
    /// Deliveries to be written by whoever has the turn next: all of them with one sync of the disk.
    waiting: Mutex<Vec<Arc<Waiting>>>,
    /// Rung for each delivery kept.
    kept: Notify,
}

/// How much it may hold.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Deliveries.
    pub deliveries: u64,
    /// Bytes of their headers and bodies.
    pub bytes: u64,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            deliveries: MOST_DELIVERIES,
            bytes: MOST_BYTES,
        }
    }
}

/// A delivery to be written.
#[derive(Debug)]
struct Waiting {
    header: Vec<u8>,
    body: Bytes,
    /// Whether there was room for it, once that is known.
    kept: OnceLock<Result<bool, String>>,
}

/// Why the inbox cannot keep a delivery.
#[derive(Debug, Error)]
pub enum InboxError {
    /// The file.
    #[error("the inbox file cannot be used: {cause}")]
    File {
        /// Why not.
        cause: String,
    },
    /// The file or its directory.
    #[error("{0}; set DATA_DIR to a directory of this service's own that can be written")]
    Open(#[source] OpenError),
    /// Full.
    #[error("the inbox is full: it holds as many deliveries, or as many bytes, as it may")]
    Full,
    /// A delivery's header cannot be written; none can be, as it holds only texts and times.
    #[error("a delivery cannot be written down")]
    Unwritable(#[source] serde_json::Error),
}

#[derive(Serialize, Deserialize)]
struct Header<'a> {
    site: SiteCode,
    shop_domain: ShopDomain,
    #[serde(borrow)]
    topic: Cow<'a, str>,
    triggered_at: Option<DateTime<Utc>>,
    received_at: DateTime<Utc>,
}

impl Inbox {
    /// Opens `inbox.redb` in `dir`, making both where they are missing. A file that is no inbox is moved aside, never deleted.
    pub fn open(dir: &Path, now: DateTime<Utc>) -> Result<Self, InboxError> {
        Self::with_room(dir, Room::default(), now)
    }

    /// The same with so much room.
    pub fn with_room(dir: &Path, room: Room, now: DateTime<Utc>) -> Result<Self, InboxError> {
        let file = RedbFile::open(dir, INBOX, now).map_err(InboxError::Open)?;
        // What was removed before a crash lies in it still.
        if let Err(fault) = guarded(|| file.rewrite()) {
            warn!("the inbox file could not be written anew: {fault}");
        }
        let (turn, waiting, kept) = Default::default();
        Ok(Self(Arc::new(Inner {
            file,
            room,
            turn,
            waiting,
            kept,
        })))
    }

    /// Keeps a delivery; it is on disk when this returns.
    pub fn keep(&self, delivery: &Received) -> Result<(), InboxError> {
        let header = Header {
            site: delivery.site.clone(),
            shop_domain: delivery.shop_domain.clone(),
            topic: delivery.topic.as_str().into(),
            triggered_at: delivery.triggered_at,
            received_at: delivery.received_at,
        };
        let header = serde_json::to_vec(&header).map_err(InboxError::Unwritable)?;
        match self.write_with_others(header, delivery.body.clone()) {
            Ok(true) => {
                self.0.kept.notify_one();
                Ok(())
            }
            Ok(false) => Err(InboxError::Full),
            Err(cause) => Err(InboxError::File { cause }),
        }
    }

    /// Whether there was room. Who waits for the disk meanwhile is written by whoever has the turn next.
    fn write_with_others(&self, header: Vec<u8>, body: Bytes) -> Result<bool, String> {
        let mine = Arc::new(Waiting {
            header,
            body,
            kept: OnceLock::new(),
        });
        lock(&self.0.waiting).push(Arc::clone(&mine));
        let mut turn = lock(&self.0.turn);
        if let Some(kept) = mine.kept.get() {
            return kept.clone();
        }
        let all = std::mem::take(&mut *lock(&self.0.waiting));
        let room = self
            .work_on_file(&mut turn, |file, bytes| {
                append(file, &all, self.0.room, bytes)
            })
            .map_err(|error| match error {
                InboxError::File { cause } => cause,
                other @ (InboxError::Open(_) | InboxError::Full | InboxError::Unwritable(_)) => {
                    other.to_string()
                }
            });
        for (place, one) in all.iter().enumerate() {
            // Nobody else sets it: whoever takes a delivery out of the list tells how it went.
            drop(one.kept.set(room.clone().map(|room| place < room)));
        }
        drop(turn);
        mine.kept
            .get()
            .cloned()
            .unwrap_or_else(|| Err("its write was lost".to_owned()))
    }

    /// Waits until a delivery is kept. One that was kept before anybody waited counts.
    pub async fn has_kept(&self) {
        self.0.kept.notified().await;
    }

    /// The oldest delivery behind a place, and its own; of all, if there is no place. One that cannot be read back is put aside
    /// first.
    pub fn next(&self, behind: Option<u64>) -> Result<Option<(u64, Received)>, InboxError> {
        loop {
            let found = self.with(|file, _| next(file, behind))?;
            let Some((sequence, header, body)) = found else {
                return Ok(None);
            };
            if let Some(delivery) = read(&header, body) {
                return Ok(Some((sequence, delivery)));
            }
            error!(
                inbox.sequence = sequence,
                "a delivery in the inbox cannot be read back and was put aside"
            );
            self.with(|file, _| put_aside(file, sequence))?;
        }
    }

    /// The oldest delivery and its place.
    pub fn oldest(&self) -> Result<Option<(u64, Received)>, InboxError> {
        self.next(None)
    }

    /// Forgets a delivery that has been applied. Once none is left the file is written anew, so that no customer's data lies in pages
    /// that nobody uses.
    pub fn remove(&self, sequence: u64) -> Result<(), InboxError> {
        self.with(|file, bytes| {
            let write = file.begin_write()?;
            let is_empty = {
                let mut deliveries = write.open_table(DELIVERIES)?;
                let size = deliveries
                    .remove(sequence)?
                    .map(|value| size(value.value()));
                *bytes = bytes
                    .zip(size)
                    .map(|(bytes, size)| bytes.saturating_sub(size));
                deliveries.is_empty()?
            };
            write.commit()?;
            if is_empty { file.rewrite() } else { Ok(()) }
        })
    }

    /// Forgets every delivery that `is_to_go`, and writes the file anew so that nothing of them is left in it. Of what could not be
    /// read back only the bytes are known: `may_go` decides by them. Returns how many went.
    pub fn forget(
        &self,
        is_to_go: impl Fn(&Received) -> bool,
        may_go: impl Fn(&[u8]) -> bool,
    ) -> Result<u64, InboxError> {
        self.with(|file, bytes| {
            let (write, mut gone) = (file.begin_write()?, 0);
            write.open_table(DELIVERIES)?.retain(|_, (header, body)| {
                let delivery = read(header, Bytes::copy_from_slice(body));
                let goes = delivery.is_some_and(|delivery| is_to_go(&delivery));
                gone += u64::from(goes);
                !goes
            })?;
            write.open_table(UNREADABLE)?.retain(|_, (_, body)| {
                let goes = may_go(body);
                gone += u64::from(goes);
                !goes
            })?;
            if gone == 0 {
                write.abort()?;
                return Ok(0);
            }
            write.commit()?;
            *bytes = None;
            file.rewrite()?;
            Ok(gone)
        })
    }

    /// How many wait.
    pub fn len(&self) -> Result<u64, InboxError> {
        self.with(|file, _| Ok(file.begin_read()?.0.open_table(DELIVERIES)?.len()?))
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> Result<bool, InboxError> {
        Ok(self.len()? == 0)
    }

    /// Works on the file, and once more on the file opened anew if that failed: what failed may have passed.
    fn with<T>(
        &self,
        work: impl Fn(&RedbFile, &mut Option<u64>) -> Result<T, Fault>,
    ) -> Result<T, InboxError> {
        self.work_on_file(&mut lock(&self.0.turn), work)
    }

    fn work_on_file<T>(
        &self,
        bytes: &mut Option<u64>,
        work: impl Fn(&RedbFile, &mut Option<u64>) -> Result<T, Fault>,
    ) -> Result<T, InboxError> {
        let file = &self.0.file;
        let worked = guarded(|| work(file, bytes)).or_else(|fault| {
            warn!("the inbox file failed and is opened anew: {fault}");
            *bytes = None;
            guarded(|| file.reopen(fault.check())).and_then(|()| guarded(|| work(file, bytes)))
        });
        worked.map_err(|fault: Fault| InboxError::File {
            cause: fault.to_string(),
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a delivery takes.
fn size((header, body): (&[u8], &[u8])) -> u64 {
    u64::try_from(header.len().saturating_add(body.len())).unwrap_or(u64::MAX)
}

fn count_bytes(file: &RedbFile) -> Result<u64, Fault> {
    let (mut bytes, deliveries) = (0_u64, file.begin_read()?.0.open_table(DELIVERIES)?);
    for row in deliveries.iter()? {
        bytes = bytes.saturating_add(size(row?.1.value()));
    }
    Ok(bytes)
}

/// Writes deliveries behind all others, for as many as there is room; returns for how many there was.
fn append(
    file: &RedbFile,
    all: &[Arc<Waiting>],
    most: Room,
    bytes: &mut Option<u64>,
) -> Result<usize, Fault> {
    let mut held = match *bytes {
        Some(held) => held,
        None => count_bytes(file)?,
    };
    let write = file.begin_write()?;
    let mut room = 0;
    {
        let mut deliveries = write.open_table(DELIVERIES)?;
        let put_aside = write
            .open_table(UNREADABLE)?
            .last()?
            .map(|(sequence, _)| sequence.value());
        let last = deliveries
            .last()?
            .map(|(sequence, _)| sequence.value())
            .max(put_aside);
        let next = last.map_or(0, |last| last + 1);
        let free = most.deliveries.saturating_sub(deliveries.len()?);
        for (one, place) in all.iter().zip(0..free) {
            let after = held.saturating_add(size((&one.header, &one.body)));
            if after > most.bytes {
                break;
            }
            held = after;
            deliveries.insert(next + place, (one.header.as_slice(), one.body.as_ref()))?;
            room += 1;
        }
    }
    write.commit()?;
    *bytes = Some(held);
    Ok(room)
}

fn next(file: &RedbFile, behind: Option<u64>) -> Result<Option<(u64, Vec<u8>, Bytes)>, Fault> {
    let deliveries = file.begin_read()?.0.open_table(DELIVERIES)?;
    let from = behind.map_or(0, |behind| behind.saturating_add(1));
    let next = deliveries.range(from..)?.next().transpose()?;
    Ok(next.map(|(sequence, value)| {
        let (header, body) = value.value();
        (
            sequence.value(),
            header.to_owned(),
            Bytes::copy_from_slice(body),
        )
    }))
}

fn copy(from: &ReadTransaction, to: &WriteTransaction) -> Result<(), redb::Error> {
    copy_table(from, to, DELIVERIES)?;
    copy_table(from, to, UNREADABLE)
}

fn put_aside(file: &RedbFile, sequence: u64) -> Result<(), Fault> {
    let write = file.begin_write()?;
    {
        let mut deliveries = write.open_table(DELIVERIES)?;
        let mut unreadable = write.open_table(UNREADABLE)?;
        if let Some(value) = deliveries.remove(sequence)? {
            unreadable.insert(sequence, value.value())?;
        }
    }
    Ok(write.commit()?)
}

/// Where they are there, nothing is written: the disk may be full.
fn make_tables(database: &Database) -> Result<(), redb::Error> {
    let before = database.begin_read()?.list_tables()?.count();
    let write = database.begin_write()?;
    write.open_table(DELIVERIES)?;
    write.open_table(UNREADABLE)?;
    if write.list_tables()?.count() == before {
        write.abort()?;
    } else {
        write.commit()?;
    }
    Ok(())
}

fn read(header: &[u8], body: Bytes) -> Option<Received> {
    let header: Header<'_> = serde_json::from_slice(header).ok()?;
    Some(Received {
        site: header.site,
        shop_domain: header.shop_domain,
        topic: Topic::parse(&header.topic),
        triggered_at: header.triggered_at,
        received_at: header.received_at,
        body,
    })
}

#[cfg(test)]
mod tests;
