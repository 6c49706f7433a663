//! The warmer's own state in Redis: a lease, a counter of leases, and a hash of what is under way.

use std::time::Duration;

use super::{RedisStore, call::Call, millis};
use crate::{
    order::OrderId,
    site::SiteCode,
    store::{Asked, Change, DeadLetter, Fence, MOST_RECORDS, StoreError, Warming, WarmingChange},
};

/// Takes the lease or renews it: its number, or 0 if somebody else has it. Its value reads `<number> <holder>`. Numbers grow with
/// the server's time as well, so that none comes again after a Redis has lost its data.
/// ARGV: holder, milliseconds.
const TAKE: &str = r"
local held = redis.call('GET', KEYS[1])
local number, holder = string.match(held or '', '^(%d+) (.*)$')
if number and holder ~= ARGV[1] then return 0 end
if number then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return tonumber(number)
end
local time = redis.call('TIME')
local next = math.max(tonumber(redis.call('GET', KEYS[2]) or '') or 0, time[1] * 1000000 + time[2]) + 1
redis.call('SET', KEYS[2], string.format('%.0f', next))
redis.call('SET', KEYS[1], string.format('%.0f %s', next, ARGV[1]), 'PX', ARGV[2])
return next";

/// Gives the lease back. ARGV: its number.
const RELEASE: &str = r"
if string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) ') == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1";

/// Writes what the warmer found, while its lease holds. ARGV: the lease's number, how many records are kept, how many changes
/// follow as name, `=` or `-`, text; then records, oldest first. Of one that is there already the answer was lost, not the record.
const WRITE: &str = r"
if string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) ') ~= ARGV[1] then return 0 end
local at = 4
for _ = 1, tonumber(ARGV[3]) do
  if ARGV[at + 1] == '=' then redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 2])
  else redis.call('HDEL', KEYS[2], ARGV[at]) end
  at = at + 3
end
for i = at, #ARGV do
  if not redis.call('LPOS', KEYS[3], ARGV[i]) then redis.call('LPUSH', KEYS[3], ARGV[i]) end
end
redis.call('LTRIM', KEYS[3], 0, tonumber(ARGV[2]) - 1)
return 1";

/// Asks for a sweep: empty if it was taken, else the one under way or asked for. ARGV: the wish.
const ASK: &str = r"
local busy = redis.call('HGET', KEYS[1], 'sweep') or redis.call('HGET', KEYS[1], 'wish')
if busy then return busy end
redis.call('HSET', KEYS[1], 'wish', ARGV[1])
return ''";

/// Takes a wish back if it is still this one. ARGV: the wish.
const WITHDRAW: &str = "if redis.call('HGET', KEYS[1], 'wish') == ARGV[1] then redis.call('HDEL', KEYS[1], 'wish') end return 1";

impl RedisStore {
    pub(in crate::store) async fn take_lease(
        &self,
        site: &SiteCode,
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Fence>, StoreError> {
        let mut call = Call::of(TAKE);
        call.key(self.keys.of_site(site, "lease"))
            .key(self.keys.of_site(site, "leases"));
        call.arg(holder).arg(millis(ttl));
        let number: u64 = self.connection.call(&call).await?;
        Ok((number > 0).then_some(Fence(number)))
    }

    pub(in crate::store) async fn release_lease(
        &self,
        site: &SiteCode,
        fence: Fence,
    ) -> Result<(), StoreError> {
        let mut call = Call::of(RELEASE);
        call.key(self.keys.of_site(site, "lease")).arg(fence.0);
        self.connection.call(&call).await
    }

    pub(in crate::store) async fn warming(&self, site: &SiteCode) -> Result<Warming, StoreError> {
        let mut read = redis::cmd("HMGET");
        read.arg(self.keys.of_site(site, "sweep"))
            .arg(&Warming::FIELDS);
        let texts = self
            .connection
            .run(async |mut redis| read.query_async(&mut redis).await)
            .await?;
        Ok(Warming::of(texts))
    }

    pub(in crate::store) async fn write_warming(
        &self,
        site: &SiteCode,
        fence: Fence,
        change: &WarmingChange,
    ) -> Result<(), StoreError> {
        let fields = change.fields();
        let changes: Vec<_> = fields
            .iter()
            .filter_map(|(name, change)| match change {
                Change::Keep => None,
                Change::Set(text) => Some((name, "=", text.as_str())),
                Change::Clear => Some((name, "-", "")),
            })
            .collect();
        let mut call = Call::of(WRITE);
        for name in ["lease", "sweep", "history"] {
            call.key(self.keys.of_site(site, name));
        }
        call.arg(fence.0).arg(MOST_RECORDS).arg(changes.len());
        for (name, verb, text) in changes {
            call.arg(name).arg(verb).arg(text);
        }
        for record in &change.records {
            call.arg(record);
        }
        let written: bool = self.connection.call(&call).await?;
        if written {
            Ok(())
        } else {
            Err(StoreError::Fenced)
        }
    }

    pub(in crate::store) async fn ask_sweep(
        &self,
        site: &SiteCode,
        wish: &str,
    ) -> Result<Asked, StoreError> {
        let busy: String = self.on_the_sweep(site, ASK, wish).await?;
        Ok(if busy.is_empty() {
            Asked::Taken
        } else {
            Asked::Busy(busy)
        })
    }

    pub(in crate::store) async fn withdraw_sweep(
        &self,
        site: &SiteCode,
        wish: &str,
    ) -> Result<(), StoreError> {
        self.on_the_sweep(site, WITHDRAW, wish).await
    }

    pub(in crate::store) async fn stop_sweep(
        &self,
        site: &SiteCode,
        task: &str,
    ) -> Result<(), StoreError> {
        let mut write = redis::cmd("HSET");
        write
            .arg(self.keys.of_site(site, "sweep"))
            .arg("stop")
            .arg(task);
        self.connection
            .run(async |mut redis| write.query_async(&mut redis).await)
            .await
    }

    async fn on_the_sweep<T: redis::FromRedisValue>(
        &self,
        site: &SiteCode,
        script: &'static str,
        wish: &str,
    ) -> Result<T, StoreError> {
        let mut call = Call::of(script);
        call.key(self.keys.of_site(site, "sweep")).arg(wish);
        self.connection.call(&call).await
    }

    pub(in crate::store) async fn dead_letters(
        &self,
        site: &SiteCode,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let mut read = redis::cmd("HVALS");
        read.arg(self.keys.of_site(site, "dead"));
        let letters: Vec<Vec<u8>> = self
            .connection
            .run(async |mut redis| read.query_async(&mut redis).await)
            .await?;
        Ok(letters
            .iter()
            .filter_map(|letter| serde_json::from_slice(letter).ok())
            .collect())
    }

    /// Takes an order out of the dead letters.
    pub(super) async fn drop_dead_letter(
        &self,
        site: &SiteCode,
        id: OrderId,
    ) -> Result<(), StoreError> {
        let mut write = redis::cmd("HDEL");
        write.arg(self.keys.of_site(site, "dead")).arg(id.get());
        self.connection
            .run(async |mut redis| write.query_async(&mut redis).await)
            .await
    }
}
