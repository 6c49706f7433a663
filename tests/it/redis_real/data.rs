//! What Redis has on disk, what it lost, and what another version of the service left in it.

use serde_json::json;

use super::{patiently, service_on, sweep_begins, sweep_ends};
use crate::{
    harness::{Setup, until},
    redis_server::RedisServer,
};

async fn durable() -> RedisServer {
    RedisServer::start_set(|| {
        ["--appendonly", "yes", "--appendfsync", "always"]
            .map(str::to_owned)
            .to_vec()
    })
    .await
}

/// A sweep whose Redis is killed goes on at its last page when it is back, and has one record.
#[tokio::test(flavor = "multi_thread")]
async fn a_redis_killed_in_the_middle_of_a_sweep_costs_a_pause() {
    let mut redis = durable().await;
    let harness = service_on(&redis.url()).await;
    let task = sweep_begins(&harness).await;
    redis.kill();
    until("the service notices", || async {
        (harness.get("/readyz").await.status == 503).then_some(())
    })
    .await;
    redis.restart().await;
    let record = sweep_ends(&harness, &task).await;
    assert_eq!(record["total_orders"], 1000, "{record}");
    let pages = harness.simulator.calls_named("OrdersPage").len();
    assert!((10..=12).contains(&pages), "{pages} pages for ten");
    let coverage = harness.get("/api/warmup/coverage").await;
    assert_eq!(coverage.data()["missing"], json!([]), "{}", coverage.text);
    harness.stop().await;
}

/// Its data are gone under the running service: the window is filled again, and no slot is waited for.
#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_redis_is_filled_again_at_once() {
    let redis = RedisServer::start().await;
    let harness = Setup::default()
        .shop(|shop| shop.orders(120))
        .set("REDIS_URL", redis.url())
        .set("WARMUP_ENABLED", "true")
        // No slot comes while the test runs.
        .set("WARMUP_FULL_CRON", "0 0 0 1 1 *")
        .set("WARMUP_INCREMENTAL_CRON", "0 0 0 1 1 *")
        .start()
        .await;
    let site = "uk".parse().unwrap();
    let filled = async || {
        patiently("the window is warm", || async {
            let store = &harness.app.state().store;
            let since = crate::harness::now() - chrono::TimeDelta::days(7);
            let coverage = store.coverage(&site, since, crate::harness::now()).await;
            coverage
                .is_ok_and(|coverage| coverage.warm == 120)
                .then_some(())
        })
        .await;
    };
    filled().await;
    let () = redis.cli(&["FLUSHALL"]).await;
    filled().await;
    let newest = harness.simulator.shop().order_ids()[0];
    assert_eq!(harness.by_id(newest).await.data()["cached"], true);
    harness.stop().await;
}

/// After an upgrade or a step back: what is stored in a form this version does not know is fetched or written anew.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_version_left_is_read_or_replaced() {
    let redis = RedisServer::start().await;
    let harness = service_on(&redis.url()).await;
    let newest = harness.simulator.shop().order_ids()[0];
    harness.stop().await;
    leave(&redis, newest).await;
    let harness = service_on(&redis.url()).await;
    let newest = harness.simulator.shop().order_ids()[0];
    assert_eq!(harness.by_id(newest).await.data()["cached"], false);
    assert_eq!(harness.by_id(newest).await.data()["cached"], true);
    for path in [
        "/api/warmup/status",
        "/api/warmup/history",
        "/api/warmup/coverage",
    ] {
        harness.get(path).await.data();
    }
    let started = patiently("a sweep can be begun", || async {
        let kind = json!({ "type": "full" });
        let started = harness.post("/api/warmup/trigger", &kind).await;
        (started.status == 200).then_some(started)
    })
    .await;
    let task = &started.json["task_id"];
    patiently("the sweep is completed", || async {
        let history = harness.get("/api/warmup/history").await;
        let records = history.data()["history"].as_array().unwrap().clone();
        records
            .iter()
            .any(|record| record["task_id"] == *task && record["outcome"] == "completed")
            .then_some(())
    })
    .await;
    harness.stop().await;
}

/// What a version to come might have stored.
async fn leave(redis: &RedisServer, newest: u64) {
    let order = format!("shopify:{{uk:{newest}}}:order");
    let tracking = format!("shopify:{{uk:{newest}}}:tracking");
    let future = r#"{"order_id":"1","_meta":{"format":99,"facets":{"of":"the future"}}}"#;
    let left: [&[&str]; 9] = [
        &["SET", &order, future],
        &["SET", &tracking, future],
        &["SET", "shopify:{uk}:watermark", "the future"],
        &["SET", "shopify:{uk}:heard", "{}"],
        &["SET", "shopify:{uk}:leases", "many"],
        &[
            "HSET",
            "shopify:{uk}:sweep",
            "sweep",
            "{\"format\":99}",
            "rest",
            "?",
            "slots_until",
            "soon",
        ],
        &[
            "LPUSH",
            "shopify:{uk}:history",
            "{\"format\":99}",
            "nonsense",
        ],
        &["HSET", "shopify:{uk}:dead", "1", "{\"of\":\"the future\"}"],
        &["HSET", "shopify:{uk}:refresh:asks", "1", "9:9:9"],
    ];
    for command in left {
        let _: redis::Value = redis.cli(command).await;
    }
}
