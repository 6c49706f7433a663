//! The cache in a Redis server (7 or newer, or Valkey).

mod address;
mod call;
mod connection;
mod customer;
mod key;
mod layout;
mod line;
mod nodes;
mod redaction;
mod refresh;
mod replicas;
mod search;
mod sentinel;
mod site;
mod warming;
mod wire;
mod words;

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use redis::pipe;
use secrecy::{ExposeSecret as _, SecretString};

use self::{address::Address, call::Call, connection::Connection, replicas::Confirmed};
use super::{
    CustomerKeys, Entry, Found, LONGEST_WINDOW, Merged, StoreError, StoreSettings, TOMBSTONE_TTL,
    Ttls, Wanted,
    customer::{CustomerNews, customer_of},
    decision::{Index, Known, Step, decide, number_of},
    keys::Keys,
    redaction::Claim,
    stored,
};
use crate::{
    order::{Order, OrderId, OrderNumber, OrderState},
    site::SiteCode,
};

/// Tries a merge gets against other writers of the same order.
const MERGE_TRIES: u32 = 64;
/// The longest pause between two tries: a few dozen times what a try takes, so that even sixteen writers get out of each
/// other's way.
const LONGEST_PAUSE: Duration = Duration::from_millis(16);

/// Reads an order: its value (empty if there is none), what is left of it and of its tracking, and whether it is deleted or known
/// to be absent. A key that holds no string is somebody else's mistake, and counts as not cached like any other garbage.
const READ: &str = r"
local value = redis.pcall('GET', KEYS[1])
if type(value) == 'table' then
  if not string.find(value.err, 'WRONGTYPE', 1, true) then return value end
  value = ''
end
return {value or '', redis.call('PTTL', KEYS[1]), redis.call('PTTL', KEYS[2]), redis.call('EXISTS', KEYS[3]), redis.call('EXISTS', KEYS[4])}";

/// Puts an order, if its value is still the one that was merged with and nobody deleted it meanwhile.
const PUT: &str = r"
if redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
local held = redis.pcall('GET', KEYS[1])
if type(held) ~= 'string' then held = '' end
if held ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
if ARGV[5] == '0' then redis.call('DEL', KEYS[2]) else redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[5]) end
redis.call('DEL', KEYS[4])
return 1";

/// Deletes an order whose value is still the one that was read, and remembers for a while that it is absent.
const FORGET: &str = r"
local held = redis.pcall('GET', KEYS[1])
if type(held) ~= 'string' then held = '' end
if held ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('SET', KEYS[4], '-', 'PX', ARGV[2])
return 1";

/// Deletes a key that still leads to this order.
const UNLINK_IF: &str =
    "if redis.pcall('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/// Remembers that a number leads nowhere, if it still leads where it was seen to lead.
const REPLACE_IF: &str = "if redis.pcall('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], '-', 'PX', ARGV[2]) end return 1";

/// A Redis store. Cheap to clone; clones share the connection.
#[derive(Debug, Clone)]
pub struct RedisStore {
    connection: Connection,
    keys: Keys,
    ttls: Ttls,
    customers: CustomerKeys,
}

/// An order's keys as they were read.
struct Read {
    raw: Vec<u8>,
    order: Option<Order>,
    order_left: i64,
    tracking_left: i64,
    is_deleted: bool,
    is_absent: bool,
}

impl Read {
    fn known(&mut self) -> Known {
        match self.order.take() {
            _ if self.is_deleted => Known::Tombstone,
            Some(order) => Known::Order(Box::new(order)),
            None => Known::Nothing,
        }
    }
}

impl RedisStore {
    pub(super) fn new(url: &SecretString, settings: StoreSettings) -> Result<Self, StoreError> {
        let address = address(url)?;
        Ok(Self {
            connection: Connection::new(address, settings.clock),
            keys: Keys::new(settings.prefix),
            ttls: settings.ttls,
            customers: settings.customers,
        })
    }

    pub(super) fn customers(&self) -> &CustomerKeys {
        &self.customers
    }

    /// A clone that notes what is written through it, for [`Self::secure`].
    pub(super) fn noting(&self) -> Self {
        Self {
            connection: self.connection.noting(),
            ..self.clone()
        }
    }

    /// Waits until a replica has what was written through this clone, where there are replicas.
    pub(super) async fn secure(&self) -> Result<(), StoreError> {
        if !self.connection.address().is_replicated() {
            return Ok(());
        }
        match self.connection.confirm(self.keys.prefix()).await? {
            Confirmed::ByReplica | Confirmed::Alone => Ok(()),
            Confirmed::Behind => Err(StoreError::OneCopy),
        }
    }

    pub(super) fn ttls(&self) -> Ttls {
        self.ttls
    }

    /// Whether every server that holds keys answers.
    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        let ping = redis::cmd("PING");
        let answered = self
            .connection
            .run(async |mut line| {
                let each = line.on_each_master(&ping).await?;
                line.are_all_masters(each.len()).await
            })
            .await;
        if answered.is_err() && self.connection.address().is_replicated() {
            // Another may have taken its place; the driver finds out only where it is sent away.
            self.connection.connect_anew();
        }
        answered
    }

    pub(super) async fn merge(
        &self,
        site: &SiteCode,
        news: OrderState,
        now: DateTime<Utc>,
    ) -> Result<Merged, StoreError> {
        let (id, claim) = (news.id(), Claim::of(site, &news));
        for attempt in 0..MERGE_TRIES {
            // Boxed: two calls at once would make every future that merges as large as both.
            let (raw, known) = self.known(site, id, claim.as_ref()).boxed().await?;
            let was = known.customer();
            let decision = decide(site, known, news.clone(), now, &self.ttls);
            let lists = decision.customer_news(was, now);
            match decision.step {
                Step::Keep => return Ok(decision.merged),
                Step::Index(index) => {
                    self.index(site, id, &index, now).await?;
                    self.note_customer(site, id, &lists, now).boxed().await?;
                    return Ok(decision.merged);
                }
                Step::Put {
                    order_json,
                    tracking_json,
                    index,
                } => {
                    if self
                        .put(site, id, (&raw, &order_json, &tracking_json), &index)
                        .await?
                    {
                        self.note_customer(site, id, &lists, now).boxed().await?;
                        let written = (&index, claim.as_ref(), decision.merged);
                        let merged = self.conclude(site, id, written, now).boxed().await?;
                        if merged.order.is_none() {
                            // It was redacted meanwhile: it is nobody's any more.
                            let gone = CustomerNews::gone(lists.joined);
                            self.note_customer(site, id, &gone, now).boxed().await?;
                        }
                        return Ok(merged);
                    }
                }
                Step::Bury { number } => {
                    self.bury(site, id, number.as_ref()).await?;
                    self.note_customer(site, id, &lists, now).boxed().await?;
                    return Ok(decision.merged);
                }
            }
            // Somebody else wrote in between: his state is what ours must be merged with.
            tokio::time::sleep(contention_pause(attempt)).await;
        }
        Err(StoreError::Conflict)
    }

    /// What a merge begins with: the order's value as it was read, and what that means. What is refused counts as deleted.
    async fn known(
        &self,
        site: &SiteCode,
        id: OrderId,
        claim: Option<&Claim>,
    ) -> Result<(Vec<u8>, Known), StoreError> {
        let Some(claim) = claim else {
            let mut read = self.read(site, id).await?;
            let known = read.known();
            return Ok((read.raw, known));
        };
        let (read, memory) = tokio::join!(self.read(site, id), self.memory_of(site, claim));
        let (mut read, memory) = (read?, memory?);
        let known = if claim.is_refused(&memory) {
            Known::Tombstone
        } else {
            read.known()
        };
        Ok((read.raw, known))
    }

    async fn read(&self, site: &SiteCode, id: OrderId) -> Result<Read, StoreError> {
        let call = self.on_an_order(READ, site, id);
        let (raw, order_left, tracking_left, is_deleted, is_absent): (Vec<u8>, _, _, _, _) =
            self.connection.call(&call).await?;
        // Nothing is no value of another format, and is not worth a line in the log.
        let text = std::str::from_utf8(&raw)
            .ok()
            .filter(|text| !text.is_empty());
        let order = text.and_then(stored::decode);
        Ok(Read {
            raw,
            order,
            order_left,
            tracking_left,
            is_deleted,
            is_absent,
        })
    }

    /// A call of a script whose keys are an order's: its value, its tracking, its tombstone, its absence.
    fn on_an_order(&self, script: &'static str, site: &SiteCode, id: OrderId) -> Call {
        let mut call = Call::of(script);
        call.key(self.keys.order(site, id))
            .key(self.keys.tracking(site, id))
            .key(self.keys.tombstone(site, id))
            .key(self.keys.absent(site, id));
        call
    }

    /// Whether nobody else had written in between. `values`: the order's value as read, and the two to write.
    async fn put(
        &self,
        site: &SiteCode,
        id: OrderId,
        values: (&[u8], &str, &str),
        index: &Index,
    ) -> Result<bool, StoreError> {
        let (expected, order_json, tracking_json) = values;
        let mut call = self.on_an_order(PUT, site, id);
        call.arg(expected)
            .arg(order_json)
            .arg(millis(index.order_left));
        call.arg(tracking_json)
            .arg(index.tracking_left.map_or(0, millis));
        self.connection.call(&call).await
    }

    /// Writes what leads to the order. These keys live in other slots than the order, so they cannot be part of the script; a
    /// failure in between leaves the order without them, and the caller, who is told, applies the same news again.
    async fn index(
        &self,
        site: &SiteCode,
        id: OrderId,
        index: &Index,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
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
        let oldest = format!("({}", (now - LONGEST_WINDOW).timestamp_millis());
        for (name, at) in [
            ("window", index.created_at),
            ("expiry", index.tracking_expires_at),
        ] {
            let key = self.keys.of_site(site, name);
            write
                .zadd(&key, id.get(), at.timestamp_millis())
                .ignore()
                .zrembyscore(&key, "-inf", &oldest)
                .ignore();
        }
        // Last, so that a deletion that is not seen here takes away itself what stands here.
        write.exists(self.keys.tombstone(site, id));
        let (is_deleted,): (bool,) = self
            .connection
            .run(async |mut redis| write.query_async(&mut redis).await)
            .await?;
        if is_deleted {
            self.unlink(site, id, index.number.as_ref()).await?;
        }
        Ok(())
    }

    async fn bury(
        &self,
        site: &SiteCode,
        id: OrderId,
        number: Option<&OrderNumber>,
    ) -> Result<(), StoreError> {
        let mut write = pipe();
        write
            .atomic()
            .pset_ex(self.keys.tombstone(site, id), 1, millis(TOMBSTONE_TTL))
            .ignore();
        write
            .del(self.keys.order(site, id))
            .ignore()
            .del(self.keys.tracking(site, id))
            .ignore();
        self.connection
            .run(async |mut redis| write.query_async::<()>(&mut redis).await)
            .await?;
        self.unlink(site, id, number).await?;
        self.drop_dead_letter(site, id).await?;
        self.drop_refresh(site, id).await
    }

    pub(super) async fn forget(
        &self,
        site: &SiteCode,
        id: OrderId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let read = self.read(site, id).await?;
        let number = read.order.as_ref().and_then(number_of);
        let news = CustomerNews::gone(read.order.as_ref().and_then(customer_of));
        let mut call = self.on_an_order(FORGET, site, id);
        call.arg(&read.raw).arg(millis(self.ttls.not_found));
        let forgotten: bool = self.connection.call(&call).await?;
        // News came in between: it knows better than the read that found nothing.
        if forgotten {
            self.unlink(site, id, number.as_ref()).await?;
            Box::pin(self.note_customer(site, id, &news, now)).await
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
            let mut call = Call::of(UNLINK_IF);
            call.key(self.keys.search(site, number)).arg(id.get());
            self.connection.call::<()>(&call).await?;
        }
        let mut write = pipe();
        for name in ["window", "expiry"] {
            write.zrem(self.keys.of_site(site, name), id.get()).ignore();
        }
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
        let read = self.read(site, id).await?;
        Ok(match read.order {
            Some(order) => Found::Order(Box::new(Entry {
                order,
                order_ttl: duration(read.order_left).unwrap_or_default(),
                tracking_ttl: duration(read.tracking_left),
            })),
            None if read.is_deleted || read.is_absent => Found::Absent,
            None => Found::Unknown,
        })
    }

    pub(super) async fn find(
        &self,
        site: &SiteCode,
        number: &OrderNumber,
        now: DateTime<Utc>,
    ) -> Result<Found, StoreError> {
        match self.way(site, number).await? {
            Some(Way::Nowhere) => Ok(Found::Absent),
            Some(Way::To(id)) => Ok(super::if_numbered(self.order(site, id, now).await?, number)),
            None => Ok(Found::Unknown),
        }
    }

    /// Where a number leads.
    async fn way(&self, site: &SiteCode, number: &OrderNumber) -> Result<Option<Way>, StoreError> {
        let key = self.keys.search(site, number);
        let way: Option<Vec<u8>> = self
            .connection
            .run(async |mut redis| redis::cmd("GET").arg(&key).query_async(&mut redis).await)
            .await?;
        Ok(way.as_deref().and_then(Way::read))
    }

    pub(super) async fn remember_absent(
        &self,
        site: &SiteCode,
        wanted: &Wanted,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let key = match wanted {
            Wanted::Number(number) => self.keys.search(site, number),
            Wanted::Id(id) => self.keys.absent(site, *id),
        };
        let mut set = redis::cmd("SET");
        set.arg(&key)
            .arg("-")
            .arg("NX")
            .arg("PX")
            .arg(millis(self.ttls.not_found));
        let is_set: bool = self
            .connection
            .run(async |mut redis| set.query_async(&mut redis).await)
            .await?;
        match wanted {
            Wanted::Number(number) if !is_set => self.close_way(site, number, now).await,
            Wanted::Number(_) | Wanted::Id(_) => Ok(()),
        }
    }

    /// A number that has led to an order, and does not any more, would else be looked up again and again until its key expires.
    async fn close_way(
        &self,
        site: &SiteCode,
        number: &OrderNumber,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let Some(Way::To(id)) = self.way(site, number).await? else {
            return Ok(());
        };
        let found = super::if_numbered(self.order(site, id, now).await?, number);
        if matches!(found, Found::Order(_)) {
            return Ok(());
        }
        let mut call = Call::of(REPLACE_IF);
        call.key(self.keys.search(site, number));
        call.arg(id.get()).arg(millis(self.ttls.not_found));
        self.connection.call(&call).await
    }
}

/// What is wrong with an address, if anything is, without connecting.
pub(super) fn check_url(url: &SecretString) -> Result<(), &'static str> {
    let address = Address::parse(url.expose_secret())?;
    wire::check(&address).map_err(|_may_repeat_the_path: redis::RedisError| {
        "names a ?ca= file that cannot be read as certificates: it must be readable by this service and hold PEM (-----BEGIN CERTIFICATE-----); an address without it is redis://127.0.0.1:6379/0"
    })
}

fn address(url: &SecretString) -> Result<Address, StoreError> {
    check_url(url).map_err(|advice| StoreError::BadUrl { advice })?;
    Address::parse(url.expose_secret()).map_err(|advice| StoreError::BadUrl { advice })
}

/// What a search key says.
enum Way {
    /// There is no such order.
    Nowhere,
    To(OrderId),
}

impl Way {
    /// What cannot be read leads nowhere we know, and is written over.
    fn read(text: &[u8]) -> Option<Self> {
        match std::str::from_utf8(text).ok()? {
            "-" => Some(Self::Nowhere),
            id => id.parse().ok().map(Self::To),
        }
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
