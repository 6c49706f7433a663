//! The documents we send, each with its variables, its cost and the shape of its answer.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    bulk::{self, BulkCancel, BulkPoll, BulkRun, OrdersCount},
    cost::{Cost, connection_cost},
    subscriptions::{WebhookSubs, WhCreate, WhDelete, WhUpdate},
    wire::{FulfillmentData, LineItemsData, NodesData, OrderData, OrdersData, WhoAmIData},
};
use crate::order::{FulfillmentId, OrderId};

/// One full order: itself and two addresses (3), 250 lines, its parcels (1) with tracking (1), 250 shipped lines and 50 events.
const ORDER_COST: u32 = 3 + (2 + 11) + 2 + (2 + 11 * 2) + (2 + 7);

/// One kind of call.
pub trait Query: Sync {
    /// The operation's name in its document.
    const NAME: &'static str;
    /// The document with all its fragments.
    const DOCUMENT: &'static str;
    /// What `data` holds.
    type Data: DeserializeOwned + Send;
    /// The variables.
    fn variables(&self) -> Value;
    /// What Shopify will ask for it, by its published formula.
    fn cost(&self) -> Cost;
    /// Whether the caller can split it where Shopify takes too long over it.
    fn can_ask_for_less(&self) -> bool {
        false
    }
}

/// Joins a document and the fragments it uses.
macro_rules! document {
    ($($file:literal),+) => { concat!($(include_str!(concat!("documents/", $file))),+) };
}

/// What orders are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderSortKey {
    /// Newest first by when they were placed.
    NewestFirst,
    /// Oldest first by when they were placed.
    OldestFirst,
    /// Oldest change first, so that what changes meanwhile moves behind the cursor's end and is seen.
    OldestChangeFirst,
}

/// A page of a search.
#[derive(Debug, Clone)]
pub struct OrdersPage {
    /// How many, at most 250.
    pub first: u32,
    /// Where the page before ended.
    pub after: Option<String>,
    /// Shopify's search syntax, with every value quoted.
    pub query: String,
    /// The order.
    pub sort: OrderSortKey,
}

impl Query for OrdersPage {
    const NAME: &'static str = "OrdersPage";
    const DOCUMENT: &'static str = document!(
        "orders_page.graphql",
        "order_fields.graphql",
        "line_item_fields.graphql"
    );
    type Data = OrdersData;

    fn variables(&self) -> Value {
        let (sort_key, reverse) = match self.sort {
            OrderSortKey::NewestFirst => ("CREATED_AT", true),
            OrderSortKey::OldestFirst => ("CREATED_AT", false),
            OrderSortKey::OldestChangeFirst => ("UPDATED_AT", false),
        };
        json!({ "first": self.first, "after": self.after, "query": self.query, "sortKey": sort_key, "reverse": reverse })
    }

    fn cost(&self) -> Cost {
        Cost(connection_cost(self.first, ORDER_COST))
    }

    fn can_ask_for_less(&self) -> bool {
        self.first > 10
    }
}

/// One order, past the search index.
#[derive(Debug, Clone)]
pub struct OrderById(pub OrderId);

impl Query for OrderById {
    const NAME: &'static str = "OrderById";
    const DOCUMENT: &'static str = document!(
        "order_by_id.graphql",
        "order_fields.graphql",
        "line_item_fields.graphql"
    );
    type Data = OrderData;

    fn variables(&self) -> Value {
        json!({ "id": self.0.gid() })
    }

    fn cost(&self) -> Cost {
        Cost(ORDER_COST)
    }
}

/// Many orders by id, at most 250, past the search index; the cost does not grow with them.
#[derive(Debug, Clone)]
pub struct OrdersByIds(pub Vec<OrderId>);

impl Query for OrdersByIds {
    const NAME: &'static str = "OrdersByIds";
    const DOCUMENT: &'static str = document!(
        "orders_by_ids.graphql",
        "order_fields.graphql",
        "line_item_fields.graphql"
    );
    type Data = NodesData;

    fn variables(&self) -> Value {
        let ids: Vec<_> = self.0.iter().map(|id| id.gid()).collect();
        json!({ "ids": ids })
    }

    fn cost(&self) -> Cost {
        Cost(ORDER_COST)
    }

    fn can_ask_for_less(&self) -> bool {
        self.0.len() > 1
    }
}

/// Lines of an order beyond its first 250.
#[derive(Debug, Clone)]
pub struct LineItemsPage {
    /// Whose.
    pub order: OrderId,
    /// Where the page before ended.
    pub after: String,
}

impl Query for LineItemsPage {
    const NAME: &'static str = "LineItemsPage";
    const DOCUMENT: &'static str = document!("line_items_page.graphql", "line_item_fields.graphql");
    type Data = LineItemsData;

    fn variables(&self) -> Value {
        json!({ "id": self.order.gid(), "after": self.after })
    }

    fn cost(&self) -> Cost {
        Cost(1 + connection_cost(250, 1))
    }
}

/// Shipped lines of a fulfilment beyond its first 250.
#[derive(Debug, Clone)]
pub struct FulfillmentLineItemsPage {
    /// Whose.
    pub fulfillment: FulfillmentId,
    /// Where the page before ended.
    pub after: String,
}

impl Query for FulfillmentLineItemsPage {
    const NAME: &'static str = "FulfillmentLineItemsPage";
    const DOCUMENT: &'static str = document!("fulfillment_line_items_page.graphql");
    type Data = FulfillmentData;

    fn variables(&self) -> Value {
        json!({ "id": self.fulfillment.gid(), "after": self.after })
    }

    fn cost(&self) -> Cost {
        Cost(1 + connection_cost(250, 2))
    }
}

/// What the shop says of itself, what it lets us do, and which API versions there are.
#[derive(Debug, Clone, Copy)]
pub struct WhoAmI;

impl Query for WhoAmI {
    const NAME: &'static str = "WhoAmI";
    const DOCUMENT: &'static str = document!("who_am_i.graphql");
    type Data = WhoAmIData;

    fn variables(&self) -> Value {
        json!({})
    }

    fn cost(&self) -> Cost {
        Cost(5)
    }
}

/// Every document as it is sent, by operation name: what the tests hold against Shopify's real schema.
pub fn documents() -> [(&'static str, &'static str); 15] {
    [
        (OrdersPage::NAME, OrdersPage::DOCUMENT),
        (OrderById::NAME, OrderById::DOCUMENT),
        (OrdersByIds::NAME, OrdersByIds::DOCUMENT),
        (LineItemsPage::NAME, LineItemsPage::DOCUMENT),
        (
            FulfillmentLineItemsPage::NAME,
            FulfillmentLineItemsPage::DOCUMENT,
        ),
        (WhoAmI::NAME, WhoAmI::DOCUMENT),
        (OrdersCount::NAME, OrdersCount::DOCUMENT),
        (BulkRun::NAME, BulkRun::DOCUMENT),
        (BulkPoll::NAME, BulkPoll::DOCUMENT),
        (BulkCancel::NAME, BulkCancel::DOCUMENT),
        bulk::INNER,
        (WebhookSubs::NAME, WebhookSubs::DOCUMENT),
        (WhCreate::NAME, WhCreate::DOCUMENT),
        (WhUpdate::NAME, WhUpdate::DOCUMENT),
        (WhDelete::NAME, WhDelete::DOCUMENT),
    ]
}
