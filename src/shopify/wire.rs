//! The shapes of answers, and how an order of GraphQL becomes facets.

mod facets;
mod shop;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use thiserror::Error;

pub use self::shop::{Shop, WhoAmIData};
use crate::order::{BadId, FulfillmentId, LineItem, OrderId, ShippedItem};

/// An order of the API that cannot be taken as one.
#[derive(Debug, Error)]
pub enum WireError {
    /// An id is no id of the type it stands for.
    #[error("the answer holds an id that is none")]
    Id(#[from] BadId),
    /// A line has another shape than was asked for.
    #[error("the answer has another shape than asked for (column {column})")]
    Shape {
        /// Where; what stood there may be a customer's.
        column: usize,
    },
}

impl WireError {
    pub(super) fn shape(error: &serde_json::Error) -> Self {
        let column = error.column();
        Self::Shape { column }
    }
}

/// `orders(…)`.
#[derive(Debug, Deserialize)]
pub struct OrdersData {
    /// The connection.
    pub orders: OrdersConnection,
}

/// A page of orders.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrdersConnection {
    /// The orders.
    pub nodes: Vec<OrderNode>,
    /// Where it ends.
    pub page_info: PageInfo,
}

/// Where a page ends.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl PageInfo {
    /// The cursor to go on from, if there is more.
    pub fn next(&self) -> Option<&str> {
        self.end_cursor.as_deref().filter(|_| self.has_next_page)
    }
}

/// `order(id:)`.
#[derive(Debug, Deserialize)]
pub struct OrderData {
    /// The order; none if there is none of that id, or the app may not see it.
    pub order: Option<Box<OrderNode>>,
}

/// `nodes(ids:)`: in the order asked for, null for unknown ids.
#[derive(Debug, Deserialize)]
pub struct NodesData {
    /// The orders.
    pub nodes: Vec<Option<OrderNode>>,
}

/// `order(id:) { lineItems }`.
#[derive(Debug, Deserialize)]
pub struct LineItemsData {
    /// The order; none if it is gone by now.
    pub order: Option<LinesPage>,
}

/// More lines of an order.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinesPage {
    /// The order's version when this page was read.
    pub updated_at: DateTime<Utc>,
    line_items: Connection<LineItemNode>,
}

/// `fulfillment(id:) { fulfillmentLineItems }`.
#[derive(Debug, Deserialize)]
pub struct FulfillmentData {
    /// The fulfilment; none if it is gone by now.
    pub fulfillment: Option<ItemsPage>,
}

/// More contents of a parcel.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemsPage {
    /// The fulfilment's version when this page was read.
    pub updated_at: DateTime<Utc>,
    fulfillment_line_items: Connection<ShippedNode>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connection<T> {
    nodes: Vec<T>,
    page_info: PageInfo,
}

/// An order as our documents ask for it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderNode {
    id: String,
    name: String,
    email: Option<String>,
    note: Option<String>,
    tags: Vec<String>,
    test: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    cancelled_at: Option<DateTime<Utc>>,
    closed_at: Option<DateTime<Utc>>,
    display_financial_status: Option<String>,
    display_fulfillment_status: String,
    #[serde(default)]
    return_status: Option<String>,
    currency_code: String,
    discount_codes: Vec<String>,
    total_price_set: MoneyBag,
    subtotal_price_set: Option<MoneyBag>,
    total_shipping_price_set: Option<MoneyBag>,
    total_discounts_set: Option<MoneyBag>,
    total_tax_set: Option<MoneyBag>,
    shipping_address: Option<AddressNode>,
    billing_address: Option<BillingNode>,
    line_items: Connection<LineItemNode>,
    fulfillments: Vec<FulfillmentNode>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MoneyBag {
    shop_money: MoneyV2,
}

#[derive(Debug, Deserialize)]
struct MoneyV2 {
    amount: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AddressNode {
    name: Option<String>,
    company: Option<String>,
    address1: Option<String>,
    address2: Option<String>,
    city: Option<String>,
    province: Option<String>,
    province_code: Option<String>,
    zip: Option<String>,
    country: Option<String>,
    country_code_v2: Option<String>,
    phone: Option<String>,
}

#[derive(Debug, Deserialize)]
struct BillingNode {
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LineItemNode {
    id: String,
    title: String,
    variant_title: Option<String>,
    sku: Option<String>,
    quantity: i64,
    current_quantity: i64,
    requires_shipping: bool,
    original_unit_price_set: MoneyBag,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FulfillmentNode {
    id: String,
    status: String,
    display_status: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    delivered_at: Option<DateTime<Utc>>,
    estimated_delivery_at: Option<DateTime<Utc>>,
    tracking_info: Vec<TrackingNode>,
    fulfillment_line_items: Connection<ShippedNode>,
    events: EventsConnection,
}

#[derive(Debug, Deserialize)]
struct TrackingNode {
    company: Option<String>,
    number: Option<String>,
    url: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShippedNode {
    quantity: Option<i64>,
    line_item: LineItemRef,
}

#[derive(Debug, Deserialize)]
struct LineItemRef {
    id: String,
}

/// Events are asked for newest first and not paged: what a customer wants to know is at the top.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventsConnection {
    nodes: Vec<EventNode>,
    page_info: EventsPageInfo,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventsPageInfo {
    has_next_page: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventNode {
    id: String,
    status: String,
    message: Option<String>,
    happened_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
    estimated_delivery_at: Option<DateTime<Utc>>,
    city: Option<String>,
    province: Option<String>,
    country: Option<String>,
    zip: Option<String>,
}

impl OrderNode {
    /// Which order.
    pub fn id(&self) -> Result<OrderId, WireError> {
        Ok(OrderId::from_gid(&self.id)?)
    }

    /// The order's name as Shopify spells it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When the order last changed.
    pub fn updated_at(&self) -> DateTime<Utc> {
        self.updated_at
    }

    /// Where its lines go on, if there are more than one page.
    pub fn more_lines(&self) -> Option<String> {
        self.line_items.page_info.next().map(str::to_owned)
    }

    /// Parcels whose contents go on: which, at which version, from where.
    pub fn more_items(&self) -> Result<Vec<(FulfillmentId, DateTime<Utc>, String)>, WireError> {
        let mut open = Vec::new();
        for node in &self.fulfillments {
            if let Some(after) = node.fulfillment_line_items.page_info.next() {
                open.push((
                    FulfillmentId::from_gid(&node.id)?,
                    node.updated_at,
                    after.to_owned(),
                ));
            }
        }
        Ok(open)
    }
}

impl LinesPage {
    /// The lines, and where to go on.
    pub fn into_lines(self, currency: &str) -> Result<(Vec<LineItem>, Option<String>), WireError> {
        let next = self.line_items.page_info.next().map(str::to_owned);
        Ok((facets::lines(self.line_items.nodes, currency)?, next))
    }
}

impl ItemsPage {
    /// The contents, and where to go on.
    pub fn into_items(self) -> Result<(Vec<ShippedItem>, Option<String>), WireError> {
        let next = self
            .fulfillment_line_items
            .page_info
            .next()
            .map(str::to_owned);
        Ok((facets::shipped(&self.fulfillment_line_items.nodes)?, next))
    }
}
