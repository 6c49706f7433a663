//! Operations that fail, files that do not come through, and other operations in the way.

use std::time::Duration;

use serde_json::{Value, json};
use shopify_simulator::{
    ApiFault, BulkFault, BulkLayout, BulkPace, DownloadFault, Simulator, Times,
};

use super::{ORDERS, all_are_warm, asked, large, nothing_is_left, record_of};
use crate::harness::{Harness, until};

async fn imported(harness: &Harness) -> Value {
    let record = harness.sweep("full").await;
    assert_eq!(
        (&record["outcome"], &record["failed"]),
        (&json!("completed"), &json!(0)),
        "{record}"
    );
    nothing_is_left(harness);
    record
}

#[tokio::test]
async fn a_download_that_breaks_off_is_gone_on_with() {
    let faults = [
        DownloadFault::Truncated(30_000),
        DownloadFault::Reset(30_000),
        DownloadFault::Hang(30_000),
        DownloadFault::Status(503),
        DownloadFault::Slow(Duration::from_millis(20)),
    ];
    for fault in faults {
        let harness = large().start().await;
        harness.simulator.faults().download(fault, Times::Next(1));
        let record = imported(&harness).await;
        assert_eq!(record["total_orders"], ORDERS, "{fault:?}: {record}");
        let calls = asked(&harness);
        let downloads = harness.simulator.calls_named("BulkDownload");
        assert_eq!(calls["BulkRun"], 1, "{fault:?}");
        let ranges: Vec<_> = downloads
            .iter()
            .map(|call| &call.variables["range"])
            .collect();
        let tries = if let DownloadFault::Slow(_) = fault {
            1
        } else {
            2
        };
        assert_eq!(ranges.len(), tries, "{fault:?}: {ranges:?}");
        all_are_warm(&harness).await;
        harness.stop().await;
    }
}

#[tokio::test]
async fn a_storage_without_ranges_sends_it_all_again() {
    let harness = large().start().await;
    let faults = harness.simulator.faults();
    // The first breaks off behind a piece that was taken, the second is asked for the rest and sends everything.
    faults.download(DownloadFault::Truncated(90_000), Times::Next(1));
    faults.download(DownloadFault::NoRanges, Times::Next(1));
    let record = imported(&harness).await;
    assert_eq!(record["total_orders"], ORDERS, "{record}");
    let downloads = harness.simulator.calls_named("BulkDownload");
    assert!(
        downloads[1].variables["range"]
            .as_str()
            .unwrap()
            .starts_with("bytes="),
        "{downloads:?}"
    );
    all_are_warm(&harness).await;
    harness.stop().await;
}

#[tokio::test]
async fn what_is_gone_is_asked_for_again() {
    for fault in [BulkFault::Canceled, BulkFault::Expired] {
        let harness = large().start().await;
        harness.simulator.faults().bulk(fault, Times::Next(1));
        let record = imported(&harness).await;
        assert_eq!(record["total_orders"], ORDERS, "{fault:?}: {record}");
        assert_eq!(asked(&harness)["BulkRun"], 2, "{fault:?}");
        harness.stop().await;
    }
    let harness = large().start().await;
    harness
        .simulator
        .faults()
        .download(DownloadFault::Expired, Times::Next(1));
    let record = imported(&harness).await;
    assert_eq!(record["total_orders"], ORDERS, "{record}");
    assert_eq!(asked(&harness)["BulkRun"], 2, "a signature past its time");
    assert!(
        !record["errors"].to_string().contains("Signature"),
        "{record}"
    );
    harness.stop().await;
}

#[tokio::test]
async fn what_there_is_of_a_failed_operation_is_used_and_the_rest_is_read() {
    for (layout, operations) in [
        (BulkLayout::ChildrenLater, 2),
        (BulkLayout::ChildrenAnywhere, 2),
    ] {
        let harness = large().start().await;
        harness.simulator.set_bulk_layout(layout);
        harness
            .simulator
            .faults()
            .bulk(BulkFault::FailAfter(150), Times::Next(1));
        let record = imported(&harness).await;
        assert!(
            record["total_orders"].as_u64() >= Some(u64::from(ORDERS)),
            "{layout:?}: {record}"
        );
        assert_eq!(asked(&harness)["BulkRun"], operations, "{layout:?}");
        assert!(
            record["errors"][0]
                .as_str()
                .unwrap()
                .contains("INTERNAL_SERVER_ERROR"),
            "{record}"
        );
        all_are_warm(&harness).await;
        harness.stop().await;
    }
}

#[tokio::test]
async fn an_operation_that_comes_to_nothing_leaves_pages() {
    for fault in [BulkFault::FailAfter(0), BulkFault::Timeout] {
        let harness = large().start().await;
        harness.simulator.faults().bulk(fault, Times::Next(1));
        let record = imported(&harness).await;
        let calls = asked(&harness);
        assert_eq!(
            (calls["BulkRun"], calls["OrdersCount"]),
            (1, 1),
            "{fault:?}: {calls:?}"
        );
        assert!(calls["OrdersPage"] >= 12, "{fault:?}: {calls:?}");
        assert!(
            record["errors"][0].as_str().unwrap().contains("failed"),
            "{record}"
        );
        all_are_warm(&harness).await;
        harness.stop().await;
    }
}

#[tokio::test]
async fn a_missing_scope_ends_the_sweep_with_advice() {
    let harness = large().start().await;
    harness
        .simulator
        .faults()
        .bulk(BulkFault::AccessDenied, Times::Next(1));
    let record = harness.sweep("full").await;
    assert_eq!(record["outcome"], "failed", "{record}");
    let reason = record["reason"].as_str().unwrap();
    assert!(reason.contains("grant the app the scope"), "{reason}");
    harness.stop().await;
}

#[tokio::test]
async fn an_outage_while_shopify_works_is_outlived() {
    let harness = large().start().await;
    let faults = harness.simulator.faults();
    for operation in ["BulkRun", "BulkPoll", "OrdersCount"] {
        faults.api_on(operation, ApiFault::Status(503), Times::Next(1));
    }
    let record = imported(&harness).await;
    assert_eq!(record["total_orders"], ORDERS, "{record}");
    harness.stop().await;
}

/// Another process with the same app begins an operation.
async fn begin_elsewhere(simulator: &Simulator) -> String {
    let query = "mutation Elsewhere { bulkOperationRunQuery(query: \"{ orders { edges { node { id } } } }\", groupObjects: false) \
         { bulkOperation { id } userErrors { message } } }";
    let answer = elsewhere(simulator, query).await;
    let id = &answer["data"]["bulkOperationRunQuery"]["bulkOperation"]["id"];
    id.as_str().expect("it began").to_owned()
}

async fn elsewhere(simulator: &Simulator, query: &str) -> Value {
    let url = format!("{}/admin/api/2026-10/graphql.json", simulator.admin_url());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client
        .post(url)
        .header("X-Shopify-Access-Token", simulator.access_token())
        .json(&json!({ "query": query }))
        .send();
    answer.await.unwrap().json().await.unwrap()
}

async fn five_elsewhere(simulator: &Simulator) -> Vec<String> {
    let pace = BulkPace {
        queued: Duration::ZERO,
        running: Duration::from_secs(3600),
    };
    simulator.set_bulk_pace(pace);
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(begin_elsewhere(simulator).await);
    }
    // They have begun; what begins later is quick.
    until("they run", || async {
        let running = elsewhere(
            simulator,
            "{ bulkOperations(first: 10, query: \"status:running\") { nodes { id } } }",
        )
        .await;
        let nodes = running["data"]["bulkOperations"]["nodes"]
            .as_array()
            .unwrap();
        (nodes.len() == 5).then_some(())
    })
    .await;
    simulator.set_bulk_pace(BulkPace::default());
    ids
}

#[tokio::test]
async fn other_operations_are_waited_for() {
    let mut setup = large();
    setup.patience.others = Duration::from_secs(60);
    let harness = setup.start().await;
    let ids = five_elsewhere(&harness.simulator).await;
    let started = harness
        .post("/api/warmup/trigger", &json!({ "type": "full" }))
        .await;
    until("there is no room", || async {
        (harness.simulator.calls_named("BulkRun").len() > 1).then_some(())
    })
    .await;
    let cancel = format!(
        "mutation {{ bulkOperationCancel(id: \"{}\") {{ userErrors {{ message }} }} }}",
        ids[0]
    );
    elsewhere(&harness.simulator, &cancel).await;
    let record = record_of(&harness, &started.json["task_id"]).await;
    assert_eq!(
        (
            &record["outcome"],
            &record["total_orders"],
            &record["errors"]
        ),
        (&json!("completed"), &json!(ORDERS), &json!([])),
        "{record}"
    );
    harness.stop().await;
}

#[tokio::test]
async fn other_operations_that_do_not_end_leave_pages() {
    let harness = large().start().await;
    five_elsewhere(&harness.simulator).await;
    let record = imported(&harness).await;
    let said = record["errors"][0].as_str().unwrap();
    assert!(said.contains("other bulk operations"), "{said}");
    all_are_warm(&harness).await;
    harness.stop().await;
}
