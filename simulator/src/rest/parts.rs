//! Addresses, customers and refunds in REST's shape.

use serde_json::{Value, json};

use super::{Renderer, api_id, line, money_set};
use crate::model::{Address, Customer, Order, Refund};

pub(super) fn address(address: Option<&Address>) -> Value {
    let Some(address) = address else {
        return Value::Null;
    };
    json!({
        "first_name": address.first_name, "address1": address.address1, "phone": address.phone,
        "city": address.city, "zip": address.zip, "province": address.province,
        "country": address.country, "last_name": address.last_name, "address2": address.address2,
        "company": address.company, "latitude": null, "longitude": null, "name": address.name(),
        "country_code": address.country_code, "province_code": address.province_code,
    })
}

pub(super) fn customer(customer: Option<&Customer>, order: &Order) -> Value {
    let Some(customer) = customer else {
        return Value::Null;
    };
    json!({
        "id": customer.id, "created_at": null, "updated_at": null, "first_name": customer.first_name,
        "last_name": customer.last_name, "state": "disabled", "note": null, "verified_email": true,
        "multipass_identifier": null, "tax_exempt": false, "email": customer.email,
        "phone": customer.phone, "currency": order.currency.code(), "tax_exemptions": [],
        "admin_graphql_api_id": api_id("Customer", customer.id),
        "default_address": default_address(customer, order.billing_address.as_ref()),
    })
}

/// The billing address as a customer's: with ids, without coordinates.
fn default_address(customer: &Customer, billing: Option<&Address>) -> Value {
    let mut value = address(billing);
    let Some(fields) = value.as_object_mut() else {
        return value;
    };
    fields.remove("latitude");
    fields.remove("longitude");
    let own = json!({
        "id": customer.id + 1, "customer_id": customer.id, "default": true,
        "country_name": fields.get("country").cloned(),
    });
    if let Value::Object(own) = own {
        fields.extend(own);
    }
    value
}

/// An amount as a JSON number.
fn number(amount: &str) -> Value {
    serde_json::from_str(amount).unwrap_or_default()
}

/// A refund, as `refunds/create` sends it and as it lies in the order.
pub(crate) fn refund(render: Renderer<'_>, order: &Order, refund: &Refund) -> Value {
    let at = render.time(refund.created_at);
    let lines: Vec<Value> = refund
        .lines
        .iter()
        .filter_map(|taken| {
            let of = order.line(taken.line_item)?;
            let subtotal = of.price * i64::from(taken.quantity);
            Some(json!({
                "id": taken.id, "quantity": taken.quantity, "line_item_id": taken.line_item,
                "location_id": null, "restock_type": "no_restock",
                // Numbers, here alone.
                "subtotal": number(&order.currency.rest(subtotal)), "total_tax": 0,
                "subtotal_set": money_set(order, subtotal),
                "total_tax_set": money_set(order, 0),
                "line_item": line::line_item(order, of),
            }))
        })
        .collect();
    json!({
        "id": refund.id, "order_id": order.id, "created_at": at, "note": refund.note, "user_id": null,
        "processed_at": at, "duties": [], "total_duties_set": money_set(order, 0), "return": null,
        "refund_shipping_lines": [], "restock": false,
        "admin_graphql_api_id": api_id("Refund", refund.id), "order_adjustments": [],
        "refund_line_items": lines,
        "transactions": [{
            "id": refund.id + 1, "order_id": order.id, "kind": "refund", "status": "success",
            "gateway": "shopify_payments", "amount": order.currency.rest(refund.amount),
            "currency": order.currency.code(), "created_at": at, "processed_at": at, "test": false,
            "admin_graphql_api_id": api_id("OrderTransaction", refund.id + 1), "parent_id": null,
            "location_id": null, "device_id": null, "user_id": null, "authorization": null, "receipt": {},
            "error_code": null, "message": null, "source_name": "web", "manual_payment_gateway": false,
        }],
    })
}
