//! The refresh set in Redis: a sorted set of order ids by when they are due, and a hash of what each ask wants.

use chrono::DateTime;
use chrono::Utc;
use redis::pipe;

use super::{RedisStore, call::Call};
use crate::{
    order::OrderId,
    site::SiteCode,
    store::{
        MOST_DEAD_LETTERS, MOST_REFRESHES, Needs, RefreshAsk, RefreshEntry, Settled, StoreError,
    },
};

/// Asks for an order: newest want, greater need, earliest time; a newer want starts the count of attempts anew. What is asked
/// reads `<wanted, or -1>:<1 if only a read will do>:<attempts>:<how often asked>`; what reads otherwise is written over.
/// ARGV: id, wanted, due, need, how many may wait.
const ASK: &str = r"
local id, wanted, due, need = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local held = redis.call('HGET', KEYS[2], id)
local was, needed, tries, times = string.match(held or '', '^(-?%d+):(%d):(%d+):(%d+)$')
local attempts, asked = '0', 1
if was then
  if tonumber(was) >= wanted then wanted = tonumber(was); attempts = tries end
  need = math.max(need, tonumber(needed))
  asked = tonumber(times) + 1
elseif not held and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[5]) then
  return 0
end
redis.call('HSET', KEYS[2], id, string.format('%.0f:%d:%s:%.0f', wanted, need, attempts, asked))
redis.call('ZADD', KEYS[1], 'LT', due, id)
return 1";

/// What is due, earliest first: id, when, what is asked (empty if that is gone). ARGV: until when, how many.
const DUE: &str = r"
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local rows = {}
for i = 1, #due, 2 do
  rows[#rows + 1] = {due[i], due[i + 1], redis.call('HGET', KEYS[2], due[i]) or ''}
end
return rows";

/// Settles what was asked, unless it was asked for again meanwhile. ARGV: id, how often it had been asked for when it was read,
/// new due time or '', the dead letter it becomes or '', how many of those are kept.
const SETTLE: &str = r"
local held = redis.call('HGET', KEYS[2], ARGV[1]) or ''
local want, tries, asked = string.match(held, '^(-?%d+:%d):(%d+):(%d+)$')
if not asked then want, tries, asked = '-1:1', '0', '0' end
if asked ~= ARGV[2] then return 0 end
if ARGV[3] == '' then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
  if ARGV[4] == '' then redis.call('HDEL', KEYS[3], ARGV[1])
  elseif redis.call('HLEN', KEYS[3]) < tonumber(ARGV[5]) then redis.call('HSET', KEYS[3], ARGV[1], ARGV[4]) end
elseif redis.call('ZSCORE', KEYS[1], ARGV[1]) then
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
        for ask in asks {
            let mut call = self.on_the_set(ASK, site);
            call.arg(ask.order.get())
                .arg(spell(ask.wanted))
                .arg(ask.due_at.timestamp_millis())
                .arg(digit(ask.needs))
                .arg(MOST_REFRESHES);
            let taken: bool = self.connection.call(&call).await?;
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
        let mut call = self.on_the_set(DUE, site);
        call.arg(now.timestamp_millis()).arg(limit);
        let due: Vec<(u64, f64, Vec<u8>)> = self.connection.call(&call).await?;
        Ok(due
            .into_iter()
            .filter_map(|(id, due, asked)| entry(id, super::whole(due), &asked))
            .collect())
    }

    /// Takes an order out of the set, whatever is asked of it.
    pub(super) async fn drop_refresh(
        &self,
        site: &SiteCode,
        id: OrderId,
    ) -> Result<(), StoreError> {
        let mut write = pipe();
        write
            .atomic()
            .zrem(self.keys.of_site(site, "refresh"), id.get())
            .ignore();
        write
            .hdel(self.keys.of_site(site, "refresh:asks"), id.get())
            .ignore();
        self.connection
            .run(async |mut redis| write.query_async(&mut redis).await)
            .await
    }

    pub(in crate::store) async fn settle_refresh(
        &self,
        site: &SiteCode,
        entry: &RefreshEntry,
        settled: Settled,
    ) -> Result<(), StoreError> {
        let mut call = self.on_the_set(SETTLE, site);
        call.key(self.keys.of_site(site, "dead"));
        call.arg(entry.order.get());
        call.arg(entry.asked);
        match settled {
            Settled::Done => call.arg("").arg(""),
            Settled::Again { due_at } => call.arg(due_at.timestamp_millis()).arg(""),
            Settled::Dead(letter) => call
                .arg("")
                .arg(serde_json::to_string(&letter).unwrap_or_default()),
        };
        call.arg(MOST_DEAD_LETTERS);
        self.connection.call(&call).await
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

    fn on_the_set(&self, script: &'static str, site: &SiteCode) -> Call {
        let mut call = Call::of(script);
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

/// An entry of which it cannot be read what is asked is an order to fetch all the same; it must not stay at the head of the set.
fn entry(id: u64, due_millis: i64, asked: &[u8]) -> Option<RefreshEntry> {
    let asked = std::str::from_utf8(asked).ok().and_then(parts);
    let (wanted, needs, attempts, asked) = asked.unwrap_or((-1, Needs::Read, 0, 0));
    Some(RefreshEntry {
        order: OrderId::new(id)?,
        wanted: if wanted < 0 {
            None
        } else {
            DateTime::from_timestamp_millis(wanted)
        },
        needs,
        due_at: DateTime::from_timestamp_millis(due_millis)?,
        attempts,
        asked,
    })
}

fn parts(asked: &str) -> Option<(i64, Needs, u32, u64)> {
    let mut parts = asked.splitn(4, ':');
    let wanted = parts.next()?.parse().ok()?;
    let needs = match parts.next()? {
        "0" => Needs::WholeOrder,
        _only_a_read => Needs::Read,
    };
    Some((
        wanted,
        needs,
        parts.next()?.parse().ok()?,
        parts.next()?.parse().ok()?,
    ))
}
