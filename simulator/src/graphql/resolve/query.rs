//! The fields of `QueryRoot`.

use std::sync::Arc;

use apollo_compiler::resolvers::{ResolveInfo, ResolvedValue};
use apollo_compiler::response::JsonValue;

use super::fulfillment::FulfillmentNode;
use super::order::OrderNode;
use super::{Context, Resolved, argument, bulk, denied, orders, shop, subscription, text_argument};
use crate::locked::lock;
use crate::model::parse_gid;

/// `None` for a field that is not of the query root.
pub(super) fn resolve<'a>(
    context: &'a Context<'a>,
    info: &'a ResolveInfo<'a>,
) -> Option<Resolved<'a>> {
    Some(match info.field_name() {
        "orders" => orders::orders(context, info),
        "ordersCount" => orders::count(context, info),
        "order" => order(context, info),
        "orderByIdentifier" => by_identifier(context, info),
        "fulfillment" => fulfillment(context, info),
        "node" => node(context, text_argument(info, "id").unwrap_or_default()),
        "nodes" => Ok(nodes(context, info)),
        "shop" => Ok(ResolvedValue::object(shop::shop(context))),
        "currentAppInstallation" => Ok(ResolvedValue::object(shop::installation(context))),
        "publicApiVersions" => Ok(shop::versions(context)),
        "webhookSubscriptions" => subscription::list(context, info),
        "webhookSubscription" => Ok(subscription::one(context, info)),
        "bulkOperation" => Ok(bulk::one(context, info)),
        "bulkOperations" => Ok(bulk::list(context, info)),
        _ => return None,
    })
}

fn order<'a>(context: &'a Context<'a>, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
    let id = text_argument(info, "id").unwrap_or_default();
    order_of(context, "order", id)
}

fn by_identifier<'a>(context: &'a Context<'a>, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
    let identifier = argument(info, "identifier").and_then(JsonValue::as_object);
    let id = identifier.and_then(|fields| fields.get("id")?.as_str());
    // No order here has a metafield, so a custom id finds none.
    order_of(context, "orderByIdentifier", id.unwrap_or_default())
}

fn order_of<'a>(context: &'a Context<'a>, field: &str, id: &str) -> Resolved<'a> {
    if !context.world.has_scope("read_orders") {
        return denied(field, "read_orders");
    }
    let known = parse_gid(id).filter(|(kind, _)| *kind == "Order");
    let found = known.and_then(|(_, id)| find(context, id));
    Ok(ResolvedValue::nullable_object(found))
}

/// An order by its id, if this app may see it: as old as the replica is.
fn find<'a>(context: &'a Context<'a>, id: u64) -> Option<OrderNode<'a>> {
    let order = Arc::clone(lock(&context.world.book).read(id, context.now)?);
    let since = context.created_since();
    if since.is_some_and(|since| order.created_at < since) {
        return None;
    }
    Some(OrderNode { context, order })
}

fn find_fulfillment<'a>(context: &'a Context<'a>, id: u64) -> Option<FulfillmentNode<'a>> {
    let order = lock(&context.world.book).order_of(id)?;
    let order = find(context, order)?.order;
    let at = order.fulfillments.iter().position(|one| one.id == id)?;
    Some(FulfillmentNode { context, order, at })
}

fn fulfillment<'a>(context: &'a Context<'a>, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
    if !context.world.has_scope("read_orders") {
        return denied("fulfillment", "read_orders");
    }
    let id = text_argument(info, "id").and_then(parse_gid);
    let id = id.filter(|(kind, _)| *kind == "Fulfillment");
    let found = id.and_then(|(_, id)| find_fulfillment(context, id));
    Ok(ResolvedValue::nullable_object(found))
}

/// Anything by its id; null for what there is not.
fn node<'a>(context: &'a Context<'a>, id: &str) -> Resolved<'a> {
    if !context.world.has_scope("read_orders") {
        return denied("node", "read_orders");
    }
    Ok(match parse_gid(id) {
        Some(("Order", id)) => ResolvedValue::nullable_object(find(context, id)),
        Some(("Fulfillment", id)) => ResolvedValue::nullable_object(find_fulfillment(context, id)),
        _ => ResolvedValue::null(),
    })
}

/// In the order of the ids.
fn nodes<'a>(context: &'a Context<'a>, info: &'a ResolveInfo<'a>) -> ResolvedValue<'a> {
    let ids = argument(info, "ids").and_then(JsonValue::as_array);
    let ids = ids.map(Vec::as_slice).unwrap_or_default();
    let found = ids
        .iter()
        .map(|id| node(context, id.as_str().unwrap_or_default()));
    ResolvedValue::List(Box::new(found))
}
