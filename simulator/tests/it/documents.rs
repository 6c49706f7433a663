//! The service's own documents, executed for an order that has everything.

use serde_json::{Value, json};
use shopify_simulator::{NewEvent, NewFulfillment, NewOrder, ShipmentStatus, Simulator};

use crate::harness::{ask, at_noon};

/// An order with two fulfilments, one of them with events; and its id.
pub(crate) fn rich_order(simulator: &Simulator) -> u64 {
    let shop = simulator.shop();
    let new = NewOrder::default()
        .line_items(3)
        .quantity(2)
        .tags(["vip", "gift wrap"])
        .note("请尽快发货 🙏")
        .discount_code("WELCOME10");
    let order = shop.place_order(new);
    let parcel = NewFulfillment::default().item(0, 1).company("DPD UK");
    let parcel = parcel
        .number("1550")
        .url("https://example.com/1550")
        .number("1551");
    let first = shop.fulfill(order, parcel).unwrap();
    shop.fulfill(order, NewFulfillment::default()).unwrap();
    shop.track(first, ShipmentStatus::InTransit).unwrap();
    let event = NewEvent::new(ShipmentStatus::Delivered)
        .message("Front door")
        .place("Leeds", "GB");
    shop.track_with(first, event).unwrap();
    order
}

/// A document with the fragments it needs, from the service's directory.
pub(crate) fn document(names: &[&str]) -> String {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../src/shopify/documents");
    let read =
        |name: &&str| std::fs::read_to_string(format!("{directory}/{name}.graphql")).unwrap();
    names.iter().map(read).collect()
}

fn refuse_errors(answer: &Value) {
    assert_eq!(answer.get("errors"), None, "{answer:#}");
}

#[tokio::test]
async fn every_document_of_the_service_is_answered() {
    let simulator = at_noon().start().await.unwrap();
    let order = rich_order(&simulator);
    let gid = simulator.shop().order_gid(order);

    let one = document(&["order_by_id", "order_fields", "line_item_fields"]);
    let answer = ask(&simulator, &one, json!({ "id": gid })).await;
    refuse_errors(&answer);
    let found = &answer["data"]["order"];
    assert_eq!(found["name"], "#UK22080");
    assert_eq!(found["tags"], json!(["vip", "gift wrap"]));
    assert_eq!(found["note"], "请尽快发货 🙏");
    assert_eq!(found["discountCodes"], json!(["WELCOME10"]));
    assert_eq!(found["displayFulfillmentStatus"], "FULFILLED");
    assert_eq!(found["createdAt"], "2026-11-22T12:00:00Z");
    assert_eq!(found["lineItems"]["nodes"].as_array().unwrap().len(), 3);
    let shipped = &found["fulfillments"][0];
    assert_eq!(shipped["displayStatus"], "DELIVERED");
    assert_eq!(shipped["deliveredAt"], "2026-11-22T12:00:00Z");
    assert_eq!(shipped["trackingInfo"][1]["number"], "1551");
    assert_eq!(shipped["trackingInfo"][1]["url"], Value::Null);
    assert_eq!(shipped["events"]["nodes"][0]["message"], "Front door");
    assert_eq!(shipped["fulfillmentLineItems"]["nodes"][0]["quantity"], 1);
    let line = &shipped["fulfillmentLineItems"]["nodes"][0]["lineItem"]["id"];
    assert_eq!(*line, found["lineItems"]["nodes"][0]["id"]);

    let by_ids = document(&["orders_by_ids", "order_fields", "line_item_fields"]);
    let ids = json!({ "ids": ["gid://shopify/Order/1", gid, "gid://shopify/Product/2"] });
    let answer = ask(&simulator, &by_ids, ids).await;
    refuse_errors(&answer);
    let nodes = &answer["data"]["nodes"];
    assert_eq!((&nodes[0], &nodes[2]), (&Value::Null, &Value::Null));
    assert_eq!(nodes[1]["__typename"], "Order");
    assert_eq!(nodes[1]["fulfillments"], found["fulfillments"]);

    let page = document(&["orders_page", "order_fields", "line_item_fields"]);
    let variables = json!({ "first": 10, "after": null, "query": "", "sortKey": "UPDATED_AT", "reverse": false });
    let answer = ask(&simulator, &page, variables).await;
    refuse_errors(&answer);
    assert_eq!(answer["data"]["orders"]["nodes"][0]["id"], found["id"]);

    let count = document(&["orders_count"]);
    let answer = ask(&simulator, &count, json!({ "query": "" })).await;
    refuse_errors(&answer);
    assert_eq!(answer["data"]["ordersCount"]["count"], 1);

    let run = document(&["bulk_run"]);
    let inner = document(&["bulk_orders"]).replace("<search>", "status:open");
    let answer = ask(&simulator, &run, json!({ "query": inner })).await;
    refuse_errors(&answer);
    let payload = &answer["data"]["bulkOperationRunQuery"];
    assert_eq!(payload["userErrors"], json!([]));
    let id = &payload["bulkOperation"]["id"];
    for name in ["bulk_poll", "bulk_cancel"] {
        let answer = ask(&simulator, &document(&[name]), json!({ "id": id })).await;
        refuse_errors(&answer);
    }

    let facts = document(&["who_am_i"]);
    let answer = ask(&simulator, &facts, json!({})).await;
    refuse_errors(&answer);
    assert_eq!(answer["data"]["shop"]["orderNumberFormatPrefix"], "#UK");
    let scopes = &answer["data"]["currentAppInstallation"]["accessScopes"];
    assert_eq!(scopes[0]["handle"], "read_orders");
    assert_eq!(answer["extensions"]["cost"]["requestedQueryCost"], 5);
}

#[tokio::test]
async fn the_rest_of_long_lists_is_paged() {
    let simulator = at_noon().start().await.unwrap();
    let shop = simulator.shop();
    let order = shop.place_order(NewOrder::default().line_items(260).quantity(1));
    let fulfillment = shop.fulfill(order, NewFulfillment::default()).unwrap();
    let one = document(&["order_by_id", "order_fields", "line_item_fields"]);
    let answer = ask(&simulator, &one, json!({ "id": shop.order_gid(order) })).await;
    refuse_errors(&answer);
    let lines = &answer["data"]["order"]["lineItems"];
    assert_eq!(lines["nodes"].as_array().unwrap().len(), 250);
    assert_eq!(lines["pageInfo"]["hasNextPage"], true);

    let rest = document(&["line_items_page", "line_item_fields"]);
    let after = &lines["pageInfo"]["endCursor"];
    let answer = ask(
        &simulator,
        &rest,
        json!({ "id": shop.order_gid(order), "after": after }),
    )
    .await;
    refuse_errors(&answer);
    let rest = &answer["data"]["order"]["lineItems"];
    assert_eq!(rest["nodes"].as_array().unwrap().len(), 10);
    assert_eq!(rest["pageInfo"]["hasNextPage"], false);

    let shipped = &answer_of_fulfillment(&simulator, fulfillment, &one, order).await;
    assert_eq!(shipped["nodes"].as_array().unwrap().len(), 10);
}

async fn answer_of_fulfillment(simulator: &Simulator, id: u64, one: &str, order: u64) -> Value {
    let gid = simulator.shop().order_gid(order);
    let answer = ask(simulator, one, json!({ "id": gid })).await;
    let shipped = &answer["data"]["order"]["fulfillments"][0]["fulfillmentLineItems"];
    let after = &shipped["pageInfo"]["endCursor"];
    let rest = document(&["fulfillment_line_items_page"]);
    let id = format!("gid://shopify/Fulfillment/{id}");
    let answer = ask(simulator, &rest, json!({ "id": id, "after": after })).await;
    refuse_errors(&answer);
    answer["data"]["fulfillment"]["fulfillmentLineItems"].clone()
}
