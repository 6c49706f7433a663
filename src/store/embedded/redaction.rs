//! Redaction in the file: one transaction, so nothing comes between. What was removed stays in freed pages until the file is
//! written anew, which a mark demands, so that a crash does not forget it.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use redb::{ReadTransaction, ReadableTable as _, TableDefinition, WriteTransaction};

use super::{
    ENTRIES, EmbeddedStore, Redb, Result, entries::Entries, refresh, site::MARKS, warming,
};
use crate::{
    order::{Order, OrderId},
    site::SiteCode,
    store::{
        Redacted, Subject, TOMBSTONE_TTL,
        decision::left,
        keys::Keys,
        redaction::{Claim, MOST_RECEIPTS, Memory},
        stored,
    },
};

/// `(site, sequence)` → the receipt of a redaction.
pub(super) const RECEIPTS: TableDefinition<'_, (&str, u64), &str> =
    TableDefinition::new("receipts");
/// A mark of no site: the file is to be written anew.
pub(super) const REWRITE: (&str, &str) = ("", "rewrite");

/// What is remembered that may refuse this news.
pub(super) fn memory_of(
    entries: &Entries<'_>,
    keys: &Keys,
    site: &SiteCode,
    claim: &Claim,
) -> Redb<Memory> {
    let time = |key: &str| {
        let held = entries.get(key)?;
        Ok::<_, redb::Error>(held.and_then(|(millis, _)| millis.parse().ok()))
    };
    let mut memory = Memory {
        forgotten_until: time(&keys.of_site(site, "forgotten"))?,
        ..Memory::default()
    };
    for mark in &claim.marks {
        let at = time(&keys.redacted(site, mark))?;
        memory.redacted_at.extend(at.map(|at| (mark.clone(), at)));
    }
    Ok(memory)
}

/// Demands that the file be written anew.
pub(super) fn demand_rewrite(write: &WriteTransaction) -> Redb<()> {
    write.open_table(MARKS)?.insert(REWRITE, 1)?;
    Ok(())
}

/// Whether a file is to be written anew since before a crash.
pub(super) fn is_rewrite_demanded(read: &ReadTransaction) -> Redb<bool> {
    Ok(read.open_table(MARKS)?.get(REWRITE)?.is_some())
}

/// Remembers a time, for as long from now as anything is redelivered, unless a later one is remembered.
fn remember(
    entries: &mut Entries<'_>,
    key: &str,
    at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Redb<()> {
    let held: Option<i64> = entries.get(key)?.and_then(|(held, _)| held.parse().ok());
    let until = at.max(now) + TimeDelta::from_std(TOMBSTONE_TTL).unwrap_or_default();
    match left(until, now) {
        Some(left) if held < Some(at.timestamp_millis()) => {
            entries.put(key, &at.timestamp_millis().to_string(), left)
        }
        Some(_) | None => Ok(()),
    }
}

fn owned(subject: &Subject, key: &str, value: &str) -> Option<OrderId> {
    let order: Order = Keys::is_order(key)
        .then(|| stored::decode(value))
        .flatten()?;
    subject.owns(&order).then_some(order.id)
}

/// Whether a way by number or by address leads to one of these orders.
fn names_one_of(value: &str, ids: &BTreeSet<OrderId>) -> bool {
    let numbers = value.split(|c: char| !c.is_ascii_digit());
    numbers
        .filter_map(|number| number.parse().ok())
        .any(|id| ids.contains(&id))
}

impl EmbeddedStore {
    pub(in crate::store) async fn redact_customer(
        &self,
        site: &SiteCode,
        subject: &Subject,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Redacted> {
        let (keys, site, subject) = (self.keys.clone(), site.clone(), subject.clone());
        let redacted = self
            .write(Some(now), move |write| {
                let mut entries = Entries::of(write, now)?;
                for mark in subject.marks(&site) {
                    remember(&mut entries, &keys.redacted(&site, &mark), at, now)?;
                }
                let redacted = erase(write, &mut entries, (&keys, &site), &subject)?;
                demand_rewrite(write)?;
                let demand = subject.demand(&site).into_iter();
                let demand = demand.map(|name| keys.erased(&site, &name, at.timestamp_millis()));
                with_earlier(&mut entries, demand, redacted)
            })
            .await?;
        self.rewrite().await;
        Ok(redacted)
    }

    pub(in crate::store) async fn forget_until(
        &self,
        site: &SiteCode,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let key = self.keys.of_site(site, "forgotten");
        self.write(Some(now), move |write| {
            demand_rewrite(write)?;
            remember(&mut Entries::of(write, now)?, &key, at, now)
        })
        .await
    }

    /// Has the file written anew behind the next commit; nobody waits for it.
    pub(in crate::store) async fn rewrite(&self) {
        self.writer.rewrite().await;
    }

    pub(in crate::store) fn orders_of(
        &self,
        site: &SiteCode,
        subject: &Subject,
        _now: DateTime<Utc>,
    ) -> Result<BTreeSet<OrderId>> {
        let [of_orders, _] = self.keys.beginnings(site);
        self.read(|read| {
            let table = read.open_table(ENTRIES)?;
            let mut ids = BTreeSet::new();
            for row in table.range(of_orders.as_str()..format!("{of_orders}\u{10FFFF}").as_str())? {
                let (key, entry) = row?;
                ids.extend(owned(subject, key.value(), entry.value().1));
            }
            Ok(ids)
        })
    }

    pub(in crate::store) fn is_buried(
        &self,
        site: &SiteCode,
        id: OrderId,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let key = self.keys.tombstone(site, id);
        self.read(|read| Ok(super::entries::read(read, &key, now)?.is_some()))
    }

    pub(in crate::store) async fn push_receipt(
        &self,
        site: &SiteCode,
        receipt: &str,
    ) -> Result<()> {
        let (site, receipt) = (site.clone(), receipt.to_owned());
        self.write(None, move |write| {
            let mut table = write.open_table(RECEIPTS)?;
            let all = (site.as_str(), 0)..=(site.as_str(), u64::MAX);
            let last = table.range(all)?.next_back().transpose()?;
            let next = last.map_or(0, |(key, _)| key.value().1 + 1);
            table.insert((site.as_str(), next), receipt.as_str())?;
            let oldest =
                (next + 1).saturating_sub(u64::try_from(MOST_RECEIPTS).unwrap_or(u64::MAX));
            table.retain_in((site.as_str(), 0)..(site.as_str(), oldest), |_, _| false)?;
            Ok(())
        })
        .await
    }

    pub(in crate::store) fn receipts(&self, site: &SiteCode, limit: usize) -> Result<Vec<String>> {
        self.read(|read| {
            let table = read.open_table(RECEIPTS)?;
            let all = table.range((site.as_str(), 0)..=(site.as_str(), u64::MAX))?;
            all.rev()
                .take(limit)
                .map(|row| Ok(row?.1.value().to_owned()))
                .collect()
        })
    }
}

/// Adds the orders that went when the same demand was met before, and its receipt did not come to be written.
fn with_earlier(
    entries: &mut Entries<'_>,
    demand: impl Iterator<Item = String>,
    mut redacted: Redacted,
) -> Redb<Redacted> {
    let ids = |orders: &BTreeSet<OrderId>| {
        let ids: Vec<_> = orders.iter().map(OrderId::to_string).collect();
        ids.join(" ")
    };
    for key in demand {
        let earlier = entries.get(&key)?.map(|(ids, _)| ids).unwrap_or_default();
        let earlier = earlier
            .split(' ')
            .filter_map(|id| id.parse::<OrderId>().ok());
        redacted.orders.extend(earlier);
        entries.put(&key, &ids(&redacted.orders), TOMBSTONE_TTL)?;
    }
    Ok(redacted)
}

/// Removes all that there is of a customer, what has expired and lies here still included.
fn erase(
    write: &WriteTransaction,
    entries: &mut Entries<'_>,
    (keys, site): (&Keys, &SiteCode),
    subject: &Subject,
) -> Redb<Redacted> {
    let [of_orders, of_ways] = keys.beginnings(site);
    let orders: BTreeSet<OrderId> =
        entries.collect_in(&of_orders, |key, value| owned(subject, key, value))?;
    let all: BTreeSet<OrderId> = orders.union(&subject.orders).copied().collect();
    let ways: BTreeSet<String> = entries.collect_in(&of_ways, |key, value| {
        names_one_of(value, &all).then(|| key.to_owned())
    })?;
    let mut gone = ways.clone();
    for &id in &all {
        gone.extend([
            keys.order(site, id),
            keys.tracking(site, id),
            keys.absent(site, id),
        ]);
        write
            .open_table(super::WINDOW)?
            .remove((site.as_str(), id.get()))?;
        write
            .open_table(refresh::REFRESHES)?
            .remove((site.as_str(), id.get()))?;
        warming::drop_dead_letter(write, site, id)?;
    }
    entries.remove_all(&gone)?;
    for &id in &all {
        entries.put(&keys.tombstone(site, id), "1", TOMBSTONE_TTL)?;
    }
    Ok(Redacted {
        orders,
        ways: u64::try_from(ways.len()).unwrap_or(u64::MAX),
    })
}
