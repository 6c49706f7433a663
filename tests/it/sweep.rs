//! Sweeps bring in what webhooks missed, keep their pace, renew what would expire, and can be stopped.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};
use shopify_simulator::{ApiFault, NewFulfillment, NewOrder, Times};

use crate::harness::{Setup, now, until};

#[tokio::test]
async fn a_full_sweep_reads_the_window_in_few_calls() {
    let harness = Setup::default()
        .shop(|shop| shop.orders(1400).older_orders(50))
        .start()
        .await;
    let record = harness.sweep("full").await;
    assert_eq!(record["outcome"], "completed", "{record}");
    assert_eq!(
        (
            &record["total_orders"],
            &record["orders_warmed"],
            &record["failed"]
        ),
        (&json!(1400), &json!(1400), &json!(0))
    );
    assert_eq!(record["api_calls"], 14);
    assert_eq!(drift(&record), (1400, 0));
    assert_eq!(record["days_covered"], 7.0);
    harness.simulator.clear_calls();
    let shop = harness.simulator.shop();
    for id in shop.order_ids().into_iter().take(1400) {
        let name = shop.order_name(id).unwrap();
        let reply = harness.search(&name).await;
        assert_eq!(
            (&reply.data()["cached"], &reply.data()["freshness"]["state"]),
            (&json!(true), &json!("fresh")),
            "{name}"
        );
    }
    assert_eq!(harness.simulator.calls().len(), 0);
    let status = harness.get("/api/warmup/status").await;
    assert_eq!(
        status.data()["coverage"],
        json!({ "window": 1400, "warm": 1400, "ratio": 1.0 })
    );
    assert!(status.data()["last_full_warmup"].is_string());
    harness.stop().await;
}

#[tokio::test]
async fn a_second_full_sweep_finds_only_what_changed() {
    let harness = Setup::default().shop(|shop| shop.orders(120)).start().await;
    harness.sweep("full").await;
    harness.simulator.stop_delivering();
    let shop = harness.simulator.shop();
    let shipped = shop.place_order(NewOrder::default());
    let ids = shop.order_ids();
    shop.set_note(ids[5], Some("changed")).unwrap();
    shop.set_note(ids[6], Some("changed")).unwrap();
    let record = harness.sweep("full").await;
    assert_eq!(drift(&record), (1, 2));
    assert_eq!(record["unchanged"], 118);
    assert_eq!(
        harness.by_id(ids[5]).await.data()["order"]["note"],
        "changed"
    );
    // What was cached before it shipped must not go on saying "not shipped".
    shop.fulfill(shipped, NewFulfillment::default().number("S1"))
        .unwrap();
    harness.sweep("full").await;
    assert_eq!(
        harness.by_id(shipped).await.data()["order"]["fulfillment_status"],
        "fulfilled"
    );
    harness.stop().await;
}

#[tokio::test]
async fn an_incremental_sweep_reads_changes_and_renews_the_rest() {
    let (setup, shop_clock, clock) = Setup::default().shop(|shop| shop.orders(300)).clock(now());
    let harness = setup.start().await;
    harness.sweep("full").await;
    // The first one has no watermark to go by: a full sweep does not see what changes in orders older than its window.
    harness.sweep("incremental").await;
    harness.simulator.stop_delivering();
    let shop = harness.simulator.shop();
    shop_clock.advance(Duration::from_secs(5 * 3600));
    clock.advance(TimeDelta::hours(5));
    // An old order of the window changes; its webhook is lost.
    let old = *shop.order_ids().last().unwrap();
    shop.fulfill(old, NewFulfillment::default().number("OLD1"))
        .ok();
    shop.set_note(old, Some("changed")).unwrap();
    let new = shop.place_order(NewOrder::default());
    harness.simulator.clear_calls();
    let record = harness.sweep("incremental").await;
    assert_eq!(record["outcome"], "completed", "{record}");
    assert_eq!(drift(&record), (1, 1));
    // One page of changes; what is left of the window, by id, at a hundred a call.
    assert_eq!(harness.simulator.calls_named("OrdersPage").len(), 1);
    assert_eq!(harness.simulator.calls_named("OrdersByIds").len(), 3);
    assert_eq!(harness.by_id(old).await.data()["order"]["note"], "changed");
    assert_eq!(harness.by_id(new).await.data()["cached"], true);
    shop_clock.advance(Duration::from_secs(2 * 3600));
    clock.advance(TimeDelta::hours(2));
    harness.simulator.clear_calls();
    // The oldest have left the window meanwhile, and are nobody's to renew.
    for id in shop.order_ids().into_iter().take(285) {
        assert_eq!(
            harness.tracking(id).await.data()["freshness"]["state"],
            "fresh"
        );
    }
    assert_eq!(harness.simulator.calls().len(), 0);
    harness.stop().await;
}

#[tokio::test]
async fn an_incremental_sweep_overlaps_because_the_index_lags() {
    let (setup, shop_clock, clock) = Setup::default().shop(|shop| shop.orders(20)).clock(now());
    let harness = setup.start().await;
    harness.simulator.set_search_lag(Duration::from_secs(300));
    harness.simulator.stop_delivering();
    let shop = harness.simulator.shop();
    let id = shop.place_order(NewOrder::default());
    shop_clock.advance(Duration::from_secs(60));
    clock.advance(TimeDelta::seconds(60));
    // Both sweeps run while the index does not show the order yet; the watermark must not pass it.
    harness.sweep("full").await;
    harness.sweep("incremental").await;
    shop_clock.advance(Duration::from_secs(400));
    clock.advance(TimeDelta::seconds(400));
    let record = harness.sweep("incremental").await;
    assert_eq!(record["drift"]["missing"], 1, "{record}");
    assert_eq!(harness.by_id(id).await.data()["cached"], true);
    harness.stop().await;
}

#[tokio::test]
async fn a_page_that_takes_too_long_is_asked_for_by_halves() {
    let harness = Setup::default().shop(|shop| shop.orders(100)).start().await;
    harness
        .simulator
        .faults()
        .api_on("OrdersPage", ApiFault::Status(504), Times::Next(1));
    let record = harness.sweep("full").await;
    assert_eq!(
        (&record["outcome"], &record["total_orders"]),
        (&json!("completed"), &json!(100)),
        "{record}"
    );
    let sizes: Vec<_> = harness
        .simulator
        .calls_named("OrdersPage")
        .iter()
        .map(|call| call.variables["first"].clone())
        .collect();
    assert_eq!(sizes, [json!(100), json!(50), json!(50)]);
    harness.stop().await;
}

#[tokio::test]
async fn passing_trouble_is_survived_and_lasting_trouble_is_recorded() {
    for fault in [
        ApiFault::Status(500),
        ApiFault::Status(503),
        ApiFault::RateLimited("0.1".to_owned()),
        ApiFault::Throttled,
        ApiFault::Reset,
        ApiFault::Truncated,
        ApiFault::Empty,
        ApiFault::Html,
        ApiFault::InternalError,
    ] {
        let harness = Setup::default().shop(|shop| shop.orders(30)).start().await;
        harness
            .simulator
            .faults()
            .api_on("OrdersPage", fault.clone(), Times::Next(1));
        let record = harness.sweep("full").await;
        assert_eq!(
            (&record["outcome"], &record["total_orders"]),
            (&json!("completed"), &json!(30)),
            "{fault:?}: {record}"
        );
        harness.stop().await;
    }
    for (status, said) in [
        (401, "access token"),
        (402, "frozen"),
        (403, "scopes"),
        (404, "domain"),
        (423, "locked"),
    ] {
        let harness = Setup::default().shop(|shop| shop.orders(30)).start().await;
        harness
            .simulator
            .faults()
            .api_on("OrdersPage", ApiFault::Status(status), Times::Next(1));
        let record = harness.sweep("full").await;
        assert_eq!(
            (&record["outcome"], &record["api_calls"]),
            (&json!("failed"), &json!(1)),
            "{status}: {record}"
        );
        assert!(
            record["reason"].as_str().unwrap().contains(said),
            "{status}: {record}"
        );
        harness.stop().await;
    }
}

#[tokio::test]
async fn one_sweep_at_a_time_and_it_can_be_stopped() {
    let harness = Setup::default()
        .shop(|shop| shop.orders(200))
        .set("WARMUP_PAGE_SIZE", 10)
        .set("WARMUP_RATE_LIMIT", 1)
        .start()
        .await;
    let first = harness
        .post("/api/warmup/trigger", &json!({ "type": "full" }))
        .await;
    assert_eq!(first.status, 200, "{}", first.text);
    let second = harness
        .post("/api/warmup/trigger?type=incremental", &Value::Null)
        .await;
    assert_eq!(
        second.status, 400,
        "a body that is null is no trigger: {}",
        second.text
    );
    let second = harness
        .post(
            "/api/warmup/trigger",
            &json!({ "warmup_type": "incremental" }),
        )
        .await;
    assert_eq!(
        (second.status, &second.json["task_id"]),
        (409, &first.json["task_id"]),
        "{}",
        second.text
    );
    let running = until("the first page is in", || async {
        let status = harness.get("/api/warmup/status").await;
        let sweep = status.data()["sweep"].clone();
        (sweep["done"].as_u64() > Some(0)).then_some(sweep)
    })
    .await;
    assert_eq!(running["task_id"], first.json["task_id"]);
    assert!(
        running["eta_s"].is_u64() && running["total"].is_u64(),
        "{running}"
    );
    let stopped = harness.post("/api/warmup/stop", &json!({})).await;
    assert_eq!(stopped.data()["stopped"], true);
    let record = until("the stop is recorded", || async {
        let history = harness.get("/api/warmup/history").await;
        history.data()["history"].get(0).cloned()
    })
    .await;
    assert_eq!(
        (&record["outcome"], &record["task_id"]),
        (&json!("stopped"), &first.json["task_id"])
    );
    assert_eq!(
        harness.post("/api/warmup/stop", &json!({})).await.data()["stopped"],
        false
    );
    harness.stop().await;
}

#[tokio::test]
async fn an_order_that_shopify_no_longer_has_is_forgotten() {
    let (setup, shop_clock, clock) = Setup::default().shop(|shop| shop.orders(20)).clock(now());
    let harness = setup.start().await;
    harness.sweep("full").await;
    harness.simulator.stop_delivering();
    let shop = harness.simulator.shop();
    let gone = shop.order_ids()[3];
    shop.delete_order(gone).unwrap();
    shop_clock.advance(Duration::from_secs(3600));
    clock.advance(TimeDelta::hours(1));
    harness.sweep("incremental").await;
    harness.simulator.clear_calls();
    assert_eq!(harness.by_id(gone).await.data()["order"], Value::Null);
    assert_eq!(harness.simulator.calls().len(), 0);
    assert_eq!(
        harness.get("/api/warmup/status").await.data()["coverage"]["window"],
        19
    );
    harness.stop().await;
}

#[tokio::test]
async fn a_store_that_was_never_filled_is_filled_at_the_start() {
    let harness = Setup::default()
        .shop(|shop| shop.orders(40))
        .set("WARMUP_ENABLED", "true")
        .start()
        .await;
    let record = until("the catch-up ends", || async {
        let history = harness.get("/api/warmup/history").await;
        history.data()["history"].get(0).cloned()
    })
    .await;
    assert_eq!(
        (&record["trigger"], &record["type"], &record["total_orders"]),
        (&json!("catch_up"), &json!("full"), &json!(40))
    );
    harness.stop().await;
}

#[tokio::test]
async fn an_older_order_that_changed_is_warmed_and_is_no_drift() {
    let harness = Setup::default()
        .shop(|shop| shop.orders(20).older_orders(10))
        .start()
        .await;
    harness.sweep("full").await;
    harness.simulator.stop_delivering();
    let shop = harness.simulator.shop();
    let oldest = *shop.order_ids().last().unwrap();
    shop.set_note(oldest, Some("changed")).unwrap();
    let record = harness.sweep("incremental").await;
    assert_eq!(drift(&record), (0, 0), "{record}");
    assert_eq!(record["drift"]["topics"], json!({}));
    assert_eq!(harness.by_id(oldest).await.data()["cached"], true);
    harness.stop().await;
}

/// What a sweep found missing, and stale.
fn drift(record: &Value) -> (u64, u64) {
    let count = |name: &str| record["drift"][name].as_u64().expect("a count");
    (count("missing"), count("stale"))
}
