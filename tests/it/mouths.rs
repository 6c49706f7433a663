//! One order told through both mouths, REST-shaped payloads and GraphQL, is one answer.

use serde_json::Value;
use shopify_simulator::{Address, NewEvent, NewFulfillment, NewOrder, ShipmentStatus};

use crate::harness::{Harness, Setup, until};

/// What the cache serves of an order after its webhooks, and after nothing but an API read.
async fn both(harness: &Harness, id: u64) -> [(Value, Value); 2] {
    harness.simulator.settled().await;
    let told_by_webhooks = answers(harness, id).await;
    assert_eq!(
        harness.simulator.calls_named("OrderById").len(),
        0,
        "the webhooks alone had to warm it"
    );
    // Forgetting the order makes the next lookup read it from the API.
    let store = &harness.app.state().store;
    store.purge_site(&"uk".parse().unwrap()).await.unwrap();
    let told_by_the_api = answers(harness, id).await;
    assert_eq!(harness.simulator.calls_named("OrderById").len(), 1);
    harness.simulator.clear_calls();
    [told_by_webhooks, told_by_the_api]
}

async fn answers(harness: &Harness, id: u64) -> (Value, Value) {
    let order = harness.by_id(id).await.data()["order"].clone();
    let tracking = harness.tracking(id).await.data()["tracking"].clone();
    assert!(order.is_object() && tracking.is_object());
    (order, tracking)
}

async fn same(harness: &Harness, id: u64) -> (Value, Value) {
    let [webhooks, api] = both(harness, id).await;
    pretty_eq(&webhooks.0, &api.0);
    pretty_eq(&webhooks.1, &api.1);
    api
}

pub(crate) fn pretty_eq(a: &Value, b: &Value) {
    let pretty = |value| serde_json::to_string_pretty(value).unwrap();
    assert!(a == b, "webhooks:\n{}\nAPI:\n{}", pretty(a), pretty(b));
}

#[tokio::test]
async fn a_plain_order() {
    let harness = Harness::start().await;
    let id = harness.simulator.shop().place_order(NewOrder::default());
    let (order, tracking) = same(&harness, id).await;
    assert_eq!(order["fulfillment_status"], Value::Null);
    assert_eq!(tracking["fulfillment_status_en"], "Not shipped yet");
    harness.stop().await;
}

#[tokio::test]
async fn what_no_payload_tells_is_read_from_the_api() {
    let harness = Harness::start().await;
    let shop = harness.simulator.shop();
    let id = shop.place_order(NewOrder::default());
    shop.set_waiting(id, Some("ON_HOLD")).unwrap();
    shop.set_return_status(id, "RETURN_REQUESTED").unwrap();
    let [webhooks, api] = both(&harness, id).await;
    assert_eq!(
        (
            &webhooks.0["return_status"],
            &webhooks.0["fulfillment_status_en"]
        ),
        (&Value::Null, &Value::from("Not shipped yet"))
    );
    assert_eq!(
        (&api.0["return_status"], &api.0["return_status_zh"]),
        (&Value::from("return_requested"), &Value::from("已申请退货"))
    );
    assert_eq!(api.0["fulfillment_status_en"], "On hold");
    assert_eq!(api.1["fulfillment_status"], Value::Null);
    harness.stop().await;
}

#[tokio::test]
async fn two_hundred_line_items_in_several_parcels() {
    let harness = Harness::start().await;
    let shop = harness.simulator.shop();
    let id = shop.place_order(NewOrder::default().line_items(200).quantity(3));
    let first = NewFulfillment::default()
        .item(0, 1)
        .item(1, 3)
        .company("Royal Mail")
        .number("RM1GB")
        .number("RM2GB")
        .url("https://track.example/RM1GB");
    shop.fulfill(id, first).unwrap();
    let second = shop
        .fulfill(
            id,
            NewFulfillment::default()
                .item(2, 3)
                .company("DPD")
                .number("DPD1"),
        )
        .unwrap();
    shop.cancel_fulfillment(second).unwrap();
    shop.fulfill(id, NewFulfillment::default().company("DHL").number("DHL1"))
        .unwrap();
    let (order, tracking) = same(&harness, id).await;
    assert_eq!(order["line_items"].as_array().unwrap().len(), 200);
    assert_eq!(order["items_count"], 600);
    assert_eq!(order["fulfillments"].as_array().unwrap().len(), 3);
    assert_eq!(order["fulfillment_status"], "fulfilled");
    assert_eq!(tracking["primary_tracking"]["number"], "DHL1");
    harness.stop().await;
}

#[tokio::test]
async fn more_lines_than_one_page_holds() {
    let harness = Harness::start().await;
    let shop = harness.simulator.shop();
    let id = shop.place_order(NewOrder::default().line_items(300));
    shop.fulfill(id, NewFulfillment::default().number("X1"))
        .unwrap();
    let [webhooks, api] = both(&harness, id).await;
    pretty_eq(&webhooks.0, &api.0);
    assert_eq!(api.0["line_items"].as_array().unwrap().len(), 300);
    assert_eq!(
        api.0["fulfillments"][0]["line_items"]
            .as_array()
            .unwrap()
            .len(),
        300
    );
    harness.stop().await;
}

#[tokio::test]
async fn a_parcel_with_a_story() {
    let harness = Harness::start().await;
    let shop = harness.simulator.shop();
    let id = shop.place_order(NewOrder::default().line_items(2));
    let parcel = shop
        .fulfill(
            id,
            NewFulfillment::default()
                .company("Royal Mail")
                .number("RM9GB"),
        )
        .unwrap();
    shop.track(parcel, ShipmentStatus::InTransit).unwrap();
    let promised = harness.simulator.clock().now() + chrono::TimeDelta::days(1);
    shop.track_with(
        parcel,
        NewEvent::new(ShipmentStatus::OutForDelivery)
            .message("auf dem Weg 🚚")
            .estimated_delivery_at(promised)
            .place("Köln", "DE"),
    )
    .unwrap();
    let wrong = shop.track(parcel, ShipmentStatus::Failure).unwrap();
    shop.delete_event(parcel, wrong).unwrap();
    shop.track(parcel, ShipmentStatus::Delivered).unwrap();
    let (order, tracking) = same(&harness, id).await;
    assert_eq!(order["fulfillments"][0]["shipment_status"], "delivered");
    assert!(order["fulfillments"][0]["delivered_at"].is_string());
    assert_eq!(
        order["fulfillments"][0]["events"].as_array().unwrap().len(),
        3
    );
    assert_eq!(tracking["primary_tracking"]["status_zh"], "已送达");
    harness.stop().await;
}

#[tokio::test]
async fn unicode_zero_decimals_and_nobody_in_particular() {
    let harness = Harness::start().await;
    let shop = harness.simulator.shop();
    let address = Address {
        first_name: "小明".to_owned(),
        last_name: "林".to_owned(),
        city: "München".to_owned(),
        country_code: "DE".to_owned(),
        ..Address::default()
    };
    let orders = [
        NewOrder::default()
            .currency("JPY")
            .note("お急ぎで 🙏")
            .tags(["zulu", "alpha", "ÄÖ"])
            .discount_code("WELCOME10")
            .address(address),
        NewOrder::default().no_customer().test(),
        NewOrder::default().currency("KWD").note(""),
    ];
    for order in orders {
        let id = shop.place_order(order);
        same(&harness, id).await;
    }
    harness.stop().await;
}

#[tokio::test]
async fn every_turn_in_an_orders_life() {
    let harness = Harness::start().await;
    let shop = harness.simulator.shop();
    let id = shop.place_order(NewOrder::default().line_items(3).quantity(2));
    same(&harness, id).await;
    shop.set_note(id, Some("ring twice")).unwrap();
    same(&harness, id).await;
    shop.edit_order(id).unwrap();
    same(&harness, id).await;
    let parcel = shop
        .fulfill(id, NewFulfillment::default().item(0, 2).number("N1"))
        .unwrap();
    let (order, _) = same(&harness, id).await;
    assert_eq!(order["fulfillment_status"], "partial");
    shop.update_tracking(
        parcel,
        NewFulfillment::default().company("UPS").number("1Z999"),
    )
    .unwrap();
    let (_, tracking) = same(&harness, id).await;
    assert_eq!(tracking["primary_tracking"]["number"], "1Z999");
    shop.cancel_fulfillment(parcel).unwrap();
    same(&harness, id).await;
    shop.refund(id).unwrap();
    same(&harness, id).await;
    shop.cancel_order(id).unwrap();
    let (order, _) = same(&harness, id).await;
    assert!(order["cancelled_at"].is_string());
    harness.stop().await;
}

#[tokio::test]
async fn every_order_of_a_generated_shop() {
    let harness = Setup::default()
        .shop(|shop| shop.orders(150).seed(11))
        .start()
        .await;
    let shop = harness.simulator.shop();
    for id in shop.order_ids() {
        // Told by its full payload as Shopify would send it now, and by the sweep's read.
        let body = shop.webhook_body("orders/updated", id).unwrap();
        let status = harness
            .simulator
            .deliver("orders/updated", body, harness.simulator.clock().now())
            .await
            .unwrap();
        assert_eq!(status, 200);
    }
    let ids = shop.order_ids();
    let mut told = Vec::new();
    for id in &ids {
        told.push(without_what_only_the_api_tells(
            answers(&harness, *id).await,
        ));
    }
    harness
        .app
        .state()
        .store
        .purge_site(&"uk".parse().unwrap())
        .await
        .unwrap();
    let record = harness.sweep("full").await;
    assert_eq!(record["total_orders"], 150);
    for (id, told) in ids.iter().zip(told) {
        let api = without_what_only_the_api_tells(answers(&harness, *id).await);
        pretty_eq(&told.0, &api.0);
        pretty_eq(&told.1, &api.1);
    }
    until("the refresh set is empty", || async {
        (harness
            .app
            .state()
            .store
            .refresh_len(&"uk".parse().unwrap())
            .await
            .unwrap()
            == 0)
            .then_some(())
    })
    .await;
    harness.stop().await;
}

/// A payload of an order carries neither events nor delivery times: those come by webhooks of their own.
fn without_what_only_the_api_tells((mut order, mut tracking): (Value, Value)) -> (Value, Value) {
    for part in [&mut order, &mut tracking] {
        for parcel in part["fulfillments"].as_array_mut().unwrap() {
            for field in ["events", "delivered_at", "estimated_delivery_at"] {
                parcel[field] = Value::Null;
            }
        }
    }
    for (template, days) in [
        (
            "message_template_zh",
            &[("（20", "）"), ("，预计 20", "到达")][..],
        ),
        (
            "message_template_en",
            &[
                (" (shipped on 20", ")"),
                (" and is expected around 20", ""),
                (" on 20", ""),
            ][..],
        ),
    ] {
        let told = tracking[template].as_str().expect("a text").to_owned();
        tracking[template] = days
            .iter()
            .fold(told, |told, day| without_days(&told, *day))
            .into();
    }
    (order, tracking)
}

/// The sentences name the day of delivery or the expected one instead of that of shipping, once it is known.
fn without_days(told: &str, (before, after): (&str, &str)) -> String {
    let mut parts = told.split(before);
    let mut left = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // What the century leaves of a date: `26-11-22`; behind it, in Chinese, the rest of the phrase.
        let rest = part.get(8..).expect("a date");
        left.push_str(
            rest.find(after)
                .map_or(rest, |at| &rest[at + after.len()..]),
        );
    }
    left
}
