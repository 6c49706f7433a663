//! What only Redis has: keys with lifetimes of their own, values that others read, and a server that fails.

mod failures;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::Value;
use shopify_warmer::store::{
    Found, MergeOutcome, Needs, RefreshAsk, RefreshEntry, Settled, Store, Wanted,
};

use super::{
    Backend, deleted, entry, find, found, id, merge, merge_at,
    news::{partial, whole},
    noon, number, settings, uk,
};
use crate::redis_server::RedisServer;

async fn start() -> (RedisServer, Store) {
    let server = RedisServer::start().await;
    let store = Store::redis(&server.url().into(), settings()).unwrap();
    (server, store)
}

/// A sound machine counts a key down by no more than this between its write and our look.
async fn assert_ttl(server: &RedisServer, key: &str, wanted: i64) {
    let left: i64 = server.cli(&["TTL", key]).await;
    assert!((wanted - 20..=wanted).contains(&left), "{key}: {left} s");
}

#[tokio::test]
async fn lifetimes_are_the_contracts() {
    let (server, store) = start().await;
    merge(&store, whole(5551, noon()).named("#UK22080")).await;
    merge(&store, deleted(5552, noon())).await;
    for wanted in [Wanted::Number(number("UK404")), Wanted::Id(id(404))] {
        store.remember_absent(&uk(), &wanted, noon()).await.unwrap();
    }
    for (key, seconds) in [
        ("shopify:{uk:5551}:order", 172_800),
        ("shopify:{uk:5551}:tracking", 21_600),
        ("shopify:uk:search:UK22080", 172_800),
        ("shopify:uk:search:UK404", 60),
        ("shopify:{uk:404}:absent", 60),
        ("shopify:{uk:5552}:tombstone", 72 * 3600),
    ] {
        assert_ttl(&server, key, seconds).await;
    }
    // Partial news three hours later keeps the deadlines; a look at the whole order renews them.
    let later = noon() + TimeDelta::hours(3);
    merge_at(&store, partial(5551, 7, later), later).await;
    assert_ttl(&server, "shopify:{uk:5551}:order", 45 * 3600).await;
    assert_ttl(&server, "shopify:{uk:5551}:tracking", 3 * 3600).await;
    let renewed = whole(5551, later).named("#UK22080").created(noon());
    merge_at(&store, renewed, later).await;
    assert_ttl(&server, "shopify:{uk:5551}:tracking", 6 * 3600).await;
    assert_ttl(&server, "shopify:uk:search:UK22080", 48 * 3600).await;
}

#[tokio::test]
async fn other_programs_can_read_the_values() {
    let (server, store) = start().await;
    merge(&store, whole(5551, noon()).named("#UK22080")).await;
    merge(&store, partial(5551, 7, noon())).await;
    let order: String = server.cli(&["GET", "shopify:{uk:5551}:order"]).await;
    let order: Value = serde_json::from_str(&order).unwrap();
    for (field, value) in [
        ("/order_id", "5551"),
        ("/order_number", "#UK22080"),
        ("/site_code", "uk"),
        ("/total_price", "10.00"),
        ("/customer_email", "jane@example.com"),
        ("/fulfillments/0/tracking_number", "T7"),
    ] {
        assert_eq!(order.pointer(field), Some(&value.into()), "{field}");
    }
    assert_eq!(order["_meta"]["format"], 1);
    let tracking: String = server.cli(&["GET", "shopify:{uk:5551}:tracking"]).await;
    let tracking: Value = serde_json::from_str(&tracking).unwrap();
    assert_eq!(tracking["order_id"], "5551");
    assert_eq!(tracking["primary_tracking"]["number"], "T7");
    assert_eq!(tracking.get("_meta"), None);
    let way: String = server.cli(&["GET", "shopify:uk:search:UK22080"]).await;
    assert_eq!(way, "5551");
}

#[tokio::test]
async fn nothing_but_the_warmers_state_lives_for_ever_and_no_key_names_a_person() {
    let (server, store) = start().await;
    merge(&store, whole(1, noon())).await;
    merge(&store, deleted(2, noon())).await;
    store.ask_refresh(&uk(), &[ask(1)]).await.unwrap();
    store.set_watermark(&uk(), noon()).await.unwrap();
    store.push_record(&uk(), "{}").await.unwrap();
    let keys: Vec<String> = server.cli(&["KEYS", "*"]).await;
    let mut lives_for_ever = BTreeMap::new();
    for key in keys {
        let left: i64 = server.cli(&["TTL", &key]).await;
        lives_for_ever.insert(key, left == -1);
    }
    let expected = [
        ("shopify:{uk:1}:order", false),
        ("shopify:{uk:1}:tracking", false),
        ("shopify:{uk:2}:tombstone", false),
        ("shopify:uk:search:UK1", false),
        ("shopify:{uk}:expiry", true),
        ("shopify:{uk}:history", true),
        ("shopify:{uk}:refresh", true),
        ("shopify:{uk}:refresh:asks", true),
        ("shopify:{uk}:watermark", true),
        ("shopify:{uk}:window", true),
    ];
    let expected = expected.map(|(key, for_ever)| (key.to_owned(), for_ever));
    assert_eq!(lives_for_ever, BTreeMap::from(expected));
}

fn ask(order: u64) -> RefreshAsk {
    RefreshAsk {
        order: id(order),
        wanted: Some(noon()),
        needs: Needs::WholeOrder,
        due_at: noon(),
    }
}

#[tokio::test]
async fn a_tracking_key_that_is_gone_makes_the_order_stale() {
    let (server, store) = start().await;
    merge(&store, whole(1, noon())).await;
    let _: i64 = server.cli(&["DEL", "shopify:{uk:1}:tracking"]).await;
    assert_eq!(entry(&store, 1).await.tracking_ttl, None);
}

#[tokio::test]
async fn garbage_at_an_orders_key_counts_as_not_cached_and_is_written_over() {
    let (server, store) = start().await;
    let key = "shopify:{uk:1}:order";
    let newer = r#"{"order_id":"1","_meta":{"format":99,"facets":{"of":"the future"}}}"#;
    let garbage: [&[&str]; 5] = [
        &["SET", key, ""],
        &["SET", key, "nonsense"],
        &["SET", key, newer],
        // What is no text at all: the register of a HyperLogLog.
        &["PFADD", key, "a"],
        &["RPUSH", key, "a list"],
    ];
    for spoil in garbage {
        merge(&store, whole(1, noon())).await;
        let _: i64 = server.cli(&["DEL", key]).await;
        let _: redis::Value = server.cli(spoil).await;
        assert_eq!(found(&store, 1).await, Found::Unknown, "{spoil:?}");
        assert_eq!(find(&store, "UK1").await, Found::Unknown, "{spoil:?}");
        assert_eq!(
            merge(&store, partial(1, 5, noon())).await,
            MergeOutcome::NotCached,
            "{spoil:?}"
        );
        assert_eq!(
            merge(&store, whole(1, noon())).await,
            MergeOutcome::Created,
            "{spoil:?}"
        );
        assert_eq!(entry(&store, 1).await.order.id, id(1));
    }
    // What leads to an order may be garbage, too.
    let _: redis::Value = server.cli(&["PFADD", "shopify:uk:search:UK9", "a"]).await;
    assert_eq!(find(&store, "UK9").await, Found::Unknown);
}

#[tokio::test]
async fn garbage_in_the_warmers_state_stops_nothing() {
    let (server, store) = start().await;
    let (set, asks) = ("shopify:{uk}:refresh", "shopify:{uk}:refresh:asks");
    let _: i64 = server.cli(&["ZADD", set, "5", "1", "6", "2"]).await;
    let _: i64 = server
        .cli(&["HSET", asks, "2", "what an older version wrote"])
        .await;
    store.ask_refresh(&uk(), &[ask(3)]).await.unwrap();
    let due = store.refreshes_due(&uk(), noon(), 10).await.unwrap();
    let orders: Vec<_> = due.iter().map(|entry| entry.order.get()).collect();
    assert_eq!(orders, [1, 2, 3], "an order to fetch all the same");
    store.ask_refresh(&uk(), &[ask(2)]).await.unwrap();
    let [one, two, _] = due[..] else { panic!() };
    let later = Settled::Again {
        due_at: noon() + TimeDelta::hours(1),
    };
    store.settle_refresh(&uk(), &one, later).await.unwrap();
    store
        .settle_refresh(&uk(), &two, Settled::Done)
        .await
        .unwrap();
    let due = store.refreshes_due(&uk(), noon(), 10).await.unwrap();
    assert!(
        matches!(
            due[..],
            [
                RefreshEntry {
                    wanted: Some(_),
                    ..
                },
                _
            ]
        ) && due[0].order == id(2),
        "{due:?}: 1 waits, 2 was asked for again"
    );

    let key = "shopify:{uk}:watermark";
    let _: redis::Value = server.cli(&["SET", key, "yesterday"]).await;
    assert_eq!(store.watermark(&uk()).await.unwrap(), None);
    store.set_watermark(&uk(), noon()).await.unwrap();
    assert_eq!(store.watermark(&uk()).await.unwrap(), Some(noon()));
}

#[tokio::test]
async fn what_no_window_reaches_leaves_the_indices() {
    let (server, store) = start().await;
    merge(&store, whole(1, noon()).created(noon())).await;
    let later = noon() + TimeDelta::days(63);
    merge_at(&store, whole(2, later).created(later), later).await;
    for index in ["shopify:{uk}:window", "shopify:{uk}:expiry"] {
        let left: Vec<String> = server.cli(&["ZRANGE", index, "0", "-1"]).await;
        assert_eq!(left, ["2"], "{index}");
    }
}

/// Whoever failed between the order and what leads to it is told, and says the same again.
#[tokio::test]
async fn an_index_that_was_not_written_is_written_with_the_same_news() {
    let (server, store) = start().await;
    merge(&store, whole(1, noon())).await;
    let indices = ["shopify:uk:search:UK1", "shopify:{uk}:window"];
    let _: i64 = server.cli(&["DEL", indices[0], indices[1]]).await;
    assert_eq!(
        merge(&store, whole(1, noon())).await,
        MergeOutcome::Unchanged
    );
    assert!(matches!(find(&store, "UK1").await, Found::Order(_)));
    let since = noon() - TimeDelta::days(7);
    let coverage = store.coverage(&uk(), since, noon()).await.unwrap();
    assert_eq!(coverage.window, 1);
}

/// The prefix is a name, not a pattern.
#[tokio::test]
async fn a_purge_takes_no_other_programs_keys() {
    let backend = Backend::redis().await;
    let server = backend.server();
    let store = Store::redis(&server.url().into(), settings()).unwrap();
    merge(&store, whole(1, noon())).await;
    let others = [
        "shopify:{uk2:1}:order",
        "shopify:uk2:search:UK1",
        "shopifyx:{uk:1}:order",
        "shop:{uk:1}:order",
    ];
    for key in others {
        let _: redis::Value = server.cli(&["SET", key, "theirs"]).await;
    }
    store.purge_site(&uk()).await.unwrap();
    for key in others {
        let left: Option<String> = server.cli(&["GET", key]).await;
        assert_eq!(left.as_deref(), Some("theirs"), "{key}");
    }
    let left: i64 = server.cli(&["DBSIZE"]).await;
    assert_eq!(left, 4);
}

/// A warmer that had the lease before the data were lost must not pass for the one that took it after.
#[tokio::test]
async fn a_lease_taken_after_the_data_were_lost_is_another() {
    let server = RedisServer::start().await;
    let store = Store::redis(&server.url().into(), settings()).unwrap();
    let minute = std::time::Duration::from_secs(60);
    let before = store.take_lease(&uk(), "a", minute).await.unwrap().unwrap();
    let _ok: String = server.cli(&["FLUSHALL"]).await;
    let after = store.take_lease(&uk(), "a", minute).await.unwrap().unwrap();
    assert!(after > before, "{after:?} after {before:?}");
    let change = shopify_warmer::store::WarmingChange::default();
    let late = store.write_warming(&uk(), before, &change).await;
    assert!(late.is_err(), "{late:?}");
}
