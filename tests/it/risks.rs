//! What the plan feared: a full store, a surge, a Shopify that is away at a slot, a shop whose webhooks fall silent.

use chrono::TimeDelta;
use serde_json::{Value, json};
use shopify_simulator::{ApiFault, NewFulfillment, NewOrder, Times};

use crate::{
    harness::{Harness, Setup, now, until},
    redis_server::RedisServer,
};

async fn causes(harness: &Harness) -> Vec<Value> {
    let status = harness.get("/api/warmup/status").await;
    let alerts = status.data()["alerts"].as_array().expect("a list").clone();
    alerts.iter().map(|alert| alert["cause"].clone()).collect()
}

#[tokio::test]
async fn near_the_stores_limit_a_sweep_pauses_and_says_so() {
    let redis = RedisServer::start().await;
    let harness = Setup::default()
        .shop(|shop| shop.orders(50))
        .set("REDIS_URL", redis.url())
        .start()
        .await;
    let config = async |name: &str, value: &str| {
        let () = redis.cli(&["CONFIG", "SET", name, value]).await;
    };
    // Somebody else's data fill it so far that a tenth is not left, and not so far that anything is thrown away.
    let _length: u64 = redis.cli(&["SETRANGE", "theirs", "20000000", "x"]).await;
    let info: String = redis.cli(&["INFO", "memory"]).await;
    let used = info
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"))
        .unwrap();
    let used: u64 = used.trim().parse().unwrap();
    config("maxmemory", &(used + 1_000_000).to_string()).await;
    config("maxmemory-policy", "volatile-ttl").await;
    let paused = harness.sweep("full").await;
    assert_eq!(paused["outcome"], "paused", "{paused}");
    assert!(paused["reason"].as_str().unwrap().starts_with("memory"));
    assert_eq!(paused["api_calls"], 0, "it is checked before the page");
    let raised = until("alerts are raised", || async {
        let causes = causes(&harness).await;
        (causes.len() == 2).then_some(causes)
    })
    .await;
    assert!(raised.contains(&json!("store_memory")), "{raised:?}");
    assert!(raised.contains(&json!("store_eviction")), "{raised:?}");
    config("maxmemory", "0").await;
    config("maxmemory-policy", "noeviction").await;
    assert_eq!(harness.sweep("full").await["outcome"], "completed");
    until("the alerts are cleared", || async {
        causes(&harness).await.is_empty().then_some(())
    })
    .await;
    harness.stop().await;
}

#[tokio::test]
async fn our_own_limit_pauses_sweeps_of_the_embedded_store() {
    let harness = Setup::default()
        .shop(|shop| shop.orders(600))
        .set("WARMUP_MAX_MEMORY", "2mb")
        .start()
        .await;
    let record = harness.sweep("full").await;
    assert_eq!(record["outcome"], "paused", "{record}");
    harness.stop().await;
}

#[tokio::test]
async fn a_surge_is_cut_at_its_old_end() {
    let harness = Setup::default()
        .shop(|shop| shop.orders(1400))
        .set("WARMUP_RATE_LIMIT", "1")
        .set("WARMUP_MAX_DURATION", "10")
        .start()
        .await;
    let record = harness.sweep("full").await;
    assert_eq!(record["outcome"], "stopped", "{record}");
    let reason = record["reason"].as_str().unwrap();
    assert!(reason.contains("WARMUP_MAX_DURATION"), "{reason}");
    let covered = record["days_covered"].as_f64().unwrap();
    assert!((1.0..7.0).contains(&covered), "{record}");
    let newest = harness.simulator.shop().order_ids()[0];
    assert_eq!(harness.by_id(newest).await.data()["cached"], true);
    let raised = until("the alert is raised", || async {
        let causes = causes(&harness).await;
        (!causes.is_empty()).then_some(causes)
    })
    .await;
    assert_eq!(raised, ["sweep_cut"]);
    harness.stop().await;
}

#[tokio::test]
async fn a_sweep_of_the_schedule_waits_for_shopify_and_one_by_hand_does_not() {
    let harness = Setup::default()
        .shop(|shop| shop.orders(150))
        .set("WARMUP_ENABLED", "true")
        .set("WARMUP_MAX_RETRIES", "0")
        .start()
        .await;
    until("the cold store is filled", || async {
        let status = harness.get("/api/warmup/status").await;
        (status.data()["last_full_warmup"].is_string() && status.data()["running"] == false)
            .then_some(())
    })
    .await;
    harness
        .simulator
        .faults()
        .api_on("OrdersPage", ApiFault::Status(503), Times::Next(1));
    let failed = harness.sweep("full").await;
    assert_eq!(failed["outcome"], "failed", "{failed}");
    assert!(failed["reason"].as_str().unwrap().contains("Shopify"));
    harness.stop().await;

    // A cold store is filled by the schedule's own sweep, which outlives the same trouble.
    let (setup, _, _) = Setup::default().shop(|shop| shop.orders(150)).clock(now());
    let harness = setup
        .shop(|shop| shop)
        .set("WARMUP_ENABLED", "true")
        .set("WARMUP_MAX_RETRIES", "0")
        .set("WARMUP_RATE_LIMIT", "0.5")
        .start()
        .await;
    harness
        .simulator
        .faults()
        .api_on("OrdersPage", ApiFault::Status(503), Times::Next(1));
    let record = until("the cold store is filled", || async {
        let history = harness.get("/api/warmup/history").await;
        history.data()["history"].get(0).cloned()
    })
    .await;
    assert_eq!(
        (&record["outcome"], &record["total_orders"]),
        (&json!("completed"), &json!(150)),
        "{record}"
    );
    harness.stop().await;
}

#[tokio::test]
async fn silence_is_told_from_quiet() {
    let (setup, shop_clock, clock) = Setup::default().shop(|shop| shop.orders(30)).clock(now());
    let harness = setup.start().await;
    let pass = |hours: i64| {
        shop_clock.advance(std::time::Duration::from_secs(
            3600 * u64::try_from(hours).unwrap(),
        ));
        clock.advance(TimeDelta::hours(hours));
    };
    harness.sweep("full").await;
    harness.sweep("incremental").await;
    let shop = harness.simulator.shop();
    shop.place_order(NewOrder::default());
    harness.simulator.settled().await;
    pass(5);
    // Nothing happened: a quiet shop.
    let quiet = harness.sweep("incremental").await;
    assert_eq!(quiet["drift"]["since_last_webhook"], 0, "{quiet}");
    assert!(causes(&harness).await.is_empty());
    harness.simulator.stop_delivering();
    pass(1);
    for _ in 0..3 {
        shop.place_order(NewOrder::default());
    }
    pass(1);
    let silent = harness.sweep("incremental").await;
    assert_eq!(silent["drift"]["since_last_webhook"], 3, "{silent}");
    assert_eq!(silent["drift"]["topics"], json!({ "orders/create": 3 }));
    let raised = until("the alert is raised", || async {
        let causes = causes(&harness).await;
        (!causes.is_empty()).then_some(causes)
    })
    .await;
    assert_eq!(raised, ["webhooks_silent"]);
    harness
        .simulator
        .deliver_to(&harness.url("/webhooks/shopify"));
    pass(1);
    shop.place_order(NewOrder::default());
    harness.simulator.settled().await;
    harness.sweep("incremental").await;
    until("the alert is cleared", || async {
        causes(&harness).await.is_empty().then_some(())
    })
    .await;
    harness.stop().await;
}

#[tokio::test]
async fn an_order_that_never_comes_becomes_a_dead_letter_until_it_does() {
    let (setup, shop_clock, clock) = Setup::default()
        .shop(|shop| shop.orders(20))
        .set("WARMUP_MAX_RETRIES", "1")
        .clock(now());
    let harness = setup.start().await;
    harness.sweep("full").await;
    // Only its parcel is announced, and the API is older than that news.
    harness.simulator.stop_delivering();
    let shop = harness.simulator.shop();
    let order = shop.place_order(NewOrder::default());
    harness
        .simulator
        .set_replica_lag(std::time::Duration::from_secs(3600));
    harness.simulator.set_topics(["fulfillments/create"]);
    harness
        .simulator
        .deliver_to(&harness.url("/webhooks/shopify"));
    shop.fulfill(order, NewFulfillment::default().number("P1"))
        .unwrap();
    harness.simulator.settled().await;
    until("it is given up", || async {
        shop_clock.advance(std::time::Duration::from_secs(1));
        clock.advance(TimeDelta::seconds(1));
        let status = harness.get("/api/warmup/status").await;
        (status.data()["dead_letters"] == 1).then_some(())
    })
    .await;
    let report = harness.get("/api/warmup/coverage").await;
    let missing = &report.data()["missing"][0];
    assert_eq!(missing["order_id"], order.to_string());
    let reason = missing["reason"].as_str().unwrap();
    assert!(reason.contains("does not show the order yet"), "{reason}");
    harness.simulator.set_replica_lag(std::time::Duration::ZERO);
    harness.sweep("incremental").await;
    until("the sweep had it fetched", || async {
        let status = harness.get("/api/warmup/status").await;
        (status.data()["dead_letters"] == 0).then_some(())
    })
    .await;
    assert_eq!(harness.by_id(order).await.data()["cached"], true);
    harness.stop().await;
}
