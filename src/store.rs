//! The cache: Redis, or a file of our own. One contract, and one contract test for both.
//!
//! Expired is absent in every operation. A store that fails is not a miss. The service's clock is a parameter, so that
//! lifetimes run from when an order was observed and not from when news of it arrived.

mod customer;
mod decision;
mod embedded;
mod error;
mod inspection;
mod keys;
mod redaction;
mod redis;
mod refresh;
mod standing;
mod stored;
mod warming;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use secrecy::SecretString;
use serde::Serialize;

pub use self::customer::{CustomerFound, CustomerHash, CustomerKeys, CustomerOrders};
pub use self::error::StoreError;
pub use self::inspection::{Inspection, ServerReport, Topology};
pub use self::redaction::{Redacted, Subject};
pub use self::refresh::{Needs, RefreshAsk, RefreshEntry, Settled};
pub use self::standing::Standing;
pub use self::warming::{Asked, Change, DeadLetter, Fence, Memory, Warming, WarmingChange};
use self::{embedded::EmbeddedStore, redis::RedisStore};
use crate::{
    clock::Clock,
    order::{Announcement, Order, OrderId, OrderNumber, OrderState},
    site::SiteCode,
};

/// How long a deletion is remembered: longer than any redelivery takes (4 h of retries, up to a day late).
pub(crate) const TOMBSTONE_TTL: Duration = Duration::from_secs(72 * 3600);
/// Orders older than this leave the window's index: no window reaches further back.
pub(crate) const LONGEST_WINDOW: TimeDelta = TimeDelta::days(62);
/// Sweep records kept for each site.
pub const MOST_RECORDS: usize = 100;
/// Dead letters kept for each site; the next sweep reads what is not kept all the same.
pub(crate) const MOST_DEAD_LETTERS: usize = 1000;
/// Orders waiting in one refresh set; beyond it the next sweep is the better way to fetch them.
pub(crate) const MOST_REFRESHES: u64 = 100_000;
/// Times that only move on: up to when everything was read, and when the last webhook came.
const WATERMARK: &str = "watermark";
const HEARD: &str = "heard";
/// Orders read at once.
const READS_AT_ONCE: usize = 64;
/// Merges of a page under way at once: few enough that a lookup on the same connection does not notice.
const MERGES_AT_ONCE: usize = 16;
/// The same in a file, where a commit costs the disk as much for one as for many.
const MERGES_IN_A_COMMIT: usize = 64;

/// Names and lifetimes in the cache.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// What all keys begin with (`CACHE_PREFIX`).
    pub prefix: String,
    /// How long entries live.
    pub ttls: Ttls,
    /// What customers' e-mail addresses are hashed with.
    pub customers: CustomerKeys,
    /// Whose time passes while a disk or a socket is waited for.
    pub clock: Clock,
}

/// How long entries live, from when Shopify last confirmed them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ttls {
    /// An order.
    pub order: Duration,
    /// Its tracking.
    pub tracking: Duration,
    /// The way from its number to it.
    pub search: Duration,
    /// That there is no such order.
    pub not_found: Duration,
}

impl Default for Ttls {
    fn default() -> Self {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        Self {
            order: hours(48),
            tracking: hours(6),
            search: hours(48),
            not_found: Duration::from_secs(60),
        }
    }
}

/// Which store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// A Redis server.
    Redis,
    /// A file in `DATA_DIR`.
    Embedded,
}

impl StoreKind {
    /// `redis` or `embedded`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Embedded => "embedded",
        }
    }
}

/// The cache. Cheap to clone; clones share the connection or the file.
#[derive(Debug, Clone)]
pub enum Store {
    /// In a Redis server.
    Redis(RedisStore),
    /// In a file.
    Embedded(EmbeddedStore),
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// An order by its number.
    Number(OrderNumber),
    /// An order by its id.
    Id(OrderId),
}

/// What the cache knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The order.
    Order(Box<Entry>),
    /// That there is none: it was looked for lately and not found, or it was deleted.
    Absent,
    /// Nothing.
    Unknown,
}

/// A cached order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The order.
    pub order: Order,
    /// What is left of it.
    pub order_ttl: Duration,
    /// What is left of its tracking; none when that has expired, which makes the entry stale.
    pub tracking_ttl: Option<Duration>,
}

/// What became of news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// What it did.
    pub outcome: MergeOutcome,
    /// What is cached now.
    pub order: Option<Order>,
    /// Which webhooks should have told it, where it was written.
    pub announcements: BTreeSet<Announcement>,
}

/// What news did to the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeOutcome {
    /// The order was not cached and is now.
    Created,
    /// It said something new.
    Changed,
    /// It said nothing new, but later: the lease is renewed.
    Confirmed,
    /// It said nothing new at all.
    Unchanged,
    /// It tells only a part of an order that is not cached: nothing is written.
    NotCached,
    /// It tells a whole order, but of so long ago that nothing of its lifetime is left.
    Expired,
    /// It is a deletion, and was applied.
    Deleted,
    /// It is refused: the order is remembered as deleted.
    Tombstoned,
}

/// Orders placed since some time whose tracking expires before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Where the window begins.
    pub created_since: DateTime<Utc>,
    /// Before when tracking must expire to be counted.
    pub expires_before: DateTime<Utc>,
}

/// How much of the window is warm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Orders known to be in it.
    pub window: u64,
    /// Those whose tracking has not expired.
    pub warm: u64,
}

/// Runs an operation on whichever store this is.
macro_rules! on_either {
    ($store:expr, $inner:ident => $work:expr) => {
        match $store {
            Store::Redis($inner) => $work,
            Store::Embedded($inner) => $work,
        }
    };
}

/// Runs a read: over the network from Redis, in place from the file.
macro_rules! read {
    ($store:expr, $name:ident($($argument:expr),*)) => {
        match $store {
            Store::Redis(store) => store.$name($($argument),*).await,
            Store::Embedded(store) => store.$name($($argument),*),
        }
    };
}

use {on_either, read};

impl Store {
    /// A Redis store. It connects when it is first used, so that the service starts without Redis.
    pub fn redis(url: &SecretString, settings: StoreSettings) -> Result<Self, StoreError> {
        Ok(Self::Redis(RedisStore::new(url, settings)?))
    }

    /// An embedded store in `dir`, which is made where it is missing.
    pub fn embedded(dir: &Path, settings: StoreSettings) -> Result<Self, StoreError> {
        Ok(Self::Embedded(EmbeddedStore::open(dir, settings)?))
    }

    /// What is wrong with a `REDIS_URL` and how to write it, without any of it.
    pub(crate) fn check_redis_url(url: &SecretString) -> Result<(), &'static str> {
        redis::check_url(url)
    }

    /// A handle that notes what is written through it, so that [`Self::secure`] can wait for it.
    #[must_use]
    pub fn noting(&self) -> Self {
        match self {
            Self::Redis(store) => Self::Redis(store.noting()),
            Self::Embedded(store) => Self::Embedded(store.clone()),
        }
    }

    /// Waits until what was written through this handle, made by [`Self::noting`], outlives the server that took it: a replica
    /// has it too. A file is synced before it answers, and one server without replicas is as safe as it is.
    ///
    /// # Errors
    /// [`StoreError::OneCopy`] if no replica says in time that it has it. It is written all the same.
    pub async fn secure(&self) -> Result<(), StoreError> {
        match self {
            Self::Redis(store) => store.secure().await,
            Self::Embedded(_) => Ok(()),
        }
    }

    /// What the store is, and how its servers keep what they hold.
    pub async fn inspect(&self) -> Result<Inspection, StoreError> {
        match self {
            Self::Redis(store) => store.inspect().await,
            Self::Embedded(_) => Ok(Inspection::of_a_file()),
        }
    }

    /// Which store this is.
    pub fn kind(&self) -> StoreKind {
        match self {
            Self::Redis(_) => StoreKind::Redis,
            Self::Embedded(_) => StoreKind::Embedded,
        }
    }

    /// How long entries live.
    pub fn ttls(&self) -> Ttls {
        on_either!(self, store => store.ttls())
    }

    /// Whether it answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        on_either!(self, store => store.ping().await)
    }

    /// Takes news in: read, merge, compare-and-set. The only way anything is written about an order.
    pub async fn merge(
        &self,
        site: &SiteCode,
        news: OrderState,
        now: DateTime<Utc>,
    ) -> Result<Merged, StoreError> {
        on_either!(self, store => store.merge(site, news, now).await)
    }

    /// Takes a page of news in, in the order given; one that fails does not stop the others.
    pub async fn merge_all(
        &self,
        site: &SiteCode,
        news: Vec<OrderState>,
        now: DateTime<Utc>,
    ) -> Vec<Result<Merged, StoreError>> {
        let at_once = match self {
            Self::Redis(_) => MERGES_AT_ONCE,
            Self::Embedded(_) => MERGES_IN_A_COMMIT,
        };
        let merges = news.into_iter().map(|news| self.merge(site, news, now));
        stream::iter(merges).buffered(at_once).collect().await
    }

    /// An order by its id.
    pub async fn order(
        &self,
        site: &SiteCode,
        id: OrderId,
        now: DateTime<Utc>,
    ) -> Result<Found, StoreError> {
        read!(self, order(site, id, now))
    }

    /// An order by its number. A way that leads to an order of another number leads nowhere.
    pub async fn find(
        &self,
        site: &SiteCode,
        number: &OrderNumber,
        now: DateTime<Utc>,
    ) -> Result<Found, StoreError> {
        read!(self, find(site, number, now))
    }

    /// Many orders by id, all asked for at once.
    pub async fn orders(
        &self,
        site: &SiteCode,
        ids: &[OrderId],
        now: DateTime<Utc>,
    ) -> Result<Vec<Found>, StoreError> {
        // Redis gets them one behind the other on one connection, without waiting in between.
        let reads = ids.iter().copied().map(|id| self.order(site, id, now));
        stream::iter(reads)
            .buffered(READS_AT_ONCE)
            .try_collect()
            .await
    }

    /// Remembers for a short while that there is no such order. Anything known of one outranks it.
    pub async fn remember_absent(
        &self,
        site: &SiteCode,
        wanted: &Wanted,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        on_either!(self, store => store.remember_absent(site, wanted, now).await)
    }

    /// Forgets an order that a read did not find, and for a short while that it exists. This is no deletion: whatever is said of the
    /// order later brings it back.
    pub async fn forget(
        &self,
        site: &SiteCode,
        id: OrderId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        on_either!(self, store => store.forget(site, id, now).await)
    }

    /// Orders of a window whose tracking expires soon or has expired, soonest first.
    pub async fn expiring(
        &self,
        site: &SiteCode,
        window: &Window,
        limit: usize,
    ) -> Result<Vec<OrderId>, StoreError> {
        let mut expiries =
            on_either!(self, store => store.window(site, window.created_since).await)?;
        expiries.retain(|(_, expires_at)| *expires_at < window.expires_before.timestamp_millis());
        expiries.sort_unstable_by_key(|(id, expires_at)| (*expires_at, *id));
        Ok(expiries.into_iter().take(limit).map(|(id, _)| id).collect())
    }

    /// How much of the window is warm at `now`.
    pub async fn coverage(
        &self,
        site: &SiteCode,
        created_since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Coverage, StoreError> {
        let expiries = on_either!(self, store => store.window(site, created_since).await)?;
        let warm = expiries
            .iter()
            .filter(|(_, expires_at)| *expires_at > now.timestamp_millis())
            .count();
        let count = |orders: usize| u64::try_from(orders).unwrap_or(u64::MAX);
        Ok(Coverage {
            window: count(expiries.len()),
            warm: count(warm),
        })
    }

    /// Puts orders into the refresh set; asking twice keeps the newest want, the greater need and the earliest time.
    pub async fn ask_refresh(
        &self,
        site: &SiteCode,
        asks: &[RefreshAsk],
    ) -> Result<(), StoreError> {
        on_either!(self, store => store.ask_refresh(site, asks).await)
    }

    /// What is due in the refresh set, earliest first. Nothing leaves the set by being read.
    pub async fn refreshes_due(
        &self,
        site: &SiteCode,
        now: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<RefreshEntry>, StoreError> {
        read!(self, refreshes_due(site, now, limit))
    }

    /// Takes an entry out of the refresh set, or puts it back for later.
    pub async fn settle_refresh(
        &self,
        site: &SiteCode,
        entry: &RefreshEntry,
        settled: Settled,
    ) -> Result<(), StoreError> {
        on_either!(self, store => store.settle_refresh(site, entry, settled).await)
    }

    /// How many orders wait in the refresh set.
    pub async fn refresh_len(&self, site: &SiteCode) -> Result<u64, StoreError> {
        read!(self, refresh_len(site))
    }

    /// Up to when everything that changed at Shopify has been read.
    pub async fn watermark(&self, site: &SiteCode) -> Result<Option<DateTime<Utc>>, StoreError> {
        let millis = read!(self, mark(site, WATERMARK))?;
        Ok(millis.and_then(DateTime::from_timestamp_millis))
    }

    /// Moves the watermark; never back.
    pub async fn set_watermark(
        &self,
        site: &SiteCode,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        on_either!(self, store => store.raise_mark(site, WATERMARK, at.timestamp_millis()).await)
    }

    /// When the last webhook of the site came in, at whichever replica.
    pub async fn heard_at(&self, site: &SiteCode) -> Result<Option<DateTime<Utc>>, StoreError> {
        let millis = read!(self, mark(site, HEARD))?;
        Ok(millis.and_then(DateTime::from_timestamp_millis))
    }

    /// Notes that webhooks of the site came in until `at`; never back.
    pub async fn note_heard(&self, site: &SiteCode, at: DateTime<Utc>) -> Result<(), StoreError> {
        on_either!(self, store => store.raise_mark(site, HEARD, at.timestamp_millis()).await)
    }

    /// Until when each voice of the site's webhooks was heard: a topic and who delivered it, in one word of the caller's.
    pub async fn voices(
        &self,
        site: &SiteCode,
    ) -> Result<BTreeMap<String, DateTime<Utc>>, StoreError> {
        let voices = read!(self, voices(site))?;
        let heard = |(voice, millis)| Some((voice, DateTime::from_timestamp_millis(millis)?));
        Ok(voices.into_iter().filter_map(heard).collect())
    }

    /// Notes that a voice was heard until `at`; never back. The caller has a bounded number of voices.
    pub async fn note_voice(
        &self,
        site: &SiteCode,
        voice: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        on_either!(self, store => store.note_voice(site, voice, at.timestamp_millis()).await)
    }

    /// Takes the site's lease for `ttl`, or renews it; none if another holder has it. A holder's name is its own: no two processes
    /// have the same.
    pub async fn take_lease(
        &self,
        site: &SiteCode,
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Fence>, StoreError> {
        match self {
            Self::Redis(store) => store.take_lease(site, holder, ttl).await,
            Self::Embedded(store) => Ok(store.take_lease(site, holder, ttl)),
        }
    }

    /// Gives the lease back, so that another need not wait for its end.
    pub async fn release_lease(&self, site: &SiteCode, fence: Fence) -> Result<(), StoreError> {
        match self {
            Self::Redis(store) => store.release_lease(site, fence).await,
            Self::Embedded(store) => {
                store.release_lease(site, fence);
                Ok(())
            }
        }
    }

    /// What is known of the site's warming.
    pub async fn warming(&self, site: &SiteCode) -> Result<Warming, StoreError> {
        read!(self, warming(site))
    }

    /// Writes what the warmer found, in one step.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if its lease does not hold any more; nothing is written then.
    pub async fn write_warming(
        &self,
        site: &SiteCode,
        fence: Fence,
        change: &WarmingChange,
    ) -> Result<(), StoreError> {
        on_either!(self, store => store.write_warming(site, fence, change).await)
    }

    /// Asks the site's warmer, whichever replica that is, for a sweep.
    pub async fn ask_sweep(&self, site: &SiteCode, wish: &str) -> Result<Asked, StoreError> {
        on_either!(self, store => store.ask_sweep(site, wish).await)
    }

    /// Takes a wish back that has not begun.
    pub async fn withdraw_sweep(&self, site: &SiteCode, wish: &str) -> Result<(), StoreError> {
        on_either!(self, store => store.withdraw_sweep(site, wish).await)
    }

    /// Asks the site's warmer to stop a task.
    pub async fn stop_sweep(&self, site: &SiteCode, task: &str) -> Result<(), StoreError> {
        on_either!(self, store => store.stop_sweep(site, task).await)
    }

    /// Orders that could not be fetched.
    pub async fn dead_letters(&self, site: &SiteCode) -> Result<Vec<DeadLetter>, StoreError> {
        read!(self, dead_letters(site))
    }

    /// How much room the store has.
    pub async fn memory(&self) -> Result<Memory, StoreError> {
        read!(self, memory())
    }

    /// Keeps a sweep's record; the oldest beyond 100 goes.
    pub async fn push_record(&self, site: &SiteCode, record: &str) -> Result<(), StoreError> {
        on_either!(self, store => store.push_record(site, record).await)
    }

    /// A site's records, newest first.
    pub async fn records(&self, site: &SiteCode, limit: usize) -> Result<Vec<String>, StoreError> {
        read!(self, records(site, limit))
    }

    /// Deletes everything cached of a site and all that waits for it. Its sweep records hold no customer's data and stay, and so do
    /// tombstones.
    /// Returns how many entries went.
    pub async fn purge_site(&self, site: &SiteCode) -> Result<u64, StoreError> {
        on_either!(self, store => store.purge_site(site).await)
    }

    /// Writes out what is left to write.
    pub async fn close(&self) {
        match self {
            Self::Redis(_) => {}
            Self::Embedded(store) => store.close().await,
        }
    }
}

/// A way by number that leads to an order of another number, or to none, leads nowhere.
fn if_numbered(found: Found, number: &OrderNumber) -> Found {
    match found {
        Found::Order(entry) if entry.is_numbered(number) => Found::Order(entry),
        Found::Absent => Found::Absent,
        Found::Order(_) | Found::Unknown => Found::Unknown,
    }
}

impl Entry {
    fn is_numbered(&self, number: &OrderNumber) -> bool {
        self.order
            .head
            .as_ref()
            .is_some_and(|head| OrderNumber::parse(&head.value.name).as_ref() == Ok(number))
    }
}
