//! What a lookup returns as `order` and `tracking`: a pure function of the facets, so it is the same whichever mouth told them.

mod line;
mod parcel;
mod story;
mod tracking;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

pub use self::tracking::TrackingAnswer;
use self::{
    line::{LineItemAnswer, item_status, line_item},
    parcel::{Parcel, ParcelAnswer},
};
use super::{Address, Facet, Head, Money, Order, Subject, Words};

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
    /// The same in Chinese.
    #[schema(examples("已付款"))]
    pub financial_status_zh: Option<String>,
    /// The same in English.
    #[schema(examples("Paid"))]
    pub financial_status_en: Option<String>,
    /// Shopify's word: `fulfilled`, `partial`, `restocked`; null while nothing has shipped.
    #[schema(examples("fulfilled"))]
    pub fulfillment_status: Option<String>,
    /// How far its shipping is, in Chinese; more than `fulfillment_status` tells where Shopify holds the order back or has scheduled it.
    #[schema(examples("已发货"))]
    pub fulfillment_status_zh: String,
    /// The same in English.
    #[schema(examples("Shipped"))]
    pub fulfillment_status_en: String,
    /// Shopify's word: `return_requested`, `in_progress`, `inspection_complete`, `returned`, `return_failed`; null without a return.
    pub return_status: Option<String>,
    /// The same in Chinese.
    pub return_status_zh: Option<String>,
    /// The same in English.
    pub return_status_en: Option<String>,
    /// What the order came to; null where the caller did not show that it is the customer (`LOOKUP_VERIFY`).
    pub total_price: Option<Money>,
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
        let shipping = Shipping::of(order, head, &parcels);
        let returns = returns(order);
        let payment = payment(&value);
        Some(Self {
            order_id: order.id.to_string(),
            order_number: name.clone(),
            site_code: site_code.to_owned(),
            created_at: *created_at,
            updated_at: head.version.updated_at,
            cancelled_at: *cancelled_at,
            fulfillment_status_zh: shipping.words.zh,
            fulfillment_status_en: shipping.words.en,
            fulfillment_status: shipping.status,
            return_status_zh: zh(returns.as_ref()),
            return_status_en: en(returns.as_ref()),
            return_status: returns.map(|words| words.code),
            financial_status_zh: zh(payment.as_ref()),
            financial_status_en: en(payment.as_ref()),
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
            total_price: Some(value.total_price),
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

impl OrderAnswer {
    /// Its state alone, for a caller who did not show that it is the customer: nothing personal, nothing of what was bought, and no tracking
    /// number, because a carrier shows the address area to whoever has it.
    #[must_use]
    pub fn state_alone(self) -> Self {
        Self {
            financial_status: None,
            financial_status_zh: None,
            financial_status_en: None,
            total_price: None,
            subtotal_price: None,
            total_shipping: None,
            total_discounts: None,
            total_tax: None,
            customer_email: None,
            customer_name: None,
            shipping_address: None,
            note: None,
            tags: Vec::new(),
            discount_codes: Vec::new(),
            line_items: Vec::new(),
            fulfillments: Vec::new(),
            ..self
        }
    }
}

/// How far an order's shipping is.
struct Shipping {
    /// Shopify's word, as REST has it.
    status: Option<String>,
    /// The state to show, which can tell more.
    words: Words,
}

impl Shipping {
    fn of(order: &Order, head: &Facet<Head>, parcels: &[Parcel<'_>]) -> Self {
        let status = fulfillment_status(head, parcels);
        let code = match status.as_deref() {
            Some(status) => status,
            None if head.value.cancelled_at.is_some() => "cancelled",
            None if ships_nothing(&head.value) => "fulfillment_not_required",
            None => waiting(order, head).unwrap_or("not_shipped"),
        };
        let words = Words::of(Subject::Shipping, code);
        Self { status, words }
    }
}

/// Nothing in the order goes into a parcel.
fn ships_nothing(head: &Head) -> bool {
    let mut lines = head.line_items.iter();
    !head.line_items.is_empty() && lines.all(|line| !line.requires_shipping)
}

/// Why nothing ships yet, unless the order has changed since the API told.
fn waiting<'a>(order: &'a Order, head: &Facet<Head>) -> Option<&'a str> {
    let standing = order.standing.as_ref()?;
    if standing.version.updated_at < head.version.updated_at {
        return None;
    }
    standing.value.waiting.as_deref()
}

fn returns(order: &Order) -> Option<Words> {
    let status = order.standing.as_ref()?.value.returns.as_deref()?;
    Some(Words::of(Subject::Return, status))
}

fn payment(head: &Head) -> Option<Words> {
    let status = head.financial_status.as_deref()?;
    Some(Words::of(Subject::Payment, status))
}

fn zh(words: Option<&Words>) -> Option<String> {
    words.map(|words| words.zh.clone())
}

fn en(words: Option<&Words>) -> Option<String> {
    words.map(|words| words.en.clone())
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

#[cfg(test)]
pub(super) mod tests;
