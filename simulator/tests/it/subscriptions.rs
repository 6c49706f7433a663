//! Webhook subscriptions made through the API.

use std::time::Duration;

use serde_json::{Value, json};
use shopify_simulator::{NewOrder, Simulator};

use crate::harness::{Receiver, ask, at_noon};

const CREATE: &str = "mutation Create($topic: WebhookSubscriptionTopic!, $sub: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $sub) {
    webhookSubscription { id topic uri format name includeFields apiVersion { handle } } userErrors { field message } } }";
const UPDATE: &str = "mutation Update($id: ID!, $sub: WebhookSubscriptionInput!) {
  webhookSubscriptionUpdate(id: $id, webhookSubscription: $sub) {
    webhookSubscription { id uri filter } userErrors { field message } } }";
const DELETE: &str = "mutation Delete($id: ID!) {
  webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { field message } } }";
const LIST: &str = "query List { webhookSubscriptions(first: 100) { nodes { id topic uri } } }";

async fn create(simulator: &Simulator, topic: &str, sub: Value) -> Value {
    let answer = ask(simulator, CREATE, json!({ "topic": topic, "sub": sub })).await;
    answer["data"]["webhookSubscriptionCreate"].clone()
}

async fn count(simulator: &Simulator) -> usize {
    let answer = ask(simulator, LIST, json!({})).await;
    answer["data"]["webhookSubscriptions"]["nodes"]
        .as_array()
        .unwrap()
        .len()
}

#[tokio::test]
async fn subscriptions_are_made_changed_listed_and_deleted() {
    let simulator = at_noon().start().await.unwrap();
    let sub =
        json!({ "uri": "https://warmer.example.com/hooks", "format": "JSON", "name": "warmer-v1" });
    let made = create(&simulator, "ORDERS_UPDATED", sub.clone()).await;
    assert_eq!(made["userErrors"], json!([]));
    assert_eq!(
        made["webhookSubscription"]["apiVersion"]["handle"],
        "2026-10"
    );
    let id = made["webhookSubscription"]["id"].clone();

    let again = create(&simulator, "ORDERS_UPDATED", sub).await;
    assert_eq!(again["webhookSubscription"], Value::Null);
    let taken = "Address for this topic has already been taken";
    assert_eq!(
        again["userErrors"][0],
        json!({ "field": ["webhookSubscription", "uri"], "message": taken })
    );

    let refused = [
        json!({ "uri": "http://warmer.example.com/hooks" }),
        json!({ "uri": "https://warmer-demo.myshopify.com/hooks" }),
        json!({ "uri": "nonsense" }),
        json!({}),
        json!({ "uri": "https://a.example", "name": "not a name" }),
    ];
    for sub in refused {
        let answer = create(&simulator, "ORDERS_CREATE", sub.clone()).await;
        assert_eq!(answer["userErrors"].as_array().unwrap().len(), 1, "{sub}");
    }

    let other = json!({ "id": id, "sub": { "uri": "https://warmer.example.com/v2" } });
    let answer = ask(&simulator, UPDATE, other).await;
    let changed = &answer["data"]["webhookSubscriptionUpdate"]["webhookSubscription"];
    assert_eq!(changed["uri"], "https://warmer.example.com/v2");
    assert_eq!(count(&simulator).await, 1);

    let answer = ask(&simulator, DELETE, json!({ "id": id })).await;
    assert_eq!(
        answer["data"]["webhookSubscriptionDelete"]["deletedWebhookSubscriptionId"],
        id
    );
    let answer = ask(&simulator, DELETE, json!({ "id": id })).await;
    assert_eq!(
        answer["data"]["webhookSubscriptionDelete"]["userErrors"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(count(&simulator).await, 0);
}

#[tokio::test]
async fn a_subscription_gets_its_topic_and_dies_of_eight_failures() {
    let simulator = at_noon().start().await.unwrap();
    let receiver = Receiver::start().await;
    let sub = json!({ "uri": receiver.url, "name": "slim", "includeFields": ["id", "updated_at"] });
    create(&simulator, "ORDERS_CREATE", sub).await;
    simulator.shop().place_order(NewOrder::default());
    simulator.settled().await;
    assert_eq!(receiver.topics(), ["orders/create"]);
    let arrived = &receiver.received()[0];
    assert_eq!(arrived.header("x-shopify-name"), "slim");
    assert_eq!(arrived.json().as_object().unwrap().len(), 2);

    receiver.answer(500);
    simulator.shop().place_order(NewOrder::default());
    for _ in 0..8 {
        simulator.settled().await;
        simulator.clock().advance(Duration::from_secs(2 * 3600));
    }
    simulator.settled().await;
    assert_eq!(count(&simulator).await, 0);
}

#[tokio::test]
async fn what_shopify_has_no_name_for_cannot_be_subscribed() {
    let simulator = at_noon().start().await.unwrap();
    for topic in [
        "CUSTOMERS_REDACT",
        "SHOP_REDACT",
        "CUSTOMERS_DATA_REQUEST",
        "ORDERS_NONSENSE",
    ] {
        let variables = json!({ "topic": topic, "sub": { "uri": "https://a.example/hooks" } });
        let answer = ask(&simulator, CREATE, variables).await;
        assert!(answer["errors"].is_array(), "{topic}: {answer}");
    }
    assert_eq!(count(&simulator).await, 0);
}

#[tokio::test]
async fn a_filter_is_evaluated_or_refused() {
    let simulator = at_noon().start().await.unwrap();
    let receiver = Receiver::start().await;
    for (name, filter) in [("none", "nonsense:1"), ("some", "name:#UK22081")] {
        let sub = json!({ "uri": receiver.url, "name": name, "filter": filter });
        let made = create(&simulator, "ORDERS_CREATE", sub).await;
        assert_eq!(made["userErrors"], json!([]), "{filter}");
    }
    let sub = json!({ "uri": receiver.url, "filter": "id:>7" });
    let refused = create(&simulator, "ORDERS_CREATE", sub).await;
    assert_eq!(refused["userErrors"][0]["field"][1], "filter", "{refused}");
    for _ in 0..2 {
        simulator.shop().place_order(NewOrder::default());
    }
    simulator.settled().await;
    let names: Vec<_> = receiver
        .received()
        .iter()
        .map(|one| one.header("x-shopify-name").to_owned())
        .collect();
    assert_eq!(names, ["some"]);
}

#[tokio::test]
async fn the_apps_own_subscription_is_delivered_named_and_never_shown_nor_removed() {
    let simulator = at_noon().start().await.unwrap();
    let receiver = Receiver::start().await;
    simulator.name_deliveries("warmer-v1");
    simulator.set_topics(["orders/create"]);
    simulator.deliver_to(&receiver.url);
    receiver.answer(500);
    for _ in 0..12 {
        simulator.shop().place_order(NewOrder::default());
        simulator.settled().await;
    }
    receiver.answer(200);
    assert_eq!(count(&simulator).await, 0);
    let before = receiver.received().len();
    simulator.shop().place_order(NewOrder::default());
    simulator.settled().await;
    let arrived = receiver.received();
    assert_eq!(arrived.len(), before + 1);
    assert_eq!(arrived[before].header("x-shopify-name"), "warmer-v1");
}

#[tokio::test]
async fn a_long_list_is_paged() {
    let simulator = at_noon().start().await.unwrap();
    for number in 0..7 {
        let sub = json!({ "uri": format!("https://a.example/{number}") });
        create(&simulator, "ORDERS_CREATE", sub).await;
    }
    let document = "query Page($after: String) { webhookSubscriptions(first: 3, after: $after) {
      nodes { uri } pageInfo { hasNextPage endCursor } } }";
    let (mut after, mut pages) = (Value::Null, Vec::new());
    loop {
        let answer = ask(&simulator, document, json!({ "after": after })).await;
        let page = &answer["data"]["webhookSubscriptions"];
        pages.push(page["nodes"].as_array().unwrap().len());
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(pages, [3, 3, 1]);
}
