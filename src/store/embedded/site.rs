//! What is kept for a site as a whole: its window, its marks, its history; and how all of it goes.

use chrono::{DateTime, Utc};
use redb::{ReadTransaction, ReadableTable as _, WriteTransaction};

use super::{ENTRIES, EmbeddedStore, Redb, Result, WINDOW, entries::EXPIRIES, refresh, warming};
use crate::{
    order::OrderId,
    site::SiteCode,
    store::{MOST_RECORDS, WATERMARK, keys::Keys},
};

/// `(site, name)` → a time that only moves on, epoch milliseconds.
pub(super) const MARKS: redb::TableDefinition<'_, (&str, &str), i64> =
    redb::TableDefinition::new("marks");
/// `(site, voice)` → until when it was heard, epoch milliseconds.
pub(super) const VOICES: redb::TableDefinition<'_, (&str, &str), i64> =
    redb::TableDefinition::new("voices");
/// `(site, sequence)` → a sweep's record.
pub(super) const RECORDS: redb::TableDefinition<'_, (&str, u64), &str> =
    redb::TableDefinition::new("records");

/// Orders of the window that are read at once.
const PAGE: usize = 1000;

/// The orders from an id on: id, when it was placed, when its tracking expires.
fn window_page(read: &ReadTransaction, site: &SiteCode, first: u64) -> Redb<Vec<(u64, i64, i64)>> {
    let table = read.open_table(WINDOW)?;
    let rows = table.range((site.as_str(), first)..=(site.as_str(), u64::MAX))?;
    rows.take(PAGE)
        .map(|row| {
            let (key, value) = row?;
            let ((_, id), (created_at, expires_at)) = (key.value(), value.value());
            Ok((id, created_at, expires_at))
        })
        .collect()
}

impl EmbeddedStore {
    /// Orders placed since, each with when its tracking expires (epoch milliseconds). Read by the page: reads run where lookups do,
    /// which must not wait for 200,000 orders to be counted.
    pub(in crate::store) async fn window(
        &self,
        site: &SiteCode,
        since: DateTime<Utc>,
    ) -> Result<Vec<(OrderId, i64)>> {
        let (mut window, mut next) = (Vec::new(), Some(0));
        while let Some(first) = next {
            let page = self.read(|read| window_page(read, site, first))?;
            next = page.last().and_then(|(id, ..)| id.checked_add(1));
            let placed = page
                .into_iter()
                .filter(|(_, created_at, _)| *created_at >= since.timestamp_millis());
            window.extend(
                placed.filter_map(|(id, _, expires_at)| Some((OrderId::new(id)?, expires_at))),
            );
            tokio::task::yield_now().await;
        }
        Ok(window)
    }

    pub(in crate::store) fn mark(&self, site: &SiteCode, name: &str) -> Result<Option<i64>> {
        self.read(|read| {
            Ok(read
                .open_table(MARKS)?
                .get((site.as_str(), name))?
                .map(|millis| millis.value()))
        })
    }

    pub(in crate::store) async fn raise_mark(
        &self,
        site: &SiteCode,
        name: &'static str,
        millis: i64,
    ) -> Result<()> {
        let site = site.clone();
        self.write(None, move |write| {
            let mut table = write.open_table(MARKS)?;
            let key = (site.as_str(), name);
            let known = table.get(key)?.map(|millis| millis.value());
            if known.is_none_or(|known| known < millis) {
                table.insert(key, millis)?;
            }
            Ok(())
        })
        .await
    }

    pub(in crate::store) fn voices(&self, site: &SiteCode) -> Result<Vec<(String, i64)>> {
        self.read(|read| {
            let table = read.open_table(VOICES)?;
            let of_the_site = (site.as_str(), "")..=(site.as_str(), "\u{10FFFF}");
            let mut voices = Vec::new();
            for row in table.range(of_the_site)? {
                let (key, millis) = row?;
                voices.push((key.value().1.to_owned(), millis.value()));
            }
            Ok(voices)
        })
    }

    pub(in crate::store) async fn note_voice(
        &self,
        site: &SiteCode,
        voice: &str,
        millis: i64,
    ) -> Result<()> {
        let (site, voice) = (site.clone(), voice.to_owned());
        self.write(None, move |write| {
            let mut table = write.open_table(VOICES)?;
            let key = (site.as_str(), voice.as_str());
            let known = table.get(key)?.map(|millis| millis.value());
            if known.is_none_or(|known| known < millis) {
                table.insert(key, millis)?;
            }
            Ok(())
        })
        .await
    }

    pub(in crate::store) async fn push_record(&self, site: &SiteCode, record: &str) -> Result<()> {
        let (site, record) = (site.clone(), record.to_owned());
        self.write(None, move |write| keep_record(write, &site, &record))
            .await
    }

    pub(in crate::store) fn records(&self, site: &SiteCode, limit: usize) -> Result<Vec<String>> {
        self.read(|read| {
            let table = read.open_table(RECORDS)?;
            let newest_first = table
                .range((site.as_str(), 0)..=(site.as_str(), u64::MAX))?
                .rev()
                .take(limit);
            newest_first
                .map(|row| Ok(row?.1.value().to_owned()))
                .collect()
        })
    }

    pub(in crate::store) async fn purge_site(&self, site: &SiteCode) -> Result<u64> {
        let (keys, site) = (self.keys.clone(), site.clone());
        self.write(None, move |write| {
            let mut gone = 0;
            for beginning in keys.beginnings(&site) {
                let mut table = write.open_table(ENTRIES)?;
                table.retain_in(
                    beginning.as_str()..format!("{beginning}\u{10FFFF}").as_str(),
                    |key, _| {
                        // A late redelivery must not bring a deleted order back.
                        let stays = Keys::is_tombstone(key);
                        gone += u64::from(!stays);
                        stays
                    },
                )?;
            }
            // Times a key no longer has may lie here longer than the key, and a key names an order's number.
            let beginnings = keys.beginnings(&site);
            write.open_table(EXPIRIES)?.retain(|(_, key), ()| {
                Keys::is_tombstone(key)
                    || !beginnings
                        .iter()
                        .any(|beginning| key.starts_with(beginning))
            })?;
            let all = || (site.as_str(), 0)..=(site.as_str(), u64::MAX);
            write.open_table(WINDOW)?.retain_in(all(), |_, _| false)?;
            write
                .open_table(refresh::REFRESHES)?
                .retain_in(all(), |_, _| false)?;
            write
                .open_table(warming::DEAD)?
                .retain_in(all(), |_, _| false)?;
            write
                .open_table(MARKS)?
                .remove((site.as_str(), WATERMARK))?;
            Ok(gone)
        })
        .await
    }
}

/// Adds a sweep's record; the oldest beyond [`MOST_RECORDS`] goes.
pub(super) fn keep_record(write: &WriteTransaction, site: &SiteCode, record: &str) -> Redb<()> {
    let mut table = write.open_table(RECORDS)?;
    let all = (site.as_str(), 0)..=(site.as_str(), u64::MAX);
    let last = table
        .range(all)?
        .next_back()
        .transpose()?
        .map(|(key, _)| key.value().1);
    let next = last.map_or(0, |last| last + 1);
    table.insert((site.as_str(), next), record)?;
    let too_old = next.saturating_sub(u64::try_from(MOST_RECORDS).unwrap_or(u64::MAX) - 1);
    table.retain_in((site.as_str(), 0)..(site.as_str(), too_old), |_, _| false)?;
    Ok(())
}
