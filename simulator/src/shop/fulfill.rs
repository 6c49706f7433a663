//! Things are shipped.

use chrono::{DateTime, Utc};

use super::{NewFulfillment, Shop, ShopError};
use crate::model::order::ShippingState;
use crate::model::{Fulfillment, FulfillmentLine, FulfillmentStatus, Order, Tracking};
use crate::rest;
use crate::world::Ids;

impl Shop {
    /// Fulfils an order or some of it: `fulfillments/create`, `orders/fulfilled` or `orders/partially_fulfilled`, and
    /// `orders/updated`. Returns the fulfilment's id.
    pub fn fulfill(&self, order: u64, new: NewFulfillment) -> Result<u64, ShopError> {
        let (order, at) = self.change(order, |order, now| {
            let fulfillment = build(order, &self.world.ids, new, now)?;
            order.updated_at = now;
            order.fulfillments.push(fulfillment);
            close_if_done(order, now);
            Ok(order.fulfillments.len() - 1)
        })?;
        let topic = match order.shipping_state() {
            ShippingState::All => "orders/fulfilled",
            ShippingState::Partial | ShippingState::None => "orders/partially_fulfilled",
        };
        let Some(fulfillment) = order.fulfillments.get(at) else {
            return Err(ShopError::NothingToFulfill(order.id));
        };
        let body = rest::fulfillment(self.renderer(), &order, fulfillment);
        let news = vec![
            ("fulfillments/create", body),
            self.full(topic, &order),
            self.full("orders/updated", &order),
        ];
        self.send(order.id, news);
        Ok(fulfillment.id)
    }

    /// Replaces a fulfilment's tracking: `fulfillments/update` and `orders/updated`. Lines in `new` are not looked at.
    pub fn update_tracking(&self, fulfillment: u64, new: NewFulfillment) -> Result<(), ShopError> {
        self.change_fulfillment(fulfillment, |one| {
            one.tracking = tracking(&new);
            one.company = new.company;
        })
    }

    /// Takes a fulfilment back: `fulfillments/update` and `orders/updated`. Its lines can be fulfilled again.
    pub fn cancel_fulfillment(&self, fulfillment: u64) -> Result<(), ShopError> {
        self.change_fulfillment(fulfillment, |one| one.status = FulfillmentStatus::Cancelled)
    }

    fn change_fulfillment(
        &self,
        id: u64,
        deed: impl FnOnce(&mut Fulfillment),
    ) -> Result<(), ShopError> {
        let (order, at) = self.fulfillment(id)?;
        let unknown = || ShopError::UnknownFulfillment(id);
        let (order, ()) = self.change(order.id, |order, now| {
            let one = order.fulfillments.get_mut(at).ok_or_else(unknown)?;
            deed(one);
            one.updated_at = now;
            order.updated_at = now;
            if order.shipping_state() != ShippingState::All && order.cancelled_at.is_none() {
                order.closed_at = None;
            }
            Ok(())
        })?;
        let one = order.fulfillments.get(at).ok_or_else(unknown)?;
        let body = rest::fulfillment(self.renderer(), &order, one);
        let news = vec![
            ("fulfillments/update", body),
            self.full("orders/updated", &order),
        ];
        self.send(order.id, news);
        Ok(())
    }
}

/// Shopify archives an order once it is paid and shipped.
fn close_if_done(order: &mut Order, now: DateTime<Utc>) {
    if order.shipping_state() == ShippingState::All && order.outstanding() == 0 {
        order.closed_at = Some(now);
    }
}

/// The fulfilment that `new` describes; what an order has not left cannot be in it.
pub(super) fn build(
    order: &Order,
    ids: &Ids,
    new: NewFulfillment,
    now: DateTime<Utc>,
) -> Result<Fulfillment, ShopError> {
    let wanted = |index: usize| {
        let named = new.items.iter().find(|(at, _)| *at == index);
        named.map_or(0, |(_, quantity)| *quantity)
    };
    let mut lines = Vec::new();
    for (index, line) in order.lines.iter().enumerate() {
        let left = order.unfulfilled_quantity(line);
        let quantity = if new.items.is_empty() {
            left
        } else {
            wanted(index).min(left)
        };
        if quantity > 0 {
            lines.push(FulfillmentLine {
                id: ids.next(),
                line_item: line.id,
                quantity,
            });
        }
    }
    if lines.is_empty() {
        return Err(ShopError::NothingToFulfill(order.id));
    }
    Ok(Fulfillment {
        id: ids.next(),
        ordinal: order.fulfillments.len() + 1,
        status: FulfillmentStatus::Success,
        created_at: now,
        updated_at: now,
        in_transit_at: None,
        delivered_at: None,
        estimated_delivery_at: None,
        tracking: tracking(&new),
        company: new.company,
        lines,
        events: Vec::new(),
    })
}

fn tracking(new: &NewFulfillment) -> Vec<Tracking> {
    let numbered = new.numbers.iter().enumerate();
    numbered
        .map(|(at, number)| Tracking {
            number: number.clone(),
            url: new.urls.get(at).cloned(),
        })
        .collect()
}
