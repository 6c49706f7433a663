//! The service on Redis as shops run it: masters die under webhooks and in the middle of a sweep, slots move, rights are few.

mod cluster;
mod data;
mod frozen;
mod guarded;
mod sentinel;
mod stream;

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Harness, Setup, now, until};

/// A shop of ten pages on this Redis, read slowly enough to be interrupted.
async fn service_on(url: &str) -> Harness {
    Setup::default()
        .shop(|shop| shop.orders(1000))
        .set("REDIS_URL", url)
        .set("WARMUP_RATE_LIMIT", "4")
        .start()
        .await
}

/// Begins a sweep by hand and waits until it is under way; returns its task.
async fn sweep_begins(harness: &Harness) -> Value {
    let kind = json!({ "type": "full" });
    let started = harness.post("/api/warmup/trigger", &kind).await;
    assert_eq!(started.status, 200, "{}", started.text);
    until("some pages are read", || async {
        (harness.simulator.calls_named("OrdersPage").len() >= 3).then_some(())
    })
    .await;
    started.json["task_id"].clone()
}

/// The sweep goes on by itself, to its end, and has one record.
async fn sweep_ends(harness: &Harness, task: &Value) -> Value {
    let records = patiently("the sweep has its record", || async {
        let history = harness.get("/api/warmup/history").await;
        let records = history.json["data"]["history"].as_array()?.clone();
        (!records.is_empty()).then_some(records)
    })
    .await;
    let [record] = records.as_slice() else {
        panic!("one record, not {records:?}");
    };
    assert_eq!(
        (&record["task_id"], &record["outcome"]),
        (task, &json!("completed")),
        "{record}"
    );
    assert_eq!(record["total_orders"], 1000, "{record}");
    // What the store refused in the midst of a page is fetched again from the refresh set.
    let site = "uk".parse().unwrap();
    patiently("every order of the window is warm", || async {
        let since = now() - chrono::TimeDelta::days(7);
        let store = &harness.app.state().store;
        let coverage = store.coverage(&site, since, now()).await.ok()?;
        (coverage.warm >= 1000 && coverage.warm == coverage.window).then_some(())
    })
    .await;
    record.clone()
}

/// Waits through a failover, which takes its own time, and the pauses that double while the store is away.
async fn patiently<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let found = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(90), found).await;
    found.unwrap_or_else(|_| panic!("never happened: {what}"))
}
