//! An order in REST's shape: the 93 keys of `orders/*`, in four groups.

use serde_json::{Map, Value, json};

use super::{Renderer, api_id, fulfillment, line, money_set, parts};
use crate::model::Order;

/// The body of `orders/create`, `orders/updated` and their like.
pub(crate) fn order(render: Renderer<'_>, order: &Order) -> Value {
    let groups = [
        identity(render, order),
        money(order),
        states(render, order),
        children(render, order),
    ];
    let mut body = Map::new();
    for group in groups {
        if let Value::Object(group) = group {
            body.extend(group);
        }
    }
    Value::Object(body)
}

fn identity(render: Renderer<'_>, order: &Order) -> Value {
    json!({
        "id": order.id,
        "admin_graphql_api_id": api_id("Order", order.id),
        "app_id": 580_111,
        "browser_ip": null,
        "buyer_accepts_marketing": false,
        "cart_token": null,
        "checkout_token": null,
        "client_details": null,
        "confirmation_number": order.confirmation_number(),
        "contact_email": order.email,
        "customer_locale": "en",
        "device_id": null,
        "email": order.email,
        "landing_site": null,
        "landing_site_ref": null,
        "location_id": null,
        "merchant_business_entity_id": "MTU0ODM4MDAwOQ",
        "merchant_of_record_app_id": null,
        "name": order.name,
        "note": order.note,
        "note_attributes": [],
        "number": order.number.saturating_sub(1000),
        "order_number": order.number,
        "order_status_url": order.status_url(&render.facts.domain),
        "phone": order.phone,
        "po_number": null,
        "reference": null,
        "referring_site": null,
        "source_identifier": null,
        "source_name": "web",
        "source_url": null,
        "tags": order.tags.join(", "),
        "test": order.test,
        "token": order.token(),
        "user_id": null,
    })
}

fn money(order: &Order) -> Value {
    let amount = |minor| order.currency.rest(minor);
    let set = |minor| money_set(order, minor);
    json!({
        "currency": order.currency.code(),
        "presentment_currency": order.currency.code(),
        "current_shipping_price_set": set(order.shipping_price),
        "current_subtotal_price": amount(order.current_subtotal()),
        "current_subtotal_price_set": set(order.current_subtotal()),
        "current_total_additional_fees_set": null,
        "current_total_discounts": amount(order.discounts()),
        "current_total_discounts_set": set(order.discounts()),
        "current_total_duties_set": null,
        "current_total_price": amount(order.current_total()),
        "current_total_price_set": set(order.current_total()),
        "current_total_tax": amount(order.current_tax()),
        "current_total_tax_set": set(order.current_tax()),
        "original_total_additional_fees_set": null,
        "original_total_duties_set": null,
        "subtotal_price": amount(order.subtotal()),
        "subtotal_price_set": set(order.subtotal()),
        "tax_exempt": false,
        "tax_lines": [],
        "taxes_included": true,
        "duties_included": false,
        "estimated_taxes": false,
        "total_cash_rounding_payment_adjustment_set": set(0),
        "total_cash_rounding_refund_adjustment_set": set(0),
        "total_discounts": amount(order.discounts()),
        "total_discounts_set": set(order.discounts()),
        "total_line_items_price": amount(order.line_items_price()),
        "total_line_items_price_set": set(order.line_items_price()),
        "total_outstanding": amount(order.outstanding()),
        "total_price": amount(order.total()),
        "total_price_set": set(order.total()),
        "total_shipping_price_set": set(order.shipping_price),
        "total_tax": amount(order.tax()),
        "total_tax_set": set(order.tax()),
        "total_tip_received": amount(0),
    })
}

fn states(render: Renderer<'_>, order: &Order) -> Value {
    let weight: u64 = order
        .lines
        .iter()
        .map(|line| u64::from(line.grams) * u64::from(line.quantity))
        .sum();
    json!({
        "cancel_reason": order.cancel_reason.map(crate::CancelReason::rest),
        "cancelled_at": render.time_or_null(order.cancelled_at),
        "closed_at": render.time_or_null(order.closed_at),
        "confirmed": true,
        "created_at": render.time(order.created_at),
        "financial_status": order.financial_status.rest(),
        "fulfillment_status": order.shipping_state().rest(),
        "payment_gateway_names": ["shopify_payments"],
        "processed_at": render.time(order.processed_at),
        "total_weight": weight,
        "updated_at": render.time(order.updated_at),
    })
}

fn children(render: Renderer<'_>, order: &Order) -> Value {
    let codes: Vec<Value> = order
        .discount_codes
        .iter()
        .map(|code| {
            let amount = order.currency.rest(code.amount);
            json!({ "code": code.code, "amount": amount, "type": "fixed_amount" })
        })
        .collect();
    let lines = order.lines.iter().map(|line| line::line_item(order, line));
    let fulfillments = order.fulfillments.iter();
    let fulfillments = fulfillments.map(|one| fulfillment::nested(render, order, one));
    let refunds = order.refunds.iter();
    let refunds = refunds.map(|refund| parts::refund(render, order, refund));
    json!({
        "billing_address": parts::address(order.billing_address.as_ref()),
        "customer": parts::customer(order.customer.as_ref(), order),
        "discount_applications": [],
        "discount_codes": codes,
        "fulfillments": fulfillments.collect::<Vec<_>>(),
        "line_item_groups": [],
        "line_items": lines.collect::<Vec<_>>(),
        "payment_terms": null,
        "refunds": refunds.collect::<Vec<_>>(),
        "returns": [],
        "shipping_address": parts::address(order.shipping_address.as_ref()),
        "shipping_lines": [shipping_line(order)],
    })
}

fn shipping_line(order: &Order) -> Value {
    let amount = order.currency.rest(order.shipping_price);
    let set = money_set(order, order.shipping_price);
    json!({
        "id": order.id + 1, "carrier_identifier": null, "code": "Standard",
        "current_discounted_price_set": set, "discounted_price": amount, "discounted_price_set": set,
        "is_removed": false, "phone": null, "price": amount, "price_set": set,
        "requested_fulfillment_service_id": null, "source": "shopify", "title": "Standard",
        "tax_lines": [], "discount_allocations": [],
    })
}
