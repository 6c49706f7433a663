//! The contract's `tracking`: where the newest parcel is, and a sentence to say so.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::{Order, Words};
use super::parcel::{Parcel, ParcelAnswer};

/// Where an order's parcels are, and a sentence to tell the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Tracking)]
pub struct TrackingAnswer {
    /// Shopify's id, as a text.
    #[schema(examples("820982911946154508"))]
    pub order_id: String,
    /// The number as Shopify names it.
    #[schema(examples("#UK22080"))]
    pub order_number: String,
    /// Shopify's word: `fulfilled`, `partial`, `restocked`; null while nothing has shipped.
    #[schema(examples("fulfilled"))]
    pub fulfillment_status: Option<String>,
    /// The same in Chinese.
    #[schema(examples("已发货"))]
    pub fulfillment_status_zh: String,
    /// The same in English.
    #[schema(examples("Shipped"))]
    pub fulfillment_status_en: String,
    /// The parcels, oldest first.
    pub fulfillments: Vec<ParcelAnswer>,
    /// The newest parcel that is not cancelled; null where there is none.
    pub primary_tracking: Option<PrimaryTracking>,
    /// A sentence for the customer, in Chinese.
    pub message_template_zh: String,
    /// A sentence for the customer, in English.
    #[schema(examples(
        "Your order UK22080 has been shipped. The parcel: In transit, carrier Royal Mail, tracking number RM123456789GB."
    ))]
    pub message_template_en: String,
}

/// The newest parcel that is not cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PrimaryTracking {
    /// The carrier.
    pub company: Option<String>,
    /// The first tracking number.
    pub number: Option<String>,
    /// Where the customer can follow the parcel.
    pub url: Option<String>,
    /// What the carrier said last, else `shipped`.
    #[schema(examples("in_transit"))]
    pub status: String,
    /// The same in Chinese.
    #[schema(examples("运输中"))]
    pub status_zh: String,
    /// The same in English.
    #[schema(examples("In transit"))]
    pub status_en: String,
    /// When it was handed over.
    pub shipped_at: DateTime<Utc>,
}

impl TrackingAnswer {
    /// Renders an order's tracking; `None` while its head is not known.
    pub fn of(order: &Order) -> Option<Self> {
        let head = order.head.as_ref()?;
        let parcels = Parcel::all_of(order);
        let live: Vec<_> = parcels.iter().filter(|parcel| parcel.is_live()).collect();
        let primary = live.last().map(|parcel| primary(parcel));
        let status = super::fulfillment_status(head, &parcels);
        let words = Words::of(match &status {
            Some(status) => status,
            None if head.value.cancelled_at.is_some() => "cancelled",
            None => "not_shipped",
        });
        let story = Story {
            number: head.value.name.trim_start_matches('#'),
            cancelled: head.value.cancelled_at.is_some(),
            partial: status.as_deref() == Some("partial"),
            parcels: live.len(),
            primary: primary.as_ref(),
        };
        Some(Self {
            order_id: order.id.to_string(),
            order_number: head.value.name.clone(),
            fulfillment_status: status,
            fulfillment_status_zh: words.zh,
            fulfillment_status_en: words.en,
            message_template_zh: story.zh(),
            message_template_en: story.en(),
            fulfillments: parcels
                .iter()
                .map(|parcel| parcel.answer(&head.value.line_items))
                .collect(),
            primary_tracking: primary,
        })
    }
}

fn primary(parcel: &Parcel<'_>) -> PrimaryTracking {
    let words = Words::of(parcel.state());
    PrimaryTracking {
        company: parcel.company(),
        number: parcel.number(),
        url: parcel.url(),
        status: words.code,
        status_zh: words.zh,
        status_en: words.en,
        shipped_at: parcel.created_at(),
    }
}

/// What there is to tell a customer.
struct Story<'a> {
    number: &'a str,
    cancelled: bool,
    partial: bool,
    parcels: usize,
    primary: Option<&'a PrimaryTracking>,
}

impl Story<'_> {
    fn en(&self) -> String {
        let number = self.number;
        let Some(primary) = self.primary else {
            return if self.cancelled {
                format!("Your order {number} has been cancelled.")
            } else {
                format!("Your order {number} has not been shipped yet.")
            };
        };
        let order = match (self.cancelled, self.partial) {
            (true, _) => format!("Your order {number} has been cancelled after it was shipped."),
            (false, true) => format!("Part of your order {number} has been shipped."),
            (false, false) => format!("Your order {number} has been shipped."),
        };
        let parcel = match self.parcels {
            1 => "The parcel".to_owned(),
            many => format!("The newest of {many} parcels"),
        };
        let company = part(", carrier ", primary.company.as_deref());
        let tracking = part(", tracking number ", primary.number.as_deref());
        format!(
            "{order} {parcel}: {}{company}{tracking}.",
            primary.status_en
        )
    }

    fn zh(&self) -> String {
        let number = self.number;
        let Some(primary) = self.primary else {
            return if self.cancelled {
                format!("您的订单 {number} 已取消。")
            } else {
                format!("您的订单 {number} 尚未发货。")
            };
        };
        let order = match (self.cancelled, self.partial) {
            (true, _) => format!("您的订单 {number} 在发货后已取消。"),
            (false, true) => format!("您的订单 {number} 已部分发货。"),
            (false, false) => format!("您的订单 {number} 已发货。"),
        };
        let parcel = match self.parcels {
            1 => "包裹状态".to_owned(),
            many => format!("共 {many} 个包裹，最新包裹状态"),
        };
        let company = part("，承运商 ", primary.company.as_deref());
        let tracking = part("，运单号 ", primary.number.as_deref());
        format!(
            "{order}{parcel}：{}{company}{tracking}。",
            primary.status_zh
        )
    }
}

/// `label` and `text`, or nothing where there is no text.
fn part(label: &str, text: Option<&str>) -> String {
    text.map_or_else(String::new, |text| format!("{label}{text}"))
}
