//! `orders(query:)`, and the traps in it.

use std::time::Duration;

use serde_json::{Value, json};
use shopify_simulator::{FinancialStatus, NewFulfillment, NewOrder, Simulator};

use crate::harness::{ask, at_noon, code, names, noon};

async fn three_days() -> Simulator {
    let simulator = at_noon().start().await.unwrap();
    for (number, day) in [(1, "2026-11-20"), (2, "2026-11-21"), (3, "2026-11-22")] {
        let at = format!("{day}T10:00:00Z").parse().unwrap();
        simulator
            .shop()
            .place_order(NewOrder::default().number(number).placed_at(at));
    }
    simulator
}

#[tokio::test]
async fn quoted_times_are_exact_and_their_bounds_inclusive() {
    let simulator = three_days().await;
    let cases = [
        ("created_at:>='2026-11-21T10:00:00Z'", vec!["#UK2", "#UK3"]),
        ("created_at:>'2026-11-21T10:00:00Z'", vec!["#UK3"]),
        (
            "created_at:<=\"2026-11-21T10:00:00Z\"",
            vec!["#UK1", "#UK2"],
        ),
        ("created_at:<'2026-11-21T10:00:00Z'", vec!["#UK1"]),
        (
            "created_at:>='2026-11-21T18:00:00+08:00'",
            vec!["#UK2", "#UK3"],
        ),
        ("created_at:'2026-11-21T10:00:00Z'", vec!["#UK2"]),
        (
            "created_at:>='2026-11-21T10:00:00Z' AND created_at:<'2026-11-22T00:00:00Z'",
            vec!["#UK2"],
        ),
        (
            "created_at:<'2026-11-21T00:00:00Z' OR created_at:>'2026-11-22T00:00:00Z'",
            vec!["#UK1", "#UK3"],
        ),
        ("NOT created_at:>'2026-11-21T00:00:00Z'", vec!["#UK1"]),
        ("-created_at:2026-11-21", vec!["#UK1", "#UK3"]),
        ("created_at:2026-11-21", vec!["#UK2"]),
    ];
    for (query, expected) in cases {
        assert_eq!(names(&simulator, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn an_unquoted_time_is_torn_at_its_colons_and_read_in_the_shops_zone() {
    let simulator = at_noon().start().await.unwrap();
    // 20:00 in London is the next day in Shanghai.
    let at = "2026-11-20T20:00:00Z".parse().unwrap();
    simulator
        .shop()
        .place_order(NewOrder::default().number(1).placed_at(at));
    let document =
        "query Find($query: String) { found: orders(first: 5, query: $query) { nodes { name } } }";
    let query = "created_at:>=2026-11-21T00:00:00Z";
    let answer = ask(&simulator, document, json!({ "query": query })).await;
    assert_eq!(answer["data"]["found"]["nodes"][0]["name"], "#UK1");
    let search = &answer["extensions"]["search"][0];
    assert_eq!(search["path"], json!(["found"]));
    assert_eq!(search["query"], query);
    assert_eq!(search["warnings"][0]["field"], "00");
    assert_eq!(
        search["warnings"][0]["message"],
        "Invalid search field for this query."
    );
    assert_eq!(answer.get("errors"), None);
}

#[tokio::test]
async fn an_unknown_field_is_ignored_so_everything_matches() {
    let simulator = three_days().await;
    let document =
        "query Find { orders(first: 5, query: \"updatedat:>'2030-01-01'\") { nodes { name } } }";
    let answer = ask(&simulator, document, json!({})).await;
    assert_eq!(
        answer["data"]["orders"]["nodes"].as_array().unwrap().len(),
        3
    );
    assert_eq!(
        answer["extensions"]["search"][0]["warnings"][0]["field"],
        "updatedat"
    );
    let document = "query Find { orders(first: 5, query: \"risk_level:high\") { nodes { name } } }";
    assert_eq!(
        code(&ask(&simulator, document, json!({})).await),
        "NOT_SIMULATED"
    );
}

#[tokio::test]
async fn names_are_found_by_the_beginnings_of_their_words() {
    let simulator = at_noon().start().await.unwrap();
    let shop = simulator.shop();
    for number in [22, 2208, 22080] {
        shop.place_order(NewOrder::default().number(number));
    }
    shop.place_order(NewOrder::default().name("#12-A").number(7));
    let cases = [
        ("name:UK22", vec!["#UK22", "#UK2208", "#UK22080"]),
        ("name:'#UK2208'", vec!["#UK2208", "#UK22080"]),
        ("name:uk22080", vec!["#UK22080"]),
        ("name:22080", vec!["#UK22080"]),
        ("name:#1-A", vec!["#12-A"]),
        ("name:UK3", vec![]),
        ("UK2208", vec!["#UK2208", "#UK22080"]),
        ("name:UK22 -name:UK2208", vec!["#UK22"]),
    ];
    for (query, expected) in cases {
        assert_eq!(names(&simulator, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn states_tags_and_ids_can_be_asked_for() {
    let simulator = at_noon().start().await.unwrap();
    let shop = simulator.shop();
    let open = shop.place_order(
        NewOrder::default()
            .number(1)
            .tag("VIP")
            .email("ann@example.com"),
    );
    let done = shop.place_order(NewOrder::default().number(2));
    shop.fulfill(done, NewFulfillment::default()).unwrap();
    let part = shop.place_order(NewOrder::default().number(3).line_items(2).quantity(1));
    shop.fulfill(part, NewFulfillment::default().item(0, 1))
        .unwrap();
    let gone = shop.place_order(
        NewOrder::default()
            .number(4)
            .financial_status(FinancialStatus::Pending),
    );
    shop.cancel_order(gone).unwrap();
    let trial = shop.place_order(NewOrder::default().number(5).test());
    let by_id = format!("id:{open} OR id:{trial}");
    let cases = [
        ("status:open", vec!["#UK1", "#UK3", "#UK5"]),
        ("status:closed", vec!["#UK2", "#UK4"]),
        ("status:cancelled", vec!["#UK4"]),
        ("fulfillment_status:shipped", vec!["#UK2"]),
        ("fulfillment_status:partial", vec!["#UK3"]),
        ("fulfillment_status:unshipped", vec!["#UK1", "#UK4", "#UK5"]),
        ("financial_status:voided", vec!["#UK4"]),
        ("tag:vip", vec!["#UK1"]),
        ("email:ann@example.com", vec!["#UK1"]),
        ("test:true", vec!["#UK5"]),
        (by_id.as_str(), vec!["#UK1", "#UK5"]),
        ("(status:open tag:vip) OR test:true", vec!["#UK1", "#UK5"]),
        ("id:1", vec![]),
    ];
    for (query, expected) in cases {
        assert_eq!(names(&simulator, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn the_search_lags_while_reads_by_id_do_not() {
    let simulator = three_days().await;
    simulator.set_search_lag(Duration::from_secs(60));
    let order = simulator
        .shop()
        .place_order(NewOrder::default().number(4).tag("new"));
    assert!(names(&simulator, "tag:new").await.is_empty());
    assert_eq!(
        names(&simulator, "").await.len(),
        4,
        "the plain list goes not through the search"
    );
    assert_eq!(read_name(&simulator, order).await, "#UK4");
    simulator.clock().advance(Duration::from_secs(59));
    assert!(names(&simulator, "tag:new").await.is_empty());
    simulator.clock().advance(Duration::from_secs(1));
    assert_eq!(names(&simulator, "tag:new").await, ["#UK4"]);
    simulator.shop().delete_order(order).unwrap();
    assert!(
        names(&simulator, "tag:new").await.is_empty(),
        "a deleted order is found and not there"
    );
}

#[tokio::test]
async fn a_lagging_replica_shows_what_was() {
    let simulator = three_days().await;
    let order = simulator.shop().order_ids()[0];
    simulator.set_replica_lag(Duration::from_secs(5));
    simulator.clock().advance(Duration::from_secs(10));
    simulator.shop().set_note(order, Some("new")).unwrap();
    assert_eq!(read(&simulator, order).await["note"], Value::Null);
    simulator.clock().advance(Duration::from_secs(5));
    assert_eq!(read(&simulator, order).await["note"], "new");
    let newer = simulator.shop().place_order(NewOrder::default());
    assert_eq!(read(&simulator, newer).await, Value::Null);
}

#[tokio::test]
async fn without_read_all_orders_older_ones_are_silently_missing() {
    let simulator = at_noon().start().await.unwrap();
    let long_ago = noon() - chrono::TimeDelta::days(61);
    let order = simulator
        .shop()
        .place_order(NewOrder::default().number(1).placed_at(long_ago));
    assert!(names(&simulator, "").await.is_empty());
    assert!(names(&simulator, "name:UK1").await.is_empty());
    assert_eq!(read(&simulator, order).await, Value::Null);
    simulator.set_scopes(["read_orders", "read_all_orders"]);
    assert_eq!(names(&simulator, "name:UK1").await, ["#UK1"]);
    assert_eq!(read_name(&simulator, order).await, "#UK1");
}

async fn read(simulator: &Simulator, order: u64) -> Value {
    let document = "query Read($id: ID!) { order(id: $id) { name note } }";
    let gid = simulator.shop().order_gid(order);
    ask(simulator, document, json!({ "id": gid })).await["data"]["order"].clone()
}

async fn read_name(simulator: &Simulator, order: u64) -> String {
    read(simulator, order).await["name"]
        .as_str()
        .unwrap()
        .to_owned()
}
