//! Deliveries that the store could not take: kept on the local disk, synced before they are acknowledged, and applied once the
//! store is back.
//!
//! A file of redb's rather than a format of our own: a torn write or a `kill -9` must not cost an acknowledged delivery.

use std::{borrow::Cow, path::Path, sync::Arc};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use redb::{
    Database, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _,
    TableDefinition,
};
use serde::{Deserialize, Serialize};
use shopify_webhooks::{ShopDomain, Topic};
use thiserror::Error;
use tracing::error;

use crate::{
    redb_file::{self, OpenError},
    site::SiteCode,
    warm::Received,
};

/// Header (JSON) and body, in the order they came.
const DELIVERIES: TableDefinition<'_, u64, (&str, &[u8])> = TableDefinition::new("deliveries");
/// What could not be read back, for a person to look at.
const UNREADABLE: TableDefinition<'_, u64, (&str, &[u8])> = TableDefinition::new("unreadable");

/// More than a busy shop sends in a day; beyond it Shopify's own retries (8 in 4 h) are the better memory.
const MOST_DELIVERIES: u64 = 100_000;

/// The inbox. Cheap to clone. Its calls block for a disk sync: run them off the async threads.
#[derive(Debug, Clone)]
pub struct Inbox(Arc<Database>);

/// Why the inbox cannot keep a delivery.
#[derive(Debug, Error)]
pub enum InboxError {
    /// The file.
    #[error("the inbox file cannot be used")]
    File(#[source] Box<redb::Error>),
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

impl<E: Into<redb::Error>> From<E> for InboxError {
    fn from(error: E) -> Self {
        Self::File(Box::new(error.into()))
    }
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
        let opened =
            redb_file::open(dir, "inbox.redb", make_tables, now).map_err(InboxError::Open)?;
        if let Some((aside, cause)) = opened.set_aside {
            error!(
                file = %aside.display(), cause,
                "the inbox file could not be read and was moved aside: deliveries in it are missing until the next sweep"
            );
        }
        Ok(Self(Arc::new(opened.database)))
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
        let header = serde_json::to_string(&header).map_err(InboxError::Unwritable)?;
        let write = self.0.begin_write()?;
        {
            let mut deliveries = write.open_table(DELIVERIES)?;
            if deliveries.len()? >= MOST_DELIVERIES {
                return Err(InboxError::Full);
            }
            let put_aside = write
                .open_table(UNREADABLE)?
                .last()?
                .map(|(sequence, _)| sequence.value());
            let last = deliveries
                .last()?
                .map(|(sequence, _)| sequence.value())
                .max(put_aside);
            let next = last.map_or(0, |last| last + 1);
            deliveries.insert(next, (header.as_str(), &delivery.body[..]))?;
        }
        write.commit()?;
        Ok(())
    }

    /// The oldest delivery and its place. One that cannot be read back is put aside first.
    pub fn oldest(&self) -> Result<Option<(u64, Received)>, InboxError> {
        loop {
            let (sequence, read) = {
                let deliveries = self.0.begin_read()?.open_table(DELIVERIES)?;
                let Some((sequence, value)) = deliveries.first()? else {
                    return Ok(None);
                };
                let (header, body) = value.value();
                (sequence.value(), read(header, body))
            };
            match read {
                Some(delivery) => return Ok(Some((sequence, delivery))),
                None => self.put_aside(sequence)?,
            }
        }
    }

    /// Forgets a delivery that has been applied.
    pub fn remove(&self, sequence: u64) -> Result<(), InboxError> {
        let write = self.0.begin_write()?;
        write.open_table(DELIVERIES)?.remove(sequence)?;
        write.commit()?;
        Ok(())
    }

    /// How many wait.
    pub fn len(&self) -> Result<u64, InboxError> {
        Ok(self.0.begin_read()?.open_table(DELIVERIES)?.len()?)
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> Result<bool, InboxError> {
        Ok(self.len()? == 0)
    }

    fn put_aside(&self, sequence: u64) -> Result<(), InboxError> {
        error!(
            inbox.sequence = sequence,
            "a delivery in the inbox cannot be read back and was put aside"
        );
        let write = self.0.begin_write()?;
        {
            let mut deliveries = write.open_table(DELIVERIES)?;
            let mut unreadable = write.open_table(UNREADABLE)?;
            if let Some(value) = deliveries.remove(sequence)? {
                unreadable.insert(sequence, value.value())?;
            }
        }
        write.commit()?;
        Ok(())
    }
}

fn make_tables(database: &mut Database) -> Result<(), redb::Error> {
    let write = database.begin_write()?;
    write.open_table(DELIVERIES)?;
    write.open_table(UNREADABLE)?;
    write.commit()?;
    Ok(())
}

fn read(header: &str, body: &[u8]) -> Option<Received> {
    let header: Header<'_> = serde_json::from_str(header).ok()?;
    Some(Received {
        site: header.site,
        shop_domain: header.shop_domain,
        topic: Topic::parse(&header.topic),
        triggered_at: header.triggered_at,
        received_at: header.received_at,
        body: Bytes::copy_from_slice(body),
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
        let write = inbox.0.begin_write().unwrap();
        write
            .open_table(DELIVERIES)
            .unwrap()
            .insert(0, ("{}", &b"x"[..]))
            .unwrap();
        write.commit().unwrap();
        inbox.keep(&delivery(b"{}")).unwrap();
        assert_eq!(inbox.oldest().unwrap().unwrap().0, 1);
        assert_eq!(inbox.len().unwrap(), 1);
    }
}
