//! Deliveries that the store could not take: kept on the local disk, synced before they are acknowledged, and applied once the
//! store is back.
//!
//! A file of redb's rather than a format of our own: a torn write or a `kill -9` must not cost an acknowledged delivery.

use std::{
    borrow::Cow,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use redb::{
    Database, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _,
    TableDefinition,
};
use serde::{Deserialize, Serialize};
use shopify_webhooks::{ShopDomain, Topic};
use thiserror::Error;
use tokio::sync::Notify;
use tracing::{error, warn};

use crate::{
    redb_file::{Check, Fault, Kind, OpenError, RedbFile, guarded},
    site::SiteCode,
    warm::Received,
};

/// Header (JSON) and body, in the order they came. Bytes, both: redb would panic over a damaged text.
const DELIVERIES: TableDefinition<'_, u64, (&[u8], &[u8])> = TableDefinition::new("deliveries");
/// What could not be read back, for a person to look at.
const UNREADABLE: TableDefinition<'_, u64, (&[u8], &[u8])> = TableDefinition::new("unreadable");

/// More than a busy shop sends in a day; beyond it Shopify's own retries (8 in 4 h) are the better memory.
const MOST_DELIVERIES: u64 = 100_000;

/// One delivery that cannot be read is no reason to give up the others.
const INBOX: Kind = Kind {
    name: "inbox.redb",
    page_cache: 4 * 1024 * 1024,
    make_tables,
    check: Check::Header,
    loss: "deliveries in it are missing until the next sweep",
};

/// The inbox. Cheap to clone. Its calls block for a disk sync: run them off the async threads.
#[derive(Debug, Clone)]
pub struct Inbox(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: RedbFile,
    /// Whoever works on the file holds it: a file that is opened anew must be nobody else's meanwhile.
    turn: Mutex<()>,
    /// Deliveries to be written by whoever has the turn next: all of them with one sync of the disk.
    waiting: Mutex<Vec<Arc<Waiting>>>,
    /// Rung for each delivery kept.
    kept: Notify,
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
    #[error("the inbox holds {MOST_DELIVERIES} deliveries already")]
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
        let file = RedbFile::open(dir, INBOX, now).map_err(InboxError::Open)?;
        let (turn, waiting, kept) = Default::default();
        Ok(Self(Arc::new(Inner {
            file,
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
        let turn = lock(&self.0.turn);
        if let Some(kept) = mine.kept.get() {
            return kept.clone();
        }
        let all = std::mem::take(&mut *lock(&self.0.waiting));
        let room =
            self.work_on_file(&turn, |file| append(file, &all))
                .map_err(|error| match error {
                    InboxError::File { cause } => cause,
                    other
                    @ (InboxError::Open(_) | InboxError::Full | InboxError::Unwritable(_)) => {
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

    /// The oldest delivery and its place. One that cannot be read back is put aside first.
    pub fn oldest(&self) -> Result<Option<(u64, Received)>, InboxError> {
        loop {
            let Some((sequence, header, body)) = self.with(first)? else {
                return Ok(None);
            };
            if let Some(delivery) = read(&header, body) {
                return Ok(Some((sequence, delivery)));
            }
            error!(
                inbox.sequence = sequence,
                "a delivery in the inbox cannot be read back and was put aside"
            );
            self.with(|file| put_aside(file, sequence))?;
        }
    }

    /// Forgets a delivery that has been applied.
    pub fn remove(&self, sequence: u64) -> Result<(), InboxError> {
        self.with(|file| {
            let write = file.begin_write()?;
            write.open_table(DELIVERIES)?.remove(sequence)?;
            Ok(write.commit()?)
        })
    }

    /// How many wait.
    pub fn len(&self) -> Result<u64, InboxError> {
        self.with(|file| Ok(file.begin_read()?.0.open_table(DELIVERIES)?.len()?))
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> Result<bool, InboxError> {
        Ok(self.len()? == 0)
    }

    /// Works on the file, and once more on the file opened anew if that failed: what failed may have passed.
    fn with<T>(&self, work: impl Fn(&RedbFile) -> Result<T, Fault>) -> Result<T, InboxError> {
        let turn = lock(&self.0.turn);
        self.work_on_file(&turn, work)
    }

    fn work_on_file<T>(
        &self,
        _turn: &MutexGuard<'_, ()>,
        work: impl Fn(&RedbFile) -> Result<T, Fault>,
    ) -> Result<T, InboxError> {
        let file = &self.0.file;
        let again = |fault: Fault| {
            warn!("the inbox file failed and is opened anew: {fault}");
            guarded(|| file.reopen(fault.check())).and_then(|()| guarded(|| work(file)))
        };
        guarded(|| work(file))
            .or_else(again)
            .map_err(|fault: Fault| InboxError::File {
                cause: fault.to_string(),
            })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes deliveries behind all others, for as many as there is room; returns for how many there was.
fn append(file: &RedbFile, all: &[Arc<Waiting>]) -> Result<usize, Fault> {
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
        let free = MOST_DELIVERIES.saturating_sub(deliveries.len()?);
        for (one, place) in all.iter().zip(0..free) {
            deliveries.insert(next + place, (one.header.as_slice(), one.body.as_ref()))?;
            room += 1;
        }
    }
    write.commit()?;
    Ok(room)
}

fn first(file: &RedbFile) -> Result<Option<(u64, Vec<u8>, Bytes)>, Fault> {
    let deliveries = file.begin_read()?.0.open_table(DELIVERIES)?;
    let first = deliveries.first()?.map(|(sequence, value)| {
        let (header, body) = value.value();
        (
            sequence.value(),
            header.to_owned(),
            Bytes::copy_from_slice(body),
        )
    });
    Ok(first)
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
mod tests {
    use super::*;

    fn delivery(body: &'static [u8]) -> Received {
        Received {
            site: "uk".parse().unwrap(),
            shop_domain: "example.myshopify.com".parse().unwrap(),
            topic: Topic::OrdersUpdated,
            triggered_at: None,
            received_at: DateTime::UNIX_EPOCH,
            body: Bytes::from_static(body),
        }
    }

    #[test]
    fn deliveries_come_back_in_order_and_survive_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let inbox = Inbox::open(dir.path(), DateTime::UNIX_EPOCH).unwrap();
        inbox.keep(&delivery(b"{\"id\":1}")).unwrap();
        inbox.keep(&delivery(b"\xff not utf-8")).unwrap();
        drop(inbox);
        let inbox = Inbox::open(dir.path(), DateTime::UNIX_EPOCH).unwrap();
        let (sequence, first) = inbox.oldest().unwrap().unwrap();
        assert_eq!(first, delivery(b"{\"id\":1}"));
        inbox.remove(sequence).unwrap();
        let (sequence, second) = inbox.oldest().unwrap().unwrap();
        assert_eq!(second, delivery(b"\xff not utf-8"));
        inbox.remove(sequence).unwrap();
        assert!(inbox.is_empty().unwrap());
    }

    /// Fifty a second while Redis is away, on a disk that syncs twenty times a second.
    #[test]
    fn deliveries_that_come_together_are_all_kept() {
        let dir = tempfile::tempdir().unwrap();
        let inbox = Inbox::open(dir.path(), DateTime::UNIX_EPOCH).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        inbox.keep(&delivery(b"{}")).unwrap();
                    }
                });
            }
        });
        assert_eq!(inbox.len().unwrap(), 320);
        assert!(lock(&inbox.0.waiting).is_empty());
    }

    #[test]
    fn a_foreign_file_is_moved_aside_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("inbox.redb"), "somebody's notes").unwrap();
        let inbox = Inbox::open(dir.path(), DateTime::UNIX_EPOCH).unwrap();
        inbox.keep(&delivery(b"{}")).unwrap();
        let kept = std::fs::read(dir.path().join("inbox.redb.unreadable-0")).unwrap();
        assert_eq!(kept, b"somebody's notes");
    }

    #[test]
    fn a_header_of_another_make_is_put_aside() {
        let dir = tempfile::tempdir().unwrap();
        let inbox = Inbox::open(dir.path(), DateTime::UNIX_EPOCH).unwrap();
        for header in [&b"{}"[..], b"\xff no text"] {
            let kept = inbox.write_with_others(header.to_vec(), Bytes::from_static(b"x"));
            assert_eq!(kept, Ok(true));
        }
        inbox.keep(&delivery(b"{}")).unwrap();
        assert_eq!(inbox.oldest().unwrap().unwrap().0, 2);
        assert_eq!(inbox.len().unwrap(), 1);
    }

    /// In place: the file that is open must be the one that is damaged.
    fn scribble(path: &Path) {
        let mut bytes = std::fs::read(path).unwrap();
        bytes[8192..].fill(0xA5);
        let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        std::io::Write::write_all(&mut file, &bytes).unwrap();
    }

    #[test]
    fn damage_costs_what_the_file_held_and_not_what_comes() {
        let dir = tempfile::tempdir().unwrap();
        let inbox = Inbox::open(dir.path(), DateTime::UNIX_EPOCH).unwrap();
        // More than redb keeps in memory.
        let large = Received {
            body: Bytes::from(vec![7; 400_000]),
            ..delivery(b"")
        };
        for _ in 0..20 {
            inbox.keep(&large).unwrap();
        }
        scribble(&dir.path().join("inbox.redb"));
        assert_eq!(inbox.oldest().unwrap(), None);
        inbox.keep(&delivery(b"{}")).unwrap();
        assert_eq!(inbox.oldest().unwrap().unwrap().1, delivery(b"{}"));
        assert!(dir.path().join("inbox.redb.unreadable-0").exists());
    }
}
