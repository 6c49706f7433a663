//! Redis behind TLS, with a CA of its own and a user of few rights.

use shopify_simulator::NewOrder;
use shopify_warmer::{
    clock::Clock,
    store::{CustomerKeys, Store, StoreSettings, Topology, Ttls},
};

use crate::{harness::Setup, redis_guarded::GuardedRedis, redis_server::RedisServer};

fn store(url: &str) -> Store {
    let settings = StoreSettings {
        prefix: "shopify".to_owned(),
        ttls: Ttls::default(),
        customers: CustomerKeys::default(),
        clock: Clock::System,
    };
    Store::redis(&url.to_owned().into(), settings).unwrap()
}

/// Sweep, webhook, lookup, purge, status: the rights of the README suffice for all.
#[tokio::test(flavor = "multi_thread")]
async fn the_whole_service_runs_over_tls_with_the_rights_of_the_readme() {
    let redis = GuardedRedis::start().await;
    let harness = Setup::default()
        .shop(|shop| shop.orders(150))
        .set("REDIS_URL", redis.url())
        .start()
        .await;
    for kind in ["full", "incremental"] {
        assert_eq!(harness.sweep(kind).await["outcome"], "completed");
    }
    let order = harness.simulator.shop().place_order(NewOrder::default());
    harness.simulator.settled().await;
    harness.simulator.clear_calls();
    let reply = harness.by_id(order).await;
    assert_eq!(
        reply.data()["freshness"]["source"],
        "webhook",
        "{}",
        reply.text
    );
    assert_eq!(harness.search("#UK404").await.status, 200);
    for path in [
        "/readyz",
        "/metrics",
        "/api/warmup/status",
        "/api/warmup/coverage",
    ] {
        assert_eq!(harness.get(path).await.status, 200, "{path}");
    }
    let store = &harness.app.state().store;
    let gone = store.purge_site(&"uk".parse().unwrap()).await.unwrap();
    assert!(gone > 150, "{gone}");
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_us_out_is_told() {
    let redis = GuardedRedis::start().await;
    let good = store(&redis.url());
    good.ping().await.unwrap();
    let () = redis
        .server()
        .cli(&[
            "ACL", "SETUSER", "nobody", "on", ">pw", "~x", "+hello", "+ping", "+select",
        ])
        .await;
    let ca = redis.ca();
    for (url, told) in [
        (
            redis.url_as("warmer", "wrong", &ca),
            "password of REDIS_URL",
        ),
        (
            redis.url_as("nobody", "pw", &ca),
            "README has the line for its ACL",
        ),
        (
            redis.url_as("warmer", "wrong", &redis.strange_ca()),
            "certificate",
        ),
        (
            format!("rediss://localhost:{}/0", redis.tls_port()),
            "certificate",
        ),
        (
            redis
                .url_as("warmer", "wrong", &ca)
                .replace("localhost", "127.0.0.1"),
            "certificate",
        ),
    ] {
        let store = store(&url);
        let error = store.memory().await.unwrap_err().to_string();
        assert!(error.contains(told), "{url}: {error}");
        assert!(!error.contains("wrong"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inspection_tells_what_a_person_would_check() {
    let redis = RedisServer::start_set(|| {
        let settings = [
            "--appendonly",
            "yes",
            "--maxmemory",
            "100mb",
            "--maxmemory-policy",
            "allkeys-lru",
        ];
        settings.map(str::to_owned).to_vec()
    })
    .await;
    let seen = store(&redis.url()).inspect().await.unwrap();
    assert_eq!((seen.topology, seen.tls), (Topology::Single, false));
    let [server] = seen.servers.as_slice() else {
        panic!("{seen:?}")
    };
    assert_eq!(server.product, "Redis");
    assert!(
        server.version.starts_with(|c: char| c.is_ascii_digit()),
        "{seen:?}"
    );
    assert_eq!((server.aof, server.rdb), (true, Some(false)));
    assert_eq!(server.memory.limit, Some(100 * 1024 * 1024));
    assert_eq!(server.memory.eviction.as_deref(), Some("allkeys-lru"));
    assert_eq!((server.replicas, server.last_write_failed), (0, false));

    let guarded = GuardedRedis::start().await;
    let seen = store(&guarded.url()).inspect().await.unwrap();
    assert!(seen.tls);
    assert_eq!(seen.servers[0].rdb, None, "our user may not ask");
}
