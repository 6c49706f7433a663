//! An order of GraphQL as facets: the same values a payload would give.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{
    AddressNode, EventNode, FulfillmentNode, LineItemNode, MoneyBag, OrderNode, ShippedNode,
    TrackingNode, WireError,
};
use crate::order::{
    Address, CarrierFacts, Event, EventFacet, EventId, EventListing, Facet, Fulfillment,
    FulfillmentId, Head, LineItem, LineItemId, Money, Observation, Order, OrderId, ShippedItem,
    Source, Standing, Version, text, word,
};

impl OrderNode {
    /// The order as facets, observed when the read began.
    pub fn into_order(
        self,
        observed_at: DateTime<Utc>,
        source: Source,
    ) -> Result<Order, WireError> {
        let id = OrderId::from_gid(&self.id)?;
        let mut order = Order::unknown(id);
        order.as_of = Some(Observation {
            at: observed_at,
            source,
        });
        let version = Version {
            updated_at: self.updated_at,
            observed_at,
        };
        let mut node = self;
        for fulfillment in std::mem::take(&mut node.fulfillments) {
            take_fulfillment(&mut order, fulfillment, observed_at)?;
        }
        let any_parcel = order
            .fulfillments
            .values()
            .any(|facet| facet.value.is_live());
        order.standing = Some(Facet {
            version,
            value: standing(&node),
        });
        order.head = Some(Facet {
            version,
            value: head(node, any_parcel)?,
        });
        Ok(order)
    }
}

fn head(node: OrderNode, any_parcel: bool) -> Result<Head, WireError> {
    let currency = node.currency_code;
    let money = |bag: &MoneyBag| Money::new(&bag.shop_money.amount, &currency);
    let name_of = |name: Option<&String>| text(name.map(String::as_str));
    let shipping_name = node
        .shipping_address
        .as_ref()
        .and_then(|address| name_of(address.name.as_ref()));
    let billing_name = node
        .billing_address
        .as_ref()
        .and_then(|address| name_of(address.name.as_ref()));
    Ok(Head {
        name: node.name,
        created_at: node.created_at,
        cancelled_at: node.cancelled_at,
        closed_at: node.closed_at,
        financial_status: node.display_financial_status.as_deref().and_then(word),
        fulfillment_status: fulfillment_status(&node.display_fulfillment_status, any_parcel),
        total_price: money(&node.total_price_set),
        subtotal_price: node.subtotal_price_set.as_ref().map(money),
        total_shipping: node.total_shipping_price_set.as_ref().map(money),
        total_discounts: node.total_discounts_set.as_ref().map(money),
        total_tax: node.total_tax_set.as_ref().map(money),
        email: text(node.email.as_deref()),
        customer_name: shipping_name.or(billing_name),
        shipping_address: node.shipping_address.as_ref().map(address),
        note: text(node.note.as_deref()),
        tags: node.tags,
        discount_codes: node.discount_codes,
        line_items: lines(node.line_items.nodes, &currency)?,
        test: node.test,
        currency,
    }
    .in_order())
}

/// What REST has no word for.
fn standing(node: &OrderNode) -> Standing {
    let waiting = match node.display_fulfillment_status.as_str() {
        "FULFILLED"
        | "PARTIALLY_FULFILLED"
        | "RESTOCKED"
        | "UNFULFILLED"
        | "OPEN"
        | "FULFILLMENT_NOT_REQUIRED" => None,
        special => word(special),
    };
    let returns = match node.return_status.as_deref() {
        None | Some("NO_RETURN") => None,
        Some(status) => word(status),
    };
    Standing { waiting, returns }
}

/// GraphQL's display status in REST's words. What REST has no word for (on hold, scheduled, in progress …) is `partial` where
/// a parcel has gone out and nothing where none has, which is what a payload says.
fn fulfillment_status(display: &str, any_parcel: bool) -> Option<String> {
    let word = match display {
        "FULFILLED" => "fulfilled",
        "PARTIALLY_FULFILLED" => "partial",
        "RESTOCKED" => "restocked",
        "UNFULFILLED" | "FULFILLMENT_NOT_REQUIRED" => return None,
        _in_between if any_parcel => "partial",
        _in_between => return None,
    };
    Some(word.to_owned())
}

pub(super) fn lines(nodes: Vec<LineItemNode>, currency: &str) -> Result<Vec<LineItem>, WireError> {
    nodes.into_iter().map(|node| line(node, currency)).collect()
}

fn line(node: LineItemNode, currency: &str) -> Result<LineItem, WireError> {
    Ok(LineItem {
        id: LineItemId::from_gid(&node.id)?,
        title: node.title,
        variant_title: text(node.variant_title.as_deref()),
        sku: text(node.sku.as_deref()),
        quantity: count(node.quantity),
        current_quantity: count(node.current_quantity),
        price: Money::new(&node.original_unit_price_set.shop_money.amount, currency),
        requires_shipping: node.requires_shipping,
    })
}

pub(super) fn shipped(nodes: &[ShippedNode]) -> Result<Vec<ShippedItem>, WireError> {
    let item = |node: &ShippedNode| {
        Ok(ShippedItem {
            line_item: LineItemId::from_gid(&node.line_item.id)?,
            quantity: count(node.quantity.unwrap_or_default()),
        })
    };
    nodes.iter().map(item).collect()
}

/// Shopify's quantities are never negative; one that is counts as none.
fn count(quantity: i64) -> u32 {
    u32::try_from(quantity.max(0)).unwrap_or(u32::MAX)
}

fn take_fulfillment(
    order: &mut Order,
    node: FulfillmentNode,
    observed_at: DateTime<Utc>,
) -> Result<(), WireError> {
    let id = FulfillmentId::from_gid(&node.id)?;
    let version = Version {
        updated_at: node.updated_at,
        observed_at,
    };
    let mut events = BTreeMap::new();
    for event in node.events.nodes {
        events.insert(
            EventId::from_gid(&event.id)?,
            take_event(&event, id, observed_at),
        );
    }
    let listing = EventListing {
        ids: events.keys().copied().collect(),
        complete: !node.events.page_info.has_next_page,
    };
    let facts = CarrierFacts {
        delivered_at: node.delivered_at,
        estimated_delivery_at: node.estimated_delivery_at,
        listing,
    };
    let told = |part: fn(&TrackingNode) -> Option<&str>| {
        let texts = node
            .tracking_info
            .iter()
            .filter_map(move |info| text(part(info)));
        texts.collect::<Vec<_>>()
    };
    let value = Fulfillment {
        created_at: node.created_at,
        status: word(&node.status),
        shipment_status: node.display_status.as_deref().and_then(shipment_status),
        tracking_company: told(|info| info.company.as_deref()).into_iter().next(),
        tracking_numbers: told(|info| info.number.as_deref()),
        tracking_urls: told(|info| info.url.as_deref()),
        items: shipped(&node.fulfillment_line_items.nodes)?,
    };
    order.fulfillments.insert(
        id,
        Facet {
            version,
            value: value.in_order(),
        },
    );
    order.carrier.insert(
        id,
        Facet {
            version,
            value: facts,
        },
    );
    order.events.extend(events);
    Ok(())
}

/// A display status that a carrier set, in REST's words; the others only say that Shopify was told of a parcel.
fn shipment_status(display: &str) -> Option<String> {
    match display {
        "FULFILLED" | "MARKED_AS_FULFILLED" | "SUBMITTED" | "CANCELED" => None,
        carrier => word(carrier),
    }
}

fn take_event(
    node: &EventNode,
    fulfillment: FulfillmentId,
    observed_at: DateTime<Utc>,
) -> EventFacet {
    EventFacet::Happened(Facet {
        version: Version {
            updated_at: node.created_at,
            observed_at,
        },
        value: Event {
            happened_at: node.happened_at,
            fulfillment,
            status: word(&node.status).unwrap_or_default(),
            message: text(node.message.as_deref()),
            estimated_delivery_at: node.estimated_delivery_at,
            city: text(node.city.as_deref()),
            province: text(node.province.as_deref()),
            country: text(node.country.as_deref()),
            zip: text(node.zip.as_deref()),
        },
    })
}

fn address(node: &AddressNode) -> Address {
    let text = |part: &Option<String>| text(part.as_deref());
    Address {
        name: text(&node.name),
        company: text(&node.company),
        address1: text(&node.address1),
        address2: text(&node.address2),
        city: text(&node.city),
        province: text(&node.province),
        province_code: text(&node.province_code),
        zip: text(&node.zip),
        country: text(&node.country),
        country_code: text(&node.country_code_v2),
        phone: text(&node.phone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_future_survive() {
        assert_eq!(
            shipment_status("HANDED_TO_DRONE").as_deref(),
            Some("handed_to_drone")
        );
        assert_eq!(shipment_status("DELIVERED").as_deref(), Some("delivered"));
        for ours in ["FULFILLED", "MARKED_AS_FULFILLED", "SUBMITTED", "CANCELED"] {
            assert_eq!(
                shipment_status(ours),
                None,
                "{ours} is no word of a carrier"
            );
        }
        assert_eq!(
            fulfillment_status("BEAMED_UP", true).as_deref(),
            Some("partial")
        );
        assert_eq!(fulfillment_status("BEAMED_UP", false), None);
        assert_eq!(word("SOMEWHAT_PAID").as_deref(), Some("somewhat_paid"));
    }
}
