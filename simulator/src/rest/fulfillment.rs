//! Fulfilments and their events in REST's shape.

use serde_json::{Value, json};

use super::{Renderer, api_id, fulfillment_name, line, parts};
use crate::model::{Event, Fulfillment, Order};

/// A fulfilment as it lies in an order: without its `email` and `destination`.
pub(super) fn nested(render: Renderer<'_>, order: &Order, fulfillment: &Fulfillment) -> Value {
    let lines: Vec<Value> = fulfillment
        .lines
        .iter()
        .filter_map(|shipped| {
            let mut item = line::line_item(order, order.line(shipped.line_item)?);
            let object = item.as_object_mut()?;
            object.insert("quantity".to_owned(), shipped.quantity.into());
            for key in [
                "current_quantity",
                "attributed_staffs",
                "sales_line_item_group_id",
            ] {
                object.remove(key);
            }
            Some(item)
        })
        .collect();
    let numbers: Vec<&str> = fulfillment
        .tracking
        .iter()
        .map(|parcel| parcel.number.as_str())
        .collect();
    let urls: Vec<&str> = fulfillment
        .tracking
        .iter()
        .filter_map(|parcel| parcel.url.as_deref())
        .collect();
    json!({
        "id": fulfillment.id,
        "admin_graphql_api_id": api_id("Fulfillment", fulfillment.id),
        "created_at": render.time(fulfillment.created_at),
        "location_id": null,
        "name": fulfillment_name(order, fulfillment),
        "order_id": order.id,
        "origin_address": {},
        "receipt": {},
        "service": "manual",
        "shipment_status": fulfillment.shipment_status().map(crate::ShipmentStatus::rest),
        "status": fulfillment.status.rest(),
        "tracking_company": fulfillment.company,
        "tracking_number": numbers.first(),
        "tracking_numbers": numbers,
        "tracking_url": urls.first(),
        "tracking_urls": urls,
        "updated_at": render.time(fulfillment.updated_at),
        "line_items": lines,
    })
}

/// The body of `fulfillments/create` and `fulfillments/update`.
pub(crate) fn fulfillment(render: Renderer<'_>, order: &Order, fulfillment: &Fulfillment) -> Value {
    let mut body = nested(render, order, fulfillment);
    if let Some(object) = body.as_object_mut() {
        object.insert("email".to_owned(), order.email.clone().into());
        let destination = parts::address(order.shipping_address.as_ref());
        object.insert("destination".to_owned(), destination);
    }
    body
}

/// The body of `fulfillment_events/create` and `fulfillment_events/delete`.
pub(crate) fn event(
    render: Renderer<'_>,
    order: &Order,
    fulfillment: &Fulfillment,
    event: &Event,
) -> Value {
    json!({
        "id": event.id,
        "fulfillment_id": fulfillment.id,
        "status": event.status.rest(),
        "message": event.message,
        "happened_at": render.time(event.happened_at),
        "city": event.city,
        "province": event.province,
        "country": event.country,
        "zip": event.zip,
        "address1": null,
        "latitude": null,
        "longitude": null,
        "shop_id": render.facts.id,
        "created_at": render.time(event.created_at),
        "updated_at": render.time(event.created_at),
        "estimated_delivery_at": render.time_or_null(event.estimated_delivery_at),
        "order_id": order.id,
        "admin_graphql_api_id": api_id("FulfillmentEvent", event.id),
    })
}
