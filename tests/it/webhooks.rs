//! Deliveries warm the cache without a call, in whatever order and however often they come, and none that was acknowledged is
//! lost.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};
use shopify_simulator::{DeliveryFault, NewEvent, NewFulfillment, NewOrder, ShipmentStatus, Times};

use crate::harness::{Harness, Setup, now, until};
use crate::redis_server::RedisServer;

async fn status_of(harness: &Harness, topic: &str) -> Value {
    harness.get("/api/warmup/status").await.data()["webhooks"][topic].clone()
}

async fn refresh_set_is_empty(harness: &Harness) {
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
}

#[tokio::test]
async fn every_full_order_topic_warms_without_a_call() {
    for topic in [
        "orders/create",
        "orders/updated",
        "orders/paid",
        "orders/cancelled",
        "orders/fulfilled",
        "orders/partially_fulfilled",
    ] {
        let harness = Harness::start().await;
        let address = harness.url("/webhooks/shopify");
        harness.simulator.stop_delivering();
        let id = harness.simulator.shop().place_order(NewOrder::default());
        harness.simulator.deliver_to(&address);
        let body = harness.simulator.shop().webhook_body(topic, id).unwrap();
        assert_eq!(
            harness.simulator.deliver(topic, body, now()).await.unwrap(),
            200,
            "{topic}"
        );
        let reply = harness.by_id(id).await;
        assert_eq!(reply.data()["cached"], true, "{topic}");
        assert_eq!(harness.simulator.calls().len(), 0, "{topic}");
        assert_eq!(status_of(&harness, topic).await["applied"], 1, "{topic}");
        harness.stop().await;
    }
}

#[tokio::test]
async fn partial_news_shows_at_once_and_is_completed_by_a_read() {
    let harness = Harness::start().await;
    let shop = harness.simulator.shop();
    let id = shop.place_order(NewOrder::default());
    harness.simulator.settled().await;
    // Only the partial topics arrive from here on.
    harness
        .simulator
        .set_topics(["fulfillments/create", "fulfillment_events/create"]);
    let parcel = shop
        .fulfill(id, NewFulfillment::default().company("DPD").number("D1"))
        .unwrap();
    shop.track_with(parcel, NewEvent::new(ShipmentStatus::OutForDelivery))
        .unwrap();
    harness.simulator.settled().await;
    let reply = harness.by_id(id).await;
    let order = &reply.data()["order"];
    assert_eq!(order["fulfillment_status"], "fulfilled");
    assert_eq!(
        order["fulfillments"][0]["shipment_status"],
        "out_for_delivery"
    );
    assert_eq!(order["line_items"][0]["tracking_number"], "D1");
    refresh_set_is_empty(&harness).await;
    let reply = harness.by_id(id).await;
    assert_eq!(reply.data()["freshness"]["source"], "refresh");
    assert_eq!(
        &reply.data()["order"]["fulfillments"][0]["tracking_number"],
        "D1"
    );
    assert_eq!(harness.simulator.calls_named("OrdersByIds").len(), 1);
    harness.stop().await;
}

#[tokio::test]
async fn partial_news_of_an_unknown_order_has_it_fetched() {
    let harness = Harness::start().await;
    let shop = harness.simulator.shop();
    harness
        .simulator
        .set_topics(["fulfillments/create", "orders/edited", "refunds/create"]);
    let ids: Vec<_> = (0..3)
        .map(|_| shop.place_order(NewOrder::default()))
        .collect();
    shop.fulfill(ids[0], NewFulfillment::default().number("F1"))
        .unwrap();
    shop.edit_order(ids[1]).unwrap();
    shop.refund(ids[2]).unwrap();
    harness.simulator.settled().await;
    refresh_set_is_empty(&harness).await;
    harness.simulator.clear_calls();
    for id in ids {
        assert_eq!(
            harness.by_id(id).await.data()["freshness"]["source"],
            "refresh"
        );
    }
    assert_eq!(harness.simulator.calls().len(), 0);
    harness.stop().await;
}

#[tokio::test]
async fn a_full_payload_that_follows_spares_the_read() {
    let harness = Harness::start().await;
    let shop = harness.simulator.shop();
    let id = shop.place_order(NewOrder::default());
    shop.fulfill(id, NewFulfillment::default().number("F1"))
        .unwrap();
    harness.simulator.settled().await;
    refresh_set_is_empty(&harness).await;
    assert_eq!(harness.simulator.calls().len(), 0);
    assert_eq!(
        harness.by_id(id).await.data()["order"]["fulfillment_status"],
        "fulfilled"
    );
    harness.stop().await;
}

#[tokio::test]
async fn nothing_goes_back_whatever_comes_again_or_late() {
    let (setup, shop_clock, clock) = Setup::default().clock(now());
    let harness = setup.start().await;
    let shop = harness.simulator.shop();
    let id = shop.place_order(NewOrder::default());
    shop.set_note(id, Some("first")).unwrap();
    // The simulator's times have whole seconds, as Shopify's: the next state must be of a later one.
    shop_clock.advance(Duration::from_secs(1));
    clock.advance(TimeDelta::seconds(1));
    shop.set_note(id, Some("second")).unwrap();
    shop.fulfill(id, NewFulfillment::default().number("F1"))
        .unwrap();
    harness.simulator.settled().await;
    let now = harness.by_id(id).await.data()["order"].clone();
    assert_eq!(
        (&now["note"], &now["fulfillments"][0]["tracking_number"]),
        (&json!("second"), &json!("F1"))
    );
    let old: Vec<_> = harness.simulator.deliveries();
    for delivery in old.iter().rev().chain(&old) {
        harness.simulator.redeliver(delivery);
    }
    harness.simulator.settled().await;
    assert_eq!(harness.by_id(id).await.data()["order"], now);
    harness.stop().await;
}

#[tokio::test]
async fn doubled_reordered_and_delayed_deliveries_end_in_the_same_answer() {
    let harness = Harness::start().await;
    let shop = harness.simulator.shop();
    harness
        .simulator
        .faults()
        .deliveries(DeliveryFault::Reorder, Times::Next(6));
    let id = shop.place_order(NewOrder::default());
    let parcel = shop
        .fulfill(id, NewFulfillment::default().number("F1"))
        .unwrap();
    harness
        .simulator
        .faults()
        .deliveries(DeliveryFault::Duplicate, Times::Next(3));
    shop.track(parcel, ShipmentStatus::InTransit).unwrap();
    shop.track(parcel, ShipmentStatus::Delivered).unwrap();
    harness.simulator.settled().await;
    refresh_set_is_empty(&harness).await;
    let by_webhooks = harness.by_id(id).await.data()["order"].clone();
    harness
        .app
        .state()
        .store
        .purge_site(&"uk".parse().unwrap())
        .await
        .unwrap();
    crate::mouths::pretty_eq(&by_webhooks, &harness.by_id(id).await.data()["order"]);
    harness.stop().await;
}

#[tokio::test]
async fn a_late_redelivery_renews_nothing() {
    let (setup, shop_clock, clock) = Setup::default().clock(now());
    let harness = setup.start().await;
    let id = harness.simulator.shop().place_order(NewOrder::default());
    harness.simulator.settled().await;
    let first = harness.simulator.deliveries()[0].clone();
    shop_clock.advance(Duration::from_secs(3 * 3600));
    clock.advance(TimeDelta::hours(3));
    harness.simulator.redeliver(&first);
    harness.simulator.settled().await;
    let tracking = harness.tracking(id).await;
    let left = tracking.data()["cache_ttl"].as_u64().unwrap();
    assert!((3 * 3600 - 2..=3 * 3600).contains(&left), "{left}");
    let age = tracking.data()["freshness"]["age_s"].as_i64().unwrap();
    assert!((3 * 3600 - 2..=3 * 3600).contains(&age), "{age}");
    harness.stop().await;
}

#[tokio::test]
async fn a_deleted_order_stays_deleted() {
    let harness = Harness::start().await;
    let shop = harness.simulator.shop();
    let id = shop.place_order(NewOrder::default().number(31));
    harness.simulator.settled().await;
    let old = harness.simulator.deliveries();
    shop.delete_order(id).unwrap();
    harness.simulator.settled().await;
    assert_eq!(harness.by_id(id).await.data()["order"], Value::Null);
    for delivery in &old {
        harness.simulator.redeliver(delivery);
    }
    harness.simulator.settled().await;
    assert_eq!(harness.by_id(id).await.data()["order"], Value::Null);
    assert_eq!(harness.search("UK31").await.data()["order"], Value::Null);
    harness.stop().await;
}

#[tokio::test]
async fn a_customers_redaction_purges_their_orders_for_good() {
    let harness = Harness::start().await;
    let shop = harness.simulator.shop();
    let (theirs, others) = (
        shop.place_order(NewOrder::default()),
        shop.place_order(NewOrder::default()),
    );
    harness.simulator.settled().await;
    let old = harness.simulator.deliveries();
    let body = json!({
        "shop_id": 1,
        "shop_domain": harness.simulator.shop_domain(),
        "customer": { "id": 7, "email": "jane@example.com", "phone": null },
        "orders_to_redact": [theirs],
    });
    let status = harness
        .simulator
        .deliver("customers/redact", body.to_string(), now())
        .await
        .unwrap();
    assert_eq!(status, 200);
    for delivery in &old {
        harness.simulator.redeliver(delivery);
    }
    harness.simulator.settled().await;
    assert_eq!(harness.by_id(theirs).await.data()["order"], Value::Null);
    assert_eq!(harness.by_id(others).await.data()["cached"], true);
    harness.stop().await;
}

#[tokio::test]
async fn a_destructive_topic_on_another_topics_body_destroys_nothing() {
    let harness = Harness::start().await;
    let id = harness.simulator.shop().place_order(NewOrder::default());
    harness.simulator.settled().await;
    // Topics are not signed: a captured order could be replayed as its own deletion.
    let body = harness
        .simulator
        .shop()
        .webhook_body("orders/create", id)
        .unwrap();
    for topic in [
        "orders/delete",
        "shop/redact",
        "app/uninstalled",
        "customers/redact",
    ] {
        assert_eq!(
            harness
                .simulator
                .deliver(topic, body.clone(), now())
                .await
                .unwrap(),
            200,
            "{topic}"
        );
        assert_eq!(harness.by_id(id).await.data()["cached"], true, "{topic}");
    }
    harness.stop().await;
}

#[tokio::test]
async fn without_redis_deliveries_wait_in_the_inbox_and_lookups_ask_shopify() {
    let mut redis = RedisServer::start().await;
    redis.kill();
    let harness = Setup::default().set("REDIS_URL", redis.url()).start().await;
    assert_eq!(harness.get("/readyz").await.status, 503);
    assert_eq!(harness.get("/healthz").await.status, 200);
    let id = harness
        .simulator
        .shop()
        .place_order(NewOrder::default().number(41));
    harness.simulator.settled().await;
    assert!(
        harness
            .simulator
            .deliveries()
            .iter()
            .all(|delivery| delivery.attempts.len() == 1),
        "a delivery was refused"
    );
    assert!(!harness.app.state().inbox.is_empty().unwrap());
    let live = harness.search("UK41").await;
    assert_eq!(live.data()["order"]["order_id"], id.to_string());
    assert_eq!(live.data()["freshness"]["state"], "live");
    redis.restart().await;
    until("the inbox is drained", || async {
        harness.app.state().inbox.is_empty().unwrap().then_some(())
    })
    .await;
    until("the service is ready", || async {
        (harness.get("/readyz").await.status == 200).then_some(())
    })
    .await;
    harness.simulator.clear_calls();
    let cached = harness.by_id(id).await;
    assert_eq!(cached.data()["cached"], true);
    assert_eq!(harness.simulator.calls().len(), 0);
    harness.stop().await;
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_restart() {
    let harness = Harness::start().await;
    let id = harness.simulator.shop().place_order(NewOrder::default());
    harness.simulator.settled().await;
    let Harness {
        simulator,
        app,
        data_dir,
        config,
        http,
        ..
    } = harness;
    assert!(app.stop().await);
    let app = shopify_warmer::app::App::start(&config, shopify_warmer::clock::Clock::System)
        .await
        .unwrap();
    let reply = crate::harness::reply(
        http.get(format!("http://{}/api/shopify/orders/{id}", app.addr()))
            .bearer_auth(crate::harness::LOOKUP_TOKEN),
    )
    .await;
    assert_eq!(reply.data()["cached"], true);
    assert_eq!(simulator.calls_named("OrderById").len(), 0);
    assert!(app.stop().await);
    drop(data_dir);
}
