//! `Order`.

use std::sync::Arc;

use apollo_compiler::resolvers::{ObjectValue, ResolveInfo, ResolvedValue};

use super::address::AddressNode;
use super::connection::{Connection, Names, page_of};
use super::fulfillment::FulfillmentNode;
use super::line::LineNode;
use super::money::Bag;
use super::{
    Context, Record, Resolved, count_argument, denied, text, text_or_null, time, time_or_null,
};
use crate::model::order::ShippingState;
use crate::model::{Address, Order, gid};

const LINES: Names = Names {
    connection: "LineItemConnection",
    edge: "LineItemEdge",
};

#[derive(Clone)]
pub(super) struct OrderNode<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) order: Arc<Order>,
}

impl ObjectValue for OrderNode<'_> {
    fn type_name(&self) -> &'static str {
        "Order"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let name = info.field_name();
        let found = self
            .identity(name)
            .or_else(|| self.state(name))
            .or_else(|| self.money(name));
        if let Some(found) = found {
            return Ok(found);
        }
        match name {
            "lineItems" => self.lines(info),
            "fulfillments" => Ok(self.fulfillments(count_argument(info, "first"))),
            "customer" => self.customer(),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

impl OrderNode<'_> {
    fn identity(&self, name: &str) -> Option<ResolvedValue<'_>> {
        let order = self.order.as_ref();
        let domain = &self.context.world.facts.domain;
        Some(match name {
            "id" => ResolvedValue::leaf(gid("Order", order.id)),
            "legacyResourceId" => ResolvedValue::leaf(order.id.to_string()),
            "name" => text(&order.name),
            "number" => ResolvedValue::leaf(order.number),
            "confirmationNumber" => ResolvedValue::leaf(order.confirmation_number()),
            "email" => text_or_null(order.email.as_deref()),
            "phone" => text_or_null(order.phone.as_deref()),
            "note" => text_or_null(order.note.as_deref()),
            "tags" => ResolvedValue::list(order.tags.iter().map(|tag| text(tag))),
            "test" => ResolvedValue::leaf(order.test),
            "statusPageUrl" => ResolvedValue::leaf(order.status_url(domain)),
            "sourceName" => text("web"),
            "poNumber" => ResolvedValue::null(),
            "discountCodes" => {
                ResolvedValue::list(order.discount_codes.iter().map(|one| text(&one.code)))
            }
            "subtotalLineItemsQuantity" => ResolvedValue::leaf(order.subtotal_quantity()),
            "shippingAddress" => self.address(order.shipping_address.as_ref()),
            "billingAddress" => self.address(order.billing_address.as_ref()),
            _ => return None,
        })
    }

    fn state(&self, name: &str) -> Option<ResolvedValue<'_>> {
        let order = self.order.as_ref();
        Some(match name {
            "createdAt" => time(order.created_at),
            "processedAt" => time(order.processed_at),
            "updatedAt" => time(order.updated_at),
            "cancelledAt" => time_or_null(order.cancelled_at),
            "cancelReason" => text_or_null(order.cancel_reason.map(crate::CancelReason::graphql)),
            "closedAt" => time_or_null(order.closed_at),
            "closed" => ResolvedValue::leaf(order.closed_at.is_some()),
            "displayFinancialStatus" => text(order.financial_status.graphql()),
            "displayFulfillmentStatus" => text(self.shipping_state()),
            "returnStatus" => text(order.return_status.as_deref().unwrap_or("NO_RETURN")),
            _ => return None,
        })
    }

    /// What waits says why, which payloads do not.
    fn shipping_state(&self) -> &str {
        let state = self.order.shipping_state();
        match &self.order.waiting {
            Some(waiting) if state == ShippingState::None => waiting,
            Some(_) | None => state.graphql(),
        }
    }

    fn money(&self, name: &str) -> Option<ResolvedValue<'_>> {
        let order = self.order.as_ref();
        let amount = match name {
            "currencyCode" | "presentmentCurrencyCode" => return Some(text(order.currency.code())),
            "totalPriceSet" => order.total(),
            "currentTotalPriceSet" => order.current_total(),
            "subtotalPriceSet" => order.subtotal(),
            "currentSubtotalPriceSet" => order.current_subtotal(),
            "totalTaxSet" => order.tax(),
            "currentTotalTaxSet" => order.current_tax(),
            "totalShippingPriceSet" => order.shipping_price,
            "totalDiscountsSet" => order.discounts(),
            "totalRefundedSet" => order.refunded(),
            _ => return None,
        };
        Some(ResolvedValue::object(Bag {
            currency: &order.currency,
            amount,
        }))
    }

    fn address<'a>(&self, address: Option<&'a Address>) -> ResolvedValue<'a> {
        let order = self.order.id;
        ResolvedValue::nullable_object(address.map(|address| AddressNode { order, address }))
    }

    fn lines<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let order = self.order.as_ref();
        let lines = order.lines.iter();
        let lines = lines.map(|line| (line.id, LineNode { order, line }));
        let page = page_of(info, ("lineItems", order.id), lines)?;
        Ok(ResolvedValue::object(Connection { names: LINES, page }))
    }

    /// A plain list, which ends at `first` without a word.
    fn fulfillments(&self, first: Option<usize>) -> ResolvedValue<'_> {
        let count = self.order.fulfillments.len();
        let places = 0..count.min(first.unwrap_or(usize::MAX));
        ResolvedValue::list(places.map(|at| {
            ResolvedValue::object(FulfillmentNode {
                context: self.context,
                order: Arc::clone(&self.order),
                at,
            })
        }))
    }

    fn customer(&self) -> Resolved<'_> {
        if !self.context.world.has_scope("read_customers") {
            return denied("customer", "read_customers");
        }
        let customer = self.order.customer.as_ref().map(|one| {
            Record::new("Customer")
                .leaf("id", gid("Customer", one.id))
                .leaf("legacyResourceId", one.id.to_string())
                .leaf("displayName", one.display_name())
        });
        Ok(ResolvedValue::nullable_object(customer))
    }
}
