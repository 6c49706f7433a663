//! A line of the file, and an order made of its own line and its children's.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    order::{Fulfillment, Order, OrderId, Source},
    shopify::{OrderNode, WireError},
};

/// Whose a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owned {
    /// The order.
    pub order: OrderId,
    /// What it is to it.
    pub role: Role,
}

/// What a line is to its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The order itself, and when it was placed.
    Itself(DateTime<Utc>),
    /// A line item.
    Child,
}

#[derive(Debug, Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(rename = "__parentId", borrow, default)]
    parent: Option<Cow<'a, str>>,
    #[serde(rename = "createdAt")]
    created_at: Option<DateTime<Utc>>,
}

/// Whose a line is; nothing if it is no line of ours.
pub fn owner(line: &[u8]) -> Option<Owned> {
    let envelope: Envelope<'_> = serde_json::from_slice(line).ok()?;
    if let Some(parent) = &envelope.parent {
        let order = OrderId::from_gid(parent).ok()?;
        let role = Role::Child;
        return Some(Owned { order, role });
    }
    Some(Owned {
        order: OrderId::from_gid(&envelope.id).ok()?,
        role: Role::Itself(envelope.created_at?),
    })
}

/// An order out of the file, and whether anything is to be read of it that the file does not have.
#[derive(Debug)]
pub struct BulkOrder {
    /// What the file tells.
    pub order: Order,
    /// Whether a read by id would tell more: a parcel on its way has events, and what is in which parcel the file does not say.
    pub needs_read: bool,
    /// Whether all its lines are there, as far as that can be told. Of a whole file they are.
    pub has_its_lines: bool,
}

/// The lines of an order, whichever way they stood in the file, as a page of the API would have told it. `observed_at` is when the
/// operation was asked for.
pub fn assemble(
    itself: &[u8],
    children: &[&[u8]],
    observed_at: DateTime<Utc>,
) -> Result<BulkOrder, WireError> {
    let mut node: Value =
        serde_json::from_slice(itself).map_err(|error| WireError::shape(&error))?;
    let lines = children.iter().map(|line| serde_json::from_slice(line));
    let lines: Vec<Value> = lines
        .collect::<Result<_, _>>()
        .map_err(|error| WireError::shape(&error))?;
    let mut is_told = true;
    if let Some(parcels) = node.get_mut("fulfillments").and_then(Value::as_array_mut) {
        for parcel in parcels.iter_mut().filter_map(Value::as_object_mut) {
            let total = parcel.get("totalQuantity").and_then(Value::as_u64);
            let contents = contents(total.unwrap_or_default(), &lines);
            is_told &= contents.is_some();
            parcel.insert(
                "fulfillmentLineItems".to_owned(),
                connection(contents.as_deref().unwrap_or_default()),
            );
            let untold = json!({ "nodes": [], "pageInfo": { "hasNextPage": true } });
            parcel.insert("events".to_owned(), untold);
        }
    }
    let has_its_lines = shipped(&lines)
        == node
            .get("subtotalLineItemsQuantity")
            .and_then(Value::as_u64);
    let lines = connection(&lines);
    if let Some(node) = node.as_object_mut() {
        node.insert("lineItems".to_owned(), lines);
    }
    let node: OrderNode = serde_json::from_value(node).map_err(|error| WireError::shape(&error))?;
    let mut order = node.into_order(observed_at, Source::Sweep)?;
    yield_to_others(&mut order);
    let on_its_way = order
        .fulfillments
        .values()
        .any(|one| is_on_its_way(&one.value));
    Ok(BulkOrder {
        needs_read: !is_told || on_its_way,
        order,
        has_its_lines,
    })
}

fn connection(nodes: &[Value]) -> Value {
    json!({ "nodes": nodes, "pageInfo": { "hasNextPage": false, "endCursor": null } })
}

/// What is in a parcel, where its total leaves no other way: all that was ordered, or so many of the only line. No parcel holds
/// more of a line than was ordered.
fn contents(total: u64, lines: &[Value]) -> Option<Vec<Value>> {
    let quantity = |line: &Value| line.get("quantity").and_then(Value::as_u64);
    let item = |line: &Value, quantity: u64| {
        let id = line.get("id").cloned().unwrap_or_default();
        json!({ "quantity": quantity, "lineItem": { "id": id } })
    };
    if let [only] = lines {
        return Some(vec![item(only, total)]);
    }
    let ordered: u64 = lines.iter().filter_map(quantity).sum();
    (ordered == total).then(|| {
        let all = lines.iter();
        all.map(|line| item(line, quantity(line).unwrap_or_default()))
            .collect()
    })
}

/// How many things that go into parcels there are: those count towards Shopify's own total, others may or may not.
fn shipped(lines: &[Value]) -> Option<u64> {
    let ships = |line: &&Value| line.get("requiresShipping") == Some(&Value::Bool(true));
    let quantities = lines.iter().filter(ships);
    quantities
        .map(|line| line.get("quantity").and_then(Value::as_u64))
        .sum()
}

/// The file knows no events, and the contents of parcels only where they can be told from totals. So whatever anybody else says of
/// the same state of a parcel outranks it, no matter when: it was seen by a better eye.
fn yield_to_others(order: &mut Order) {
    for facet in order.carrier.values_mut() {
        facet.version.observed_at = DateTime::UNIX_EPOCH;
    }
    for facet in order.fulfillments.values_mut() {
        facet.version.observed_at = DateTime::UNIX_EPOCH;
    }
}

/// Whether its carrier has said anything and may say more: a parcel without a carrier's word has no events.
fn is_on_its_way(parcel: &Fulfillment) -> bool {
    let said = parcel.shipment_status.as_deref();
    parcel.is_live() && said.is_some_and(|word| word != "delivered")
}
