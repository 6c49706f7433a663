//! The warmer's own state in the file. The lease is not in it: the file has one process, and a lease that outlived it would only
//! keep the next one waiting.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use redb::{ReadableTable as _, TableDefinition, WriteTransaction};
use tokio::time::Instant;

use super::{EmbeddedStore, Redb, Result, site::keep_record};
use crate::{
    order::OrderId,
    site::SiteCode,
    store::{Asked, Change, DeadLetter, Fence, Memory, StoreError, Warming, WarmingChange},
};

/// `(site, name)` → one of the warmer's texts.
pub(super) const WARMING: TableDefinition<'_, (&str, &str), &str> = TableDefinition::new("warming");
/// `(site, order)` → a dead letter.
pub(super) const DEAD: TableDefinition<'_, (&str, u64), &str> = TableDefinition::new("dead");

/// Who warms which site.
#[derive(Debug, Clone, Default)]
pub(super) struct Leases(
    /// Held for a look, never across an await.
    Arc<Mutex<HashMap<SiteCode, Lease>>>,
);

#[derive(Debug)]
struct Lease {
    holder: String,
    number: u64,
    until: Instant,
}

impl Leases {
    fn lock(&self) -> MutexGuard<'_, HashMap<SiteCode, Lease>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, site: &SiteCode, holder: &str, ttl: Duration) -> Option<Fence> {
        let (mut leases, now) = (self.lock(), Instant::now());
        let number = match leases.get(site) {
            Some(lease) if lease.until <= now => lease.number + 1,
            Some(lease) if lease.holder == holder => lease.number,
            Some(_somebody_elses) => return None,
            None => 1,
        };
        let lease = Lease {
            holder: holder.to_owned(),
            number,
            until: now + ttl,
        };
        leases.insert(site.clone(), lease);
        Some(Fence(number))
    }

    fn release(&self, site: &SiteCode, fence: Fence) {
        if let Some(lease) = self.lock().get_mut(site)
            && lease.number == fence.0
        {
            lease.until = Instant::now();
        }
    }

    fn check(&self, site: &SiteCode, fence: Fence) -> Result<()> {
        let leases = self.lock();
        let holds = leases
            .get(site)
            .is_some_and(|lease| lease.number == fence.0 && lease.until > Instant::now());
        if holds {
            Ok(())
        } else {
            Err(StoreError::Fenced)
        }
    }
}

impl EmbeddedStore {
    pub(in crate::store) fn take_lease(
        &self,
        site: &SiteCode,
        holder: &str,
        ttl: Duration,
    ) -> Option<Fence> {
        self.leases.take(site, holder, ttl)
    }

    pub(in crate::store) fn release_lease(&self, site: &SiteCode, fence: Fence) {
        self.leases.release(site, fence);
    }

    pub(in crate::store) fn warming(&self, site: &SiteCode) -> Result<Warming> {
        self.read(|read| {
            let table = read.open_table(WARMING)?;
            let mut texts = [const { None }; 6];
            for (text, name) in texts.iter_mut().zip(Warming::FIELDS) {
                *text = table
                    .get((site.as_str(), name))?
                    .map(|held| held.value().to_owned());
            }
            Ok(Warming::of(texts))
        })
    }

    pub(in crate::store) async fn write_warming(
        &self,
        site: &SiteCode,
        fence: Fence,
        change: &WarmingChange,
    ) -> Result<()> {
        self.leases.check(site, fence)?;
        let (site, fields, records) = (site.clone(), change.fields(), change.records.clone());
        self.write(None, move |write| {
            let mut table = write.open_table(WARMING)?;
            for (name, change) in &fields {
                let key = (site.as_str(), *name);
                match change {
                    Change::Keep => {}
                    Change::Set(text) => {
                        table.insert(key, text.as_str())?;
                    }
                    Change::Clear => {
                        table.remove(key)?;
                    }
                }
            }
            for record in &records {
                keep_record(write, &site, record)?;
            }
            Ok(())
        })
        .await
    }

    pub(in crate::store) async fn ask_sweep(&self, site: &SiteCode, wish: &str) -> Result<Asked> {
        let (site, wish) = (site.clone(), wish.to_owned());
        self.write(None, move |write| {
            let mut table = write.open_table(WARMING)?;
            for name in ["sweep", "wish"] {
                if let Some(busy) = table.get((site.as_str(), name))? {
                    return Ok(Asked::Busy(busy.value().to_owned()));
                }
            }
            table.insert((site.as_str(), "wish"), wish.as_str())?;
            Ok(Asked::Taken)
        })
        .await
    }

    pub(in crate::store) async fn withdraw_sweep(&self, site: &SiteCode, wish: &str) -> Result<()> {
        let (site, wish) = (site.clone(), wish.to_owned());
        self.write(None, move |write| {
            let mut table = write.open_table(WARMING)?;
            let key = (site.as_str(), "wish");
            let is_this = table.get(key)?.is_some_and(|held| held.value() == wish);
            if is_this {
                table.remove(key)?;
            }
            Ok(())
        })
        .await
    }

    pub(in crate::store) async fn stop_sweep(&self, site: &SiteCode, task: &str) -> Result<()> {
        let (site, task) = (site.clone(), task.to_owned());
        self.write(None, move |write| {
            let mut table = write.open_table(WARMING)?;
            table.insert((site.as_str(), "stop"), task.as_str())?;
            Ok(())
        })
        .await
    }

    pub(in crate::store) fn dead_letters(&self, site: &SiteCode) -> Result<Vec<DeadLetter>> {
        self.read(|read| {
            let table = read.open_table(DEAD)?;
            let mut letters = Vec::new();
            for row in table.range((site.as_str(), 0)..=(site.as_str(), u64::MAX))? {
                letters.extend(serde_json::from_str::<DeadLetter>(row?.1.value()).ok());
            }
            Ok(letters)
        })
    }

    /// What the file takes on disk. It has no limit of its own.
    pub(in crate::store) fn memory(&self) -> Result<Memory> {
        let used = self
            .file
            .length()
            .map_err(|error| StoreError::Unavailable {
                cause: format!("the cache file: {error}"),
            })?;
        Ok(Memory {
            used,
            ..Memory::default()
        })
    }
}

/// Takes an order out of the dead letters.
pub(super) fn drop_dead_letter(write: &WriteTransaction, site: &SiteCode, id: OrderId) -> Redb<()> {
    write.open_table(DEAD)?.remove((site.as_str(), id.get()))?;
    Ok(())
}
