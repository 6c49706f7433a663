//! The refresh set in Redis: a sorted set of order ids by when they are due, and a hash of what each ask wants.

use chrono::DateTime;
use chrono::Utc;
use redis::{Script, pipe};

use super::RedisStore;
use crate::{
    order::OrderId,
    site::SiteCode,
    store::{MOST_REFRESHES, Needs, RefreshAsk, RefreshEntry, Settled, StoreError},
};

/// Asks for an order: newest want, greater need, earliest time; a newer want starts the count of attempts anew. What is asked
/// reads `<wanted, or -1>:<1 if only a read will do>:<attempts>:<how often asked>`. ARGV: id, wanted, due, need, how many may wait.
const ASK: &str = r"
local id, wanted, due, need = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local held = redis.call('HGET', KEYS[2], id)
local attempts, asked = '0', 1
if held then
  local was, needed, tries, times = string.match(held, '(-?%d+):(%d):(%d+):(%d+)')
  if tonumber(was) >= wanted then wanted = tonumber(was); attempts = tries end
  need = math.max(need, tonumber(needed))
  asked = tonumber(times) + 1
elseif redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[5]) then
  return 0
end
redis.call('HSET', KEYS[2], id, string.format('%.0f:%d:%s:%d', wanted, need, attempts, asked))
redis.call('ZADD', KEYS[1], 'LT', due, id)
return 1";

/// Settles what was asked, unless it was asked for again meanwhile. ARGV: id, how often it had been asked for when it was read,
/// new due time or ''.
const SETTLE: &str = r"
local held = redis.call('HGET', KEYS[2], ARGV[1])
if not held then redis.call('ZREM', KEYS[1], ARGV[1]); return 0 end
local want, tries, asked = string.match(held, '(-?%d+:%d):(%d+):(%d+)')
if asked ~= ARGV[2] then return 0 end
if ARGV[3] == '' then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
else
  redis.call('HSET', KEYS[2], ARGV[1], want .. ':' .. (tonumber(tries) + 1) .. ':' .. asked)
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
                .arg(digit(ask.needs))
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
        for (id, _) in &due {
            held.arg(id);
        }
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
        call.arg(entry.order.get());
        call.arg(entry.asked);
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

fn digit(needs: Needs) -> u8 {
    match needs {
        Needs::WholeOrder => 0,
        Needs::Read => 1,
    }
}

/// An entry without what is asked of it was settled between our two reads.
fn entry(id: u64, due_millis: i64, held: Option<&str>) -> Option<RefreshEntry> {
    let mut parts = held?.splitn(4, ':');
    let wanted: i64 = parts.next()?.parse().ok()?;
    let needs = parts.next()?;
    Some(RefreshEntry {
        order: OrderId::new(id)?,
        wanted: if wanted < 0 {
            None
        } else {
            DateTime::from_timestamp_millis(wanted)
        },
        needs: if needs == "0" {
            Needs::WholeOrder
        } else {
            Needs::Read
        },
        due_at: DateTime::from_timestamp_millis(due_millis)?,
        attempts: parts.next()?.parse().ok()?,
        asked: parts.next()?.parse().ok()?,
    })
}
