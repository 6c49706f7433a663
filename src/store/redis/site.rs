//! What is kept for a site as a whole: its window, its marks, its history; and how all of it goes.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use redis::pipe;

use super::{RedisStore, call::Call, whole};
use crate::{
    order::OrderId,
    site::SiteCode,
    store::{MOST_RECORDS, StoreError, keys::Keys},
};

/// Sets a number unless a greater one is there.
const RAISE: &str = r"
local held = tonumber(redis.call('GET', KEYS[1]) or '') or -1
if tonumber(ARGV[1]) > held then redis.call('SET', KEYS[1], ARGV[1]) end
return 1";

/// The same within a hash.
const RAISE_FIELD: &str = r"
local held = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '') or -1
if tonumber(ARGV[2]) > held then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
return 1";

/// Orders of the window that are read at once.
const PAGE: usize = 500;
/// Orders of a page that are read again with the next: so many may leave the window in between, and none of the others is missed.
const OVERLAP: usize = 25;

impl RedisStore {
    pub(in crate::store) async fn voices(
        &self,
        site: &SiteCode,
    ) -> Result<Vec<(String, i64)>, StoreError> {
        let key = self.keys.of_site(site, "voices");
        let voices: Vec<(String, String)> = self
            .connection
            .run(async |mut redis| {
                redis::cmd("HGETALL")
                    .arg(&key)
                    .query_async(&mut redis)
                    .await
            })
            .await?;
        let heard = |(voice, millis): (String, String)| Some((voice, millis.parse().ok()?));
        Ok(voices.into_iter().filter_map(heard).collect())
    }

    pub(in crate::store) async fn note_voice(
        &self,
        site: &SiteCode,
        voice: &str,
        millis: i64,
    ) -> Result<(), StoreError> {
        let mut call = Call::of(RAISE_FIELD);
        call.key(self.keys.of_site(site, "voices"));
        call.arg(voice).arg(millis);
        self.connection.call(&call).await
    }

    /// Orders placed since, each with when its tracking expires (epoch milliseconds; 0 where that is not known). Read by the page:
    /// Redis does one thing at a time, and a lookup must not wait for 200,000 orders to be counted. No script does it, which would
    /// take Redis four times as long.
    pub(in crate::store) async fn window(
        &self,
        site: &SiteCode,
        since: DateTime<Utc>,
    ) -> Result<Vec<(OrderId, i64)>, StoreError> {
        let mut window = BTreeMap::new();
        for first in (0..).step_by(PAGE - OVERLAP) {
            let ids = self.window_page(site, since, first).await?;
            if ids.is_empty() {
                break;
            }
            let mut scores = redis::cmd("ZMSCORE");
            scores.arg(self.keys.of_site(site, "expiry")).arg(&ids);
            let scores: Vec<Option<f64>> = self
                .connection
                .run(async |mut redis| scores.query_async(&mut redis).await)
                .await?;
            let expiries = ids.into_iter().zip(scores);
            window.extend(expiries.filter_map(|(id, score)| {
                let expires_at = score.map_or(0, whole);
                Some((OrderId::new(id)?, expires_at))
            }));
        }
        Ok(window.into_iter().collect())
    }

    /// The ids of the orders placed since, newest first, from one of them on.
    async fn window_page(
        &self,
        site: &SiteCode,
        since: DateTime<Utc>,
        first: usize,
    ) -> Result<Vec<u64>, StoreError> {
        let key = self.keys.of_site(site, "window");
        let mut page = pipe();
        page.zcount(&key, since.timestamp_millis(), "+inf");
        page.cmd("ZREVRANGE");
        page.arg(&key).arg(first).arg(first + PAGE - 1);
        let (placed, mut ids): (usize, Vec<u64>) = self
            .connection
            .run(async |mut redis| page.query_async(&mut redis).await)
            .await?;
        ids.truncate(placed.saturating_sub(first));
        Ok(ids)
    }

    pub(in crate::store) async fn mark(
        &self,
        site: &SiteCode,
        name: &str,
    ) -> Result<Option<i64>, StoreError> {
        let key = self.keys.of_site(site, name);
        let held: Option<Vec<u8>> = self
            .connection
            .run(async |mut redis| redis::cmd("GET").arg(&key).query_async(&mut redis).await)
            .await?;
        let held = held.as_deref().map(String::from_utf8_lossy);
        Ok(held.and_then(|held| held.parse().ok()))
    }

    pub(in crate::store) async fn raise_mark(
        &self,
        site: &SiteCode,
        name: &str,
        millis: i64,
    ) -> Result<(), StoreError> {
        let mut call = Call::of(RAISE);
        call.key(self.keys.of_site(site, name)).arg(millis);
        self.connection.call(&call).await
    }

    pub(in crate::store) async fn push_record(
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

    pub(in crate::store) async fn records(
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

    pub(in crate::store) async fn purge_site(&self, site: &SiteCode) -> Result<u64, StoreError> {
        let mut gone = 0;
        for beginning in self.keys.beginnings(site) {
            gone += self.purge(&format!("{beginning}*")).await?;
        }
        let mut write = redis::cmd("UNLINK");
        for name in [
            "window",
            "expiry",
            "refresh",
            "refresh:asks",
            "dead",
            "watermark",
        ] {
            write.arg(self.keys.of_site(site, name));
        }
        self.connection
            .run(async |mut redis| write.query_async::<()>(&mut redis).await)
            .await?;
        Ok(gone)
    }

    async fn purge(&self, pattern: &str) -> Result<u64, StoreError> {
        let (mut search, mut gone) = (self.search(pattern).await?, 0);
        while let Some(keys) = search.step().await? {
            gone += self.unlink_all(keys).await?;
        }
        Ok(gone)
    }

    async fn unlink_all(&self, mut keys: Vec<String>) -> Result<u64, StoreError> {
        // A late redelivery must not bring a deleted order back.
        keys.retain(|key| !Keys::is_tombstone(key));
        if keys.is_empty() {
            return Ok(0);
        }
        let mut unlink = pipe();
        for key in keys {
            unlink.cmd("UNLINK").arg(key);
        }
        let gone: Vec<u64> = self
            .connection
            .run(async |mut redis| unlink.query_async(&mut redis).await)
            .await?;
        Ok(gone.iter().sum())
    }
}
