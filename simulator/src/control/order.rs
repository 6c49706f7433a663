//! Deeds in the shop, over HTTP.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{done, refuse};
use crate::model::ShipmentStatus;
use crate::shop::{NewEvent, NewFulfillment, NewOrder, Shop, ShopError};
use crate::world::World;

type Inside = State<Arc<World>>;

pub(super) async fn list(State(world): Inside) -> Json<Value> {
    let shop = Shop::new(world);
    let orders = shop.order_ids().into_iter();
    let shown = orders.map(|id| json!({ "id": id, "name": shop.order_name(id).ok() }));
    Json(Value::Array(shown.collect()))
}

/// What of a new order can be said.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Placed {
    line_items: Option<usize>,
    currency: Option<String>,
    note: Option<String>,
    tags: Vec<String>,
}

pub(super) async fn place(State(world): Inside, body: Option<Json<Placed>>) -> Response {
    let asked = body.map(|body| body.0).unwrap_or_default();
    let mut new = NewOrder::default().tags(asked.tags.iter().map(String::as_str));
    if let Some(count) = asked.line_items {
        new = new.line_items(count);
    }
    if let Some(code) = &asked.currency {
        new = new.currency(code);
    }
    if let Some(note) = &asked.note {
        new = new.note(note);
    }
    let shop = Shop::new(world);
    let id = shop.place_order(new);
    let name = shop.order_name(id);
    done(name.map(|name| json!({ "id": id, "name": name })))
}

/// What of a fulfilment can be said.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Shipped {
    company: Option<String>,
    number: Option<String>,
    url: Option<String>,
}

pub(super) async fn fulfill(
    State(world): Inside,
    Path(id): Path<u64>,
    body: Option<Json<Shipped>>,
) -> Response {
    let asked = body.map(|body| body.0).unwrap_or_default();
    let mut new = NewFulfillment::default();
    if let Some(company) = &asked.company {
        new = new.company(company);
    }
    if let Some(number) = &asked.number {
        new = new.number(number);
    }
    if let Some(url) = &asked.url {
        new = new.url(url);
    }
    let fulfillment = Shop::new(world).fulfill(id, new);
    done(fulfillment.map(|id| json!({ "fulfillment_id": id })))
}

/// What a carrier reports.
#[derive(Debug, Deserialize)]
pub(super) struct Tracked {
    status: String,
    message: Option<String>,
}

pub(super) async fn track(
    State(world): Inside,
    Path(id): Path<u64>,
    Json(asked): Json<Tracked>,
) -> Response {
    let Some(status) = ShipmentStatus::parse(&asked.status) else {
        return refuse("no such status of a shipment");
    };
    let mut event = NewEvent::new(status);
    if let Some(message) = &asked.message {
        event = event.message(message);
    }
    let shop = Shop::new(world);
    let last = shop.fulfillment_ids(id).map(|ids| ids.last().copied());
    let event = last.and_then(|last| {
        let last = last.ok_or(ShopError::UnknownFulfillment(0))?;
        shop.track_with(last, event)
    });
    done(event.map(|id| json!({ "event_id": id })))
}

pub(super) async fn cancel(State(world): Inside, Path(id): Path<u64>) -> Response {
    done(Shop::new(world).cancel_order(id).map(|()| json!({})))
}

pub(super) async fn delete(State(world): Inside, Path(id): Path<u64>) -> Response {
    done(Shop::new(world).delete_order(id).map(|()| json!({})))
}

pub(super) async fn touch(State(world): Inside, Path(id): Path<u64>) -> Response {
    done(Shop::new(world).touch(id).map(|()| json!({})))
}
