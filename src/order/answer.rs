//! What a lookup returns as `order` and `tracking`: a pure function of the facets, so it is the same whichever mouth told them.

mod parcel;
mod tracking;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use self::parcel::{Parcel, ParcelAnswer};
pub use self::tracking::TrackingAnswer;
use super::{Address, Facet, Head, LineItem, Money, Order, Words};

/// An order as a lookup tells it: the same whichever way the service learnt of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Order)]
pub struct OrderAnswer {
    /// Shopify's id, as a text: it is larger than a number in JavaScript can hold.
    #[schema(examples("820982911946154508"))]
    pub order_id: String,
    /// The number as Shopify names it.
    #[schema(examples("#UK22080"))]
    pub order_number: String,
    /// The site it was placed at.
    #[schema(examples("uk"))]
    pub site_code: String,
    /// When it was placed.
    pub created_at: DateTime<Utc>,
    /// When Shopify last changed it.
    pub updated_at: DateTime<Utc>,
    /// When it was cancelled, if it was.
    pub cancelled_at: Option<DateTime<Utc>>,
    /// Shopify's word: `pending`, `authorized`, `partially_paid`, `paid`, `partially_refunded`, `refunded`, `voided` …
    #[schema(examples("paid"))]
    pub financial_status: Option<String>,
    /// Shopify's word: `fulfilled`, `partial`, `restocked`; null while nothing has shipped.
    #[schema(examples("fulfilled"))]
    pub fulfillment_status: Option<String>,
    /// What the order came to.
    pub total_price: Money,
    /// Before shipping and tax.
    pub subtotal_price: Option<Money>,
    /// Shipping.
    pub total_shipping: Option<Money>,
    /// Discounts.
    pub total_discounts: Option<Money>,
    /// Taxes.
    pub total_tax: Option<Money>,
    /// The currency of all amounts, ISO 4217.
    #[schema(examples("GBP"))]
    pub currency: String,
    /// Pieces ordered, over all lines.
    pub items_count: u64,
    /// The order's e-mail address.
    #[schema(examples("customer@example.com"))]
    pub customer_email: Option<String>,
    /// The name on the shipping address, else on the bill.
    #[schema(examples("Alex Smith"))]
    pub customer_name: Option<String>,
    /// Where the parcel goes.
    pub shipping_address: Option<Address>,
    /// The buyer's note.
    pub note: Option<String>,
    /// The shop's tags, sorted.
    pub tags: Vec<String>,
    /// Codes the buyer typed.
    pub discount_codes: Vec<String>,
    /// A test order of the payment gateway.
    pub test: bool,
    /// What was ordered.
    pub line_items: Vec<LineItemAnswer>,
    /// The parcels, oldest first.
    pub fulfillments: Vec<ParcelAnswer>,
}

/// One line of an order, with the newest parcel that holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = LineItem)]
pub struct LineItemAnswer {
    /// Shopify's id of the line.
    pub id: String,
    /// The product's title.
    #[schema(examples("Shirt"))]
    pub title: String,
    /// The variant's title, if it has one.
    pub variant_title: Option<String>,
    /// The stock keeping unit.
    pub sku: Option<String>,
    /// How many were ordered.
    pub quantity: u32,
    /// How many are left after edits and refunds.
    pub current_quantity: u32,
    /// One of them, before discounts.
    pub price: Money,
    /// `fulfilled`, `partial`, or null while none has shipped.
    pub fulfillment_status: Option<&'static str>,
    /// What the carrier said last, else `shipped`, `not_shipped`, `cancelled` or `not_required`.
    #[schema(examples("in_transit"))]
    pub delivery_status: String,
    /// The same in Chinese.
    #[schema(examples("运输中"))]
    pub delivery_status_zh: String,
    /// The same in English.
    #[schema(examples("In transit"))]
    pub delivery_status_en: String,
    /// The carrier.
    #[schema(examples("Royal Mail"))]
    pub tracking_company: Option<String>,
    /// The parcel's tracking number.
    #[schema(examples("RM123456789GB"))]
    pub tracking_number: Option<String>,
    /// Where the customer can follow the parcel.
    pub tracking_url: Option<String>,
}

impl OrderAnswer {
    /// Renders an order for site `site_code`; `None` while its head is not known.
    pub fn of(order: &Order, site_code: &str) -> Option<Self> {
        let head = order.head.as_ref()?;
        let parcels = Parcel::all_of(order);
        let Head {
            name,
            created_at,
            cancelled_at,
            ..
        } = &head.value;
        let value = head.value.clone();
        Some(Self {
            order_id: order.id.to_string(),
            order_number: name.clone(),
            site_code: site_code.to_owned(),
            created_at: *created_at,
            updated_at: head.version.updated_at,
            cancelled_at: *cancelled_at,
            fulfillment_status: fulfillment_status(head, &parcels),
            items_count: value
                .line_items
                .iter()
                .map(|item| u64::from(item.quantity))
                .sum(),
            line_items: value
                .line_items
                .iter()
                .map(|item| line_item(item, &value, &parcels))
                .collect(),
            fulfillments: parcels
                .iter()
                .map(|parcel| parcel.answer(&value.line_items))
                .collect(),
            financial_status: value.financial_status,
            total_price: value.total_price,
            subtotal_price: value.subtotal_price,
            total_shipping: value.total_shipping,
            total_discounts: value.total_discounts,
            total_tax: value.total_tax,
            currency: value.currency,
            customer_email: value.email,
            customer_name: value.customer_name,
            shipping_address: value.shipping_address,
            note: value.note,
            tags: value.tags,
            discount_codes: value.discount_codes,
            test: value.test,
        })
    }
}

/// The order's status as Shopify said it, unless a parcel appeared or was cancelled after that: then what the parcels say.
fn fulfillment_status(head: &Facet<Head>, parcels: &[Parcel<'_>]) -> Option<String> {
    let newest_change = parcels.iter().map(Parcel::appeared_or_vanished).max();
    if newest_change.is_none_or(|at| at <= head.version) {
        return head.value.fulfillment_status.clone();
    }
    let to_ship = head
        .value
        .line_items
        .iter()
        .filter(|item| item.requires_shipping && item.current_quantity > 0);
    let mut states = to_ship.map(|item| item_status(item, parcels)).peekable();
    if states.peek().is_none() {
        return head.value.fulfillment_status.clone();
    }
    let states: Vec<_> = states.collect();
    if states.iter().all(|state| *state == Some("fulfilled")) {
        return Some("fulfilled".to_owned());
    }
    states
        .iter()
        .any(Option::is_some)
        .then(|| "partial".to_owned())
}

/// `fulfilled`, `partial` or nothing, by what the live parcels hold of the line.
fn item_status(item: &LineItem, parcels: &[Parcel<'_>]) -> Option<&'static str> {
    let shipped: u32 = parcels
        .iter()
        .filter(|parcel| parcel.is_live())
        .map(|parcel| parcel.holds(item.id))
        .sum();
    match shipped {
        0 => None,
        some if some >= item.quantity.min(item.current_quantity) => Some("fulfilled"),
        _less => Some("partial"),
    }
}

fn line_item(item: &LineItem, head: &Head, parcels: &[Parcel<'_>]) -> LineItemAnswer {
    // Parcels are sorted by age, so the last that holds the line is its newest.
    let parcel = parcels
        .iter()
        .rev()
        .find(|parcel| parcel.is_live() && parcel.holds(item.id) > 0);
    let state = match parcel {
        Some(parcel) => parcel.state().to_owned(),
        None if head.cancelled_at.is_some() => "cancelled".to_owned(),
        None if !item.requires_shipping => "not_required".to_owned(),
        None => "not_shipped".to_owned(),
    };
    let words = Words::of(&state);
    LineItemAnswer {
        id: item.id.to_string(),
        title: item.title.clone(),
        variant_title: item.variant_title.clone(),
        sku: item.sku.clone(),
        quantity: item.quantity,
        current_quantity: item.current_quantity,
        price: item.price.clone(),
        fulfillment_status: item_status(item, parcels),
        delivery_status: words.code,
        delivery_status_zh: words.zh,
        delivery_status_en: words.en,
        tracking_company: parcel.and_then(Parcel::company),
        tracking_number: parcel.and_then(Parcel::number),
        tracking_url: parcel.and_then(Parcel::url),
    }
}

#[cfg(test)]
mod tests;
