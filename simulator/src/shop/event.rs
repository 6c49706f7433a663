//! The carrier reports.

use chrono::SubsecRound as _;

use super::{NewEvent, News, Shop, ShopError};
use crate::model::{Event, Fulfillment, Order, ShipmentStatus};
use crate::rest;
use crate::world::EventBump;

impl Shop {
    /// The carrier reports `status` now. Returns the event's id; see [`Self::track_with`].
    pub fn track(&self, fulfillment: u64, status: ShipmentStatus) -> Result<u64, ShopError> {
        self.track_with(fulfillment, NewEvent::new(status))
    }

    /// The carrier reports: `fulfillment_events/create` and `fulfillments/update`. Whether the order's `updated_at` moves too,
    /// and `orders/updated` is sent, is the simulator's `event_bump` setting.
    pub fn track_with(&self, fulfillment: u64, new: NewEvent) -> Result<u64, ShopError> {
        let (order, at) = self.fulfillment(fulfillment)?;
        let bump = self.world.settings().event_bump;
        let id = self.world.ids.next();
        let (order, event) = self.change(order.id, |order, now| {
            let country = order.shipping_address.as_ref();
            let country = country.map(|address| address.country_code.clone());
            let happened_at = new.happened_at.unwrap_or(now).trunc_subsecs(0);
            let event = Event {
                id,
                status: new.status,
                message: new.message,
                happened_at,
                created_at: now,
                estimated_delivery_at: new.estimated_delivery_at.map(|at| at.trunc_subsecs(0)),
                city: new.city,
                province: None,
                country: new.country.or(country),
                zip: None,
            };
            let one = fulfillment_at(order, at, fulfillment)?;
            one.events.push(event.clone());
            one.settle_times();
            one.updated_at = now;
            if bump == EventBump::Order {
                order.updated_at = now;
            }
            Ok(event)
        })?;
        self.send_event("fulfillment_events/create", &order, at, &event);
        Ok(id)
    }

    /// An event is taken back: `fulfillment_events/delete` and `fulfillments/update`, and the rest as for [`Self::track_with`].
    pub fn delete_event(&self, fulfillment: u64, event: u64) -> Result<(), ShopError> {
        let (order, at) = self.fulfillment(fulfillment)?;
        let bump = self.world.settings().event_bump;
        let (order, event) = self.change(order.id, |order, now| {
            let one = fulfillment_at(order, at, fulfillment)?;
            let place = one.events.iter().position(|known| known.id == event);
            let event = one
                .events
                .remove(place.ok_or(ShopError::UnknownEvent(event))?);
            one.settle_times();
            one.updated_at = now;
            if bump == EventBump::Order {
                order.updated_at = now;
            }
            Ok(event)
        })?;
        self.send_event("fulfillment_events/delete", &order, at, &event);
        Ok(())
    }

    fn send_event(&self, topic: &'static str, order: &Order, at: usize, event: &Event) {
        let Some(one) = order.fulfillments.get(at) else {
            return;
        };
        let render = self.renderer();
        let mut news: Vec<News> = vec![
            (topic, rest::event(render, order, one, event)),
            ("fulfillments/update", rest::fulfillment(render, order, one)),
        ];
        if self.world.settings().event_bump == EventBump::Order {
            news.push(self.full("orders/updated", order));
        }
        self.send(order.id, news);
    }
}

fn fulfillment_at(order: &mut Order, at: usize, id: u64) -> Result<&mut Fulfillment, ShopError> {
    let found = order.fulfillments.get_mut(at);
    found.ok_or(ShopError::UnknownFulfillment(id))
}
