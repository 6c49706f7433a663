//! What a lookup returns as `order` and `tracking`: a pure function of the facets, so it is the same whichever mouth told them.

mod parcel;
mod tracking;

use chrono::{DateTime, Utc};
use serde::Serialize;

use self::parcel::{Parcel, ParcelAnswer};
pub use self::tracking::TrackingAnswer;
use super::{Address, Facet, Head, LineItem, Money, Order, Words};

/// The contract's `order`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(
    missing_docs,
    reason = "the fields are the contract's, named and described in the README"
)]
pub struct OrderAnswer {
    pub order_id: String,
    pub order_number: String,
    pub site_code: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub cancelled_at: Option<DateTime<Utc>>,
    pub financial_status: Option<String>,
    pub fulfillment_status: Option<String>,
    pub total_price: Money,
    pub subtotal_price: Option<Money>,
    pub total_shipping: Option<Money>,
    pub total_discounts: Option<Money>,
    pub total_tax: Option<Money>,
    pub currency: String,
    pub items_count: u64,
    pub customer_email: Option<String>,
    pub customer_name: Option<String>,
    pub shipping_address: Option<Address>,
    pub note: Option<String>,
    pub tags: Vec<String>,
    pub discount_codes: Vec<String>,
    pub test: bool,
    pub line_items: Vec<LineItemAnswer>,
    pub fulfillments: Vec<ParcelAnswer>,
}

/// One line of the contract's `order`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineItemAnswer {
    pub id: String,
    pub title: String,
    pub variant_title: Option<String>,
    pub sku: Option<String>,
    pub quantity: u32,
    pub current_quantity: u32,
    pub price: Money,
    pub fulfillment_status: Option<&'static str>,
    pub delivery_status: String,
    pub delivery_status_zh: String,
    pub delivery_status_en: String,
    pub tracking_company: Option<String>,
    pub tracking_number: Option<String>,
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
