//! The warmer's own state in Redis: a lease, a counter of leases, and a hash of what is under way.

use std::time::Duration;

use redis::{Script, pipe};

use super::{RedisStore, millis};
use crate::{
    order::OrderId,
    site::SiteCode,
    store::{
        Asked, Change, DeadLetter, Fence, MOST_RECORDS, Memory, StoreError, Warming, WarmingChange,
    },
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
/// follow as name, `=` or `-`, text; then records, oldest first.
const WRITE: &str = r"
if string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) ') ~= ARGV[1] then return 0 end
local at = 4
for _ = 1, tonumber(ARGV[3]) do
  if ARGV[at + 1] == '=' then redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 2])
  else redis.call('HDEL', KEYS[2], ARGV[at]) end
  at = at + 3
end
for i = at, #ARGV do redis.call('LPUSH', KEYS[3], ARGV[i]) end
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
        let script = Script::new(TAKE);
        let mut call = script.prepare_invoke();
        call.key(self.keys.of_site(site, "lease"))
            .key(self.keys.of_site(site, "leases"));
        call.arg(holder).arg(millis(ttl));
        let number: u64 = self
            .connection
            .run(async |mut redis| call.invoke_async(&mut redis).await)
            .await?;
        Ok((number > 0).then_some(Fence(number)))
    }

    pub(in crate::store) async fn release_lease(
        &self,
        site: &SiteCode,
        fence: Fence,
    ) -> Result<(), StoreError> {
        let script = Script::new(RELEASE);
        let mut call = script.prepare_invoke();
        call.key(self.keys.of_site(site, "lease")).arg(fence.0);
        self.connection
            .run(async |mut redis| call.invoke_async(&mut redis).await)
            .await
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
        let script = Script::new(WRITE);
        let mut call = script.prepare_invoke();
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
        let written: bool = self
            .connection
            .run(async |mut redis| call.invoke_async(&mut redis).await)
            .await?;
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
        script: &str,
        wish: &str,
    ) -> Result<T, StoreError> {
        let script = Script::new(script);
        let mut call = script.prepare_invoke();
        call.key(self.keys.of_site(site, "sweep")).arg(wish);
        self.connection
            .run(async |mut redis| call.invoke_async(&mut redis).await)
            .await
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

    pub(in crate::store) async fn memory(&self) -> Result<Memory, StoreError> {
        let mut read = pipe();
        read.cmd("INFO").arg("memory");
        let (info,): (String,) = self
            .connection
            .run(async |mut redis| read.query_async(&mut redis).await)
            .await?;
        Ok(read_memory(&info))
    }
}

/// Out of `INFO memory`. A policy of `noeviction` throws nothing away; every other may.
fn read_memory(info: &str) -> Memory {
    let value = |name: &str| {
        let line = info.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.strip_prefix(':')?.trim())
    };
    let number = |name: &str| value(name).and_then(|text| text.parse::<u64>().ok());
    Memory {
        used: number("used_memory").unwrap_or_default(),
        limit: number("maxmemory").filter(|limit| *limit > 0),
        eviction: value("maxmemory_policy")
            .filter(|policy| *policy != "noeviction")
            .map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn info_is_read_by_whole_names() {
        let info = "# Memory\r\nused_memory:1048576\r\nused_memory_human:1.00M\r\nmaxmemory:2097152\r\nmaxmemory_policy:allkeys-lru\r\n";
        let memory = Memory {
            used: 1_048_576,
            limit: Some(2_097_152),
            eviction: Some("allkeys-lru".to_owned()),
        };
        assert_eq!(read_memory(info), memory);
        let unbounded = "used_memory:5\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n";
        assert_eq!(
            read_memory(unbounded),
            Memory {
                used: 5,
                ..Memory::default()
            }
        );
    }
}
