//! Values that expire, and the index by which the expired ones are swept out.

use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, Utc};
use redb::{ReadTransaction, ReadableTable as _, Table, TableDefinition, WriteTransaction};

use super::{Redb, left};

/// key → when it expires (epoch milliseconds), value.
pub(super) const ENTRIES: TableDefinition<'_, &str, (i64, &str)> = TableDefinition::new("entries");
/// `(when it expires, key)`. May hold times a key no longer has; they are checked before anything is removed.
pub(super) const EXPIRIES: TableDefinition<'_, (i64, &str), ()> = TableDefinition::new("expiries");

/// Values removed in one sweep, so that no writer waits long for it.
const SWEEP_STEP: usize = 1000;

/// A value and what is left of it.
type Value = (String, Duration);

/// The values as a writer sees them, its own writes included.
pub(super) struct Entries<'a> {
    values: Table<'a, &'static str, (i64, &'static str)>,
    expiries: Table<'a, (i64, &'static str), ()>,
    now: DateTime<Utc>,
}

impl<'a> Entries<'a> {
    pub(super) fn of(write: &'a WriteTransaction, now: DateTime<Utc>) -> Redb<Self> {
        Ok(Self {
            values: write.open_table(ENTRIES)?,
            expiries: write.open_table(EXPIRIES)?,
            now,
        })
    }

    pub(super) fn get(&self, key: &str) -> Redb<Option<Value>> {
        let entry = self.values.get(key)?;
        Ok(entry.and_then(|entry| live(entry.value(), self.now)))
    }

    pub(super) fn put(&mut self, key: &str, value: &str, ttl: Duration) -> Redb<()> {
        let expires_at = self
            .now
            .timestamp_millis()
            .saturating_add(i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX));
        let before = self
            .values
            .insert(key, (expires_at, value))?
            .map(|before| before.value().0);
        if before != Some(expires_at) {
            if let Some(before) = before {
                self.expiries.remove((before, key))?;
            }
            self.expiries.insert((expires_at, key), ())?;
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, key: &str) -> Redb<()> {
        let before = self.values.remove(key)?.map(|before| before.value().0);
        if let Some(before) = before {
            self.expiries.remove((before, key))?;
        }
        Ok(())
    }

    /// What `take` makes of the values whose keys begin so, expired ones included.
    pub(super) fn collect_in<T, C: Default + Extend<T>>(
        &self,
        beginning: &str,
        take: impl Fn(&str, &str) -> Option<T>,
    ) -> Redb<C> {
        let mut taken = C::default();
        for row in self
            .values
            .range(beginning..format!("{beginning}\u{10FFFF}").as_str())?
        {
            let (key, entry) = row?;
            taken.extend(take(key.value(), entry.value().1));
        }
        Ok(taken)
    }

    /// Removes these keys wherever they are named, in times they no longer have as well.
    pub(super) fn remove_all(&mut self, keys: &BTreeSet<String>) -> Redb<()> {
        for key in keys {
            self.values.remove(key.as_str())?;
        }
        Ok(self.expiries.retain(|(_, key), ()| !keys.contains(key))?)
    }

    /// Removes values that have expired, at most [`SWEEP_STEP`]; whether there may be more.
    pub(super) fn sweep(&mut self) -> Redb<bool> {
        let until = self.now.timestamp_millis();
        let expired: Vec<(i64, String)> = self
            .expiries
            .range(..=(until, "\u{10FFFF}"))?
            .take(SWEEP_STEP)
            .map(|row| row.map(|(key, _)| (key.value().0, key.value().1.to_owned())))
            .collect::<std::result::Result<_, _>>()?;
        for (expires_at, key) in &expired {
            let is_current = self
                .values
                .get(key.as_str())?
                .is_some_and(|entry| entry.value().0 == *expires_at);
            if is_current {
                self.values.remove(key.as_str())?;
            }
            self.expiries.remove((*expires_at, key.as_str()))?;
        }
        Ok(expired.len() == SWEEP_STEP)
    }
}

/// A value as a reader sees it.
pub(super) fn read(read: &ReadTransaction, key: &str, now: DateTime<Utc>) -> Redb<Option<Value>> {
    let entry = read.open_table(ENTRIES)?.get(key)?;
    Ok(entry.and_then(|entry| live(entry.value(), now)))
}

fn live((expires_at, value): (i64, &str), now: DateTime<Utc>) -> Option<Value> {
    let left = left(DateTime::from_timestamp_millis(expires_at)?, now)?;
    Some((value.to_owned(), left))
}
