//! `Fulfillment`, its tracking and its events.

use std::sync::Arc;

use apollo_compiler::resolvers::{ObjectValue, ResolveInfo, ResolvedValue};

use super::connection::{Connection, Names, page_of};
use super::line::ShippedNode;
use super::order::OrderNode;
use super::{
    Context, Record, Resolved, argument, count_argument, flag_argument, text, time, time_or_null,
};
use crate::model::{Event, Fulfillment, Order, gid};

const LINES: Names = Names {
    connection: "FulfillmentLineItemConnection",
    edge: "FulfillmentLineItemEdge",
};

const EVENTS: Names = Names {
    connection: "FulfillmentEventConnection",
    edge: "FulfillmentEventEdge",
};

#[derive(Clone)]
pub(super) struct FulfillmentNode<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) order: Arc<Order>,
    /// Its place in the order.
    pub(super) at: usize,
}

impl ObjectValue for FulfillmentNode<'_> {
    fn type_name(&self) -> &'static str {
        "Fulfillment"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let order = self.order.as_ref();
        let Some(one) = order.fulfillments.get(self.at) else {
            return Err(self.unknown_field_error(info));
        };
        Ok(match info.field_name() {
            "id" => ResolvedValue::leaf(gid("Fulfillment", one.id)),
            "legacyResourceId" => ResolvedValue::leaf(one.id.to_string()),
            "name" => ResolvedValue::leaf(format!("{}-F{}", order.name, one.ordinal)),
            "status" => text(one.status.graphql()),
            "displayStatus" => text(one.display_status()),
            "createdAt" => time(one.created_at),
            "updatedAt" => time(one.updated_at),
            "inTransitAt" => time_or_null(one.in_transit_at),
            "deliveredAt" => time_or_null(one.delivered_at),
            "estimatedDeliveryAt" => time_or_null(one.estimated_delivery_at),
            "totalQuantity" => ResolvedValue::leaf(one.total_quantity()),
            "order" => ResolvedValue::object(OrderNode {
                context: self.context,
                order: Arc::clone(&self.order),
            }),
            "trackingInfo" => tracking(one, count_argument(info, "first")),
            "fulfillmentLineItems" => {
                let lines = one.lines.iter();
                let lines = lines.map(|shipped| (shipped.id, ShippedNode { order, shipped }));
                ResolvedValue::object(Connection {
                    names: LINES,
                    page: page_of(info, ("fulfillmentLineItems", one.id), lines)?,
                })
            }
            "events" => events(one, info)?,
            _ => return Err(self.unknown_field_error(info)),
        })
    }
}

fn tracking(one: &Fulfillment, first: Option<usize>) -> ResolvedValue<'_> {
    let parcels = one.tracking.iter().take(first.unwrap_or(usize::MAX));
    ResolvedValue::list(parcels.map(|parcel| {
        let record = Record::new("FulfillmentTrackingInfo")
            .opt("company", one.company.as_deref())
            .leaf("number", parcel.number.as_str())
            .opt("url", parcel.url.as_deref());
        ResolvedValue::object(record)
    }))
}

fn events<'a>(one: &'a Fulfillment, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
    let by_id = argument(info, "sortKey").is_some_and(|key| key == "ID");
    let reverse = flag_argument(info, "reverse");
    let mut events: Vec<&Event> = one.events.iter().collect();
    if by_id {
        events.sort_by_key(|event| event.id);
    } else {
        events.sort_by_key(|event| (event.happened_at, event.id));
    }
    if reverse {
        events.reverse();
    }
    let list = match (by_id, reverse) {
        (false, false) => "events",
        (false, true) => "events reversed",
        (true, false) => "events by id",
        (true, true) => "events by id reversed",
    };
    let nodes = events.into_iter().map(|event| (event.id, EventNode(event)));
    let page = page_of(info, (list, one.id), nodes)?;
    Ok(ResolvedValue::object(Connection {
        names: EVENTS,
        page,
    }))
}

/// `FulfillmentEvent`.
#[derive(Clone, Copy)]
struct EventNode<'a>(&'a Event);

impl ObjectValue for EventNode<'_> {
    fn type_name(&self) -> &'static str {
        "FulfillmentEvent"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let event = self.0;
        let said = super::text_or_null;
        Ok(match info.field_name() {
            "id" => ResolvedValue::leaf(gid("FulfillmentEvent", event.id)),
            "status" => text(event.status.graphql()),
            "message" => said(event.message.as_deref()),
            "happenedAt" => time(event.happened_at),
            "createdAt" => time(event.created_at),
            "estimatedDeliveryAt" => time_or_null(event.estimated_delivery_at),
            "city" => said(event.city.as_deref()),
            "province" => said(event.province.as_deref()),
            "country" => said(event.country.as_deref()),
            "zip" => said(event.zip.as_deref()),
            _ => return Err(self.unknown_field_error(info)),
        })
    }
}
