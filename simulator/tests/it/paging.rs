//! Walking through many orders.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shopify_simulator::{NewOrder, Simulator};

use crate::documents::document;
use crate::harness::{ask, at_noon, code};

/// Reads every page of the service's own query; returns the ids in the order they came.
async fn walk(simulator: &Simulator, first: u32, sort: &str, reverse: bool) -> Vec<String> {
    let page = document(&["orders_page", "order_fields", "line_item_fields"]);
    let (mut ids, mut after) = (Vec::new(), Value::Null);
    loop {
        let query = "created_at:>='2026-11-15T12:00:00Z'";
        let variables = json!({ "first": first, "after": after, "query": query, "sortKey": sort, "reverse": reverse });
        let started = Instant::now();
        let answer = ask(simulator, &page, variables).await;
        println!("a page of {first} took {:?}", started.elapsed());
        let orders = &answer["data"]["orders"];
        let nodes = orders["nodes"]
            .as_array()
            .unwrap_or_else(|| panic!("{answer}"));
        ids.extend(
            nodes
                .iter()
                .map(|node| node["id"].as_str().unwrap().to_owned()),
        );
        if orders["pageInfo"]["hasNextPage"] == false {
            return ids;
        }
        after = orders["pageInfo"]["endCursor"].clone();
    }
}

#[tokio::test]
async fn paging_through_1400_orders_returns_each_once() {
    let simulator = at_noon()
        .orders(1400)
        .older_orders(100)
        .bucket(20_000, 1000)
        .start()
        .await
        .unwrap();
    let ids = walk(&simulator, 100, "CREATED_AT", true).await;
    let unique: BTreeSet<&String> = ids.iter().collect();
    assert_eq!((ids.len(), unique.len()), (1400, 1400));
    let shop = simulator.shop();
    let all = shop.order_ids();
    assert_eq!(all.len(), 1500);
    let newest: Vec<String> = all
        .iter()
        .take(1400)
        .map(|id| shop.order_gid(*id))
        .collect();
    assert_eq!(ids, newest);
    assert_eq!(shop.order_name(*all.last().unwrap()).unwrap(), "#UK21980");
    assert_eq!(simulator.highest_concurrency(), 1);
}

#[tokio::test]
async fn an_order_that_changes_while_a_walk_goes_on_is_met_again_and_none_is_lost() {
    let simulator = at_noon().orders(30).start().await.unwrap();
    let document =
        "query W($after: String) { orders(first: 10, after: $after, sortKey: UPDATED_AT) {
      nodes { id } pageInfo { endCursor } } }";
    let mut seen = BTreeSet::new();
    let (mut count, mut after) = (0, Value::Null);
    for step in 0..4 {
        let answer = ask(&simulator, document, json!({ "after": after })).await;
        let nodes = answer["data"]["orders"]["nodes"]
            .as_array()
            .unwrap()
            .clone();
        after = answer["data"]["orders"]["pageInfo"]["endCursor"].clone();
        count += nodes.len();
        if step == 0 {
            let id = nodes[0]["id"].as_str().unwrap().rsplit('/').next().unwrap();
            simulator.clock().advance(Duration::from_secs(60));
            simulator
                .shop()
                .set_note(id.parse().unwrap(), Some("changed"))
                .unwrap();
        }
        seen.extend(nodes.iter().map(|node| node["id"].to_string()));
    }
    assert_eq!((seen.len(), count), (30, 31));
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_query_only() {
    let simulator = at_noon().orders(3).start().await.unwrap();
    let document =
        "query C($after: String, $query: String) { orders(first: 1, after: $after, query: $query) {
      pageInfo { endCursor } } }";
    let answer = ask(&simulator, document, json!({ "query": "test:false" })).await;
    let cursor = &answer["data"]["orders"]["pageInfo"]["endCursor"];
    let answer = ask(
        &simulator,
        document,
        json!({ "query": "status:closed", "after": cursor }),
    )
    .await;
    assert_eq!(code(&answer), "BAD_REQUEST");
    let answer = ask(&simulator, document, json!({ "after": "nonsense" })).await;
    assert_eq!(code(&answer), "BAD_REQUEST");
}

#[tokio::test]
async fn the_same_seed_makes_the_same_shop() {
    let build = || at_noon().orders(40).older_orders(5).seed(7);
    let (one, other) = (
        build().start().await.unwrap(),
        build().start().await.unwrap(),
    );
    let rest = |simulator: &Simulator| -> Vec<Value> {
        let shop = simulator.shop();
        let ids = shop.order_ids().into_iter();
        ids.map(|id| shop.rest_order(id).unwrap()).collect()
    };
    assert_eq!(rest(&one), rest(&other));
    let states: BTreeSet<String> = rest(&one)
        .iter()
        .map(|order| order["fulfillment_status"].to_string())
        .collect();
    assert!(states.len() >= 2, "{states:?}");
    let next = one.shop().place_order(NewOrder::default());
    assert_eq!(one.shop().order_name(next).unwrap(), "#UK22120");
}
