//! A Redis that is down, hangs, restarts, refuses, or is not the master any more.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use shopify_warmer::store::{Found, MergeOutcome, Store, StoreError};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use super::{
    super::{deleted, entry, found, id, merge, news::whole, noon, settings, uk},
    start,
};
use crate::{harness::until, redis_server::RedisServer};

/// No call takes longer, whatever Redis does: a second of patience, and what a busy machine adds.
const LONGEST: Duration = Duration::from_millis(1500);

async fn heals(store: &Store) {
    until("the store heals", || async { store.ping().await.ok() }).await;
}

/// Makes a call that must fail, and says how.
async fn fails(store: &Store) -> StoreError {
    let asked = Instant::now();
    let error = store.order(&uk(), id(1), noon()).await.unwrap_err();
    assert!(asked.elapsed() < LONGEST, "{:?}", asked.elapsed());
    assert!(error.is_retryable(), "{error:?}");
    error
}

#[tokio::test]
async fn a_server_that_is_down_at_the_start_is_found_later() {
    let (mut server, _) = start().await;
    server.kill();
    let store = Store::redis(&server.url().into(), settings()).unwrap();
    let asked = Instant::now();
    let told = fails(&store).await.to_string();
    assert!(told.contains("connection refused"), "{told}");
    for _ in 0..20 {
        fails(&store).await;
    }
    assert!(asked.elapsed() < LONGEST, "{:?}", asked.elapsed());
    server.restart().await;
    heals(&store).await;
    assert_eq!(merge(&store, whole(1, noon())).await, MergeOutcome::Created);
}

/// Writers and readers at work while it dies and comes back: every call ends, with an answer or with an error that says to try
/// again, and what is acknowledged after it came back is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_in_the_midst_of_work_heals() {
    let (mut server, store) = start().await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut work = JoinSet::new();
    for worker in 0..8_u64 {
        let (store, stop) = (store.clone(), Arc::clone(&stop));
        work.spawn(async move {
            let (mut answered, mut refused) = (0_u32, 0_u32);
            for round in 0_u64.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let order = worker * 1_000_000 + round + 1;
                let asked = Instant::now();
                match store
                    .merge(&uk(), whole(order, noon()).into(), noon())
                    .await
                {
                    Ok(_) => answered += 1,
                    Err(error) => {
                        assert!(error.is_retryable(), "{error:?}");
                        refused += 1;
                        tokio::task::yield_now().await;
                    }
                }
                assert!(asked.elapsed() < LONGEST, "{:?}", asked.elapsed());
            }
            (answered, refused)
        });
    }
    until("there is work", || async {
        (server.cli::<i64>(&["DBSIZE"]).await > 100).then_some(())
    })
    .await;
    server.kill();
    until("the store fails", || async { store.ping().await.err() }).await;
    server.restart().await;
    until("there is work again", || async {
        (server.cli::<i64>(&["DBSIZE"]).await > 100).then_some(())
    })
    .await;
    stop.store(true, Ordering::Relaxed);
    for (answered, refused) in work.join_all().await {
        assert!(answered > 0 && refused > 0, "{answered} {refused}");
    }
    merge(&store, whole(1, noon()).noted("after")).await;
    entry(&store, 1).await;
}

#[tokio::test]
async fn a_server_that_hangs_is_not_waited_for_and_heals() {
    let (server, store) = start().await;
    merge(&store, whole(1, noon())).await;
    server.pause();
    for _ in 0..3 {
        assert!(matches!(fails(&store).await, StoreError::TimedOut));
    }
    // The breaker is open now: a hundred calls cost nothing, but for the one that tries whether it may close.
    let asked = Instant::now();
    for _ in 0..100 {
        fails(&store).await;
    }
    assert!(asked.elapsed() < LONGEST, "{:?}", asked.elapsed());
    server.resume();
    heals(&store).await;
    assert_eq!(entry(&store, 1).await.order.id, id(1));
}

/// Webhooks and lookups wait for a quarter of a second only. Redis is silent all the same, and the next need not wait.
#[tokio::test]
async fn callers_with_less_patience_than_the_store_open_the_breaker_too() {
    let (server, store) = start().await;
    merge(&store, whole(1, noon())).await;
    server.pause();
    let impatient = async || {
        let uk = uk();
        let answer = store.order(&uk, id(1), noon());
        tokio::time::timeout(Duration::from_millis(250), answer).await
    };
    for _ in 0..3 {
        impatient().await.unwrap_err();
    }
    let refused = impatient().await.expect("the breaker is open").unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable { .. }));
    server.resume();
    // Who gives up at once has shown nothing, and does not keep the others from trying.
    until("the store heals for the impatient", || async {
        drop(tokio::time::timeout(Duration::ZERO, store.ping()).await);
        impatient().await.ok()?.ok()
    })
    .await;
}

#[tokio::test]
async fn what_redis_refuses_is_told_without_secrets() {
    let server = RedisServer::start_with(Some("right-secret")).await;
    let good = Store::redis(&server.url().into(), settings()).unwrap();
    good.ping().await.unwrap();
    let url = |from: &str, to: &str| server.url().replace(from, to);
    for (url, told) in [
        (url("right", "wrong"), "password of REDIS_URL"),
        (url(":right-secret@", ""), "wants a password"),
        (url("right", "nobody:wrong"), "password of REDIS_URL"),
    ] {
        let store = Store::redis(&url.clone().into(), settings()).unwrap();
        for _ in 0..5 {
            let error = store.ping().await.unwrap_err();
            assert!(error.to_string().contains(told), "{url}: {error}");
            for shown in [format!("{error} {error:?}"), format!("{store:?}")] {
                assert!(!shown.contains("secret"), "{shown}");
            }
        }
    }
}

#[test]
fn an_unusable_address_is_refused_without_repeating_it() {
    for url in [
        "",
        "redis",
        "http://x",
        "redis://:hidden@[nonsense",
        "redis://:hidden@host:port/0",
        "redis://:hidden@host/x",
        "postgres://u:hidden@host/",
    ] {
        let error = Store::redis(&url.to_owned().into(), settings()).unwrap_err();
        assert!(
            matches!(error, StoreError::BadUrl { .. }),
            "{url}: {error:?}"
        );
        assert!(!error.is_retryable());
        let told = format!("{error} {error:?}");
        assert!(!told.contains("hidden"), "{told}");
        assert!(
            error.to_string().contains("redis://127.0.0.1:6379"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_server_without_memory_says_so_and_can_still_be_read() {
    let (server, store) = start().await;
    merge(&store, whole(1, noon())).await;
    let _: redis::Value = server.cli(&["CONFIG", "SET", "maxmemory", "1"]).await;
    for news in [whole(2, noon()).into(), deleted(1, noon())] {
        for _ in 0..5 {
            let error = store.merge(&uk(), news.clone(), noon()).await.unwrap_err();
            assert!(error.to_string().contains("out of memory"), "{error}");
            assert!(matches!(found(&store, 1).await, Found::Order(_)));
        }
    }
    let _: redis::Value = server.cli(&["CONFIG", "SET", "maxmemory", "0"]).await;
    assert_eq!(merge(&store, whole(2, noon())).await, MergeOutcome::Created);
}

/// A master that became a replica refuses writes for good, while its address leads to the new master: an open connection must be
/// given up. One news is written by a script, the other in a transaction, which tell the refusal differently.
#[tokio::test]
async fn a_server_that_is_read_only_is_left_for_the_new_master() {
    let (old, new) = (RedisServer::start().await, RedisServer::start().await);
    let proxy = Proxy::to(old.port()).await;
    let mut stores = Vec::new();
    for news in [whole(2, noon()).into(), deleted(3, noon())] {
        let store = Store::redis(&proxy.url().into(), settings()).unwrap();
        store.ping().await.unwrap();
        stores.push((store, news));
    }
    let replica = ["REPLICAOF", "127.0.0.1", &new.port().to_string()];
    let _: redis::Value = old.cli(&replica).await;
    proxy.lead_to(new.port());
    for (store, news) in &stores {
        until("the old one refuses", || async {
            let refused = store.merge(&uk(), news.clone(), noon()).await.err()?;
            refused.to_string().contains("READONLY").then_some(())
        })
        .await;
        until("it is written to the new master", || async {
            store.merge(&uk(), news.clone(), noon()).await.ok()
        })
        .await;
    }
    for key in ["shopify:{uk:2}:order", "shopify:{uk:3}:tombstone"] {
        assert_eq!(new.cli::<i64>(&["EXISTS", key]).await, 1, "{key}");
    }
}

/// An address that leads to one server and later to another, as a name in DNS does after a failover. Open connections stay where
/// they are.
struct Proxy {
    port: u16,
    target: watch::Sender<u16>,
    _connections: JoinSet<()>,
}

impl Proxy {
    async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (target, at) = watch::channel(port);
        let port = listener.local_addr().unwrap().port();
        let mut connections = JoinSet::new();
        connections.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((mut inside, _)) = listener.accept().await {
                let target = ("127.0.0.1", *at.borrow());
                open.spawn(async move {
                    let mut outside = TcpStream::connect(target).await.unwrap();
                    // However it ends, this connection is over.
                    copy_bidirectional(&mut inside, &mut outside).await.ok();
                });
            }
        });
        Self {
            port,
            target,
            _connections: connections,
        }
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    fn lead_to(&self, port: u16) {
        self.target.send(port).unwrap();
    }
}

#[tokio::test]
async fn scripts_are_loaded_again_after_a_flush() {
    let (server, store) = start().await;
    merge(&store, whole(1, noon())).await;
    let _: redis::Value = server.cli(&["SCRIPT", "FLUSH"]).await;
    let later = noon() + TimeDelta::seconds(1);
    merge(&store, whole(1, later).updated(later).noted("after")).await;
    let note = entry(&store, 1).await.order.head.unwrap().value.note;
    assert_eq!(note.as_deref(), Some("after"));
}

/// A master without enough replicas refuses what it could only lose; what it has can be read.
#[tokio::test]
async fn a_master_without_replicas_that_wants_some_says_so() {
    let (server, store) = start().await;
    merge(&store, whole(1, noon())).await;
    let () = server
        .cli(&["CONFIG", "SET", "min-replicas-to-write", "1"])
        .await;
    for news in [whole(2, noon()).into(), deleted(1, noon())] {
        let error = store.merge(&uk(), news, noon()).await.unwrap_err();
        assert!(error.is_retryable());
        assert!(error.to_string().contains("too few replicas"), "{error}");
    }
    assert!(matches!(found(&store, 1).await, Found::Order(_)));
}

/// Nobody keeps a Redis 6 for tests, so one that says it is one stands in.
#[tokio::test]
async fn a_redis_that_is_too_old_is_refused_by_its_version() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}/0", listener.local_addr().unwrap());
    let mut old = JoinSet::new();
    old.spawn(async move {
        let mut clients = JoinSet::new();
        while let Ok((client, _)) = listener.accept().await {
            clients.spawn(answer_as_version_six(client));
        }
    });
    let store = Store::redis(&url.into(), settings()).unwrap();
    for _ in 0..5 {
        let error = store.ping().await.unwrap_err().to_string();
        assert!(error.contains("older than version 7"), "{error}");
    }
}

async fn answer_as_version_six(mut client: TcpStream) {
    let mut asked = [0; 4096];
    while let Ok(count @ 1..) = client.read(&mut asked).await {
        let asked = String::from_utf8_lossy(&asked[..count]).into_owned();
        for command in asked.split_inclusive('*').skip(1) {
            let answer = if command.contains("INFO\r\n$6\r\nserver") {
                "$22\r\nredis_version:6.2.14\r\n\r\n"
            } else {
                "+OK\r\n"
            };
            client.write_all(answer.as_bytes()).await.unwrap();
        }
    }
}
