//! The lines of an order: which parcel each is in, and how far that is.

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    super::{Head, LineItem, Money, Subject, Words},
    parcel::Parcel,
};

/// One line of an order, and the parcel to tell of: the one that is furthest behind of those that hold it.
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
    /// What the carrier said last, else `shipped`, `not_shipped`, `partial`, `cancelled`, `removed` or `not_required`.
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
    /// All parcels that hold some of it, oldest first.
    pub parcels: Vec<ItemParcelAnswer>,
}

/// So many of a line in a parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ItemParcel)]
pub struct ItemParcelAnswer {
    /// The parcel's id among `fulfillments`.
    pub fulfillment_id: String,
    /// How many of the line are in it.
    pub quantity: u32,
    /// What its carrier said last, else `shipped`.
    #[schema(examples("in_transit"))]
    pub delivery_status: String,
    /// Its tracking number.
    pub tracking_number: Option<String>,
}

/// `fulfilled`, `partial` or nothing, by what the live parcels hold of the line.
pub(super) fn item_status(item: &LineItem, parcels: &[Parcel<'_>]) -> Option<&'static str> {
    let shipped: u32 = holding(item, parcels).map(|(_, quantity)| quantity).sum();
    match shipped {
        0 => None,
        some if some >= item.quantity.min(item.current_quantity) => Some("fulfilled"),
        _less => Some("partial"),
    }
}

/// The live parcels that hold some of the line, oldest first, and how many.
fn holding<'a, 'b>(
    item: &LineItem,
    parcels: &'a [Parcel<'b>],
) -> impl DoubleEndedIterator<Item = (&'a Parcel<'b>, u32)> {
    let id = item.id;
    parcels
        .iter()
        .filter(|parcel| parcel.is_live())
        .map(move |parcel| (parcel, parcel.holds(id)))
        .filter(|(_, quantity)| *quantity > 0)
}

/// Renders a line.
pub(super) fn line_item(item: &LineItem, head: &Head, parcels: &[Parcel<'_>]) -> LineItemAnswer {
    let status = item_status(item, parcels);
    // The newest that is still under way; one that has arrived only if all have.
    let parcel = holding(item, parcels)
        .rfind(|(parcel, _)| !parcel.is_delivered())
        .or_else(|| holding(item, parcels).next_back())
        .map(|(parcel, _)| parcel);
    let state = match parcel {
        // What is delivered of it is not all there is.
        Some(parcel) if parcel.is_delivered() && status == Some("partial") => "partial",
        Some(parcel) => parcel.state(),
        None if head.cancelled_at.is_some() => "cancelled",
        None if item.current_quantity == 0 => "removed",
        None if !item.requires_shipping => "not_required",
        None => "not_shipped",
    };
    let words = Words::of(Subject::Parcel, state);
    LineItemAnswer {
        id: item.id.to_string(),
        title: item.title.clone(),
        variant_title: item.variant_title.clone(),
        sku: item.sku.clone(),
        quantity: item.quantity,
        current_quantity: item.current_quantity,
        price: item.price.clone(),
        fulfillment_status: status,
        delivery_status: words.code,
        delivery_status_zh: words.zh,
        delivery_status_en: words.en,
        tracking_company: parcel.and_then(Parcel::company),
        tracking_number: parcel.and_then(Parcel::number),
        tracking_url: parcel.and_then(Parcel::url),
        parcels: holding(item, parcels)
            .map(|(parcel, quantity)| ItemParcelAnswer {
                fulfillment_id: parcel.id().to_string(),
                quantity,
                delivery_status: parcel.state().to_owned(),
                tracking_number: parcel.number(),
            })
            .collect(),
    }
}
