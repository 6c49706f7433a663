//! Reading whole orders: a page of a search, by id, by number; lines beyond the first page included.

use super::{Calls, Priority};
use crate::{
    order::{Email, FulfillmentId, Order, OrderId, OrderNumber, ShippedItem, Source},
    shopify::{
        AdminError, FulfillmentLineItemsPage, LineItemsPage, OrderById, OrderNode, OrderSortKey,
        OrdersByIds, OrdersPage, WireError,
    },
};
use chrono::{DateTime, Utc};
use thiserror::Error;

/// How many pages of a prefix-like name search are looked through for the exact name.
const NAME_PAGES: u32 = 5;
/// Orders of one page of a name search: the exact one is nearly always among the first.
const NAME_PAGE: u32 = 10;
/// Pages of a search by e-mail: nearly every customer is answered by the first, and no shop's customer by more than all.
const EMAIL_PAGES: [u32; 3] = [10, 50, 190];
/// Pages of lines beyond the first: 2,500 lines are five times what Shopify allows an order.
const MORE_PAGES: u32 = 10;

/// Why an order could not be read whole.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The call failed.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The answer cannot be taken as an order.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The order changed while its pages were read.
    #[error("the order changed while its lines were read")]
    Moved,
    /// So many numbers begin like the one asked for that it is not known whether there is one that is it.
    #[error("too many numbers begin like this one")]
    TooManyNeighbours,
    /// More lines than any order has.
    #[error("the order has more lines than we read")]
    TooManyLines,
}

/// Reads orders on somebody's behalf.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// Through which calls.
    pub calls: &'a Calls,
    /// On whose behalf.
    pub priority: Priority,
    /// What the orders read are marked with.
    pub source: Source,
}

/// A page of a search.
#[derive(Debug)]
pub struct Page {
    /// Its orders, each whole; one that could not be read is an error of its own and does not stop the page.
    pub orders: Vec<Result<Order, (Option<OrderId>, ReadError)>>,
    /// Where to go on, if there is more.
    pub next: Option<String>,
}

/// Orders of a customer.
#[derive(Debug, Default)]
pub struct OrdersOfCustomer {
    /// The orders.
    pub orders: Vec<Order>,
    /// Whether there are no others.
    pub are_all: bool,
}

/// Orders read by id.
#[derive(Debug, Default)]
pub struct OrdersFound {
    /// Those there are.
    pub orders: Vec<Order>,
    /// Ids Shopify has no order for, or none that the app may see.
    pub missing: Vec<OrderId>,
    /// Orders that could not be read.
    pub failed: Vec<(OrderId, ReadError)>,
}

impl Reader<'_> {
    /// One page of a search.
    pub async fn page(&self, query: &OrdersPage) -> Result<Page, AdminError> {
        let answer = self.calls.run(self.priority, query).await?;
        let connection = answer.data.orders;
        let next = connection.page_info.next().map(str::to_owned);
        let mut orders = Vec::with_capacity(connection.nodes.len());
        for node in connection.nodes {
            let id = node.id().ok();
            orders.push(
                self.whole(node, answer.began_at)
                    .await
                    .map_err(|error| (id, error)),
            );
        }
        Ok(Page { orders, next })
    }

    /// One order by id, past the search index.
    pub async fn by_id(&self, id: OrderId) -> Result<Option<Order>, ReadError> {
        let answer = self.calls.run(self.priority, &OrderById(id)).await?;
        match answer.data.order {
            Some(node) => Ok(Some(self.whole(*node, answer.began_at).await?)),
            None => Ok(None),
        }
    }

    /// Many orders by id, at most 250, in one call.
    pub async fn by_ids(&self, ids: &[OrderId]) -> Result<OrdersFound, AdminError> {
        let answer = self
            .calls
            .run(self.priority, &OrdersByIds(ids.to_vec()))
            .await?;
        let mut found = OrdersFound::default();
        for (id, node) in ids.iter().zip(answer.data.nodes) {
            let Some(node) = node else {
                found.missing.push(*id);
                continue;
            };
            match self.whole(node, answer.began_at).await {
                Ok(order) => found.orders.push(order),
                Err(error) => found.failed.push((*id, error)),
            }
        }
        Ok(found)
    }

    /// The order whose number is exactly `number`. Shopify's search also finds numbers that only begin alike, so names are
    /// compared here. Those are younger than the one they begin like, so with the oldest first it stands on the first page.
    pub async fn by_number(&self, number: &OrderNumber) -> Result<Option<Order>, ReadError> {
        let mut query = OrdersPage {
            first: NAME_PAGE,
            after: None,
            query: format!("name:\"{number}\""),
            sort: OrderSortKey::OldestFirst,
        };
        for _page in 0..NAME_PAGES {
            let answer = self.calls.run(self.priority, &query).await?;
            let connection = answer.data.orders;
            query.after = connection.page_info.next().map(str::to_owned);
            let is_exact =
                |node: &OrderNode| OrderNumber::parse(node.name()).as_ref() == Ok(number);
            if let Some(node) = connection.nodes.into_iter().find(is_exact) {
                return Ok(Some(self.whole(node, answer.began_at).await?));
            }
            if query.after.is_none() {
                return Ok(None);
            }
        }
        Err(ReadError::TooManyNeighbours)
    }

    /// The orders of an e-mail address, newest first, and whether these are all. Shopify's search for an address is cut into words,
    /// so it finds neighbours too, and addresses are compared here.
    pub async fn by_email(&self, email: &Email) -> Result<OrdersOfCustomer, ReadError> {
        let mut query = OrdersPage {
            first: 0,
            after: None,
            query: format!("email:\"{}\"", email.as_str()),
            sort: OrderSortKey::NewestFirst,
        };
        let mut of = OrdersOfCustomer::default();
        for first in EMAIL_PAGES {
            query.first = first;
            let page = self.page(&query).await?;
            for order in page.orders {
                let order = order.map_err(|(_, error)| error)?;
                let head = order.head.as_ref();
                if head.and_then(|head| head.value.customer()).as_ref() == Some(email) {
                    of.orders.push(order);
                }
            }
            query.after = page.next;
            if query.after.is_none() {
                of.are_all = true;
                break;
            }
        }
        Ok(of)
    }

    /// The order with all its lines and all its parcels' contents.
    async fn whole(&self, node: OrderNode, began_at: DateTime<Utc>) -> Result<Order, ReadError> {
        let more_lines = node.more_lines();
        let more_items = node.more_items()?;
        let version = node.updated_at();
        let mut order = node.into_order(began_at, self.source)?;
        if let Some(after) = more_lines {
            self.add_lines(&mut order, version, after).await?;
        }
        for (fulfillment, version, after) in more_items {
            let mut items = self.items_after(fulfillment, version, after).await?;
            if let Some(facet) = order.fulfillments.get_mut(&fulfillment) {
                facet.value.items.append(&mut items);
                facet.value.items.sort_unstable();
            }
        }
        Ok(order)
    }

    async fn add_lines(
        &self,
        order: &mut Order,
        version: DateTime<Utc>,
        after: String,
    ) -> Result<(), ReadError> {
        let Some(head) = &mut order.head else {
            return Ok(());
        };
        let mut query = LineItemsPage {
            order: order.id,
            after,
        };
        for _page in 0..MORE_PAGES {
            let answer = self.calls.run(self.priority, &query).await?;
            // Pages of two versions would make an order that never was.
            let page = answer
                .data
                .order
                .filter(|page| page.updated_at == version)
                .ok_or(ReadError::Moved)?;
            let (mut lines, next) = page.into_lines(&head.value.currency)?;
            head.value.line_items.append(&mut lines);
            let Some(after) = next else {
                head.value.line_items.sort_unstable_by_key(|line| line.id);
                return Ok(());
            };
            query.after = after;
        }
        Err(ReadError::TooManyLines)
    }

    async fn items_after(
        &self,
        fulfillment: FulfillmentId,
        version: DateTime<Utc>,
        after: String,
    ) -> Result<Vec<ShippedItem>, ReadError> {
        let mut query = FulfillmentLineItemsPage { fulfillment, after };
        let mut items = Vec::new();
        for _page in 0..MORE_PAGES {
            let answer = self.calls.run(self.priority, &query).await?;
            let page = answer
                .data
                .fulfillment
                .filter(|page| page.updated_at == version)
                .ok_or(ReadError::Moved)?;
            let (mut more, next) = page.into_items()?;
            items.append(&mut more);
            let Some(after) = next else { return Ok(items) };
            query.after = after;
        }
        Err(ReadError::TooManyLines)
    }
}
