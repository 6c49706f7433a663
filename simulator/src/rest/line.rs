//! Line items in REST's shape.

use serde_json::{Value, json};

use super::{api_id, money_set};
use crate::model::{LineItem, Order};

pub(super) fn line_item(order: &Order, line: &LineItem) -> Value {
    let name = match &line.variant_title {
        Some(variant) => format!("{} - {variant}", line.title),
        None => line.title.clone(),
    };
    json!({
        "id": line.id,
        "admin_graphql_api_id": api_id("LineItem", line.id),
        "attributed_staffs": [],
        "current_quantity": line.current_quantity,
        "fulfillable_quantity": order.unfulfilled_quantity(line),
        "fulfillment_service": "manual",
        "fulfillment_status": fulfillment_status(order, line),
        "gift_card": false,
        "grams": line.grams,
        "name": name,
        "price": order.currency.rest(line.price),
        "price_set": money_set(order, line.price),
        "product_exists": true,
        "product_id": line.product_id,
        "properties": [],
        "quantity": line.quantity,
        "requires_shipping": line.requires_shipping,
        "sales_line_item_group_id": null,
        "sku": line.sku,
        "taxable": true,
        "title": line.title,
        "total_discount": order.currency.rest(0),
        "total_discount_set": money_set(order, 0),
        "variant_id": line.variant_id,
        "variant_inventory_management": "shopify",
        "variant_title": line.variant_title,
        "vendor": line.vendor,
        "tax_lines": [],
        "duties": [],
        "discount_allocations": [],
    })
}

fn fulfillment_status(order: &Order, line: &LineItem) -> Option<&'static str> {
    if order.fulfilled_quantity(line.id) == 0 {
        return None;
    }
    let partial = order.unfulfilled_quantity(line) > 0;
    Some(if partial { "partial" } else { "fulfilled" })
}
