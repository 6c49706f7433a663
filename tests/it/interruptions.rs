//! What falls into a running sweep: a stop while Shopify hangs, a slot of the schedule, a crash; and a Shopify that goes down.

use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use shopify_simulator::{ApiFault, Times};
use shopify_warmer::clock::{Clock, SimulatedTime};

use crate::harness::{Harness, Setup, now, until};

async fn has_alert(harness: &Harness, cause: &str) -> bool {
    let status = harness.get("/api/warmup/status").await;
    let alerts = status.data()["alerts"].as_array().expect("a list").clone();
    alerts.iter().any(|alert| alert["cause"] == cause)
}

async fn newest_record(harness: &Harness) -> Value {
    until("there is a record", || async {
        let history = harness.get("/api/warmup/history").await;
        history.data()["history"].get(0).cloned()
    })
    .await
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_page_that_hangs() {
    let harness = Setup::default().shop(|shop| shop.orders(30)).start().await;
    let faults = harness.simulator.faults();
    faults.api_on("OrdersPage", ApiFault::Hang, Times::Next(1));
    let started = harness
        .post("/api/warmup/trigger", &json!({ "type": "full" }))
        .await;
    assert_eq!(started.status, 200, "{}", started.text);
    until("the page is asked for", || async {
        (!harness.simulator.calls_named("OrdersPage").is_empty()).then_some(())
    })
    .await;
    let stopped = harness.post("/api/warmup/stop", &json!({})).await;
    assert_eq!(stopped.data()["stopped"], true);
    let record = newest_record(&harness).await;
    assert_eq!(
        (&record["outcome"], &record["total_orders"]),
        (&json!("stopped"), &json!(0)),
        "{record}"
    );
    assert_eq!(
        harness.simulator.calls_named("OrdersPage").len(),
        1,
        "it did not wait until the call timed out and was tried again"
    );
    let status = harness.get("/api/warmup/status").await;
    assert_eq!(
        status.data()["last_full_warmup"],
        Value::Null,
        "what was stopped has not warmed"
    );
    harness.stop().await;
}

#[tokio::test]
async fn a_slot_that_falls_into_a_running_sweep_is_met_once_it_has_ended() {
    let start: DateTime<Utc> = "2026-11-23T07:59:30Z".parse().unwrap();
    let (setup, shop_clock, clock) = Setup::default().shop(|shop| shop.orders(30)).clock(start);
    let harness = setup.set("WARMUP_ENABLED", "true").start().await;
    let filled = newest_record(&harness).await;
    assert_eq!(filled["outcome"], "completed");
    let faults = harness.simulator.faults();
    faults.api_on(
        "OrdersPage",
        ApiFault::Slow(Duration::from_secs(3)),
        Times::Next(1),
    );
    let started = harness
        .post("/api/warmup/trigger", &json!({ "type": "full" }))
        .await;
    let task = started.json["task_id"].clone();
    until("the page is asked for", || async {
        (harness.simulator.calls_named("OrdersPage").len() == 2).then_some(())
    })
    .await;
    shop_clock.advance(Duration::from_secs(60));
    clock.advance(TimeDelta::seconds(60));
    let records = until("the slot and the sweep have their records", || async {
        let history = harness.get("/api/warmup/history").await;
        let records = history.data()["history"].as_array().unwrap().clone();
        (records.len() == 3).then_some(records)
    })
    .await;
    let of_the_slot: Vec<_> = records
        .iter()
        .filter(|record| record["slot"] == "2026-11-23T08:00:00Z")
        .collect();
    let [slot] = of_the_slot.as_slice() else {
        panic!("one record for the slot: {records:?}");
    };
    assert_eq!(
        (&slot["outcome"], &slot["trigger"]),
        (&json!("completed"), &json!("slot")),
        "{slot}"
    );
    let by_hand = records
        .iter()
        .find(|record| record["task_id"] == task)
        .expect("its own record");
    assert_eq!(by_hand["outcome"], "completed", "{by_hand}");
    let time = |record: &Value, field: &str| -> DateTime<Utc> {
        record[field].as_str().unwrap().parse().unwrap()
    };
    assert!(
        time(slot, "started_at") >= time(by_hand, "finished_at"),
        "one at a time: {records:?}"
    );
    harness.stop().await;
}

#[tokio::test]
async fn a_shopify_that_goes_down_is_told_and_so_is_its_return() {
    let harness = Setup::default().shop(|shop| shop.orders(30)).start().await;
    let ids = harness.simulator.shop().order_ids();
    let faults = harness.simulator.faults();
    faults.api_on("OrderById", ApiFault::Status(503), Times::Next(5));
    for id in &ids[..5] {
        assert_eq!(harness.by_id(*id).await.status, 503);
    }
    until("the alert is raised", || async {
        has_alert(&harness, "shopify_down").await.then_some(())
    })
    .await;
    until("Shopify is found alive", || async {
        let reply = harness.by_id(ids[0]).await;
        (reply.status == 200).then_some(())
    })
    .await;
    until("the alert is cleared", || async {
        (!has_alert(&harness, "shopify_down").await).then_some(())
    })
    .await;
    harness.stop().await;
}

/// The system's time, in which the first call to Shopify that comes back once it is armed brings its task down.
#[derive(Debug, Default)]
struct Trap {
    armed: AtomicBool,
}

impl SimulatedTime for Trap {
    fn now(&self) -> DateTime<Utc> {
        now()
    }

    fn hold(&self) -> Box<dyn Any + Send> {
        Box::new(())
    }

    fn round_trip(&self) -> Duration {
        assert!(!self.armed.swap(false, Ordering::SeqCst), "a planted panic");
        Duration::ZERO
    }
}

#[tokio::test]
async fn a_sweep_that_crashes_leaves_its_record_and_the_warmer_goes_on() {
    let trap = Arc::new(Trap::default());
    let setup = Setup {
        clock: Clock::Simulated(Arc::<Trap>::clone(&trap)),
        ..Setup::default().shop(|shop| shop.orders(30))
    };
    let harness = setup.start().await;
    trap.armed.store(true, Ordering::SeqCst);
    let crashed = harness.sweep("full").await;
    assert_eq!(crashed["outcome"], "failed", "{crashed}");
    assert!(has_alert(&harness, "sweep_panicked").await);
    let record = harness.sweep("full").await;
    assert_eq!(
        (&record["outcome"], &record["total_orders"]),
        (&json!("completed"), &json!(30)),
        "{record}"
    );
    until("the alert is cleared", || async {
        (!has_alert(&harness, "sweep_panicked").await).then_some(())
    })
    .await;
    harness.stop().await;
}
