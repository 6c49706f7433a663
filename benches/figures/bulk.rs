//! A large shop, imported by a bulk operation into an empty cache: how fast, and in how much memory.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{
    hits,
    latency::Latencies,
    stage::{Stage, StoreKind},
    table::{Row, Table},
};

/// How many orders, where the command line does not say.
pub(crate) const ORDERS: u32 = 200_000;
const MOST_GROWTH: u64 = 300 * 1_000_000;
const PATIENCE: Duration = Duration::from_secs(3600);
const LOOK_AGAIN: Duration = Duration::from_millis(500);

pub(crate) async fn measure(kind: StoreKind, orders: u32, table: &mut Table) {
    eprintln!("figures: making a shop of {orders} orders");
    let stage = Stage::large(kind, orders).await;
    let (resident, peak_before) = (stage.service.resident_bytes(), stage.service.peak_bytes());
    eprintln!("figures: importing them, {kind}");
    let import = Import::run(&stage, u64::from(orders)).await;
    let growth = stage.service.peak_bytes().zip(resident);
    let growth = growth.map(|(peak, before)| peak.saturating_sub(before));
    let what = format!("import of {orders} orders by a bulk operation, {kind}");
    let mut add = |figure: &str, measured: String, bar| {
        table.add(Row {
            what: format!("{what}: {figure}"),
            measured,
            bar,
            part: "bulk",
        });
    };
    let met = growth.is_some_and(|growth| growth < MOST_GROWTH);
    let peak = megabytes(peak_before);
    add(
        "peak memory of the service above what it held before",
        format!("{} MB (peak before: {peak} MB)", megabytes(growth)),
        Some(("< 300 MB", met)),
    );
    let seconds = import.merged_after.as_secs_f64();
    let rate = f64::from(orders) / seconds;
    let whole = import.took.as_secs_f64();
    add(
        "until all are in the cache, the simulated Shopify's work included",
        format!("{seconds:.1} s, {rate:.0} orders/s; with all details {whole:.1} s"),
        None,
    );
    let (calls, file) = (by_operation(&stage), file(&stage).await);
    add(
        "API calls",
        format!("{} ({calls}); the file has {file}", import.calls),
        None,
    );
    let alone = hits::paced(&stage).await;
    let (watched, looks) = beside_the_status(&stage).await;
    let ratio = watched.percentile(99).as_secs_f64() / alone.percentile(99).as_secs_f64();
    add(
        "1,000 lookups/s, while somebody asks for the status again and again",
        format!("{watched}, alone {alone}: p99 ratio {ratio:.2}; a status takes {looks}"),
        None,
    );
}

/// Lookups while the status, which counts all orders, is asked as often as it is answered; how long they took, and how long it.
async fn beside_the_status(stage: &Stage) -> (Latencies, Latencies) {
    let mut looker = stage.service.connect().await;
    let mut looks = Vec::new();
    let lookups = hits::paced(stage);
    tokio::pin!(lookups);
    let watched = loop {
        let begun = Instant::now();
        tokio::select! {
            watched = &mut lookups => break watched,
            status = looker.get("/api/warmup/status") => {
                assert_eq!(status.status, 200, "the status: {}", status.text());
                looks.push(begun.elapsed());
            }
        }
    };
    (watched, Latencies::of(looks))
}

/// How an import went.
struct Import {
    merged_after: Duration,
    took: Duration,
    calls: u64,
}

impl Import {
    async fn run(stage: &Stage, orders: u64) -> Self {
        let began = Instant::now();
        let mut connection = stage.service.connect().await;
        // The shop's oldest orders are a week old already, and a week is over by the time they are asked for.
        let reply = connection
            .post("/api/warmup/trigger?type=full&days=8")
            .await;
        assert_eq!(reply.status, 200, "the trigger: {}", reply.text());
        let mut merged_after = None;
        let record = loop {
            assert!(began.elapsed() < PATIENCE, "the import never ends");
            tokio::time::sleep(LOOK_AGAIN).await;
            let history = connection.get("/api/warmup/history").await.json();
            if let Some(record) = history.pointer("/data/history/0") {
                break record.clone();
            }
            let status = connection.get("/api/warmup/status").await.json();
            let done = status.pointer("/data/sweep/done").and_then(Value::as_u64);
            if done >= Some(orders) {
                merged_after.get_or_insert_with(|| began.elapsed());
            }
        };
        let count = |name: &str| record.get(name).and_then(Value::as_u64);
        let outcome = record.get("outcome").and_then(Value::as_str);
        assert_eq!(
            (outcome, count("total_orders")),
            (Some("completed"), Some(orders)),
            "the import: {record}"
        );
        let took = began.elapsed();
        Self {
            merged_after: merged_after.unwrap_or(took),
            took,
            calls: count("api_calls").unwrap_or_default(),
        }
    }
}

fn megabytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "?".to_owned(), |bytes| (bytes / 1_000_000).to_string())
}

fn by_operation(stage: &Stage) -> String {
    let mut counts = std::collections::BTreeMap::<String, u32>::new();
    for call in stage.simulator.calls() {
        *counts.entry(call.operation).or_default() += 1;
    }
    let counts = counts.iter().map(|(name, count)| format!("{count} {name}"));
    counts.collect::<Vec<_>>().join(", ")
}

/// What the operation's file came to, asked of the simulated Shopify.
async fn file(stage: &Stage) -> String {
    let query = "{ bulkOperations(first: 1) { nodes { objectCount fileSize } } }";
    let url = format!(
        "{}/admin/api/2026-10/graphql.json",
        stage.simulator.admin_url()
    );
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let answer = client
        .post(url)
        .header("X-Shopify-Access-Token", stage.simulator.access_token())
        .json(&serde_json::json!({ "query": query }))
        .send()
        .await
        .expect("the simulated shop answers");
    let answer: Value = answer.json().await.expect("its answer is JSON");
    let of = |name: &str| {
        let path = format!("/data/bulkOperations/nodes/0/{name}");
        let text = answer.pointer(&path).and_then(Value::as_str);
        text.and_then(|text| text.parse::<u64>().ok())
    };
    let objects = of("objectCount").unwrap_or_default();
    format!("{objects} lines, {} MB", megabytes(of("fileSize")))
}
