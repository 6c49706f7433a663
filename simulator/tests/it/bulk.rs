//! Bulk operations: as strict as Shopify's, and their files as awkward.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use shopify_simulator::{
    BulkFault, BulkLayout, BulkPace, DownloadFault, NewFulfillment, NewOrder, Simulator, Times,
};

use crate::harness::{Receiver, ask, at_noon, client};

const RUN: &str = "mutation Run($q: String!) { bulkOperationRunQuery(query: $q, groupObjects: false) { \
     bulkOperation { id status } userErrors { code field message } } }";
const POLL: &str = "query Poll($id: ID!) { bulkOperation(id: $id) { id type status errorCode createdAt completedAt \
     objectCount rootObjectCount fileSize url partialDataUrl } }";
const CANCEL: &str = "mutation Cancel($id: ID!) { bulkOperationCancel(id: $id) { bulkOperation { id status } \
     userErrors { field message } } }";
const INNER: &str = "{ orders(query: \"created_at:>='2026-11-01T00:00:00Z'\", sortKey: CREATED_AT, reverse: true) { edges { node { \
     id name createdAt fulfillments { id trackingInfo { number } } lineItems(first: 1) { edges { node { id title } } } } } } }";

async fn run(simulator: &Simulator, inner: &str) -> Value {
    let answer = ask(simulator, RUN, json!({ "q": inner })).await;
    answer["data"]["bulkOperationRunQuery"].clone()
}

async fn begun(simulator: &Simulator) -> String {
    let payload = run(simulator, INNER).await;
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    assert_eq!(payload["bulkOperation"]["status"], "CREATED");
    payload["bulkOperation"]["id"].as_str().unwrap().to_owned()
}

async fn poll(simulator: &Simulator, id: &str) -> Value {
    let answer = ask(simulator, POLL, json!({ "id": id })).await;
    answer["data"]["bulkOperation"].clone()
}

async fn ended(simulator: &Simulator, id: &str) -> Value {
    let waited = async {
        loop {
            let operation = poll(simulator, id).await;
            let status = operation["status"].as_str().unwrap();
            if !matches!(status, "CREATED" | "RUNNING" | "CANCELING") {
                return operation;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waited)
        .await
        .expect("the operation ends")
}

async fn lines(url: &Value) -> Vec<Value> {
    let answer = client().get(url.as_str().unwrap()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let text = answer.text().await.unwrap();
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn a_file_holds_every_order_and_its_children_apart_from_it() {
    let simulator = at_noon().orders(250).start().await.unwrap();
    let receiver = Receiver::start().await;
    simulator.deliver_to(&receiver.url);
    let shop = simulator.shop();
    let long = shop.place_order(NewOrder::default().line_items(300));
    shop.fulfill(long, NewFulfillment::default().number("N1"))
        .unwrap();
    simulator.settled().await;
    receiver.take_topics();
    for layout in [BulkLayout::ChildrenLater, BulkLayout::ChildrenAnywhere] {
        simulator.set_bulk_layout(layout);
        let id = begun(&simulator).await;
        let operation = ended(&simulator, &id).await;
        assert_eq!(operation["status"], "COMPLETED", "{operation}");
        assert_eq!(operation["rootObjectCount"], "251");
        let lines = lines(&operation["url"]).await;
        assert_eq!(operation["objectCount"], lines.len().to_string());
        let is_child = |line: &&Value| line.get("__parentId").is_some();
        let mut orders = BTreeSet::new();
        for line in lines.iter().filter(|line| !is_child(line)) {
            assert!(line.get("lineItems").is_none(), "{line}");
            orders.insert(line["id"].as_str().unwrap());
        }
        assert_eq!(orders.len(), 251);
        let gid = shop.order_gid(long);
        let children = lines
            .iter()
            .filter(|line| line["__parentId"] == gid.as_str());
        assert_eq!(children.count(), 300, "`first` is ignored");
        assert!(
            lines
                .iter()
                .filter(is_child)
                .all(|line| orders.contains(line["__parentId"].as_str().unwrap())),
            "every child has its parent"
        );
        let first_is_a_child = is_child(&&lines[0]);
        assert_eq!(first_is_a_child, layout == BulkLayout::ChildrenAnywhere);
    }
    simulator.settled().await;
    let told = receiver.received();
    assert_eq!(told.len(), 2);
    assert_eq!(told[0].topic(), "bulk_operations/finish");
    assert_eq!(
        (&told[0].json()["status"], &told[0].json()["error_code"]),
        (&json!("completed"), &Value::Null)
    );
}

#[tokio::test]
async fn nothing_found_is_no_file() {
    let simulator = at_noon().start().await.unwrap();
    let id = begun(&simulator).await;
    let operation = ended(&simulator, &id).await;
    assert_eq!(
        (
            &operation["status"],
            &operation["url"],
            &operation["objectCount"]
        ),
        (&json!("COMPLETED"), &Value::Null, &json!("0"))
    );
}

#[tokio::test]
async fn what_shopify_refuses_is_refused_in_its_words() {
    let simulator = at_noon().start().await.unwrap();
    let cases = [
        (
            "",
            "Invalid bulk query: syntax error, unexpected end of file",
        ),
        (
            "{ orders { nodes { id } } }",
            "All connection fields in a bulk query must select their contents using 'edges' > 'node', e.g: 'products { edges { node {'. \
             Selecting via 'nodes' is not supported. Invalid connection fields: 'orders'.",
        ),
        (
            "{ node(id: \"gid://shopify/Order/1\") { id } }",
            "Bulk queries cannot contain a top level `node` field.",
        ),
        (
            "{ orders { edges { node { name lineItems { edges { node { id } } } } } } }",
            "The parent 'node' field for a nested connection must select the 'id' field without an alias and must be of 'ID' return type. \
             Connection fields without 'id': orders.",
        ),
        (
            "{ orders { edges { node { id fulfillments { events { edges { node { id } } } } } } } }",
            "Queries that contain a connection field within a list field are not currently supported.",
        ),
        (
            "{ orders { edges { node { id fulfillments { fulfillmentLineItems { edges { node { id } } } } } } } }",
            "Queries that contain a connection field within a list field are not currently supported.",
        ),
        (
            "{ a: orders { edges { node { id } } } b: orders { edges { node { id } } } c: orders { edges { node { id } } } \
               d: orders { edges { node { id } } } e: orders { edges { node { id } } } f: orders { edges { node { id } } } }",
            "Bulk queries cannot contain more than 5 connections.",
        ),
        (
            "{ shop { name } }",
            "Bulk queries must contain at least one connection.",
        ),
        (
            "mutation { bulkOperationCancel(id: \"gid://shopify/BulkOperation/1\") { bulkOperation { id } } }",
            "Invalid operation type. Only `query` operations are supported.",
        ),
        (
            "{ orders { edges { node { id colour } } } }",
            "Invalid bulk query: Field 'colour' doesn't exist on type 'Order'",
        ),
    ];
    for (query, message) in cases {
        let payload = run(&simulator, query).await;
        assert_eq!(payload["bulkOperation"], Value::Null, "{query}");
        assert_eq!(
            payload["userErrors"][0],
            json!({ "code": "INVALID", "field": ["query"], "message": message }),
            "{query}"
        );
    }
}

#[tokio::test]
async fn five_run_at_once_and_one_can_be_cancelled() {
    let simulator = at_noon().orders(3).start().await.unwrap();
    let pace = BulkPace {
        queued: Duration::from_secs(1),
        running: Duration::from_secs(60),
    };
    simulator.set_bulk_pace(pace);
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(begun(&simulator).await);
    }
    let refused = run(&simulator, INNER).await;
    assert_eq!(refused["userErrors"][0]["code"], "OPERATION_IN_PROGRESS");
    assert_eq!(refused["userErrors"][0]["field"], Value::Null);
    assert_eq!(poll(&simulator, &ids[0]).await["status"], "CREATED");
    simulator.clock().advance(Duration::from_secs(2));
    let running = "query { bulkOperations(first: 10, query: \"status:running operation_type:query\") { nodes { id status } } }";
    for _ in 0..200 {
        let answer = ask(&simulator, running, json!({})).await;
        let nodes = answer["data"]["bulkOperations"]["nodes"]
            .as_array()
            .unwrap()
            .len();
        if nodes == 5 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(poll(&simulator, &ids[4]).await["status"], "RUNNING");
    let answer = ask(&simulator, CANCEL, json!({ "id": ids[0] })).await;
    let payload = &answer["data"]["bulkOperationCancel"];
    assert_eq!(payload["bulkOperation"]["status"], "CANCELING", "{answer}");
    assert_eq!(ended(&simulator, &ids[0]).await["status"], "CANCELED");
    begun(&simulator).await;
    simulator.clock().advance(Duration::from_secs(60));
    assert_eq!(ended(&simulator, &ids[1]).await["status"], "COMPLETED");
    let unknown = ask(
        &simulator,
        CANCEL,
        json!({ "id": "gid://shopify/BulkOperation/1" }),
    )
    .await;
    assert_eq!(
        unknown["data"]["bulkOperationCancel"]["userErrors"][0]["message"],
        "Bulk operation does not exist"
    );
}

#[tokio::test]
async fn operations_fail_as_told() {
    let simulator = at_noon().orders(20).start().await.unwrap();
    let faults = simulator.faults();
    faults.bulk(BulkFault::FailAfter(25), Times::Next(1));
    let operation = ended(&simulator, &begun(&simulator).await).await;
    assert_eq!(
        (
            &operation["status"],
            &operation["errorCode"],
            &operation["url"]
        ),
        (
            &json!("FAILED"),
            &json!("INTERNAL_SERVER_ERROR"),
            &Value::Null
        )
    );
    assert_eq!(lines(&operation["partialDataUrl"]).await.len(), 25);
    for (fault, status, code) in [
        (
            BulkFault::FailAfter(0),
            "FAILED",
            json!("INTERNAL_SERVER_ERROR"),
        ),
        (BulkFault::Timeout, "FAILED", json!("TIMEOUT")),
        (BulkFault::AccessDenied, "FAILED", json!("ACCESS_DENIED")),
        (BulkFault::Canceled, "CANCELED", Value::Null),
        (BulkFault::Expired, "EXPIRED", Value::Null),
    ] {
        faults.bulk(fault, Times::Next(1));
        let operation = ended(&simulator, &begun(&simulator).await).await;
        assert_eq!(
            (&operation["status"], &operation["errorCode"]),
            (&json!(status), &code),
            "{fault:?}"
        );
        assert_eq!(
            (&operation["url"], &operation["partialDataUrl"]),
            (&Value::Null, &Value::Null),
            "{fault:?}"
        );
    }
    simulator.set_scopes(["read_fulfillments"]);
    let operation = ended(&simulator, &begun(&simulator).await).await;
    assert_eq!(operation["errorCode"], "ACCESS_DENIED");
    assert_eq!(faults.unused(), 0);
}

#[tokio::test]
async fn downloads_are_signed_and_can_be_gone_on_with() {
    let simulator = at_noon().orders(60).start().await.unwrap();
    let operation = ended(&simulator, &begun(&simulator).await).await;
    let url = operation["url"].as_str().unwrap();
    let get = |url: &str| client().get(url.to_owned());
    let whole = get(url).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(whole.len().to_string(), operation["fileSize"]);
    let rest = get(url)
        .header("Range", "bytes=1000-")
        .send()
        .await
        .unwrap();
    assert_eq!(rest.status(), 206);
    assert_eq!(rest.bytes().await.unwrap(), whole.slice(1000..));
    let faults = simulator.faults();
    faults.download(DownloadFault::NoRanges, Times::Next(1));
    let rest = get(url)
        .header("Range", "bytes=1000-")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (rest.status().as_u16(), rest.bytes().await.unwrap()),
        (200, whole.clone())
    );
    faults.download(DownloadFault::Truncated(1234), Times::Next(1));
    assert_eq!(
        get(url).send().await.unwrap().bytes().await.unwrap(),
        whole.slice(..1234)
    );
    faults.download(DownloadFault::Reset(1234), Times::Next(1));
    assert!(get(url).send().await.unwrap().bytes().await.is_err());
    faults.download(DownloadFault::Expired, Times::Next(1));
    assert_eq!(get(url).send().await.unwrap().status(), 403);
    let forged = url.replace("Expires=1", "Expires=2");
    assert_eq!(get(&forged).send().await.unwrap().status(), 403);
    let with_token = get(url).header("X-Shopify-Access-Token", simulator.access_token());
    assert_eq!(with_token.send().await.unwrap().status(), 400);
    simulator.clock().advance(Duration::from_secs(7 * 86_400));
    assert_eq!(get(url).send().await.unwrap().status(), 403);
    let id = operation["id"].as_str().unwrap();
    assert_eq!(poll(&simulator, id).await["status"], "EXPIRED");
}
