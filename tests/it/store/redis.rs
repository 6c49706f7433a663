//! What only Redis has: lifetimes that it keeps itself, values that others read, and a server that fails.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use redis::AsyncCommands as _;
use shopify_warmer::store::{Found, Store, StoreError, Wanted};

use super::{Backend, entry, id, merge, now, number, settings, uk, whole};
use crate::{harness::until, redis_server::RedisServer};

#[tokio::test]
async fn lifetimes_are_the_contracts() {
    let server = RedisServer::start().await;
    let store = Store::redis(&server.url().into(), settings()).unwrap();
    let at = now();
    merge(&store, whole(5551, at).named("#UK22080")).await;
    store
        .remember_absent(&uk(), &Wanted::Number(number("UK404")), at)
        .await
        .unwrap();
    let mut redis = server.connect().await;
    for (key, seconds) in [
        ("shopify:{uk:5551}:order", 172_800),
        ("shopify:{uk:5551}:tracking", 21_600),
        ("shopify:uk:search:UK22080", 172_800),
        ("shopify:uk:search:UK404", 60),
    ] {
        assert_eq!(redis.ttl::<_, i64>(key).await.unwrap(), seconds, "{key}");
    }
    let text: String = redis.get("shopify:uk:search:UK22080").await.unwrap();
    assert_eq!(text, "5551");
    let order: serde_json::Value = serde_json::from_str(
        &redis
            .get::<_, String>("shopify:{uk:5551}:order")
            .await
            .unwrap(),
    )
    .unwrap();
    assert_eq!(
        (&order["order_number"], &order["_meta"]["format"]),
        (&"#UK22080".into(), &1.into())
    );
    let tracking: serde_json::Value = serde_json::from_str(
        &redis
            .get::<_, String>("shopify:{uk:5551}:tracking")
            .await
            .unwrap(),
    )
    .unwrap();
    assert_eq!(tracking["order_id"], "5551");
    let keys: Vec<String> = redis.keys("*").await.unwrap();
    assert!(
        keys.iter()
            .all(|key| key.starts_with("shopify:") && !key.contains("jane")),
        "{keys:?}"
    );
}

#[tokio::test]
async fn a_tracking_key_that_is_gone_makes_the_order_stale() {
    let backend = Backend::redis().await;
    let store = backend.open();
    merge(&store, whole(1, now())).await;
    let Backend::Redis(server) = &backend else {
        unreachable!()
    };
    let _: () = server
        .connect()
        .await
        .del("shopify:{uk:1}:tracking")
        .await
        .unwrap();
    assert_eq!(entry(&store, 1).await.tracking_ttl, None);
}

#[tokio::test]
async fn a_value_of_another_make_counts_as_not_cached_and_is_written_over() {
    let server = RedisServer::start().await;
    let store = Store::redis(&server.url().into(), settings()).unwrap();
    let mut redis = server.connect().await;
    for value in ["", "nonsense", "{\"_meta\":{\"format\":99}}"] {
        let _: () = redis.set("shopify:{uk:1}:order", value).await.unwrap();
        assert_eq!(
            store.order(&uk(), id(1), now()).await.unwrap(),
            Found::Unknown,
            "{value}"
        );
        merge(&store, whole(1, now())).await;
        assert!(
            matches!(
                store.order(&uk(), id(1), now()).await.unwrap(),
                Found::Order(_)
            ),
            "{value}"
        );
    }
}

#[tokio::test]
async fn a_server_that_dies_fails_promptly_and_heals() {
    let mut server = RedisServer::start().await;
    let store = Store::redis(&server.url().into(), settings()).unwrap();
    merge(&store, whole(1, now())).await;
    server.kill();
    let asked = Instant::now();
    for _ in 0..20 {
        let error = store.order(&uk(), id(1), now()).await.unwrap_err();
        assert!(error.is_retryable(), "{error:?}");
    }
    // Twenty calls, each with the patience of a second, would take twenty: the breaker spares them that.
    assert!(
        asked.elapsed() < Duration::from_secs(10),
        "{:?}",
        asked.elapsed()
    );
    server.restart().await;
    until("the store heals", || async { store.ping().await.ok() }).await;
    merge(&store, whole(1, now())).await;
}

#[tokio::test]
async fn a_server_that_hangs_is_not_waited_for_and_heals() {
    let server = RedisServer::start().await;
    let store = Store::redis(&server.url().into(), settings()).unwrap();
    merge(&store, whole(1, now())).await;
    server.freeze();
    until("the breaker opens", || async {
        matches!(store.ping().await, Err(StoreError::Unavailable { .. })).then_some(())
    })
    .await;
    server.thaw();
    until("the store heals", || async { store.ping().await.ok() }).await;
    assert_eq!(entry(&store, 1).await.order.id, id(1));
}

#[tokio::test]
async fn a_wrong_password_is_told_and_not_shown() {
    let server = RedisServer::start_with(Some("right-secret")).await;
    let good = Store::redis(&server.url().into(), settings()).unwrap();
    good.ping().await.unwrap();
    let wrong = server.url().replace("right-secret", "wrong-secret");
    let store = Store::redis(&wrong.into(), settings()).unwrap();
    let error = store.ping().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    for shown in [
        error.to_string(),
        format!("{error:?}"),
        format!("{store:?}"),
    ] {
        assert!(!shown.contains("secret"), "{shown}");
    }
    let error =
        Store::redis(&"redis://:hidden@[nonsense".to_owned().into(), settings()).unwrap_err();
    assert!(
        matches!(error, StoreError::BadUrl) && !error.to_string().contains("hidden"),
        "{error}"
    );
}

#[tokio::test]
async fn scripts_are_loaded_again_after_a_flush() {
    let server = RedisServer::start().await;
    let store = Store::redis(&server.url().into(), settings()).unwrap();
    merge(&store, whole(1, now())).await;
    let mut redis = server.connect().await;
    let _: () = redis::cmd("SCRIPT")
        .arg("FLUSH")
        .query_async(&mut redis)
        .await
        .unwrap();
    let later = now() + TimeDelta::seconds(1);
    merge(&store, whole(1, later).updated(later).noted("after")).await;
    assert_eq!(
        entry(&store, 1)
            .await
            .order
            .head
            .unwrap()
            .value
            .note
            .as_deref(),
        Some("after")
    );
}
