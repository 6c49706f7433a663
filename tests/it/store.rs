//! One contract, told of both stores, and what each has of its own.

mod contract;
mod embedded;
mod formats;
mod model;
mod news;
mod redis;

use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use shopify_warmer::{
    clock::Clock,
    order::{Email, OrderId, OrderNumber, OrderState, Tombstone},
    site::SiteCode,
    store::{CustomerKeys, Entry, Found, MergeOutcome, Store, StoreSettings, Ttls},
};
use tempfile::TempDir;

use crate::{
    redis_cluster::RedisCluster, redis_guarded::GuardedRedis, redis_sentinel::SentinelTrio,
    redis_server::RedisServer,
};

fn uk() -> SiteCode {
    "uk".parse().unwrap()
}

fn de() -> SiteCode {
    "de".parse().unwrap()
}

fn id(number: u64) -> OrderId {
    OrderId::new(number).unwrap()
}

fn number(text: &str) -> OrderNumber {
    OrderNumber::parse(text).unwrap()
}

/// The time in tests that need no other: the store takes it as it is told.
fn noon() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn settings() -> StoreSettings {
    StoreSettings {
        prefix: "shopify".to_owned(),
        ttls: Ttls::default(),
        customers: customers(),
        clock: Clock::manual(noon()),
    }
}

/// What both sites hash addresses with.
fn customers() -> CustomerKeys {
    let secrets = ["new", "old"].map(SecretString::from);
    CustomerKeys::of([(&uk(), secrets.as_slice()), (&de(), secrets.as_slice())])
}

fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

/// What a test's store lives on.
enum Backend {
    Redis(RedisServer),
    /// Several servers, and how they are reached.
    Redises(Redises),
    Embedded(TempDir),
}

/// What stands behind an address of several servers, or of one behind TLS.
enum Redises {
    Cluster(RedisCluster),
    Sentinel(SentinelTrio),
    Guarded(GuardedRedis),
}

impl Redises {
    fn url(&self) -> String {
        match self {
            Self::Cluster(cluster) => cluster.url(),
            Self::Sentinel(trio) => trio.url(),
            Self::Guarded(server) => server.url(),
        }
    }

    async fn flush(&self) {
        match self {
            Self::Cluster(cluster) => cluster.flush().await,
            Self::Sentinel(trio) => trio.flush().await,
            Self::Guarded(server) => server.flush().await,
        }
    }
}

impl Backend {
    async fn redis() -> Self {
        Self::Redis(RedisServer::start().await)
    }

    fn embedded() -> Self {
        Self::Embedded(tempfile::tempdir().unwrap())
    }

    fn server(&self) -> &RedisServer {
        match self {
            Self::Redis(server) => server,
            Self::Redises(_) | Self::Embedded(_) => panic!("this is not one server"),
        }
    }

    fn open(&self) -> Store {
        match self {
            Self::Redis(server) => Store::redis(&server.url().into(), settings()).unwrap(),
            Self::Redises(servers) => Store::redis(&servers.url().into(), settings()).unwrap(),
            Self::Embedded(dir) => Store::embedded(dir.path(), settings()).unwrap(),
        }
    }

    /// What sixteen writers hold: connections of their own to Redis; a file has one process.
    fn writers(&self, store: &Store) -> Vec<Store> {
        match self {
            // Each handshake reads the machine's roots, which takes its time in a build that is not optimised.
            Self::Redises(Redises::Guarded(_)) | Self::Embedded(_) => vec![store.clone(); 16],
            Self::Redis(_) | Self::Redises(_) => (0..16).map(|_| self.open()).collect(),
        }
    }
}

/// Merges at noon.
async fn merge(store: &Store, news: impl Into<OrderState>) -> MergeOutcome {
    merge_at(store, news, noon()).await
}

async fn merge_at(store: &Store, news: impl Into<OrderState>, now: DateTime<Utc>) -> MergeOutcome {
    let merged = store.merge(&uk(), news.into(), now).await.unwrap();
    merged.outcome
}

fn deleted(order: u64, at: DateTime<Utc>) -> OrderState {
    OrderState::Gone(Tombstone { id: id(order), at })
}

async fn found(store: &Store, order: u64) -> Found {
    store.order(&uk(), id(order), noon()).await.unwrap()
}

async fn find(store: &Store, text: &str) -> Found {
    store.find(&uk(), &number(text), noon()).await.unwrap()
}

async fn entry(store: &Store, order: u64) -> Entry {
    entry_at(store, order, noon()).await
}

async fn entry_at(store: &Store, order: u64, now: DateTime<Utc>) -> Entry {
    match store.order(&uk(), id(order), now).await.unwrap() {
        Found::Order(entry) => *entry,
        other @ (Found::Absent | Found::Unknown) => panic!("order {order} is {other:?}"),
    }
}

/// Redis has counted down what it keeps since it was told how long.
fn near(left: Duration, wanted_s: u64) -> bool {
    let wanted = Duration::from_secs(wanted_s);
    left <= wanted && left + Duration::from_secs(20) > wanted
}
