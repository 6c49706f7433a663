//! The contract's `tracking`: where the newest parcel is, and a sentence to say so.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::{Order, Subject, Words};
use super::{
    Shipping,
    parcel::{Parcel, ParcelAnswer},
    payment, returns,
    story::{Detail, Story},
};

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
        "Your order UK22080 has been shipped. The parcel is on its way (shipped on 2026-11-20). Carrier: Royal Mail, tracking number: RM123456789GB."
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
        Self::told(order, Detail::Whole)
    }

    /// Its state alone, for a caller who did not show that it is the customer: no parcel in detail, no number and no link.
    pub fn state_alone(order: &Order) -> Option<Self> {
        let told = Self::told(order, Detail::State)?;
        let state = told.primary_tracking.map(|primary| PrimaryTracking {
            company: None,
            number: None,
            url: None,
            ..primary
        });
        Some(Self {
            fulfillments: Vec::new(),
            primary_tracking: state,
            ..told
        })
    }

    fn told(order: &Order, detail: Detail) -> Option<Self> {
        let head = order.head.as_ref()?;
        let parcels = Parcel::all_of(order);
        let live: Vec<&Parcel<'_>> = parcels.iter().filter(|parcel| parcel.is_live()).collect();
        let primary = live.last().map(|parcel| primary(parcel));
        let shipping = Shipping::of(order, head, &parcels);
        let story = Story {
            number: head.value.name.trim_start_matches('#'),
            cancelled: head.value.cancelled_at.is_some(),
            partly: shipping.status.as_deref() == Some("partial"),
            shipping: &shipping.words.code,
            payment: payment(&head.value).map(|words| words.code),
            returns: returns(order).map(|words| words.code),
            parcels: &live,
        };
        Some(Self {
            order_id: order.id.to_string(),
            order_number: head.value.name.clone(),
            message_template_zh: story.zh(detail),
            message_template_en: story.en(detail),
            fulfillment_status_zh: shipping.words.zh,
            fulfillment_status_en: shipping.words.en,
            fulfillment_status: shipping.status,
            fulfillments: parcels
                .iter()
                .map(|parcel| parcel.answer(&head.value.line_items))
                .collect(),
            primary_tracking: primary,
        })
    }
}

fn primary(parcel: &Parcel<'_>) -> PrimaryTracking {
    let words = Words::of(Subject::Parcel, parcel.state());
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
