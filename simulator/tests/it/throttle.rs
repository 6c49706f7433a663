//! The bucket, and the limits of a single query.

use std::time::Duration;

use serde_json::json;

use crate::harness::{ask, at_noon, code};

#[tokio::test]
async fn an_empty_bucket_throttles_in_a_200_and_fills_with_time() {
    let simulator = at_noon().orders(1).start().await.unwrap();
    simulator.set_available_points(12);
    let document = "query Heads { orders(first: 250) { nodes { id } } }";
    let answer = ask(&simulator, document, json!({})).await;
    assert_eq!(code(&answer), "THROTTLED");
    assert_eq!(answer.get("data"), None);
    let cost = &answer["extensions"]["cost"];
    assert_eq!(cost["requestedQueryCost"], 13);
    assert_eq!(cost["actualQueryCost"], json!(null));
    assert_eq!(
        cost["throttleStatus"],
        json!({
        "maximumAvailable": 2000.0, "currentlyAvailable": 12.0, "restoreRate": 100.0 })
    );
    simulator.clock().advance(Duration::from_millis(10));
    let answer = ask(&simulator, document, json!({})).await;
    assert_eq!(answer.get("errors"), None);
    assert_eq!(simulator.calls().len(), 2);
    assert_eq!(simulator.calls()[0].error.as_deref(), Some("THROTTLED"));
    assert_eq!(simulator.calls()[1].actual_cost, Some(3));
}

#[tokio::test]
async fn a_query_that_is_too_dear_is_refused_for_good() {
    let simulator = at_noon().start().await.unwrap();
    let document = "query Dear { orders(first: 250) { nodes { id lineItems(first: 250) { nodes { id
      product { id } variant { id } } } fulfillments { events(first: 250) { nodes { id } }
      fulfillmentLineItems(first: 250) { nodes { lineItem { id product { id } variant { id } } } } } } } }";
    let answer = ask(&simulator, document, json!({})).await;
    assert_eq!(code(&answer), "MAX_COST_EXCEEDED");
    let extensions = &answer["errors"][0]["extensions"];
    assert_eq!(extensions["maxCost"], 1000);
    assert!(extensions["cost"].as_u64().unwrap() > 1000);
    assert_eq!(answer.get("extensions"), None);
}

#[tokio::test]
async fn pages_and_lists_end_at_250() {
    let simulator = at_noon().start().await.unwrap();
    let page = "query P($first: Int) { orders(first: $first) { nodes { id } } }";
    let answer = ask(&simulator, page, json!({ "first": 251 })).await;
    assert_eq!(code(&answer), "BAD_REQUEST");
    let answer = ask(&simulator, "query P { orders { nodes { id } } }", json!({})).await;
    assert_eq!(code(&answer), "BAD_REQUEST");
    let ids: Vec<String> = (0..251)
        .map(|id| format!("gid://shopify/Order/{id}"))
        .collect();
    let nodes = "query N($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let answer = ask(&simulator, nodes, json!({ "ids": ids })).await;
    assert_eq!(code(&answer), "MAX_INPUT_SIZE_EXCEEDED");
}
