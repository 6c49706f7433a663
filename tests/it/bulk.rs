//! Large shops: a window beyond `WARMUP_BULK_THRESHOLD` is read by a bulk operation, whatever goes wrong with it.

mod faults;
mod mouths;
mod stops;

use std::{collections::BTreeMap, time::Duration};

use chrono::TimeDelta;
use serde_json::{Value, json};
use shopify_simulator::{BulkLayout, BulkPace, NewOrder};

use crate::{
    harness::{Harness, Setup, now, until},
    redis_server::RedisServer,
};

/// A shop far beyond the threshold.
pub(super) const ORDERS: u32 = 120;

pub(super) fn large() -> Setup {
    Setup::default()
        .shop(|shop| shop.orders(ORDERS).seed(3))
        .set("WARMUP_BULK_THRESHOLD", 20)
        .set("WARMUP_PAGE_SIZE", 10)
}

/// How often Shopify was asked what.
pub(super) fn asked(harness: &Harness) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in harness.simulator.calls() {
        *counts.entry(call.operation).or_default() += 1;
    }
    counts
}

/// Every order of the window is answered from the cache.
pub(super) async fn all_are_warm(harness: &Harness) {
    harness.simulator.clear_calls();
    let shop = harness.simulator.shop();
    for id in shop.order_ids() {
        let reply = harness.by_id(id).await;
        assert_eq!(reply.data()["cached"], true, "{id}: {}", reply.text);
        let lines = reply.data()["order"]["line_items"]
            .as_array()
            .unwrap()
            .len();
        assert_eq!(lines, shop.line_ids(id).unwrap().len(), "{id}");
        let parcels = reply.data()["order"]["fulfillments"]
            .as_array()
            .unwrap()
            .len();
        assert_eq!(parcels, shop.fulfillment_ids(id).unwrap().len(), "{id}");
    }
    assert_eq!(harness.simulator.calls().len(), 0);
}

/// Nothing of any customer is left beside the cache.
pub(super) fn nothing_is_left(harness: &Harness) {
    let spool = harness.data_dir.path().join("bulk");
    let left = std::fs::read_dir(&spool).map_or(0, Iterator::count);
    assert_eq!(left, 0, "{}", spool.display());
}

async fn is_imported_whole(setup: Setup, layout: BulkLayout) {
    let harness = setup.start().await;
    harness.simulator.set_bulk_layout(layout);
    let record = harness.sweep("full").await;
    assert_eq!(
        (
            &record["outcome"],
            &record["total_orders"],
            &record["failed"]
        ),
        (&json!("completed"), &json!(ORDERS), &json!(0)),
        "{record}"
    );
    assert_eq!(
        (
            &record["drift"]["missing"],
            &record["errors"],
            &record["days_covered"]
        ),
        (&json!(ORDERS), &json!([]), &json!(7.0)),
        "{record}"
    );
    let calls = asked(&harness);
    assert_eq!(
        (
            calls["OrdersPage"],
            calls["OrdersCount"],
            calls["BulkRun"],
            calls["BulkDownload"]
        ),
        (1, 1, 1, 1),
        "{calls:?}"
    );
    assert_eq!(
        calls["OrdersByIds"], 1,
        "details of up to 250 orders in one call"
    );
    let of_the_api: usize = calls.values().sum::<usize>() - calls["BulkDownload"];
    assert_eq!(record["api_calls"], of_the_api);
    nothing_is_left(&harness);
    all_are_warm(&harness).await;
    let status = harness.get("/api/warmup/status").await;
    assert_eq!(
        status.data()["coverage"],
        json!({ "window": ORDERS, "warm": ORDERS, "ratio": 1.0 })
    );
    harness.stop().await;
}

#[tokio::test]
async fn a_large_window_is_imported_by_one_operation() {
    is_imported_whole(large(), BulkLayout::ChildrenLater).await;
}

#[tokio::test]
async fn children_may_stand_anywhere_and_redis_takes_them_too() {
    let redis = RedisServer::start().await;
    let setup = large().set("REDIS_URL", redis.url());
    is_imported_whole(setup, BulkLayout::ChildrenAnywhere).await;
}

#[tokio::test]
async fn a_window_at_the_threshold_is_read_page_by_page() {
    let harness = large().set("WARMUP_BULK_THRESHOLD", ORDERS).start().await;
    let record = harness.sweep("full").await;
    assert_eq!(record["total_orders"], ORDERS);
    let calls = asked(&harness);
    assert_eq!(
        (calls["OrdersPage"], calls["OrdersCount"]),
        (12, 1),
        "{calls:?}"
    );
    assert_eq!(calls.get("BulkRun"), None);
    harness.stop().await;
}

#[tokio::test]
async fn news_that_comes_while_shopify_works_is_not_undone() {
    let (setup, shop_clock, clock) = large().clock(now());
    let harness = setup.start().await;
    let pace = BulkPace {
        queued: Duration::ZERO,
        running: Duration::from_secs(600),
    };
    harness.simulator.set_bulk_pace(pace);
    let started = harness
        .post("/api/warmup/trigger", &json!({ "type": "full" }))
        .await;
    until("Shopify works", || async {
        (harness.simulator.calls_named("BulkPoll").len() > 2).then_some(())
    })
    .await;
    let shop = harness.simulator.shop();
    let changed = *shop.order_ids().last().unwrap();
    shop_clock.advance(Duration::from_secs(300));
    clock.advance(TimeDelta::seconds(300));
    shop.set_note(changed, Some("after the operation began"))
        .unwrap();
    let placed = shop.place_order(NewOrder::default());
    harness.simulator.settled().await;
    shop_clock.advance(Duration::from_secs(300));
    clock.advance(TimeDelta::seconds(300));
    let record = record_of(&harness, &started.json["task_id"]).await;
    assert_eq!(record["outcome"], "completed", "{record}");
    assert_eq!(
        harness.by_id(changed).await.data()["order"]["note"],
        "after the operation began"
    );
    assert_eq!(harness.by_id(placed).await.data()["cached"], true);
    // What the operation told is as old as its beginning, and lives no longer than that allows.
    let untouched = shop.order_ids()[60];
    let age = harness.by_id(untouched).await.data()["freshness"]["age_s"].clone();
    let ttl = harness.by_id(untouched).await.data()["cache_ttl"]
        .as_u64()
        .unwrap();
    assert!(
        age == 600 || age == 0,
        "told by the operation or read after it: {age}"
    );
    assert!(ttl <= 172_800, "{ttl}");
    harness.stop().await;
}

#[tokio::test]
async fn shopifys_word_that_it_is_done_is_acted_on_at_once() {
    let mut setup = large();
    setup.patience.first = Duration::from_secs(600);
    setup.patience.longest = Duration::from_secs(600);
    let (setup, shop_clock, _clock) = setup.clock(now());
    let harness = setup.start().await;
    let pace = BulkPace {
        queued: Duration::ZERO,
        running: Duration::from_secs(5),
    };
    harness.simulator.set_bulk_pace(pace);
    let started = harness
        .post("/api/warmup/trigger", &json!({ "type": "full" }))
        .await;
    until("Shopify was asked", || async {
        let polls = harness.simulator.calls_named("BulkPoll");
        polls.iter().any(|call| call.status.is_some()).then_some(())
    })
    .await;
    shop_clock.advance(Duration::from_secs(5));
    until("the end is announced", || async {
        let told = harness.simulator.deliveries();
        told.iter()
            .any(|one| one.topic == "bulk_operations/finish")
            .then_some(())
    })
    .await;
    let site = harness
        .app
        .state()
        .sites
        .by_code(&"uk".parse().unwrap())
        .cloned();
    site.unwrap().bulk_finished.notify_one();
    let record = record_of(&harness, &started.json["task_id"]).await;
    assert_eq!(record["total_orders"], ORDERS, "{record}");
    harness.stop().await;
}

#[tokio::test]
async fn what_a_killed_process_left_on_the_disk_is_gone_at_the_next_start() {
    let harness = large().start().await;
    let left = harness.data_dir.path().join("bulk/0123456789abcdef");
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join("share-000"), "jane@example.com").unwrap();
    let (config, data_dir) = (harness.config.clone(), harness.data_dir);
    assert!(harness.app.stop().await);
    let app = shopify_warmer::app::App::start(&config, shopify_warmer::clock::Clock::System)
        .await
        .unwrap();
    assert!(!data_dir.path().join("bulk").exists());
    assert!(app.stop().await);
    harness.simulator.stop().await;
}

/// The record of a task, once it has one.
pub(super) async fn record_of(harness: &Harness, task: &Value) -> Value {
    until("the sweep has its record", || async {
        let history = harness.get("/api/warmup/history").await;
        let records = history.data()["history"].as_array().expect("a list");
        let record = records.iter().find(|record| record["task_id"] == *task);
        record.cloned()
    })
    .await
}
