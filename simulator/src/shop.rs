//! What people do in the shop. Each deed changes the book once and sends the webhooks that Shopify would.

mod create;
mod event;
mod fulfill;
mod generate;
mod goods;
mod new;
mod privacy;
mod update;

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, SubsecRound as _, Utc};
use serde_json::Value;

use crate::locked::lock;
use crate::model::{Order, gid};
use crate::rest::{self, Renderer};
use crate::world::World;

pub(crate) use generate::{Wanted, generate};
pub use new::{NewEvent, NewFulfillment, NewOrder};

/// Why a deed cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShopError {
    /// There is no such order, or no more.
    #[error("no order has the id {0}")]
    UnknownOrder(u64),
    /// No order has such a fulfilment.
    #[error("no fulfilment has the id {0}")]
    UnknownFulfillment(u64),
    /// The fulfilment has no such event.
    #[error("no event has the id {0}")]
    UnknownEvent(u64),
    /// The order has no such line.
    #[error("order {0} has no such line")]
    UnknownLine(u64),
    /// Every line is fulfilled already.
    #[error("order {0} has nothing left to fulfil")]
    NothingToFulfill(u64),
    /// No body can be made for this topic.
    #[error("the topic {0} has no body of its own here")]
    UnknownTopic(String),
}

/// The shop, as the people in it see it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shop {
    world: Arc<World>,
}

/// A webhook to be sent: its topic and body.
type News = (&'static str, Value);

impl Shop {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self { world }
    }

    /// Every order's id, the newest first.
    pub fn order_ids(&self) -> Vec<u64> {
        lock(&self.world.book).newest_first()
    }

    /// What the shop calls an order: `#UK22080`.
    pub fn order_name(&self, order: u64) -> Result<String, ShopError> {
        Ok(self.order(order)?.name.clone())
    }

    /// The ids of an order's lines, in order.
    pub fn line_ids(&self, order: u64) -> Result<Vec<u64>, ShopError> {
        let order = self.order(order)?;
        Ok(order.lines.iter().map(|line| line.id).collect())
    }

    /// The ids of an order's fulfilments, in order.
    pub fn fulfillment_ids(&self, order: u64) -> Result<Vec<u64>, ShopError> {
        let order = self.order(order)?;
        Ok(order.fulfillments.iter().map(|one| one.id).collect())
    }

    /// When the order last changed, by Shopify's word.
    pub fn updated_at(&self, order: u64) -> Result<DateTime<Utc>, ShopError> {
        Ok(self.order(order)?.updated_at)
    }

    /// The order as `orders/*` webhooks would tell it now.
    pub fn rest_order(&self, order: u64) -> Result<Value, ShopError> {
        let order = self.order(order)?;
        Ok(rest::order(self.renderer(), &order))
    }

    /// The bytes a webhook would carry now: `orders/*` of an order's id, `fulfillments/*` of a fulfilment's.
    pub fn webhook_body(&self, topic: &str, id: u64) -> Result<Bytes, ShopError> {
        let body = match topic {
            "orders/delete" => serde_json::json!({ "id": id }),
            "orders/edited" => {
                let order = self.order(id)?;
                rest::order_edit(self.renderer(), &order, self.world.ids.next(), &[], &[])
            }
            _ if topic.starts_with("orders/") => self.rest_order(id)?,
            _ if topic.starts_with("fulfillments/") => {
                let (order, at) = self.fulfillment(id)?;
                let fulfillment = order.fulfillments.get(at);
                let fulfillment = fulfillment.ok_or(ShopError::UnknownFulfillment(id))?;
                rest::fulfillment(self.renderer(), &order, fulfillment)
            }
            _ => return Err(ShopError::UnknownTopic(topic.to_owned())),
        };
        Ok(Bytes::from(body.to_string()))
    }

    /// The gid of an order, as GraphQL takes it.
    pub fn order_gid(&self, order: u64) -> String {
        gid("Order", order)
    }

    /// Sends an `orders/updated` although nothing changed, as Shopify does now and then.
    pub fn touch(&self, order: u64) -> Result<(), ShopError> {
        let order = self.order(order)?;
        self.send(order.id, vec![self.full("orders/updated", &order)]);
        Ok(())
    }

    fn order(&self, id: u64) -> Result<Arc<Order>, ShopError> {
        let book = lock(&self.world.book);
        book.get(id).cloned().ok_or(ShopError::UnknownOrder(id))
    }

    /// The order that has a fulfilment, and where in it.
    fn fulfillment(&self, id: u64) -> Result<(Arc<Order>, usize), ShopError> {
        let unknown = || ShopError::UnknownFulfillment(id);
        let order = lock(&self.world.book).order_of(id).ok_or_else(unknown)?;
        let order = self.order(order)?;
        let at = order.fulfillments.iter().position(|one| one.id == id);
        at.map(|at| (order, at)).ok_or_else(unknown)
    }

    fn renderer(&self) -> Renderer<'_> {
        Renderer {
            facts: &self.world.facts,
        }
    }

    /// Writes the next state of an order. Shopify keeps times to the second.
    fn change<T>(
        &self,
        id: u64,
        deed: impl FnOnce(&mut Order, DateTime<Utc>) -> Result<T, ShopError>,
    ) -> Result<(Arc<Order>, T), ShopError> {
        let mut book = lock(&self.world.book);
        let now = self.world.clock.now();
        let mut order = Order::clone(book.get(id).ok_or(ShopError::UnknownOrder(id))?);
        let done = deed(&mut order, now.trunc_subsecs(0))?;
        Ok((book.put(now, order), done))
    }

    fn full(&self, topic: &'static str, order: &Order) -> News {
        (topic, rest::order(self.renderer(), order))
    }

    fn send(&self, order: u64, news: Vec<News>) {
        let news = news
            .into_iter()
            .map(|(topic, body)| (topic.to_owned(), Bytes::from(body.to_string())));
        self.world.announce(Some(order), news.collect());
    }
}
