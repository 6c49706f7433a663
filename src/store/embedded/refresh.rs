//! The refresh set in the file: one row an order.

use chrono::{DateTime, Utc};
use redb::{ReadableTable as _, ReadableTableMetadata as _, TableDefinition};

use super::{EmbeddedStore, Result};
use crate::{
    order::OrderId,
    site::SiteCode,
    store::{MOST_REFRESHES, RefreshAsk, RefreshEntry, Settled, StoreError},
};

/// `(site, order)` → when it is due, what it wants (-1 for anything; both epoch milliseconds), attempts.
pub(super) const REFRESHES: TableDefinition<'_, (&str, u64), (i64, i64, u32)> =
    TableDefinition::new("refreshes");

impl EmbeddedStore {
    pub(in crate::store) async fn ask_refresh(
        &self,
        site: &SiteCode,
        asks: &[RefreshAsk],
    ) -> Result<()> {
        let (site, asks) = (site.clone(), asks.to_vec());
        let taken = self
            .write(DateTime::UNIX_EPOCH, move |write| {
                let mut table = write.open_table(REFRESHES)?;
                for ask in asks {
                    let key = (site.as_str(), ask.order.get());
                    let (due, wanted) = (ask.due_at.timestamp_millis(), spell(ask.wanted));
                    let held = table.get(key)?.map(|held| held.value());
                    let row = match held {
                        None if table.len()? >= MOST_REFRESHES => return Ok(false),
                        None => (due, wanted, 0),
                        Some((was_due, was, attempts)) if was >= wanted => {
                            (was_due.min(due), was, attempts)
                        }
                        Some((was_due, _, _)) => (was_due.min(due), wanted, 0),
                    };
                    table.insert(key, row)?;
                }
                Ok(true)
            })
            .await?;
        if taken { Ok(()) } else { Err(StoreError::Full) }
    }

    pub(in crate::store) async fn refreshes_due(
        &self,
        site: &SiteCode,
        now: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<RefreshEntry>> {
        let mut due = self.read(|read| {
            let table = read.open_table(REFRESHES)?;
            let mut due = Vec::new();
            for row in table.range((site.as_str(), 0)..=(site.as_str(), u64::MAX))? {
                let (key, value) = row?;
                due.extend(entry(key.value().1, value.value()).filter(|entry| entry.due_at <= now));
            }
            Ok(due)
        })?;
        due.sort_unstable_by_key(|entry| (entry.due_at, entry.order));
        due.truncate(limit);
        Ok(due)
    }

    pub(in crate::store) async fn settle_refresh(
        &self,
        site: &SiteCode,
        entry: &RefreshEntry,
        settled: Settled,
    ) -> Result<()> {
        let (site, entry) = (site.clone(), *entry);
        self.write(DateTime::UNIX_EPOCH, move |write| {
            let mut table = write.open_table(REFRESHES)?;
            let key = (site.as_str(), entry.order.get());
            let Some((_, wanted, attempts)) = table.get(key)?.map(|held| held.value()) else {
                return Ok(());
            };
            if wanted != spell(entry.wanted) {
                return Ok(());
            }
            match settled {
                Settled::Done => {
                    table.remove(key)?;
                }
                Settled::Again { due_at } => {
                    table.insert(key, (due_at.timestamp_millis(), wanted, attempts + 1))?;
                }
            }
            Ok(())
        })
        .await
    }

    pub(in crate::store) async fn refresh_len(&self, site: &SiteCode) -> Result<u64> {
        self.read(|read| {
            let waiting = read
                .open_table(REFRESHES)?
                .range((site.as_str(), 0)..=(site.as_str(), u64::MAX))?
                .count();
            Ok(u64::try_from(waiting).unwrap_or(u64::MAX))
        })
    }
}

/// A want in milliseconds; -1 for none.
fn spell(wanted: Option<DateTime<Utc>>) -> i64 {
    wanted.map_or(-1, |wanted| wanted.timestamp_millis())
}

fn entry(id: u64, (due, wanted, attempts): (i64, i64, u32)) -> Option<RefreshEntry> {
    Some(RefreshEntry {
        order: OrderId::new(id)?,
        wanted: if wanted < 0 {
            None
        } else {
            DateTime::from_timestamp_millis(wanted)
        },
        due_at: DateTime::from_timestamp_millis(due)?,
        attempts,
    })
}
