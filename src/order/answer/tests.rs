//! What a customer is told, for the cases that were told wrong before.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, TimeZone as _, Utc};

use super::*;
use crate::order::{
    Event, EventFacet, EventId, Fulfillment, FulfillmentId, LineItem, LineItemId, Observation,
    OrderId, ShippedItem, Source, Version,
};

pub(in crate::order) fn at(minute: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, 10, 0, 0).unwrap() + Duration::minutes(minute)
}

pub(in crate::order) fn version(minute: i64) -> Version {
    Version {
        updated_at: at(minute),
        observed_at: at(minute),
    }
}

fn line(id: u64, quantity: u32) -> LineItem {
    LineItem {
        id: LineItemId::new(id).unwrap(),
        title: format!("Item {id}"),
        variant_title: None,
        sku: None,
        quantity,
        current_quantity: quantity,
        price: Money::new("5.0", "GBP"),
        requires_shipping: true,
    }
}

pub(in crate::order) fn order() -> Order {
    let head = Head {
        name: "#UK1".to_owned(),
        created_at: at(0),
        cancelled_at: None,
        closed_at: None,
        financial_status: Some("paid".to_owned()),
        fulfillment_status: None,
        currency: "GBP".to_owned(),
        total_price: Money::new("15", "GBP"),
        subtotal_price: None,
        total_shipping: None,
        total_discounts: None,
        total_tax: None,
        email: None,
        customer_name: None,
        shipping_address: None,
        note: None,
        tags: vec![],
        discount_codes: vec![],
        line_items: vec![line(1, 2), line(2, 1)],
        test: false,
    };
    Order {
        as_of: Some(Observation {
            at: at(0),
            source: Source::Webhook,
        }),
        head: Some(Facet {
            version: version(0),
            value: head,
        }),
        ..Order::unknown(OrderId::new(5551).unwrap())
    }
}

pub(in crate::order) fn ship(order: &mut Order, id: u64, minute: i64, items: &[(u64, u32)]) {
    let value = Fulfillment {
        created_at: at(minute),
        status: Some("success".to_owned()),
        shipment_status: None,
        tracking_company: Some("Royal Mail".to_owned()),
        tracking_numbers: vec![format!("RM{:07}GB", 1_000_000 + id)],
        tracking_urls: vec![],
        items: items
            .iter()
            .map(|(line, quantity)| ShippedItem {
                line_item: LineItemId::new(*line).unwrap(),
                quantity: *quantity,
            })
            .collect(),
    };
    order.fulfillments.insert(
        FulfillmentId::new(id).unwrap(),
        Facet {
            version: version(minute),
            value,
        },
    );
}

pub(in crate::order) fn report(
    order: &mut Order,
    id: u64,
    fulfillment: u64,
    minute: i64,
    status: &str,
) {
    let event = Event {
        happened_at: at(minute),
        fulfillment: FulfillmentId::new(fulfillment).unwrap(),
        status: status.to_owned(),
        message: None,
        estimated_delivery_at: None,
        city: None,
        province: None,
        country: None,
        zip: None,
    };
    order.events.insert(
        EventId::new(id).unwrap(),
        EventFacet::Happened(Facet {
            version: version(minute),
            value: event,
        }),
    );
}

#[test]
fn a_shipped_parcel_is_not_called_delivered() {
    let mut order = order();
    ship(&mut order, 7, 60, &[(1, 2), (2, 1)]);
    let tracking = TrackingAnswer::of(&order).unwrap();
    let primary = tracking.primary_tracking.unwrap();
    assert_eq!(
        (primary.status.as_str(), primary.status_zh.as_str()),
        ("shipped", "已发货")
    );
    assert!(
        !tracking.message_template_en.contains("elivered"),
        "{}",
        tracking.message_template_en
    );
    assert!(
        !tracking.message_template_zh.contains("送达"),
        "{}",
        tracking.message_template_zh
    );
}

#[test]
fn a_parcel_newer_than_the_head_counts_as_shipped() {
    let mut order = order();
    ship(&mut order, 7, 60, &[(1, 1)]);
    assert_eq!(
        OrderAnswer::of(&order, "uk")
            .unwrap()
            .fulfillment_status
            .as_deref(),
        Some("partial")
    );
    ship(&mut order, 8, 61, &[(1, 1), (2, 1)]);
    let answer = OrderAnswer::of(&order, "uk").unwrap();
    assert_eq!(answer.fulfillment_status.as_deref(), Some("fulfilled"));
    assert_eq!(
        answer.line_items[0].tracking_number.as_deref(),
        Some("RM1000008GB")
    );
    assert_eq!(answer.items_count, 3);
}

/// Found by the simulated days: the order and its parcel carry the same second, and later news of the parcel made it look younger.
#[test]
fn later_news_of_a_parcel_does_not_outrank_what_shopify_said_of_the_order() {
    let mut order = order();
    ship(&mut order, 7, 60, &[(1, 2), (2, 1)]);
    let head = order.head.as_mut().unwrap();
    head.value.fulfillment_status = Some("partial".to_owned());
    head.version = Version {
        updated_at: at(60),
        observed_at: at(120),
    };
    let parcel = order.fulfillments.values_mut().next().unwrap();
    parcel.version = version(180);
    let answer = OrderAnswer::of(&order, "uk").unwrap();
    assert_eq!(answer.fulfillment_status.as_deref(), Some("partial"));
}

#[test]
fn the_carriers_newest_word_wins_and_a_deleted_event_is_forgotten() {
    let mut order = order();
    ship(&mut order, 7, 60, &[(1, 2)]);
    report(&mut order, 1, 7, 70, "in_transit");
    report(&mut order, 2, 7, 90, "delivered");
    let parcel = OrderAnswer::of(&order, "uk")
        .unwrap()
        .fulfillments
        .remove(0);
    assert_eq!(parcel.shipment_status.as_deref(), Some("delivered"));
    assert_eq!(parcel.delivered_at, Some(at(90)));

    order.merge(Order {
        events: BTreeMap::from([(EventId::new(2).unwrap(), EventFacet::Deleted)]),
        ..Order::unknown(order.id)
    });
    let parcel = OrderAnswer::of(&order, "uk")
        .unwrap()
        .fulfillments
        .remove(0);
    assert_eq!(parcel.shipment_status.as_deref(), Some("in_transit"));
    assert_eq!(parcel.delivered_at, None);
}

#[test]
fn the_newest_parcel_that_is_not_cancelled_is_primary() {
    let mut order = order();
    ship(&mut order, 7, 60, &[(1, 2)]);
    ship(&mut order, 8, 80, &[(2, 1)]);
    order
        .fulfillments
        .get_mut(&FulfillmentId::new(8).unwrap())
        .unwrap()
        .value
        .status = Some("cancelled".to_owned());
    let tracking = TrackingAnswer::of(&order).unwrap();
    assert_eq!(
        tracking.primary_tracking.unwrap().number.as_deref(),
        Some("RM1000007GB")
    );
    assert_eq!(tracking.fulfillments.len(), 2);
    let answer = OrderAnswer::of(&order, "uk").unwrap();
    assert_eq!(answer.line_items[1].delivery_status, "not_shipped");
}

#[test]
fn nothing_is_rendered_of_an_order_without_a_head() {
    assert!(OrderAnswer::of(&Order::unknown(OrderId::new(1).unwrap()), "uk").is_none());
}
