//! Stopping, cutting, and handing over in the middle of a bulk operation.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shopify_simulator::{BulkPace, DownloadFault, Times};
use shopify_warmer::{app::App, clock::Clock, config::Config};

use super::{ORDERS, all_are_warm, asked, large, nothing_is_left, record_of};
use crate::{
    harness::{Harness, until},
    redis_server::RedisServer,
};

fn endless() -> BulkPace {
    BulkPace {
        queued: Duration::ZERO,
        running: Duration::from_secs(3600),
    }
}

async fn begun(harness: &Harness) -> Value {
    let started = harness
        .post("/api/warmup/trigger", &json!({ "type": "full" }))
        .await;
    assert_eq!(started.status, 200, "{}", started.text);
    until("Shopify works", || async {
        (harness.simulator.calls_named("BulkPoll").len() > 1).then_some(())
    })
    .await;
    started.json["task_id"].clone()
}

#[tokio::test]
async fn a_stop_cancels_the_operation_and_can_be_gone_on_from() {
    // The pace is the one that is delivered: a stop does not wait for warming's turn.
    let harness = large().set("WARMUP_RATE_LIMIT", 0.5).start().await;
    harness.simulator.set_bulk_pace(endless());
    let task = begun(&harness).await;
    let stopped_at = Instant::now();
    harness.post("/api/warmup/stop", &json!({})).await;
    until("it is cancelled", || async {
        (harness.simulator.calls_named("BulkCancel").len() == 1).then_some(())
    })
    .await;
    assert!(stopped_at.elapsed() < Duration::from_secs(2));
    let record = record_of(&harness, &task).await;
    assert_eq!(record["outcome"], "stopped", "{record}");
    nothing_is_left(&harness);
    harness.simulator.set_bulk_pace(BulkPace::default());
    harness.simulator.clear_calls();
    let record = harness.sweep("full").await;
    assert_eq!(record["outcome"], "completed", "{record}");
    let calls = asked(&harness);
    assert_eq!(
        (calls.get("OrdersPage"), calls["BulkRun"]),
        (None, 1),
        "{calls:?}"
    );
    all_are_warm(&harness).await;
    harness.stop().await;
}

#[tokio::test]
async fn a_stop_in_the_middle_of_a_download_leaves_nothing_on_the_disk() {
    let harness = large().start().await;
    let faults = harness.simulator.faults();
    faults.download(
        DownloadFault::Slow(Duration::from_millis(500)),
        Times::Next(1),
    );
    let started = harness
        .post("/api/warmup/trigger", &json!({ "type": "full" }))
        .await;
    until("it is downloaded", || async {
        (!harness.simulator.calls_named("BulkDownload").is_empty()).then_some(())
    })
    .await;
    harness.post("/api/warmup/stop", &json!({})).await;
    let record = record_of(&harness, &started.json["task_id"]).await;
    assert_eq!(record["outcome"], "stopped", "{record}");
    until("the spool is gone", || async {
        let spool = harness.data_dir.path().join("bulk");
        let left = std::fs::read_dir(spool).map_or(0, Iterator::count);
        (left == 0).then_some(())
    })
    .await;
    // The operation is done: going on means taking its file in, not asking for another.
    let record = harness.sweep("full").await;
    assert_eq!(record["outcome"], "completed", "{record}");
    assert_eq!(asked(&harness)["BulkRun"], 1);
    assert_eq!(asked(&harness).get("BulkCancel"), None);
    all_are_warm(&harness).await;
    harness.stop().await;
}

#[tokio::test]
async fn a_sweep_that_takes_too_long_is_cut_and_cancelled() {
    let harness = large().set("WARMUP_MAX_DURATION", 10).start().await;
    harness.simulator.set_bulk_pace(endless());
    let task = begun(&harness).await;
    let record = record_of(&harness, &task).await;
    assert_eq!(record["outcome"], "stopped", "{record}");
    assert!(
        record["reason"]
            .as_str()
            .unwrap()
            .contains("WARMUP_MAX_DURATION")
    );
    assert_eq!(asked(&harness)["BulkCancel"], 1);
    harness.stop().await;
}

#[tokio::test]
async fn a_service_that_starts_again_goes_on_with_the_same_operation() {
    let harness = large().start().await;
    harness.simulator.set_bulk_pace(BulkPace {
        queued: Duration::ZERO,
        running: Duration::from_secs(2),
    });
    let task = begun(&harness).await;
    let Harness {
        simulator,
        app,
        config,
        data_dir,
        ..
    } = harness;
    assert!(app.stop().await);
    assert_eq!(simulator.calls_named("BulkCancel").len(), 0);
    let app = App::start(&config, Clock::System).await.unwrap();
    ended(&app, &task).await;
    assert_eq!(simulator.calls_named("BulkRun").len(), 1);
    assert!(app.stop().await);
    simulator.stop().await;
    drop(data_dir);
}

#[tokio::test]
async fn whoever_takes_over_from_a_killed_warmer_goes_on_with_its_operation() {
    let redis = RedisServer::start().await;
    let harness = large().set("REDIS_URL", redis.url()).start().await;
    let faults = harness.simulator.faults();
    // The first is killed while the file is on its way to it.
    faults.download(DownloadFault::Hang(20_000), Times::Next(1));
    let started = harness
        .post("/api/warmup/trigger", &json!({ "type": "full" }))
        .await;
    until("it is downloaded", || async {
        (!harness.simulator.calls_named("BulkDownload").is_empty()).then_some(())
    })
    .await;
    harness.app.kill();
    let data_dir = tempfile::tempdir().unwrap();
    let mut vars = harness.vars.clone();
    vars.push(("DATA_DIR".to_owned(), data_dir.path().display().to_string()));
    let config = Config::from_vars(vars).unwrap();
    let other = App::start(&config, Clock::System).await.unwrap();
    ended(&other, &started.json["task_id"]).await;
    assert_eq!(harness.simulator.calls_named("BulkRun").len(), 1);
    assert!(other.stop().await);
    harness.app.stop().await;
    harness.simulator.stop().await;
}

/// A task's record says that all orders were read.
async fn ended(app: &App, task: &Value) {
    let site = "uk".parse().unwrap();
    let record = until("the sweep has its record", || async {
        let records = app.state().warmer.records(&site, 10).await.unwrap();
        records.into_iter().next()
    })
    .await;
    assert_eq!(
        (
            json!(record.task_id),
            json!(record.outcome),
            record.total_orders
        ),
        (task.clone(), json!("completed"), u64::from(ORDERS))
    );
}
