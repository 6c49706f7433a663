//! The refresh set in Redis: a sorted set of order ids by when they are due, and a hash of what each ask wants.

use chrono::DateTime;
use chrono::Utc;
use redis::{Script, ToRedisArgs as _, pipe};

use super::RedisStore;
use crate::{
    order::OrderId,
    site::SiteCode,
    store::{MOST_REFRESHES, RefreshAsk, RefreshEntry, Settled, StoreError},
};

/// Asks for an order: newest want, earliest time; a newer want starts the count of attempts anew. An ask reads
/// `<wanted, or -1>:<attempts>`.
const ASK: &str = r"
local id, wanted, due = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local held = redis.call('HGET', KEYS[2], id)
local attempts = 0
if held then
  local was, tries = string.match(held, '(-?%d+):(%d+)')
  if tonumber(was) >= wanted then wanted = tonumber(was); attempts = tries end
elseif redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then
  return 0
end
redis.call('HSET', KEYS[2], id, string.format('%.0f', wanted) .. ':' .. attempts)
redis.call('ZADD', KEYS[1], 'LT', due, id)
return 1";

/// Settles an ask, unless a newer want came meanwhile. ARGV: id, the want as it was read, new due time or ''.
const SETTLE: &str = r"
local held = redis.call('HGET', KEYS[2], ARGV[1])
if not held then redis.call('ZREM', KEYS[1], ARGV[1]); return 0 end
local was, tries = string.match(held, '(-?%d+):(%d+)')
if was ~= ARGV[2] then return 0 end
if ARGV[3] == '' then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
else
  redis.call('HSET', KEYS[2], ARGV[1], was .. ':' .. (tonumber(tries) + 1))
  redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
end
return 1";

impl RedisStore {
    pub(in crate::store) async fn ask_refresh(
        &self,
        site: &SiteCode,
        asks: &[RefreshAsk],
    ) -> Result<(), StoreError> {
        let script = Script::new(ASK);
        for ask in asks {
            let mut call = self.on_the_set(&script, site);
            call.arg(ask.order.get())
                .arg(spell(ask.wanted))
                .arg(ask.due_at.timestamp_millis())
                .arg(MOST_REFRESHES);
            let taken: bool = self
                .connection
                .run(async |mut redis| call.invoke_async(&mut redis).await)
                .await?;
            if !taken {
                return Err(StoreError::Full);
            }
        }
        Ok(())
    }

    pub(in crate::store) async fn refreshes_due(
        &self,
        site: &SiteCode,
        now: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<RefreshEntry>, StoreError> {
        let mut due = redis::cmd("ZRANGEBYSCORE");
        due.arg(self.keys.of_site(site, "refresh"))
            .arg("-inf")
            .arg(now.timestamp_millis());
        due.arg("WITHSCORES").arg("LIMIT").arg(0).arg(limit);
        let due: Vec<(u64, f64)> = self
            .connection
            .run(async |mut redis| due.query_async(&mut redis).await)
            .await?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let mut held = redis::cmd("HMGET");
        held.arg(self.keys.of_site(site, "refresh:asks"));
        due.iter().for_each(|(id, _)| {
            held.arg(id.to_redis_args());
        });
        let held: Vec<Option<String>> = self
            .connection
            .run(async |mut redis| held.query_async(&mut redis).await)
            .await?;
        let entries = due.into_iter().zip(held);
        Ok(entries
            .filter_map(|((id, due), held)| entry(id, super::whole(due), held.as_deref()))
            .collect())
    }

    pub(in crate::store) async fn settle_refresh(
        &self,
        site: &SiteCode,
        entry: &RefreshEntry,
        settled: Settled,
    ) -> Result<(), StoreError> {
        let script = Script::new(SETTLE);
        let mut call = self.on_the_set(&script, site);
        call.arg(entry.order.get()).arg(spell(entry.wanted));
        match settled {
            Settled::Done => call.arg(""),
            Settled::Again { due_at } => call.arg(due_at.timestamp_millis()),
        };
        self.connection
            .run(async |mut redis| call.invoke_async(&mut redis).await)
            .await
    }

    pub(in crate::store) async fn refresh_len(&self, site: &SiteCode) -> Result<u64, StoreError> {
        let mut len = pipe();
        len.zcard(self.keys.of_site(site, "refresh"));
        let (len,): (u64,) = self
            .connection
            .run(async |mut redis| len.query_async(&mut redis).await)
            .await?;
        Ok(len)
    }

    fn on_the_set<'a>(&self, script: &'a Script, site: &SiteCode) -> redis::ScriptInvocation<'a> {
        let mut call = script.prepare_invoke();
        call.key(self.keys.of_site(site, "refresh"))
            .key(self.keys.of_site(site, "refresh:asks"));
        call
    }
}

/// A want in milliseconds; -1 for none.
fn spell(wanted: Option<DateTime<Utc>>) -> i64 {
    wanted.map_or(-1, |wanted| wanted.timestamp_millis())
}

/// An entry without its ask is one that was settled between our two reads.
fn entry(id: u64, due_millis: i64, held: Option<&str>) -> Option<RefreshEntry> {
    let (wanted, attempts) = held?.split_once(':')?;
    let wanted: i64 = wanted.parse().ok()?;
    Some(RefreshEntry {
        order: OrderId::new(id)?,
        wanted: if wanted < 0 {
            None
        } else {
            DateTime::from_timestamp_millis(wanted)
        },
        due_at: DateTime::from_timestamp_millis(due_millis)?,
        attempts: attempts.parse().ok()?,
    })
}
