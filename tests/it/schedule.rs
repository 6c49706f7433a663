//! Each slot is met in its second and ends as exactly one record; what was missed is caught up once.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::harness::{Harness, Setup, until};

/// A time of a record.
fn time(record: &Value, field: &str) -> DateTime<Utc> {
    record[field]
        .as_str()
        .expect(field)
        .parse()
        .expect("a time")
}

async fn slots(harness: &Harness) -> Vec<Value> {
    let history = harness.get("/api/warmup/history?limit=100").await;
    let mut records = history.data()["history"]
        .as_array()
        .expect("a list")
        .clone();
    records.retain(|record| record["slot"].is_string());
    records.reverse();
    records
}

/// A sweep by hand has filled the store, so that nothing but slots is to be done.
async fn filled(setup: Setup) -> Harness {
    let harness = setup.set("WARMUP_ENABLED", "true").start().await;
    until("the cold store is filled", || async {
        let status = harness.get("/api/warmup/status").await;
        let data = status.data();
        (data["running"] == false && data["last_full_warmup"].is_string()).then_some(())
    })
    .await;
    harness
}

#[tokio::test]
async fn the_bell_rings_and_each_slot_is_met_once_within_a_second() {
    let setup = Setup::default()
        .set("WARMUP_FULL_CRON", "0 0 2 1 1 *")
        .set("WARMUP_INCREMENTAL_CRON", "*/2 * * * * *");
    let harness = filled(setup).await;
    let met = until("four slots are over", || async {
        let slots = slots(&harness).await;
        (slots.len() >= 4).then_some(slots)
    })
    .await;
    // The first may have come while the cold store was filled.
    for record in met.iter().skip(1) {
        let late = time(record, "started_at") - time(record, "slot");
        assert_eq!(record["trigger"], "slot", "{record}");
        assert!(
            (TimeDelta::zero()..TimeDelta::seconds(1)).contains(&late),
            "{record}"
        );
    }
    for (one, next) in met.iter().zip(met.iter().skip(1)) {
        let gap = time(next, "slot") - time(one, "slot");
        assert_eq!(gap, TimeDelta::seconds(2), "no slot twice, none left out");
    }
    let status = harness.get("/api/warmup/status").await;
    assert!(status.data()["next_scheduled"].is_string());
    assert_eq!(
        status.data()["slots"]["next"].as_array().map(Vec::len),
        Some(4)
    );
    harness.stop().await;
}

#[tokio::test]
async fn after_two_days_asleep_one_sweep_runs_and_the_other_slots_say_why_not() {
    let noon = "2026-11-23T12:00:00Z".parse().unwrap();
    let (setup, shop_clock, clock) = Setup::default().shop(|shop| shop.orders(30)).clock(noon);
    let harness = filled(setup).await;
    assert!(slots(&harness).await.is_empty());
    shop_clock.advance(std::time::Duration::from_secs(48 * 3600));
    clock.advance(TimeDelta::days(2));
    let records = until("the slots have their records", || async {
        let slots = slots(&harness).await;
        (slots.len() >= 8).then_some(slots)
    })
    .await;
    let of = |outcome: &str| {
        records
            .iter()
            .filter(|record| record["outcome"] == outcome)
            .count()
    };
    assert_eq!((records.len(), of("skipped"), of("completed")), (8, 7, 1));
    let ran = records
        .iter()
        .find(|record| record["outcome"] == "completed")
        .unwrap();
    assert_eq!(
        (&ran["type"], &ran["trigger"], &ran["slot"]),
        (
            &json!("full"),
            &json!("catch_up"),
            &json!("2026-11-25T02:00:00Z")
        )
    );
    let skipped = records
        .iter()
        .filter(|record| record["outcome"] == "skipped");
    for record in skipped {
        let reason = record["reason"].as_str().unwrap();
        assert!(
            reason.contains(ran["task_id"].as_str().unwrap()),
            "{record}"
        );
    }
    let status = harness.get("/api/warmup/status").await;
    let alerts = status.data()["alerts"].as_array().unwrap().clone();
    let causes: Vec<_> = alerts
        .iter()
        .map(|alert| &alert["cause"])
        // That a shop without a delivery in two days has no subscriptions is another story.
        .filter(|cause| **cause != "subscriptions_missing")
        .collect();
    assert_eq!(causes, ["slot_missed"], "{alerts:?}");
    // Set back by a day: the same slots are not due again.
    clock.advance(TimeDelta::hours(-20));
    harness.sweep("incremental").await;
    assert_eq!(slots(&harness).await.len(), 8);
    harness.stop().await;
}

#[tokio::test]
async fn without_the_schedule_everything_else_works() {
    let harness = Setup::default()
        .shop(|shop| shop.orders(30))
        .set("WARMUP_INCREMENTAL_CRON", "* * * * * *")
        .start()
        .await;
    let record = harness.sweep("full").await;
    assert_eq!(record["outcome"], "completed");
    let status = harness.get("/api/warmup/status").await;
    assert_eq!(
        (
            &status.data()["enabled"],
            &status.data()["next_scheduled"],
            status.data()["slots"]["next"].as_array().map(Vec::len)
        ),
        (&json!(false), &Value::Null, Some(0))
    );
    assert!(slots(&harness).await.is_empty());
    harness.stop().await;
}
