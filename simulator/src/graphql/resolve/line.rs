//! `LineItem` and `FulfillmentLineItem`.

use apollo_compiler::resolvers::{ObjectValue, ResolveInfo, ResolvedValue};

use super::money::Bag;
use super::{Record, Resolved, text, text_or_null};
use crate::model::{FulfillmentLine, LineItem, Order, gid};

#[derive(Clone, Copy)]
pub(super) struct LineNode<'a> {
    pub(super) order: &'a Order,
    pub(super) line: &'a LineItem,
}

impl ObjectValue for LineNode<'_> {
    fn type_name(&self) -> &'static str {
        "LineItem"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let (order, line) = (self.order, self.line);
        let money = |amount| {
            ResolvedValue::object(Bag {
                currency: &order.currency,
                amount,
            })
        };
        let reference =
            |kind, id| ResolvedValue::object(Record::new(kind).leaf("id", gid(kind, id)));
        Ok(match info.field_name() {
            "id" => ResolvedValue::leaf(gid("LineItem", line.id)),
            "title" => text(&line.title),
            "name" => match &line.variant_title {
                Some(variant) => ResolvedValue::leaf(format!("{} - {variant}", line.title)),
                None => text(&line.title),
            },
            "variantTitle" => text_or_null(line.variant_title.as_deref()),
            "sku" => text_or_null(line.sku.as_deref()),
            "vendor" => text_or_null(line.vendor.as_deref()),
            "quantity" => ResolvedValue::leaf(line.quantity),
            "currentQuantity" => ResolvedValue::leaf(line.current_quantity),
            "unfulfilledQuantity" => ResolvedValue::leaf(order.unfulfilled_quantity(line)),
            "requiresShipping" => ResolvedValue::leaf(line.requires_shipping),
            "originalUnitPriceSet" => money(line.price),
            "discountedTotalSet" => money(line.price * i64::from(line.quantity)),
            "product" => reference("Product", line.product_id),
            "variant" => reference("ProductVariant", line.variant_id),
            _ => return Err(self.unknown_field_error(info)),
        })
    }
}

#[derive(Clone, Copy)]
pub(super) struct ShippedNode<'a> {
    pub(super) order: &'a Order,
    pub(super) shipped: &'a FulfillmentLine,
}

impl ObjectValue for ShippedNode<'_> {
    fn type_name(&self) -> &'static str {
        "FulfillmentLineItem"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        Ok(match info.field_name() {
            "id" => ResolvedValue::leaf(gid("FulfillmentLineItem", self.shipped.id)),
            "quantity" => ResolvedValue::leaf(self.shipped.quantity),
            "lineItem" => {
                let order = self.order;
                let line = order.line(self.shipped.line_item);
                ResolvedValue::nullable_object(line.map(|line| LineNode { order, line }))
            }
            _ => return Err(self.unknown_field_error(info)),
        })
    }
}
