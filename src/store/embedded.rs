//! The cache in a file of our own (redb): on disk, one writer, nothing acknowledged before it is synced.

mod customer;
mod entries;
mod file;
mod redaction;
mod refresh;
mod site;
mod warming;
mod writer;

use std::{path::Path, sync::Arc};

use chrono::{DateTime, Utc};
use redb::{ReadTransaction, WriteTransaction};

use self::{
    entries::{ENTRIES, Entries},
    warming::Leases,
    writer::Writer,
};
use super::{
    CustomerKeys, Entry, Found, LONGEST_WINDOW, Merged, StoreError, StoreSettings, TOMBSTONE_TTL,
    Ttls, Wanted,
    customer::{CustomerNews, customer_of},
    decision::{Index, Known, Step, decide, left, number_of},
    keys::Keys,
    redaction::Claim,
    stored,
};
use crate::{
    order::{OrderId, OrderNumber, OrderState},
    redb_file::{RedbFile, guarded},
    site::SiteCode,
};

/// `(site, order)` → when it was placed, when its tracking expires; epoch milliseconds.
const WINDOW: redb::TableDefinition<'_, (&str, u64), (i64, i64)> =
    redb::TableDefinition::new("window");
/// What redb and its threads can fail with.
type Result<T> = std::result::Result<T, StoreError>;
type Redb<T> = std::result::Result<T, redb::Error>;

/// An embedded store. Cheap to clone; clones share the file.
#[derive(Debug, Clone)]
pub struct EmbeddedStore {
    file: Arc<RedbFile>,
    writer: Writer,
    leases: Leases,
    keys: Keys,
    ttls: Ttls,
    customers: CustomerKeys,
}

impl EmbeddedStore {
    pub(super) fn open(dir: &Path, settings: StoreSettings) -> Result<Self> {
        let file = Arc::new(file::open(dir, settings.clock.now())?);
        let writer = Writer::start(Arc::clone(&file), settings.clock)?;
        Ok(Self {
            file,
            writer,
            leases: Leases::default(),
            keys: Keys::new(settings.prefix),
            ttls: settings.ttls,
            customers: settings.customers,
        })
    }

    pub(super) fn customers(&self) -> &CustomerKeys {
        &self.customers
    }

    pub(super) fn ttls(&self) -> Ttls {
        self.ttls
    }

    /// Whether it can be read and written.
    pub(super) async fn ping(&self) -> Result<()> {
        self.read(|_| Ok(()))?;
        self.writer.ping().await
    }

    pub(super) async fn close(&self) {
        self.writer.close().await;
    }

    pub(super) async fn merge(
        &self,
        site: &SiteCode,
        news: OrderState,
        now: DateTime<Utc>,
    ) -> Result<Merged> {
        let (keys, ttls, site) = (self.keys.clone(), self.ttls, site.clone());
        let customers = self.customers.clone();
        // One writer: nobody can come between the read and the write.
        self.write(Some(now), move |write| {
            let mut entries = Entries::of(write, now)?;
            let id = news.id();
            let known = known(&entries, (&keys, &site), &news)?;
            let was = known.customer();
            let decision = decide(&site, known, news, now, &ttls);
            let lists = decision.customer_news(was, now);
            let place = Place {
                keys: &keys,
                site: &site,
                id,
            };
            match decision.step {
                // An order and what leads to it are written in one transaction here, so neither can lack the other.
                Step::Keep | Step::Index(_) => {}
                Step::Put {
                    order_json,
                    tracking_json,
                    index,
                } => {
                    entries.put(&keys.order(&site, id), &order_json, index.order_left)?;
                    match index.tracking_left {
                        Some(tracking_left) => {
                            entries.put(
                                &keys.tracking(&site, id),
                                &tracking_json,
                                tracking_left,
                            )?;
                        }
                        None => entries.remove(&keys.tracking(&site, id))?,
                    }
                    entries.remove(&keys.absent(&site, id))?;
                    place.index(write, &mut entries, &index)?;
                }
                Step::Bury { number } => {
                    entries.put(&keys.tombstone(&site, id), "1", TOMBSTONE_TTL)?;
                    place.clear(write, &mut entries, number.as_ref())?;
                    write
                        .open_table(refresh::REFRESHES)?
                        .remove((site.as_str(), id.get()))?;
                    warming::drop_dead_letter(write, &site, id)?;
                }
            }
            place.note_customer(&mut entries, &customers, &lists)?;
            Ok(decision.merged)
        })
        .await
    }

    pub(super) fn order(&self, site: &SiteCode, id: OrderId, now: DateTime<Utc>) -> Result<Found> {
        self.read(|read| self.read_order(read, site, id, now))
    }

    pub(super) fn find(
        &self,
        site: &SiteCode,
        number: &OrderNumber,
        now: DateTime<Utc>,
    ) -> Result<Found> {
        self.read(|read| {
            let Some((way, _)) = entries::read(read, &self.keys.search(site, number), now)? else {
                return Ok(Found::Unknown);
            };
            if way == "-" {
                return Ok(Found::Absent);
            }
            let Ok(id) = way.parse() else {
                return Ok(Found::Unknown);
            };
            Ok(super::if_numbered(
                self.read_order(read, site, id, now)?,
                number,
            ))
        })
    }

    fn read_order(
        &self,
        read: &ReadTransaction,
        site: &SiteCode,
        id: OrderId,
        now: DateTime<Utc>,
    ) -> Redb<Found> {
        let stored = entries::read(read, &self.keys.order(site, id), now)?;
        if let Some((order, order_ttl)) =
            stored.and_then(|(value, left)| Some((stored::decode(&value)?, left)))
        {
            let tracking_ttl =
                entries::read(read, &self.keys.tracking(site, id), now)?.map(|(_, left)| left);
            return Ok(Found::Order(Box::new(Entry {
                order,
                order_ttl,
                tracking_ttl,
            })));
        }
        for key in [self.keys.tombstone(site, id), self.keys.absent(site, id)] {
            if entries::read(read, &key, now)?.is_some() {
                return Ok(Found::Absent);
            }
        }
        Ok(Found::Unknown)
    }

    pub(super) async fn remember_absent(
        &self,
        site: &SiteCode,
        wanted: &Wanted,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let (keys, site, wanted) = (self.keys.clone(), site.clone(), wanted.clone());
        let not_found = self.ttls.not_found;
        self.write(Some(now), move |write| {
            let mut entries = Entries::of(write, now)?;
            let (key, leads_somewhere) = match &wanted {
                Wanted::Number(number) => {
                    let key = keys.search(&site, number);
                    let leads = leads_to_its_order(&entries, &keys, &site, number)?;
                    (key, leads)
                }
                Wanted::Id(id) => (keys.absent(&site, *id), false),
            };
            if !leads_somewhere && entries.get(&key)?.is_none_or(|(way, _)| way != "-") {
                entries.put(&key, "-", not_found)?;
            }
            Ok(())
        })
        .await
    }

    pub(super) async fn forget(
        &self,
        site: &SiteCode,
        id: OrderId,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let (keys, site, not_found) = (self.keys.clone(), site.clone(), self.ttls.not_found);
        let customers = self.customers.clone();
        self.write(Some(now), move |write| {
            let mut entries = Entries::of(write, now)?;
            let stored = entries.get(&keys.order(&site, id))?;
            let order = stored.and_then(|(value, _)| stored::decode(&value));
            let number = order.as_ref().and_then(number_of);
            let place = Place {
                keys: &keys,
                site: &site,
                id,
            };
            place.clear(write, &mut entries, number.as_ref())?;
            let news = CustomerNews::gone(order.as_ref().and_then(customer_of));
            place.note_customer(&mut entries, &customers, &news)?;
            entries.put(&keys.absent(&site, id), "-", not_found)
        })
        .await
    }

    /// Reads in place: a few microseconds out of redb's cache, less than handing the work to another thread would cost. What is being
    /// read as the file is written anew, or opened again, fails; it is read once more from the file that took its place.
    fn read<T>(&self, work: impl Fn(&ReadTransaction) -> Redb<T>) -> Result<T> {
        loop {
            let mut generation = self.file.generation();
            let read = guarded(|| {
                let (read, of) = self.file.begin_read()?;
                generation = Some(of);
                Ok(work(&read)?)
            });
            let fault = match read {
                Ok(value) => return Ok(value),
                Err(fault) => fault,
            };
            if self
                .file
                .generation()
                .is_some_and(|now| Some(now) != generation)
            {
                continue;
            }
            if let Some(generation) = generation {
                self.writer.note_failed_read(generation, fault.check());
            }
            return Err(StoreError::from(&fault));
        }
    }

    async fn write<T: Send + 'static>(
        &self,
        now: Option<DateTime<Utc>>,
        work: impl FnOnce(&WriteTransaction) -> Redb<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.run(now, work).await
    }
}

/// What is cached of the order that the news is about. What is refused counts as deleted.
fn known(
    entries: &Entries<'_>,
    (keys, site): (&Keys, &SiteCode),
    news: &OrderState,
) -> Redb<Known> {
    if entries.get(&keys.tombstone(site, news.id()))?.is_some() {
        return Ok(Known::Tombstone);
    }
    if let Some(claim) = Claim::of(site, news) {
        let memory = redaction::memory_of(entries, keys, site, &claim)?;
        if claim.is_refused(&memory) {
            return Ok(Known::Tombstone);
        }
    }
    let stored = entries.get(&keys.order(site, news.id()))?;
    let order = stored.and_then(|(value, _)| stored::decode(&value));
    Ok(order.map_or(Known::Nothing, |order| Known::Order(Box::new(order))))
}

/// Whether a number leads to an order that has it. One that has led to an order, and does not any more, must not hide for two days
/// that there is nothing.
fn leads_to_its_order(
    entries: &Entries<'_>,
    keys: &Keys,
    site: &SiteCode,
    number: &OrderNumber,
) -> Redb<bool> {
    let Some((way, _)) = entries.get(&keys.search(site, number))? else {
        return Ok(false);
    };
    let Ok(id) = way.parse() else {
        return Ok(false);
    };
    let stored = entries.get(&keys.order(site, id))?;
    let order = stored.and_then(|(value, _)| stored::decode(&value));
    Ok(order.and_then(|order| number_of(&order)).as_ref() == Some(number))
}

/// One order's places in the file.
struct Place<'a> {
    keys: &'a Keys,
    site: &'a SiteCode,
    id: OrderId,
}

impl Place<'_> {
    fn index(
        &self,
        write: &WriteTransaction,
        entries: &mut Entries<'_>,
        index: &Index,
    ) -> Redb<()> {
        if let (Some(number), Some(search_left)) = (&index.number, index.search_left) {
            entries.put(
                &self.keys.search(self.site, number),
                &self.id.to_string(),
                search_left,
            )?;
        }
        let times = (
            index.created_at.timestamp_millis(),
            index.tracking_expires_at.timestamp_millis(),
        );
        write
            .open_table(WINDOW)?
            .insert((self.site.as_str(), self.id.get()), times)?;
        Ok(())
    }

    /// Removes the order and what leads to it.
    fn clear(
        &self,
        write: &WriteTransaction,
        entries: &mut Entries<'_>,
        number: Option<&OrderNumber>,
    ) -> Redb<()> {
        entries.remove(&self.keys.order(self.site, self.id))?;
        entries.remove(&self.keys.tracking(self.site, self.id))?;
        if let Some(search) = number.map(|number| self.keys.search(self.site, number)) {
            let leads_here = entries
                .get(&search)?
                .is_some_and(|(way, _)| way == self.id.to_string());
            if leads_here {
                entries.remove(&search)?;
            }
        }
        let key = (self.site.as_str(), self.id.get());
        write.open_table(WINDOW)?.remove(key)?;
        Ok(())
    }
}
