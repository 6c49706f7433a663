//! Webhooks: what is sent, and how it is signed.

use serde_json::{Value, json};
use shopify_simulator::{
    EventBump, FinancialStatus, NewFulfillment, NewOrder, ShipmentStatus, Simulator,
};

use crate::harness::{Receiver, is_signed, shop_with_receiver};

#[tokio::test]
async fn a_delivery_has_every_header_and_a_good_signature() {
    let (simulator, receiver) = shop_with_receiver().await;
    let order = simulator
        .shop()
        .place_order(NewOrder::default().note("naïve 🙏"));
    simulator.settled().await;
    assert_eq!(receiver.topics(), ["orders/create", "orders/paid"]);
    let [create, paid] = &receiver.received()[..] else {
        panic!()
    };
    for received in [create, paid] {
        assert!(is_signed(received, "a secret"));
        assert_eq!(received.header("content-type"), "application/json");
        assert_eq!(received.header("user-agent"), "Shopify-Captain-Hook");
        assert_eq!(
            received.header("x-shopify-shop-domain"),
            "warmer-demo.myshopify.com"
        );
        assert_eq!(received.header("x-shopify-api-version"), "2026-10");
        assert_eq!(
            received.header("x-shopify-triggered-at"),
            "2026-11-22T12:00:00.000000000Z"
        );
        assert_eq!(received.json(), simulator.shop().rest_order(order).unwrap());
    }
    assert_eq!(
        create.header("x-shopify-event-id"),
        paid.header("x-shopify-event-id")
    );
    assert_ne!(
        create.header("x-shopify-webhook-id"),
        paid.header("x-shopify-webhook-id")
    );
    assert_eq!(
        simulator.sign(&create.body),
        create.header("x-shopify-hmac-sha256")
    );
}

/// The topics that came since the last time.
async fn news(simulator: &Simulator, receiver: &Receiver) -> Vec<String> {
    simulator.settled().await;
    receiver.take_topics()
}

#[tokio::test]
async fn each_deed_with_a_shipment_sends_the_topics_that_shopify_would() {
    let (simulator, receiver) = shop_with_receiver().await;
    let shop = simulator.shop();
    let news = async || news(&simulator, &receiver).await;
    let order = shop.place_order(NewOrder::default().line_items(2).quantity(2));
    assert_eq!(news().await, ["orders/create", "orders/paid"]);
    let part = NewFulfillment::default().item(0, 1).number("1");
    let first = shop.fulfill(order, part).unwrap();
    let partial = [
        "fulfillments/create",
        "orders/partially_fulfilled",
        "orders/updated",
    ];
    assert_eq!(news().await, partial);
    shop.fulfill(order, NewFulfillment::default().number("2"))
        .unwrap();
    let whole = ["fulfillments/create", "orders/fulfilled", "orders/updated"];
    assert_eq!(news().await, whole);
    let two = NewFulfillment::default().number("3").number("4");
    shop.update_tracking(first, two).unwrap();
    let updated = ["fulfillments/update", "orders/updated"];
    assert_eq!(news().await, updated);
    let event = shop.track(first, ShipmentStatus::InTransit).unwrap();
    assert_eq!(
        news().await,
        ["fulfillment_events/create", "fulfillments/update"]
    );
    simulator.set_event_bump(EventBump::Order);
    shop.delete_event(first, event).unwrap();
    let deleted = [
        "fulfillment_events/delete",
        "fulfillments/update",
        "orders/updated",
    ];
    assert_eq!(news().await, deleted);
    shop.cancel_fulfillment(first).unwrap();
    assert_eq!(news().await, updated);
    assert!(shop.track(7, ShipmentStatus::Delivered).is_err());
}

#[tokio::test]
async fn each_other_deed_sends_the_topics_that_shopify_would() {
    let (simulator, receiver) = shop_with_receiver().await;
    let shop = simulator.shop();
    let news = async || news(&simulator, &receiver).await;
    let pending = NewOrder::default().financial_status(FinancialStatus::Pending);
    let order = shop.place_order(pending.quantity(2));
    assert_eq!(news().await, ["orders/create"]);
    shop.mark_paid(order).unwrap();
    assert_eq!(news().await, ["orders/paid", "orders/updated"]);
    shop.edit_order(order).unwrap();
    assert_eq!(news().await, ["orders/edited", "orders/updated"]);
    shop.refund(order).unwrap();
    assert_eq!(news().await, ["refunds/create", "orders/updated"]);
    let before = shop.rest_order(order).unwrap();
    shop.touch(order).unwrap();
    assert_eq!(news().await, ["orders/updated"]);
    assert_eq!(shop.rest_order(order).unwrap(), before);
    let other = shop.place_order(NewOrder::default());
    news().await;
    shop.cancel_order(other).unwrap();
    let cancelled = ["orders/cancelled", "orders/updated", "refunds/create"];
    assert_eq!(news().await, cancelled);
    shop.delete_order(other).unwrap();
    assert_eq!(news().await, ["orders/delete"]);
    assert!(shop.delete_order(other).is_err());
    assert_eq!(
        shop.webhook_body("orders/delete", other).unwrap(),
        json!({ "id": other }).to_string()
    );
}

#[tokio::test]
async fn bodies_have_the_keys_of_shopifys_samples() {
    let (simulator, receiver) = shop_with_receiver().await;
    let shop = simulator.shop();
    let order = shop.place_order(NewOrder::default());
    let fulfillment = shop
        .fulfill(
            order,
            NewFulfillment::default()
                .number("1")
                .url("https://e.example/1"),
        )
        .unwrap();
    shop.track(fulfillment, ShipmentStatus::InTransit).unwrap();
    simulator.settled().await;
    let arrived = receiver.received();
    let body = |topic: &str| {
        arrived
            .iter()
            .find(|one| one.topic() == topic)
            .unwrap()
            .json()
    };
    let shipped = body("fulfillments/create");
    for key in [
        "id",
        "order_id",
        "status",
        "shipment_status",
        "destination",
        "email",
        "line_items",
        "name",
        "tracking_company",
        "tracking_number",
        "tracking_numbers",
        "tracking_url",
        "tracking_urls",
        "updated_at",
    ] {
        assert!(shipped.get(key).is_some(), "{key}");
    }
    assert_eq!(shipped["tracking_numbers"], json!(["1"]));
    let event = body("fulfillment_events/create");
    assert_eq!(event["status"], "in_transit");
    assert_eq!(
        (&event["fulfillment_id"], &event["order_id"]),
        (&json!(fulfillment), &json!(order))
    );
    let full = body("orders/updated");
    assert_eq!(full["fulfillment_status"], "fulfilled");
    assert_eq!(full["fulfillments"][0]["destination"], Value::Null);
}
