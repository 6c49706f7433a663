//! The refresh set in the file: one row an order.

use chrono::{DateTime, Utc};
use redb::{ReadableTable, ReadableTableMetadata as _, TableDefinition, WriteTransaction};

use super::{
    EmbeddedStore, Redb, Result,
    warming::{DEAD, drop_dead_letter},
};
use crate::{
    order::OrderId,
    site::SiteCode,
    store::{
        DeadLetter, MOST_DEAD_LETTERS, MOST_REFRESHES, Needs, RefreshAsk, RefreshEntry, Settled,
        StoreError,
    },
};

/// When it is due, what it wants (-1 for anything; both epoch milliseconds), attempts, whether only a read will do, how often it
/// was asked for.
type Row = (i64, i64, u32, bool, u64);

/// `(site, order)` → what is asked of it.
pub(super) const REFRESHES: TableDefinition<'_, (&str, u64), Row> =
    TableDefinition::new("refreshes");

impl EmbeddedStore {
    pub(in crate::store) async fn ask_refresh(
        &self,
        site: &SiteCode,
        asks: &[RefreshAsk],
    ) -> Result<()> {
        let (site, asks) = (site.clone(), asks.to_vec());
        let taken = self
            .write(None, move |write| {
                let mut table = write.open_table(REFRESHES)?;
                for ask in asks {
                    let key = (site.as_str(), ask.order.get());
                    let held = table.get(key)?.map(|held| held.value());
                    // Counting one site's rows takes a while, so it is left for when there are many of all sites together.
                    if held.is_none()
                        && table.len()? >= MOST_REFRESHES
                        && waiting(&table, &site)? >= MOST_REFRESHES
                    {
                        return Ok(false);
                    }
                    let row = coalesce(held, &ask);
                    table.insert(key, row)?;
                }
                Ok(true)
            })
            .await?;
        if taken { Ok(()) } else { Err(StoreError::Full) }
    }

    pub(in crate::store) fn refreshes_due(
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
        self.write(None, move |write| {
            let mut table = write.open_table(REFRESHES)?;
            let key = (site.as_str(), entry.order.get());
            let Some((_, wanted, attempts, read, asked)) = table.get(key)?.map(|held| held.value())
            else {
                return Ok(());
            };
            if asked != entry.asked {
                return Ok(());
            }
            match settled {
                Settled::Done => {
                    table.remove(key)?;
                    drop_dead_letter(write, &site, entry.order)?;
                }
                Settled::Dead(letter) => {
                    table.remove(key)?;
                    bury(write, &site, &letter)?;
                }
                Settled::Again { due_at } => {
                    table.insert(
                        key,
                        (due_at.timestamp_millis(), wanted, attempts + 1, read, asked),
                    )?;
                }
            }
            Ok(())
        })
        .await
    }

    pub(in crate::store) fn refresh_len(&self, site: &SiteCode) -> Result<u64> {
        self.read(|read| waiting(&read.open_table(REFRESHES)?, site))
    }
}

fn bury(write: &WriteTransaction, site: &SiteCode, letter: &DeadLetter) -> Redb<()> {
    let mut table = write.open_table(DEAD)?;
    let all = (site.as_str(), 0)..=(site.as_str(), u64::MAX);
    if table.range(all)?.count() < MOST_DEAD_LETTERS {
        let text = serde_json::to_string(letter).unwrap_or_default();
        table.insert((site.as_str(), letter.order.get()), text.as_str())?;
    }
    Ok(())
}

fn waiting(
    table: &impl ReadableTable<(&'static str, u64), Row>,
    site: &SiteCode,
) -> super::Redb<u64> {
    let rows = table.range((site.as_str(), 0)..=(site.as_str(), u64::MAX))?;
    Ok(u64::try_from(rows.count()).unwrap_or(u64::MAX))
}

/// The newest want, the greater need, the earliest time; a newer want starts the count of attempts anew.
fn coalesce(held: Option<Row>, ask: &RefreshAsk) -> Row {
    let due = ask.due_at.timestamp_millis();
    let (wanted, read) = (spell(ask.wanted), ask.needs == Needs::Read);
    let Some((was_due, was, attempts, was_read, asked)) = held else {
        return (due, wanted, 0, read, 1);
    };
    let attempts = if was >= wanted { attempts } else { 0 };
    (
        was_due.min(due),
        was.max(wanted),
        attempts,
        was_read || read,
        asked + 1,
    )
}

/// A want in milliseconds; -1 for none.
fn spell(wanted: Option<DateTime<Utc>>) -> i64 {
    wanted.map_or(-1, |wanted| wanted.timestamp_millis())
}

fn entry(id: u64, (due, wanted, attempts, read, asked): Row) -> Option<RefreshEntry> {
    Some(RefreshEntry {
        order: OrderId::new(id)?,
        wanted: if wanted < 0 {
            None
        } else {
            DateTime::from_timestamp_millis(wanted)
        },
        needs: if read { Needs::Read } else { Needs::WholeOrder },
        due_at: DateTime::from_timestamp_millis(due)?,
        attempts,
        asked,
    })
}
