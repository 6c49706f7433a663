//! The cache in a Redis server (7 or newer, or Valkey).

mod connection;
mod refresh;

use std::time::Duration;

use chrono::{DateTime, Utc};
use redis::{AsyncIter, Script, aio::ConnectionManager, pipe};
use secrecy::SecretString;

use self::connection::Connection;
use super::{
    Entry, Found, LONGEST_WINDOW, MOST_RECORDS, Merged, StoreError, Ttls, Wanted,
    decision::{Index, Known, Step, decide, number_of},
    keys::Keys,
    stored,
};
use crate::{
    order::{OrderId, OrderNumber, OrderState},
    site::SiteCode,
};

/// Tries a merge gets against other writers of the same order.
const MERGE_TRIES: u32 = 64;
/// The longest pause between two tries: a few dozen times what a try takes, so that even sixteen writers get out of each
/// other's way.
const LONGEST_PAUSE: Duration = Duration::from_millis(16);
/// Keys a purge looks at in one step.
const PURGE_STEP: usize = 500;

/// Puts an order, if its value is still the one that was merged with and nobody deleted it meanwhile.
const PUT: &str = r"
if redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
if ARGV[5] == '0' then redis.call('DEL', KEYS[2]) else redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[5]) end
redis.call('DEL', KEYS[4])
return 1";

/// Deletes an order whose value is still the one that was read, and remembers for a while that it is absent.
const FORGET: &str = r"
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('SET', KEYS[3], '-', 'PX', ARGV[2])
return 1";

/// Deletes a key that still leads to this order.
const UNLINK_IF: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/// Sets a number unless a greater one is there.
const RAISE: &str = r"
local now = tonumber(redis.call('GET', KEYS[1]) or '-1')
if tonumber(ARGV[1]) > now then redis.call('SET', KEYS[1], ARGV[1]) end
return 1";

/// A Redis store. Cheap to clone; clones share the connection.
#[derive(Debug, Clone)]
pub struct RedisStore {
    connection: Connection,
    keys: Keys,
    ttls: Ttls,
}

/// An order's keys as they were read, and what they mean.
struct Read {
    raw: String,
    known: Known,
}

impl RedisStore {
    pub(super) fn new(url: &SecretString, keys: Keys, ttls: Ttls) -> Result<Self, StoreError> {
        Ok(Self {
            connection: Connection::new(url)?,
            keys,
            ttls,
        })
    }

    pub(super) fn ttls(&self) -> Ttls {
        self.ttls
    }

    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        self.connection
            .run(async |mut redis| redis::cmd("PING").query_async(&mut redis).await)
            .await
    }

    pub(super) async fn merge(
        &self,
        site: &SiteCode,
        news: OrderState,
        now: DateTime<Utc>,
    ) -> Result<Merged, StoreError> {
        let id = news.id();
        for attempt in 0..MERGE_TRIES {
            let read = self.read(site, id).await?;
            let decision = decide(site, read.known, news.clone(), now, &self.ttls);
            match decision.step {
                Step::Keep => return Ok(decision.merged),
                Step::Index(index) => {
                    self.index(site, id, &index).await?;
                    return Ok(decision.merged);
                }
                Step::Put {
                    order_json,
                    tracking_json,
                    index,
                } => {
                    if self
                        .put(site, id, (&read.raw, &order_json, &tracking_json), &index)
                        .await?
                    {
                        self.index(site, id, &index).await?;
                        return Ok(decision.merged);
                    }
                }
                Step::Bury { ttl, number } => {
                    self.bury(site, id, ttl, number.as_ref()).await?;
                    return Ok(decision.merged);
                }
            }
            // Somebody else wrote in between: his state is what ours must be merged with.
            tokio::time::sleep(contention_pause(attempt)).await;
        }
        Err(StoreError::Conflict)
    }

    async fn read(&self, site: &SiteCode, id: OrderId) -> Result<Read, StoreError> {
        let mut read = pipe();
        read.get(self.keys.order(site, id))
            .exists(self.keys.tombstone(site, id));
        let (raw, tombstone): (Option<String>, bool) = self
            .connection
            .run(async |mut redis| read.query_async(&mut redis).await)
            .await?;
        let known = match raw.as_deref().and_then(stored::decode) {
            _ if tombstone => Known::Tombstone,
            Some(order) => Known::Order(Box::new(order)),
            None => Known::Nothing,
        };
        Ok(Read {
            raw: raw.unwrap_or_default(),
            known,
        })
    }

    /// Whether nobody else had written in between. `values`: the order's value as read, and the two to write.
    async fn put(
        &self,
        site: &SiteCode,
        id: OrderId,
        values: (&str, &str, &str),
        index: &Index,
    ) -> Result<bool, StoreError> {
        let (expected, order_json, tracking_json) = values;
        let script = Script::new(PUT);
        let mut call = script.prepare_invoke();
        call.key(self.keys.order(site, id))
            .key(self.keys.tracking(site, id));
        call.key(self.keys.tombstone(site, id))
            .key(self.keys.absent(site, id));
        call.arg(expected)
            .arg(order_json)
            .arg(millis(index.order_left));
        call.arg(tracking_json)
            .arg(index.tracking_left.map_or(0, millis));
        self.connection
            .run(async |mut redis| call.invoke_async(&mut redis).await)
            .await
    }

    /// Writes what leads to the order. These keys live in other slots than the order, so they cannot be part of the script; a
    /// failure in between leaves the order without them, and the caller, who is told, applies the same news again.
    async fn index(&self, site: &SiteCode, id: OrderId, index: &Index) -> Result<(), StoreError> {
        let mut write = pipe();
        if let (Some(number), Some(search_left)) = (&index.number, index.search_left) {
            write
                .pset_ex(
                    self.keys.search(site, number),
                    id.get(),
                    millis(search_left),
                )
                .ignore();
        }
        let (window, expiry) = (
            self.keys.of_site(site, "window"),
            self.keys.of_site(site, "expiry"),
        );
        write
            .zadd(&window, id.get(), index.created_at.timestamp_millis())
            .ignore();
        write
            .zadd(
                &expiry,
                id.get(),
                index.tracking_expires_at.timestamp_millis(),
            )
            .ignore();
        self.connection
            .run(async |mut redis| write.query_async(&mut redis).await)
            .await
    }

    async fn bury(
        &self,
        site: &SiteCode,
        id: OrderId,
        ttl: Duration,
        number: Option<&OrderNumber>,
    ) -> Result<(), StoreError> {
        let mut write = pipe();
        write
            .atomic()
            .pset_ex(self.keys.tombstone(site, id), 1, millis(ttl).max(1))
            .ignore();
        write
            .del(self.keys.order(site, id))
            .ignore()
            .del(self.keys.tracking(site, id))
            .ignore();
        self.connection
            .run(async |mut redis| write.query_async::<()>(&mut redis).await)
            .await?;
        self.unlink(site, id, number).await
    }

    pub(super) async fn forget(
        &self,
        site: &SiteCode,
        id: OrderId,
        _now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let read = self.read(site, id).await?;
        let number = match &read.known {
            Known::Order(order) => number_of(order),
            Known::Nothing | Known::Tombstone => None,
        };
        let script = Script::new(FORGET);
        let mut call = script.prepare_invoke();
        call.key(self.keys.order(site, id))
            .key(self.keys.tracking(site, id))
            .key(self.keys.absent(site, id));
        call.arg(&read.raw).arg(millis(self.ttls.not_found));
        let forgotten: bool = self
            .connection
            .run(async |mut redis| call.invoke_async(&mut redis).await)
            .await?;
        // News came in between: it knows better than the read that found nothing.
        if forgotten {
            self.unlink(site, id, number.as_ref()).await
        } else {
            Ok(())
        }
    }

    /// Removes what leads to an order.
    async fn unlink(
        &self,
        site: &SiteCode,
        id: OrderId,
        number: Option<&OrderNumber>,
    ) -> Result<(), StoreError> {
        if let Some(number) = number {
            let script = Script::new(UNLINK_IF);
            let mut call = script.prepare_invoke();
            call.key(self.keys.search(site, number)).arg(id.get());
            self.connection
                .run(async |mut redis| call.invoke_async::<()>(&mut redis).await)
                .await?;
        }
        let mut write = pipe();
        for name in ["window", "expiry", "refresh"] {
            write.zrem(self.keys.of_site(site, name), id.get()).ignore();
        }
        write
            .hdel(self.keys.of_site(site, "refresh:asks"), id.get())
            .ignore();
        self.connection
            .run(async |mut redis| write.query_async(&mut redis).await)
            .await
    }

    pub(super) async fn order(
        &self,
        site: &SiteCode,
        id: OrderId,
        _now: DateTime<Utc>,
    ) -> Result<Found, StoreError> {
        let mut read = pipe();
        let order = self.keys.order(site, id);
        read.get(&order)
            .pttl(&order)
            .pttl(self.keys.tracking(site, id));
        read.exists(&[self.keys.tombstone(site, id), self.keys.absent(site, id)]);
        let (raw, order_left, tracking_left, denied): (Option<String>, i64, i64, u32) = self
            .connection
            .run(async |mut redis| read.query_async(&mut redis).await)
            .await?;
        let Some(order) = raw.as_deref().and_then(stored::decode) else {
            return Ok(if denied > 0 {
                Found::Absent
            } else {
                Found::Unknown
            });
        };
        let entry = Entry {
            order,
            order_ttl: duration(order_left).unwrap_or_default(),
            tracking_ttl: duration(tracking_left),
        };
        Ok(Found::Order(Box::new(entry)))
    }

    pub(super) async fn find(
        &self,
        site: &SiteCode,
        number: &OrderNumber,
        now: DateTime<Utc>,
    ) -> Result<Found, StoreError> {
        let key = self.keys.search(site, number);
        let way: Option<String> = self
            .connection
            .run(async |mut redis| redis::cmd("GET").arg(&key).query_async(&mut redis).await)
            .await?;
        let id = match way.as_deref() {
            Some("-") => return Ok(Found::Absent),
            Some(id) => id.parse().ok(),
            None => None,
        };
        match id {
            Some(id) => Ok(super::if_numbered(self.order(site, id, now).await?, number)),
            None => Ok(Found::Unknown),
        }
    }

    pub(super) async fn remember_absent(
        &self,
        site: &SiteCode,
        wanted: &Wanted,
        _now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let key = match wanted {
            Wanted::Number(number) => self.keys.search(site, number),
            Wanted::Id(id) => self.keys.absent(site, *id),
        };
        let mut set = redis::cmd("SET");
        set.arg(key)
            .arg("-")
            .arg("NX")
            .arg("PX")
            .arg(millis(self.ttls.not_found));
        self.connection
            .run(async |mut redis| set.query_async(&mut redis).await)
            .await
    }

    /// Orders placed since, each with when its tracking expires (epoch milliseconds; 0 where that is not known).
    pub(super) async fn window(
        &self,
        site: &SiteCode,
        since: DateTime<Utc>,
    ) -> Result<Vec<(OrderId, i64)>, StoreError> {
        let (window, expiry) = (
            self.keys.of_site(site, "window"),
            self.keys.of_site(site, "expiry"),
        );
        let mut read = pipe();
        let too_old = (since - LONGEST_WINDOW).timestamp_millis();
        read.zrembyscore(&window, "-inf", format!("({too_old}"))
            .ignore();
        read.zrembyscore(&expiry, "-inf", format!("({too_old}"))
            .ignore();
        read.zrangebyscore(&window, since.timestamp_millis(), "+inf");
        let (ids,): (Vec<u64>,) = self
            .connection
            .run(async |mut redis| read.query_async(&mut redis).await)
            .await?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut scores = redis::cmd("ZMSCORE");
        scores.arg(&expiry).arg(&ids);
        let scores: Vec<Option<f64>> = self
            .connection
            .run(async |mut redis| scores.query_async(&mut redis).await)
            .await?;
        let expiries = ids.into_iter().zip(scores);
        Ok(expiries
            .filter_map(|(id, score)| Some((OrderId::new(id)?, score.map_or(0, whole))))
            .collect())
    }

    pub(super) async fn watermark(&self, site: &SiteCode) -> Result<Option<i64>, StoreError> {
        let key = self.keys.of_site(site, "watermark");
        self.connection
            .run(async |mut redis| redis::cmd("GET").arg(&key).query_async(&mut redis).await)
            .await
    }

    pub(super) async fn set_watermark(
        &self,
        site: &SiteCode,
        millis: i64,
    ) -> Result<(), StoreError> {
        let script = Script::new(RAISE);
        let mut call = script.prepare_invoke();
        call.key(self.keys.of_site(site, "watermark")).arg(millis);
        self.connection
            .run(async |mut redis| call.invoke_async(&mut redis).await)
            .await
    }

    pub(super) async fn push_record(
        &self,
        site: &SiteCode,
        record: &str,
    ) -> Result<(), StoreError> {
        let key = self.keys.of_site(site, "history");
        let mut write = pipe();
        write.atomic().lpush(&key, record).ignore();
        write
            .ltrim(
                &key,
                0,
                isize::try_from(MOST_RECORDS).unwrap_or(isize::MAX) - 1,
            )
            .ignore();
        self.connection
            .run(async |mut redis| write.query_async(&mut redis).await)
            .await
    }

    pub(super) async fn records(
        &self,
        site: &SiteCode,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let key = self.keys.of_site(site, "history");
        let last = isize::try_from(limit).unwrap_or(isize::MAX) - 1;
        if last < 0 {
            return Ok(Vec::new());
        }
        self.connection
            .run(async |mut redis| {
                redis::cmd("LRANGE")
                    .arg(&key)
                    .arg(0)
                    .arg(last)
                    .query_async(&mut redis)
                    .await
            })
            .await
    }

    pub(super) async fn purge_site(&self, site: &SiteCode) -> Result<u64, StoreError> {
        let mut gone = 0;
        for beginning in self.keys.beginnings(site) {
            gone += self.purge(&format!("{beginning}*")).await?;
        }
        let mut write = redis::cmd("UNLINK");
        for name in ["window", "expiry", "refresh", "refresh:asks", "watermark"] {
            write.arg(self.keys.of_site(site, name));
        }
        self.connection
            .run(async |mut redis| write.query_async::<()>(&mut redis).await)
            .await?;
        Ok(gone)
    }

    async fn purge(&self, pattern: &str) -> Result<u64, StoreError> {
        let keys: Vec<String> = self
            .connection
            .run_long(async |redis: ConnectionManager| {
                let mut redis = redis;
                let mut scan = redis::cmd("SCAN");
                scan.cursor_arg(0)
                    .arg("MATCH")
                    .arg(pattern)
                    .arg("COUNT")
                    .arg(PURGE_STEP);
                let mut found: AsyncIter<'_, String> = scan.iter_async(&mut redis).await?;
                let mut keys = Vec::new();
                while let Some(key) = found.next_item().await {
                    keys.push(key?);
                }
                Ok(keys)
            })
            .await?;
        // A late redelivery must not bring a deleted order back.
        let keys: Vec<_> = keys
            .into_iter()
            .filter(|key| !Keys::is_tombstone(key))
            .collect();
        let mut gone = 0;
        for step in keys.chunks(PURGE_STEP) {
            let mut unlink = redis::cmd("UNLINK");
            unlink.arg(step);
            gone += self
                .connection
                .run(async |mut redis| unlink.query_async::<u64>(&mut redis).await)
                .await?;
        }
        Ok(gone)
    }
}

/// Up to half a millisecond, then up to twice that, and so on, at random so that those who collided do not collide again.
fn contention_pause(attempt: u32) -> Duration {
    let longest = Duration::from_micros(500) * 2_u32.saturating_pow(attempt.min(16));
    longest.min(LONGEST_PAUSE).mul_f64(fastrand::f64())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What `PTTL` said: negative for no key, or for one without an end, which none of ours is.
fn duration(millis: i64) -> Option<Duration> {
    u64::try_from(millis).ok().map(Duration::from_millis)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::as_conversions,
    reason = "a score is epoch milliseconds, exact in a float"
)]
fn whole(score: f64) -> i64 {
    score as i64
}
