//! Users before warming, and what each does while Shopify refuses or is dead.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shopify_simulator::{ApiFault, Times};

use crate::harness::{Harness, Reply, Setup, until};

const AT_ONCE: Duration = Duration::from_millis(400);

async fn lookup(harness: &Harness, id: u64) -> (Reply, Duration) {
    let start = Instant::now();
    (harness.by_id(id).await, start.elapsed())
}

/// The shop of a status page.
async fn site(harness: &Harness) -> Value {
    let status = harness.get("/api/warmup/status").await;
    let data = status.data();
    assert_eq!(
        data["users_waited_for_warming_ms"],
        data["sites"]["uk"]["budget"]["users_waited_for_warming_ms"]
    );
    data["sites"]["uk"].clone()
}

fn fault(harness: &Harness, operation: &str, fault: ApiFault, times: u32) {
    let faults = harness.simulator.faults();
    faults.api_on(operation, fault, Times::Next(times));
}

/// Orders that exist at Shopify alone.
async fn shop_of(orders: u32) -> (Harness, Vec<u64>) {
    let harness = Setup::default()
        .shop(|shop| shop.orders(orders))
        .set("WARMUP_MAX_RETRIES", 0)
        .start()
        .await;
    let ids = harness.simulator.shop().order_ids();
    (harness, ids)
}

#[tokio::test]
async fn while_shopify_is_dead_users_hear_so_at_once_and_a_sweep_waits() {
    let (harness, ids) = shop_of(30).await;
    assert!(harness.by_id(ids[0]).await.data()["order"].is_object());
    assert_eq!(site(&harness).await["breaker"], "closed");
    fault(&harness, "OrderById", ApiFault::Status(503), 5);
    for id in &ids[1..6] {
        assert_eq!(lookup(&harness, *id).await.0.status, 503);
    }
    assert_eq!(site(&harness).await["breaker"], "open");
    harness.simulator.clear_calls();
    for id in &ids[1..10] {
        let (reply, took) = lookup(&harness, *id).await;
        assert_eq!(
            (reply.status, &reply.json["error"]["code"]),
            (503, &Value::from("SHOPIFY_UNAVAILABLE"))
        );
        assert!(took < AT_ONCE, "{took:?}");
    }
    let (hit, took) = lookup(&harness, ids[0]).await;
    assert_eq!(hit.data()["cached"], true);
    assert!(took < AT_ONCE, "{took:?}");
    assert_eq!(harness.simulator.calls().len(), 0, "nobody is asked");
    // In the middle of the outage a sweep begins: it is the one that finds Shopify alive again.
    let record = harness.sweep("full").await;
    assert_eq!(
        (&record["outcome"], &record["total_orders"]),
        (&json!("completed"), &json!(30)),
        "{record}"
    );
    let site = site(&harness).await;
    assert_eq!(site["breaker"], "closed");
    assert_eq!(site["budget"]["users_waited_for_warming_ms"], 0);
    harness.stop().await;
}

#[tokio::test]
async fn refusals_open_nothing() {
    let (harness, ids) = shop_of(1).await;
    for refusal in [
        ApiFault::Throttled,
        ApiFault::InternalError,
        ApiFault::Status(401),
        ApiFault::Status(403),
    ] {
        fault(&harness, "OrderById", refusal, 5);
        for _ in 0..5 {
            assert_eq!(lookup(&harness, ids[0]).await.0.status, 503);
        }
        assert_eq!(site(&harness).await["breaker"], "closed");
    }
    harness.stop().await;
}

#[tokio::test]
async fn quiet_asked_of_a_sweep_does_not_quiet_users() {
    let (harness, ids) = shop_of(30).await;
    fault(
        &harness,
        "OrdersPage",
        ApiFault::RateLimited("59.5".to_owned()),
        1,
    );
    let record = harness.sweep("full").await;
    assert_eq!(record["outcome"], "failed", "no try is left: {record}");
    let started = harness
        .post("/api/warmup/trigger", &json!({ "type": "full" }))
        .await;
    assert_eq!(started.status, 200, "{}", started.text);
    for id in ids {
        let (reply, took) = lookup(&harness, id).await;
        assert_eq!(reply.data()["freshness"]["state"], "live");
        assert!(took < AT_ONCE, "{took:?}");
    }
    assert_eq!(harness.simulator.calls_named("OrdersPage").len(), 1);
    assert_eq!(
        site(&harness).await["budget"]["users_waited_for_warming_ms"],
        0
    );
    harness.post("/api/warmup/stop", &Value::Null).await;
    until("the sweep has stopped", || async {
        let status = harness.get("/api/warmup/status").await;
        (status.data()["running"] == false).then_some(())
    })
    .await;
    harness.stop().await;
}

#[tokio::test]
async fn quiet_longer_than_a_user_waits_is_said_at_once() {
    for refusal in [
        ApiFault::RateLimited("3600.0".to_owned()),
        ApiFault::RateLimited("11.5".to_owned()),
        ApiFault::Status(430),
    ] {
        let harness = Setup::default().shop(|shop| shop.orders(3)).start().await;
        fault(&harness, "OrderById", refusal.clone(), 1);
        for id in harness.simulator.shop().order_ids() {
            let (reply, took) = lookup(&harness, id).await;
            assert_eq!(reply.status, 503, "{refusal:?}: {}", reply.text);
            assert!(took < AT_ONCE, "{refusal:?}: {took:?}");
        }
        assert_eq!(harness.simulator.calls().len(), 1, "{refusal:?}");
        harness.stop().await;
    }
}

#[tokio::test]
async fn a_short_quiet_is_waited_for() {
    let harness = Setup::default().shop(|shop| shop.orders(1)).start().await;
    let id = harness.simulator.shop().order_ids()[0];
    let quiet = ApiFault::RateLimited("0.7".to_owned());
    fault(&harness, "OrderById", quiet, 1);
    let (reply, took) = lookup(&harness, id).await;
    assert_eq!(reply.data()["freshness"]["state"], "live");
    assert!(took >= Duration::from_millis(700), "{took:?}");
    harness.stop().await;
}

#[tokio::test]
async fn a_throttled_user_waits_as_long_as_the_bucket_needs_and_it_is_counted() {
    let harness = Setup::default().shop(|shop| shop.orders(2)).start().await;
    let id = harness.simulator.shop().order_ids()[0];
    // No user of ours has spent this: it counts as warming's.
    harness.simulator.set_available_points(0);
    let (reply, took) = lookup(&harness, id).await;
    assert_eq!(reply.data()["freshness"]["state"], "live");
    // 49 points at 100 a second, jitter on top.
    assert!((450..1500).contains(&took.as_millis()), "{took:?}");
    let waited = &site(&harness).await["budget"]["users_waited_for_warming_ms"];
    let waited = waited.as_u64().unwrap();
    assert!((450..1500).contains(&waited), "{waited}");
    harness.stop().await;
}
