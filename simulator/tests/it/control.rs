//! The simulator's own routes.

use serde_json::{Value, json};
use shopify_simulator::Simulator;

use crate::harness::{at_noon, client, post_raw};

async fn post(simulator: &Simulator, path: &str, body: Value) -> (u16, Value) {
    let url = format!("{}/_simulator/{path}", simulator.admin_url());
    let answer = client().post(url).json(&body).send().await.unwrap();
    (
        answer.status().as_u16(),
        answer.json().await.unwrap_or_default(),
    )
}

async fn get(simulator: &Simulator, path: &str) -> Value {
    let url = format!("{}/_simulator/{path}", simulator.admin_url());
    client()
        .get(url)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_simulator_that_runs_alone_is_led_over_http() {
    let simulator = at_noon().orders(2).start().await.unwrap();
    let (status, placed) = post(
        &simulator,
        "orders",
        json!({ "line_items": 2, "tags": ["demo"] }),
    )
    .await;
    assert_eq!((status, &placed["name"]), (200, &json!("#UK22082")));
    let id = placed["id"].as_u64().unwrap();
    let path = |deed: &str| format!("orders/{id}/{deed}");
    let (_, shipped) = post(
        &simulator,
        &path("fulfill"),
        json!({ "company": "DPD UK", "number": "1" }),
    )
    .await;
    assert!(shipped["fulfillment_id"].is_u64());
    assert_eq!(post(&simulator, &path("fulfill"), json!({})).await.0, 422);
    assert_eq!(
        post(
            &simulator,
            &path("track"),
            json!({ "status": "in_transit" })
        )
        .await
        .0,
        200
    );
    assert_eq!(
        post(&simulator, &path("track"), json!({ "status": "flying" }))
            .await
            .0,
        422
    );
    assert_eq!(post(&simulator, &path("touch"), json!({})).await.0, 200);
    let rest = simulator.shop().rest_order(id).unwrap();
    assert_eq!(rest["fulfillments"][0]["shipment_status"], "in_transit");
    assert_eq!(post(&simulator, &path("cancel"), json!({})).await.0, 200);
    assert_eq!(post(&simulator, &path("delete"), json!({})).await.0, 200);
    assert_eq!(get(&simulator, "orders").await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn clock_and_faults_are_led_over_http() {
    let simulator = at_noon().orders(2).start().await.unwrap();
    let (_, now) = post(&simulator, "clock", json!({ "advance_seconds": 60 })).await;
    assert_eq!(now["now"], "2026-11-22T12:01:00Z");
    post(
        &simulator,
        "faults",
        json!({ "api": "status", "code": 503, "times": 1 }),
    )
    .await;
    let request = json!({ "query": "query Name { shop { name } }" });
    assert_eq!(post_raw(&simulator, &request).await.status(), 503);
    assert_eq!(post_raw(&simulator, &request).await.status(), 200);
    assert_eq!(
        post(&simulator, "faults", json!({ "api": "nonsense" }))
            .await
            .0,
        422
    );
    assert_eq!(get(&simulator, "calls").await[0]["operation"], "Name");
    let status = get(&simulator, "status").await;
    assert_eq!(
        (&status["orders"], &status["calls"]),
        (&json!(2), &json!(2))
    );
}
