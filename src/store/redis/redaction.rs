//! Redaction in Redis. What is remembered stands under the site's own keys, in another slot than an order, so a merge looks at it
//! twice: before it writes, and after. Whoever remembers, remembers first and looks for orders then.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use redis::pipe;

use super::{RedisStore, call::Call, millis};
use crate::{
    order::{Order, OrderId, OrderState, Tombstone},
    site::SiteCode,
    store::{
        Merged, Redacted, StoreError, Subject, TOMBSTONE_TTL,
        decision::{Index, left},
        keys::Keys,
        redaction::{Claim, MOST_RECEIPTS, Memory},
        stored,
    },
};

/// Remembers a time for a while, unless a later one is remembered.
const REMEMBER: &str = r"
local held = tonumber(redis.call('GET', KEYS[1]) or '') or -1
if tonumber(ARGV[1]) > held then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return 1";

/// Adds ids to those that went because of a demand, and returns all of them.
const NOTE_ERASED: &str = r"
for place = 2, #ARGV do redis.call('SADD', KEYS[1], ARGV[place]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return redis.call('SMEMBERS', KEYS[1])";

/// A key's text; empty where it holds none.
const TEXT: &str = "local held = redis.pcall('GET', KEYS[1]) if type(held) ~= 'string' then return '' end return held";

/// Deletes a key that names one of these orders, whatever kind of value it holds.
const UNLINK_IF_ONE_OF: &str = r"
local kind = redis.call('TYPE', KEYS[1]).ok
local held = {}
if kind == 'string' then held = {redis.call('GET', KEYS[1])}
elseif kind == 'set' then held = redis.call('SMEMBERS', KEYS[1])
elseif kind == 'zset' then held = redis.call('ZRANGE', KEYS[1], 0, -1)
elseif kind == 'list' then held = redis.call('LRANGE', KEYS[1], 0, -1)
elseif kind == 'hash' then held = redis.call('HKEYS', KEYS[1]) end
for _, value in ipairs(held) do
  for word in string.gmatch(value, '%d+') do
    for _, id in ipairs(ARGV) do
      if word == id then return redis.call('DEL', KEYS[1]) end
    end
  end
end
return 0";

impl RedisStore {
    /// What is remembered that may refuse this news.
    pub(super) async fn memory_of(
        &self,
        site: &SiteCode,
        claim: &Claim,
    ) -> Result<Memory, StoreError> {
        let mut get = redis::cmd("MGET");
        get.arg(self.keys.of_site(site, "forgotten"));
        for mark in &claim.marks {
            get.arg(self.keys.redacted(site, mark));
        }
        let held: Vec<Option<String>> = self
            .connection
            .run(async |mut redis| get.query_async(&mut redis).await)
            .await?;
        let mut times = held
            .into_iter()
            .map(|held| held.and_then(|held| held.parse().ok()));
        let forgotten_until = times.next().flatten();
        let marked = claim.marks.iter().zip(times);
        Ok(Memory {
            forgotten_until,
            redacted_at: marked
                .filter_map(|(mark, at)| Some((mark.clone(), at?)))
                .collect(),
        })
    }

    /// Writes what leads to an order that was just put, and takes both back if it was redacted meanwhile.
    pub(super) async fn conclude(
        &self,
        site: &SiteCode,
        id: OrderId,
        (index, claim, merged): (&Index, Option<&Claim>, Merged),
        now: DateTime<Utc>,
    ) -> Result<Merged, StoreError> {
        let Some(claim) = claim else {
            self.index(site, id, index, now).await?;
            return Ok(merged);
        };
        let (indexed, memory) = tokio::join!(
            self.index(site, id, index, now),
            self.memory_of(site, claim)
        );
        indexed?;
        let memory = memory?;
        if !claim.is_refused(&memory) {
            return Ok(merged);
        }
        // Whoever erases finds it no more, and has to tell of it.
        for (mark, at) in claim.refusing(&memory) {
            let key = self.keys.erased(site, mark, at);
            self.note_erased(&key, [id]).await?;
        }
        self.bury(site, id, index.number.as_ref()).await?;
        Ok(Merged::refused())
    }

    pub(in crate::store) async fn redact_customer(
        &self,
        site: &SiteCode,
        subject: &Subject,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Redacted, StoreError> {
        for mark in subject.marks(site) {
            self.remember(&self.keys.redacted(site, &mark), at, now)
                .await?;
        }
        let found = self.orders_of(site, subject, now).await?;
        let mut orders = found.clone();
        for name in subject.demand(site) {
            let key = self.keys.erased(site, &name, at.timestamp_millis());
            orders.extend(self.note_erased(&key, found.iter().copied()).await?);
        }
        for &id in orders.union(&subject.orders) {
            let gone = OrderState::Gone(Tombstone { id, at });
            self.merge(site, gone, now).await?;
        }
        let ids: Vec<u64> = orders
            .union(&subject.orders)
            .map(|order| order.get())
            .collect();
        let ways = self.unlink_ways(site, &ids).await?;
        Ok(Redacted { orders, ways })
    }

    /// Notes that these went because of a demand. Returns all that did so far, by whatever attempt or writer.
    async fn note_erased(
        &self,
        key: &str,
        ids: impl IntoIterator<Item = OrderId>,
    ) -> Result<Vec<OrderId>, StoreError> {
        let ids: Vec<u64> = ids.into_iter().map(OrderId::get).collect();
        let mut call = Call::of(NOTE_ERASED);
        call.key(key).arg(millis(TOMBSTONE_TTL)).arg(ids);
        let all: Vec<u64> = self.connection.call(&call).await?;
        Ok(all.into_iter().filter_map(OrderId::new).collect())
    }

    pub(in crate::store) async fn forget_until(
        &self,
        site: &SiteCode,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.remember(&self.keys.of_site(site, "forgotten"), at, now)
            .await
    }

    /// For as long from then as anything is redelivered.
    async fn remember(
        &self,
        key: &str,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let ttl = TimeDelta::from_std(TOMBSTONE_TTL).unwrap_or_default();
        let Some(left) = left(at.max(now) + ttl, now) else {
            return Ok(());
        };
        let mut call = Call::of(REMEMBER);
        call.key(key).arg(at.timestamp_millis()).arg(millis(left));
        self.connection.call(&call).await
    }

    /// All orders are looked at: no index is trusted with this.
    pub(in crate::store) async fn orders_of(
        &self,
        site: &SiteCode,
        subject: &Subject,
        _now: DateTime<Utc>,
    ) -> Result<BTreeSet<OrderId>, StoreError> {
        let [of_orders, _] = self.keys.beginnings(site);
        let mut search = self.search(&format!("{of_orders}*")).await?;
        let mut owned = BTreeSet::new();
        while let Some(keys) = search.step().await? {
            for key in keys.iter().filter(|key| Keys::is_order(key)) {
                let order = self.order_at(key).await?;
                let order = order.filter(|order| subject.owns(order));
                owned.extend(order.map(|order| order.id));
            }
        }
        Ok(owned)
    }

    async fn order_at(&self, key: &str) -> Result<Option<Order>, StoreError> {
        let mut call = Call::of(TEXT);
        call.key(key);
        let value: Vec<u8> = self.connection.call(&call).await?;
        let text = std::str::from_utf8(&value).ok();
        Ok(text
            .filter(|text| !text.is_empty())
            .and_then(stored::decode))
    }

    /// Numbers and addresses that lead to these orders, even where the order has expired before them.
    async fn unlink_ways(&self, site: &SiteCode, ids: &[u64]) -> Result<u64, StoreError> {
        if ids.is_empty() {
            return Ok(0);
        }
        let [_, of_ways] = self.keys.beginnings(site);
        let mut search = self.search(&format!("{of_ways}*")).await?;
        let mut gone = 0;
        while let Some(keys) = search.step().await? {
            for key in keys {
                let mut call = Call::of(UNLINK_IF_ONE_OF);
                call.key(key).arg(ids);
                gone += self.connection.call::<u64>(&call).await?;
            }
        }
        Ok(gone)
    }

    pub(in crate::store) async fn is_buried(
        &self,
        site: &SiteCode,
        id: OrderId,
        _now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let key = self.keys.tombstone(site, id);
        self.connection
            .run(async |mut redis| redis::cmd("EXISTS").arg(&key).query_async(&mut redis).await)
            .await
    }

    pub(in crate::store) async fn push_receipt(
        &self,
        site: &SiteCode,
        receipt: &str,
    ) -> Result<(), StoreError> {
        let key = self.keys.of_site(site, "receipts");
        let last = isize::try_from(MOST_RECEIPTS).unwrap_or(isize::MAX) - 1;
        let mut write = pipe();
        write.atomic().lpush(&key, receipt).ignore();
        write.ltrim(&key, 0, last).ignore();
        self.connection
            .run(async |mut redis| write.query_async(&mut redis).await)
            .await
    }

    pub(in crate::store) async fn receipts(
        &self,
        site: &SiteCode,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let mut range = redis::cmd("LRANGE");
        range.arg(self.keys.of_site(site, "receipts")).arg(0);
        range.arg(isize::try_from(limit).unwrap_or(isize::MAX) - 1);
        if limit == 0 {
            return Ok(Vec::new());
        }
        self.connection
            .run(async |mut redis| range.query_async(&mut redis).await)
            .await
    }
}
