//! Customers' lists in Redis. Each script touches one key, so that a Cluster's slots do not matter.

use std::time::Duration;

use super::{RedisStore, call::Call, duration, millis};
use crate::{
    order::{Email, OrderId},
    site::SiteCode,
    store::{
        CustomerHash, CustomerOrders, StoreError,
        customer::{CustomerNews, Listed},
    },
};
use chrono::{DateTime, Utc};

/// Reads a list and what is left of it.
const READ: &str = r"
local held = redis.pcall('GET', KEYS[1])
if type(held) ~= 'string' then held = '' end
return {held, redis.call('PTTL', KEYS[1])}";

/// Adds an order to a list. Where there is none it is noted for a while, if that is asked for (`ARGV[2]`, milliseconds, else 0; `ARGV[3]`: the
/// list with this order alone).
const ADD: &str = r#"
local held, least = redis.pcall('GET', KEYS[1]), tonumber(ARGV[2])
if type(held) ~= 'string' or string.sub(held, -2) ~= ']}' then
  if least > 0 then redis.call('SET', KEYS[1], ARGV[3], 'PX', least) end
  return 0
end
if not string.find(held, '"' .. ARGV[1] .. '"', 1, true) then
  local between = string.sub(held, -3) == '[]}' and '' or ','
  redis.call('SET', KEYS[1], string.sub(held, 1, -3) .. between .. '"' .. ARGV[1] .. '"]}', 'KEEPTTL')
end
if redis.call('PTTL', KEYS[1]) < least then redis.call('SET', KEYS[1], redis.call('GET', KEYS[1]), 'PX', least) end
return 1"#;

/// Takes an order out of a list.
const REMOVE: &str = r#"
local held = redis.pcall('GET', KEYS[1])
if type(held) ~= 'string' then return 0 end
local less, count = string.gsub(held, '"' .. ARGV[1] .. '",?', '')
if count == 0 then return 0 end
redis.call('SET', KEYS[1], (string.gsub(less, ',%]', ']')), 'KEEPTTL')
return 1"#;

/// Puts a complete list, and into it what was noted meanwhile.
const LIST: &str = r#"
local held, list, left = redis.pcall('GET', KEYS[1]), ARGV[1], tonumber(ARGV[2])
if type(held) == 'string' then
  for id in string.gmatch(held, '"(%d+)"') do
    if not string.find(list, '"' .. id .. '"', 1, true) then
      local between = string.sub(list, -3) == '[]}' and '' or ','
      list = string.sub(list, 1, -3) .. between .. '"' .. id .. '"]}'
    end
  end
  left = math.max(left, redis.call('PTTL', KEYS[1]))
end
redis.call('SET', KEYS[1], list, 'PX', left)
return 1"#;

impl RedisStore {
    pub(in crate::store) async fn customer(
        &self,
        site: &SiteCode,
        email: &Email,
        _now: DateTime<Utc>,
    ) -> Result<CustomerOrders, StoreError> {
        let hashes = self.customers.hashes(site, email);
        let Some(current) = hashes.first() else {
            return Ok(CustomerOrders::Unknown);
        };
        let mut call = Call::of(READ);
        call.key(self.keys.customer(site, current));
        let (held, left): (Vec<u8>, i64) = self.connection.call(&call).await?;
        let listed = std::str::from_utf8(&held).ok().and_then(Listed::decode);
        Ok(match (listed, duration(left)) {
            (Some(listed), Some(left)) => listed.told(left),
            (None, _) | (_, None) => CustomerOrders::Unknown,
        })
    }

    pub(in crate::store) async fn list_customer(
        &self,
        site: &SiteCode,
        email: &Email,
        (list, left): (Listed, Duration),
        _now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        for hash in self.customers.hashes(site, email) {
            let mut call = Call::of(LIST);
            call.key(self.keys.customer(site, &hash));
            call.arg(list.encode()).arg(millis(left));
            self.connection.call::<()>(&call).await?;
        }
        Ok(())
    }

    pub(in crate::store) async fn forget_customer(
        &self,
        site: &SiteCode,
        hash: &CustomerHash,
    ) -> Result<(), StoreError> {
        let key = self.keys.customer(site, hash);
        self.connection
            .run(async |mut redis| redis::cmd("UNLINK").arg(&key).query_async(&mut redis).await)
            .await
    }

    /// A failure in between leaves an order in a list it has left, where readers do not take it for the customer's, or out of one that it
    /// has joined; the caller, who is told, applies the same news again.
    pub(in crate::store) async fn note_customer(
        &self,
        site: &SiteCode,
        id: OrderId,
        news: &CustomerNews,
        _now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let hashes = |email: Option<&Email>| {
            email.map_or_else(Vec::new, |email| self.customers.hashes(site, email))
        };
        for hash in hashes(news.left.as_ref()) {
            let mut call = Call::of(REMOVE);
            call.key(self.keys.customer(site, &hash)).arg(id.get());
            self.connection.call::<()>(&call).await?;
        }
        for hash in hashes(news.joined.as_ref()) {
            let mut call = Call::of(ADD);
            call.key(self.keys.customer(site, &hash)).arg(id.get());
            call.arg(news.noted_for.map_or(0, millis));
            call.arg(Listed::note(id).encode());
            self.connection.call::<()>(&call).await?;
        }
        Ok(())
    }
}
