//! Orders made by hand.

use chrono::{DateTime, TimeDelta, Utc};
use shopify_warmer::order::{
    Facet, Fulfillment, FulfillmentId, Head, LineItem, LineItemId, Money, Observation, Order,
    OrderId, OrderState, Source, Version,
};

/// News of an order, changed step by step.
#[derive(Debug, Clone)]
pub(super) struct News(Order);

/// A whole order as it was observed `at`, last updated a day before that.
pub(super) fn whole(id: u64, at: DateTime<Utc>) -> News {
    let updated_at = at - TimeDelta::days(1);
    let line = LineItem {
        id: LineItemId::new(1).unwrap(),
        title: "Hemd".to_owned(),
        variant_title: None,
        sku: Some("H-1".to_owned()),
        quantity: 1,
        current_quantity: 1,
        price: Money::new("10", "GBP"),
        requires_shipping: true,
    };
    let head = Head {
        name: format!("#UK{id}"),
        created_at: at - TimeDelta::days(2),
        cancelled_at: None,
        closed_at: None,
        financial_status: Some("paid".to_owned()),
        fulfillment_status: None,
        currency: "GBP".to_owned(),
        total_price: Money::new("10", "GBP"),
        subtotal_price: None,
        total_shipping: None,
        total_discounts: None,
        total_tax: None,
        email: Some("jane@example.com".to_owned()),
        customer_name: None,
        shipping_address: None,
        note: None,
        tags: vec![],
        discount_codes: vec![],
        line_items: vec![line],
        test: false,
    };
    News(Order {
        as_of: Some(Observation {
            at,
            source: Source::Webhook,
        }),
        head: Some(Facet {
            version: Version {
                updated_at,
                observed_at: at,
            },
            value: head,
        }),
        ..Order::unknown(OrderId::new(id).unwrap())
    })
}

/// A parcel of an order, and nothing else of it.
pub(super) fn partial(id: u64, parcel: u64, at: DateTime<Utc>) -> News {
    let value = Fulfillment {
        created_at: at,
        status: Some("success".to_owned()),
        shipment_status: None,
        tracking_company: None,
        tracking_numbers: vec![format!("T{parcel}")],
        tracking_urls: vec![],
        items: vec![],
    };
    let mut order = Order::unknown(OrderId::new(id).unwrap());
    let facet = Facet {
        version: Version {
            updated_at: at,
            observed_at: at,
        },
        value,
    };
    order
        .fulfillments
        .insert(FulfillmentId::new(parcel + 1).unwrap(), facet);
    News(order)
}

impl News {
    fn head(mut self, change: impl FnOnce(&mut Facet<Head>)) -> Self {
        change(self.0.head.as_mut().expect("whole news"));
        self
    }

    pub(super) fn noted(self, note: &str) -> Self {
        self.head(|head| head.value.note = Some(note.to_owned()))
    }

    pub(super) fn named(self, name: &str) -> Self {
        self.head(|head| head.value.name = name.to_owned())
    }

    pub(super) fn of(mut self, customer: u64) -> Self {
        self.0.customer = Some(customer);
        self
    }

    pub(super) fn emailed(self, email: Option<&str>) -> Self {
        self.head(|head| head.value.email = email.map(str::to_owned))
    }

    pub(super) fn created(self, at: DateTime<Utc>) -> Self {
        self.head(|head| head.value.created_at = at)
    }

    pub(super) fn updated(self, at: DateTime<Utc>) -> Self {
        self.head(|head| head.version.updated_at = at)
    }

    pub(super) fn observed(mut self, at: DateTime<Utc>) -> Self {
        self.0.as_of = Some(Observation {
            at,
            source: Source::Webhook,
        });
        self.head(|head| head.version.observed_at = at)
    }
}

impl From<News> for Order {
    fn from(news: News) -> Self {
        news.0
    }
}

impl From<News> for OrderState {
    fn from(news: News) -> Self {
        Self::Present(Box::new(news.0))
    }
}
