//! Reads by id, refusals, spellings.

use serde_json::{Value, json};
use shopify_simulator::{EventBump, NewFulfillment, NewOrder, ShipmentStatus};

use crate::harness::{VERSION, ask, at_noon, client, code, post_raw};

#[tokio::test]
async fn a_wrong_token_is_a_401_and_a_broken_body_a_400() {
    let simulator = at_noon().start().await.unwrap();
    let url = format!("{}/admin/api/{VERSION}/graphql.json", simulator.admin_url());
    let post = |token: &'static str, body: &'static str| {
        let request = client().post(&url).header("X-Shopify-Access-Token", token);
        request.body(body).send()
    };
    let answer = post("shpat_wrong", "{\"query\":\"{ shop { name } }\"}")
        .await
        .unwrap();
    assert_eq!(answer.status(), 401);
    let body: Value = answer.json().await.unwrap();
    let said = "[API] Invalid API key or access token (unrecognized login or wrong password)";
    assert_eq!(body, json!({ "errors": said }));
    for body in [
        "{",
        "[]",
        "{\"variables\":{}}",
        "{\"query\":\"{a}\",\"variables\":3}",
    ] {
        assert_eq!(
            post("shpat_simulated", body).await.unwrap().status(),
            400,
            "{body}"
        );
    }
    let bearer = client().post(&url).bearer_auth(simulator.access_token());
    assert_eq!(bearer.body("{}").send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn answers_carry_version_request_id_and_the_clocks_date() {
    let simulator = at_noon().start().await.unwrap();
    let answer = post_raw(&simulator, &json!({ "query": "{ shop { name } }" })).await;
    assert_eq!(answer.headers()["x-shopify-api-version"], "2026-10");
    assert_eq!(answer.headers()["date"], "Sun, 22 Nov 2026 12:00:00 GMT");
    assert_eq!(answer.headers()["x-request-id"].len(), 36);
    let old = format!("{}/admin/api/2025-01/graphql.json", simulator.admin_url());
    let request = client()
        .post(old)
        .header("X-Shopify-Access-Token", simulator.access_token());
    let answer = request
        .json(&json!({ "query": "{ shop { name } }" }))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["x-shopify-api-version"], "2026-01");
    let none = format!("{}/admin/api/2026-13/graphql.json", simulator.admin_url());
    let request = client()
        .post(none)
        .header("X-Shopify-Access-Token", simulator.access_token());
    assert_eq!(
        request
            .body("{\"query\":\"{ shop { name } }\"}")
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
}

#[tokio::test]
async fn invalid_documents_are_refused_in_a_200() {
    let simulator = at_noon().start().await.unwrap();
    let cases = [
        ("{ shop { nmae } }", "undefinedField"),
        ("{ order { id } }", "missingRequiredArguments"),
        ("{ shop(id: 1) { name } }", "argumentNotAccepted"),
        ("{ shop }", "selectionMismatch"),
        (
            "{ orders(first: 1, sortKey: NONSENSE) { nodes { id } } }",
            "argumentLiteralsIncompatible",
        ),
        ("query Q($id: ID!) { shop { name } }", "variableNotUsed"),
        ("{ order(id: $id) { id } }", "variableNotDefined"),
        (
            "fragment F on Shop { name } { shop { name } }",
            "useAndDefineFragment",
        ),
    ];
    for (document, expected) in cases {
        let answer = ask(&simulator, document, json!({})).await;
        assert_eq!(code(&answer), expected, "{answer}");
        assert_eq!(answer.get("data"), None);
    }
    let answer = ask(&simulator, "{ shop { nmae } }", json!({})).await;
    assert_eq!(
        answer["errors"][0]["message"],
        "Field 'nmae' doesn't exist on type 'Shop'"
    );
    assert_eq!(
        answer["errors"][0]["locations"][0],
        json!({ "line": 1, "column": 10 })
    );
    let document = "query Q($id: ID!) { order(id: $id) { id } }";
    assert_eq!(
        code(&ask(&simulator, document, json!({ "id": null })).await),
        "INVALID_VARIABLE"
    );
    let answer = ask(&simulator, "{ shop { ", json!({})).await;
    assert!(answer["errors"][0]["message"].is_string());
}

#[tokio::test]
async fn the_operation_is_chosen_by_its_name_and_logged() {
    let simulator = at_noon().start().await.unwrap();
    let query = "query One { shop { name } } query Other { shop { myshopifyDomain } }";
    let answer = post_raw(
        &simulator,
        &json!({ "query": query, "operationName": "Other" }),
    )
    .await;
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(
        answer["data"]["shop"],
        json!({ "myshopifyDomain": "warmer-demo.myshopify.com" })
    );
    let answer = ask(&simulator, query, json!({})).await;
    assert!(answer["errors"][0]["message"].is_string());
    assert_eq!(simulator.calls_named("Other").len(), 1);
    assert_eq!(
        simulator.calls_named("One").len(),
        1,
        "unnamed, the first of the document is logged"
    );
    simulator.clear_calls();
    assert!(simulator.calls().is_empty());
}

#[tokio::test]
async fn a_missing_scope_nulls_its_field_and_keeps_the_rest() {
    let simulator = at_noon().start().await.unwrap();
    let order = simulator.shop().place_order(NewOrder::default());
    let gid = simulator.shop().order_gid(order);
    let document = "query Who($id: ID!) { order(id: $id) { name customer { displayName } } }";
    let answer = ask(&simulator, document, json!({ "id": gid })).await;
    assert_eq!(code(&answer), "ACCESS_DENIED");
    assert_eq!(answer["errors"][0]["path"], json!(["order", "customer"]));
    assert_eq!(
        answer["data"]["order"],
        json!({ "name": "#UK22080", "customer": null })
    );
    simulator.set_scopes(["read_orders", "read_customers"]);
    let answer = ask(&simulator, document, json!({ "id": gid })).await;
    assert!(answer["data"]["order"]["customer"]["displayName"].is_string());
    simulator.set_scopes([]);
    let answer = ask(
        &simulator,
        "{ orders(first: 1) { nodes { id } } }",
        json!({}),
    )
    .await;
    assert_eq!(
        (code(&answer), &answer["data"]),
        ("ACCESS_DENIED", &Value::Null)
    );
}

#[tokio::test]
async fn both_mouths_tell_the_same_order_each_in_its_own_spelling() {
    let simulator = at_noon().start().await.unwrap();
    let shop = simulator.shop();
    let order = shop.place_order(
        NewOrder::default()
            .currency("JPY")
            .line_items(1)
            .tags(["b", "a"]),
    );
    let rest = shop.rest_order(order).unwrap();
    assert!(order > 1 << 53);
    assert_eq!(rest["id"], order);
    assert_eq!(rest["created_at"], "2026-11-22T20:00:00+08:00");
    assert_eq!(rest["tags"], "b, a");
    assert_eq!(rest.as_object().unwrap().len(), 93);
    let document = "query Q($id: ID!) { order(id: $id) { createdAt legacyResourceId tags
      totalPriceSet { shopMoney { amount currencyCode } } } }";
    let answer = ask(&simulator, document, json!({ "id": shop.order_gid(order) })).await;
    let found = &answer["data"]["order"];
    assert_eq!(found["createdAt"], "2026-11-22T12:00:00Z");
    assert_eq!(found["legacyResourceId"], order.to_string());
    assert_eq!(found["tags"], json!(["b", "a"]));
    let total = rest["total_price"].as_str().unwrap();
    assert!(!total.contains('.'), "{total}");
    assert_eq!(
        found["totalPriceSet"]["shopMoney"]["amount"],
        format!("{total}.0")
    );
}

#[tokio::test]
async fn events_bump_the_fulfilment_and_the_order_only_if_set() {
    let simulator = at_noon().start().await.unwrap();
    let shop = simulator.shop();
    let order = shop.place_order(NewOrder::default());
    let fulfillment = shop
        .fulfill(order, NewFulfillment::default().number("1"))
        .unwrap();
    let before = shop.updated_at(order).unwrap();
    simulator
        .clock()
        .advance(std::time::Duration::from_secs(60));
    let event = shop.track(fulfillment, ShipmentStatus::InTransit).unwrap();
    assert_eq!(shop.updated_at(order).unwrap(), before);
    let body = shop
        .webhook_body("fulfillments/update", fulfillment)
        .unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["shipment_status"], "in_transit");
    assert_eq!(body["updated_at"], "2026-11-22T20:01:00+08:00");
    simulator.set_event_bump(EventBump::Order);
    shop.delete_event(fulfillment, event).unwrap();
    assert!(shop.updated_at(order).unwrap() > before);
    assert_eq!(
        shop.rest_order(order).unwrap()["fulfillments"][0]["shipment_status"],
        Value::Null
    );
}
