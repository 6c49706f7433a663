//! The same shop read page by page, and by a bulk operation with its details, is the same cache.

use serde_json::Value;
use shopify_simulator::{NewFulfillment, NewOrder, ShipmentStatus};

use crate::harness::{Harness, Setup};

/// One shop, twice the same: ids, times and customers come from its seed and its clock.
async fn shop(threshold: u64) -> (Harness, Vec<u64>) {
    let (setup, ..) = Setup::default()
        .shop(|shop| shop.orders(200).seed(11).bucket(40_000, 2000))
        .set("WARMUP_BULK_THRESHOLD", threshold)
        .set("WARMUP_PAGE_SIZE", 10)
        .clock("2026-11-22T12:00:00Z".parse().unwrap());
    let harness = setup.start().await;
    harness.simulator.stop_delivering();
    let shop = harness.simulator.shop();
    let long = shop.place_order(NewOrder::default().line_items(300).quantity(2));
    let first = NewFulfillment::default()
        .item(0, 1)
        .company("Royal Mail")
        .number("RM1GB");
    let parcel = shop.fulfill(long, first).unwrap();
    shop.track(parcel, ShipmentStatus::InTransit).unwrap();
    let second = shop
        .fulfill(long, NewFulfillment::default().item(1, 2).number("X2"))
        .unwrap();
    shop.cancel_fulfillment(second).unwrap();
    let edited = shop.place_order(NewOrder::default().line_items(3).currency("JPY"));
    shop.edit_order(edited).unwrap();
    shop.fulfill(edited, NewFulfillment::default().number("E1"))
        .unwrap();
    let refunded = shop.place_order(NewOrder::default().no_customer());
    shop.refund(refunded).unwrap();
    let ids = shop.order_ids();
    (harness, ids)
}

#[tokio::test]
async fn pages_and_bulk_tell_the_same() {
    let (by_pages, ids) = shop(1_000_000).await;
    let (by_bulk, same_ids) = shop(20).await;
    assert_eq!(ids, same_ids);
    for harness in [&by_pages, &by_bulk] {
        let record = harness.sweep("full").await;
        assert_eq!(record["total_orders"], 203, "{record}");
    }
    assert_eq!(by_pages.simulator.calls_named("BulkRun").len(), 0);
    assert_eq!(by_bulk.simulator.calls_named("BulkRun").len(), 1);
    let (mut with_events, mut delivered) = (0, 0);
    for id in ids {
        let mut told = Vec::new();
        for harness in [&by_pages, &by_bulk] {
            let order = harness.by_id(id).await.data()["order"].clone();
            let tracking = harness.tracking(id).await.data()["tracking"].clone();
            told.push((order, tracking));
        }
        if was_delivered(&told[0].0) {
            delivered += 1;
            // Only the history of what has arrived is left to the next sweep: nobody asks where such a parcel is.
            for (order, tracking) in &mut told {
                without_events(order);
                without_events(tracking);
            }
        } else {
            let parcels = told[0].0["fulfillments"].as_array().unwrap();
            with_events += parcels
                .iter()
                .filter(|parcel| parcel["events"] != serde_json::json!([]))
                .count();
        }
        crate::mouths::pretty_eq(&told[0].0, &told[1].0);
        crate::mouths::pretty_eq(&told[0].1, &told[1].1);
    }
    assert!(
        with_events > 20 && delivered > 20,
        "{with_events}, {delivered}"
    );
    by_pages.stop().await;
    by_bulk.stop().await;
}

/// Whether every parcel that counts has arrived.
fn was_delivered(order: &Value) -> bool {
    let parcels = order["fulfillments"].as_array().unwrap().iter();
    let mut live = parcels
        .filter(|parcel| parcel["status"] == "success")
        .peekable();
    live.peek().is_some() && live.all(|parcel| parcel["shipment_status"] == "delivered")
}

fn without_events(told: &mut Value) {
    for parcel in told["fulfillments"].as_array_mut().unwrap() {
        parcel["events"] = Value::Null;
    }
}
