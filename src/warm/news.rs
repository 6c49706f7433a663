//! What a delivery says, as facets: the other mouth's conversion stands beside the GraphQL types.

use bytes::Bytes;
use chrono::{DateTime, Timelike as _, Utc};
use shopify_webhooks::{DecodeError, Event, ShopDomain, Topic, order_id_of, payload};

use super::erasure::{Demand, Erasure, is_demand};
use crate::{
    order::{
        Address, Event as TrackingEvent, EventFacet, EventId, Facet, Fulfillment, FulfillmentId,
        Head, LineItem, LineItemId, Money, Observation, Order, OrderId, ShippedItem, Source,
        Version, text, word,
    },
    site::SiteCode,
    store::Needs,
};

/// A verified delivery, as it is taken in or kept in the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Whose.
    pub site: SiteCode,
    /// The shop it claims to come from.
    pub shop_domain: ShopDomain,
    /// What it claims to be about.
    pub topic: Topic,
    /// When Shopify triggered it, if it said so.
    pub triggered_at: Option<DateTime<Utc>>,
    /// When it came in.
    pub received_at: DateTime<Utc>,
    /// The bytes that were signed.
    pub body: Bytes,
}

/// What a delivery says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Values of an order, all of them or some.
    Order(Box<Order>),
    /// An order changed; how, only Shopify can tell. `wanted` is how new an answer must be to hold the change.
    Moved {
        /// Which order.
        order: OrderId,
        /// The change's time, if the news has one.
        wanted: Option<DateTime<Utc>>,
        /// What would tell how.
        needs: Needs,
    },
    /// These orders are deleted.
    Gone(Vec<OrderId>),
    /// Somebody's data must go, or be told of.
    Erase(Box<Erasure>),
    /// A bulk operation has ended, says Shopify: a hint.
    BulkFinished,
    /// Nothing that we keep.
    Nothing,
}

/// A delivery that cannot be read.
#[derive(Debug)]
pub struct Undecodable {
    /// Where reading failed; holds no values.
    pub error: DecodeError,
    /// The order it is about, if that much could be read.
    pub order: Option<OrderId>,
}

impl Received {
    /// Reads what it says.
    pub fn news(&self) -> Result<News, Undecodable> {
        let undecodable = |error| Undecodable {
            error,
            order: order_id_of(&self.topic, &self.body).and_then(OrderId::new),
        };
        let event =
            Event::decode_for(&self.topic, &self.shop_domain, &self.body).map_err(undecodable)?;
        Ok(self.read(event))
    }

    fn read(&self, event: Event) -> News {
        match event {
            Event::Order(order) => {
                whole(&order, self.observed_at(order.updated_at)).map_or(News::Nothing, order_news)
            }
            Event::Fulfillment(body) => {
                let observed_at = self.observed_at(body.updated_at);
                partial(body.order_id, |order| {
                    take_fulfillment(order, &body, observed_at)
                })
            }
            Event::FulfillmentEventCreated(body) => {
                let observed_at = self.observed_at(body.updated_at);
                partial(body.order_id, |order| take_event(order, &body, observed_at))
            }
            Event::FulfillmentEventDeleted(body) => partial(body.order_id, |order| {
                order
                    .events
                    .insert(EventId::new(body.id)?, EventFacet::Deleted);
                Some(())
            }),
            Event::OrderEdited(body) => moved(body.order_id, body.committed_at, Needs::WholeOrder),
            Event::Refund(body) => moved(body.order_id, body.processed_at, Needs::WholeOrder),
            // A read is sure to tell how a return stands; whether a payload follows it, and tells, Shopify leaves open.
            Event::Return(body) => body
                .order_id
                .map_or(News::Nothing, |id| moved(id, None, Needs::Read)),
            Event::OrderDeleted(body) => News::Gone(OrderId::new(body.id).into_iter().collect()),
            Event::CustomersDataRequest(body) => self.erase(Demand::Tell {
                subject: Demand::subject(body.customer, &body.orders_requested),
                request: body.data_request.map(|request| request.id),
            }),
            Event::CustomersRedact(body) => self.erase(Demand::Customer {
                phone: body
                    .customer
                    .as_ref()
                    .and_then(|customer| customer.phone.clone()),
                subject: Demand::subject(body.customer, &body.orders_to_redact),
            }),
            Event::AppUninstalled(_) => self.erase(Demand::Removed),
            Event::ShopRedact(_) => self.erase(Demand::Shop),
            Event::BulkFinished(_) => News::BulkFinished,
            // Nothing cached depends on the others.
            Event::ScopesUpdate(_) | Event::Other | _ => News::Nothing,
        }
    }

    fn erase(&self, demand: Demand) -> News {
        News::Erase(Box::new(Erasure {
            demand,
            at: self.said_at(),
        }))
    }

    /// When Shopify sent it first, if it said so, and never later than it came in.
    pub fn said_at(&self) -> DateTime<Utc> {
        self.triggered_at
            .unwrap_or(self.received_at)
            .min(self.received_at)
    }

    /// Whether only an app that is installed gets such a delivery.
    pub fn is_sign_of_installation(&self) -> bool {
        !is_demand(&self.topic)
    }

    /// When the state in the body was observed: when Shopify triggered the delivery, else when the body last changed. Never
    /// later than it came in, so that a clock that runs ahead renews nothing.
    fn observed_at(&self, updated_at: DateTime<Utc>) -> DateTime<Utc> {
        self.triggered_at
            .unwrap_or(updated_at)
            .min(self.received_at)
    }
}

fn order_news(order: Order) -> News {
    News::Order(Box::new(order))
}

/// The change may have come last in its second, so only what was observed after that second is sure to hold it.
fn moved(order: u64, at: Option<DateTime<Utc>>, needs: Needs) -> News {
    let wanted = at.map(|at| at.with_nanosecond(999_000_000).unwrap_or(at));
    OrderId::new(order).map_or(News::Nothing, |order| News::Moved {
        order,
        wanted,
        needs,
    })
}

fn partial(id: u64, take: impl FnOnce(&mut Order) -> Option<()>) -> News {
    let Some(mut order) = OrderId::new(id).map(Order::unknown) else {
        return News::Nothing;
    };
    take(&mut order).map_or(News::Nothing, |()| order_news(order))
}

fn whole(body: &payload::Order, observed_at: DateTime<Utc>) -> Option<Order> {
    let mut order = Order::unknown(OrderId::new(body.id)?);
    order.customer = body.customer.as_ref().map(|customer| customer.id);
    order.as_of = Some(Observation {
        at: observed_at,
        source: Source::Webhook,
    });
    order.head = Some(Facet {
        version: Version {
            updated_at: body.updated_at,
            observed_at,
        },
        value: head(body),
    });
    for fulfillment in &body.fulfillments {
        take_fulfillment(&mut order, fulfillment, observed_at);
    }
    Some(order)
}

fn head(body: &payload::Order) -> Head {
    let money = |amount: &str| Money::new(amount, &body.currency);
    let name = |address: &Option<payload::Address>| {
        address
            .as_ref()
            .and_then(|address| text(address.name.as_deref()))
    };
    let shipping = body
        .total_shipping_price_set
        .as_ref()
        .and_then(|set| set.shop_money.as_ref());
    Head {
        name: body.name.clone(),
        created_at: body.created_at,
        cancelled_at: body.cancelled_at,
        closed_at: body.closed_at,
        financial_status: body.financial_status.as_deref().and_then(word),
        fulfillment_status: body.fulfillment_status.as_deref().and_then(word),
        currency: body.currency.clone(),
        total_price: money(&body.total_price),
        subtotal_price: body.subtotal_price.as_deref().map(money),
        total_shipping: shipping.map(|shipping| money(&shipping.amount)),
        total_discounts: body.total_discounts.as_deref().map(money),
        total_tax: body.total_tax.as_deref().map(money),
        email: text(body.email.as_deref()),
        customer_name: name(&body.shipping_address).or_else(|| name(&body.billing_address)),
        shipping_address: body.shipping_address.as_ref().map(address),
        note: text(body.note.as_deref()),
        tags: body.tags().map(str::to_owned).collect(),
        discount_codes: body
            .discount_codes
            .iter()
            .map(|discount| discount.code.clone())
            .collect(),
        line_items: body
            .line_items
            .iter()
            .filter_map(|line| line_item(line, &body.currency))
            .collect(),
        test: body.test,
    }
    .in_order()
}

fn line_item(line: &payload::LineItem, currency: &str) -> Option<LineItem> {
    Some(LineItem {
        id: LineItemId::new(line.id)?,
        title: line.title.clone(),
        variant_title: text(line.variant_title.as_deref()),
        sku: text(line.sku.as_deref()),
        quantity: count(line.quantity),
        current_quantity: count(line.current_quantity.unwrap_or(line.quantity)),
        price: Money::new(&line.price, currency),
        requires_shipping: line.requires_shipping,
    })
}

fn take_fulfillment(
    order: &mut Order,
    body: &payload::Fulfillment,
    observed_at: DateTime<Utc>,
) -> Option<()> {
    let shipped = |item: &payload::FulfillmentLineItem| {
        Some(ShippedItem {
            line_item: LineItemId::new(item.id)?,
            quantity: count(item.quantity),
        })
    };
    let value = Fulfillment {
        created_at: body.created_at,
        status: body.status.as_deref().and_then(word),
        shipment_status: body.shipment_status.as_deref().and_then(word),
        tracking_company: text(body.tracking_company.as_deref()),
        tracking_numbers: several(&body.tracking_numbers, body.tracking_number.as_deref()),
        tracking_urls: several(&body.tracking_urls, body.tracking_url.as_deref()),
        items: body.line_items.iter().filter_map(shipped).collect(),
    };
    let version = Version {
        updated_at: body.updated_at,
        observed_at,
    };
    order.fulfillments.insert(
        FulfillmentId::new(body.id)?,
        Facet {
            version,
            value: value.in_order(),
        },
    );
    Some(())
}

fn take_event(
    order: &mut Order,
    body: &payload::FulfillmentEvent,
    observed_at: DateTime<Utc>,
) -> Option<()> {
    let value = TrackingEvent {
        happened_at: body.happened_at.unwrap_or(body.created_at),
        fulfillment: FulfillmentId::new(body.fulfillment_id)?,
        status: word(&body.status)?,
        message: text(body.message.as_deref()),
        estimated_delivery_at: body.estimated_delivery_at,
        city: text(body.city.as_deref()),
        province: text(body.province.as_deref()),
        country: text(body.country.as_deref()),
        zip: text(body.zip.as_deref()),
    };
    // By `created_at`, which is all the API tells of an event's age.
    let version = Version {
        updated_at: body.created_at,
        observed_at,
    };
    order.events.insert(
        EventId::new(body.id)?,
        EventFacet::Happened(Facet { version, value }),
    );
    Some(())
}

/// The list, or the single value that stands beside it where a list is missing.
fn several(list: &[String], single: Option<&str>) -> Vec<String> {
    let listed: Vec<_> = list.iter().filter_map(|item| text(Some(item))).collect();
    if listed.is_empty() {
        text(single).into_iter().collect()
    } else {
        listed
    }
}

/// Shopify's quantities are never negative; one that is counts as none.
fn count(quantity: i64) -> u32 {
    u32::try_from(quantity.max(0)).unwrap_or(u32::MAX)
}

fn address(body: &payload::Address) -> Address {
    let text = |part: &Option<String>| text(part.as_deref());
    Address {
        name: text(&body.name),
        company: text(&body.company),
        address1: text(&body.address1),
        address2: text(&body.address2),
        city: text(&body.city),
        province: text(&body.province),
        province_code: text(&body.province_code),
        zip: text(&body.zip),
        country: text(&body.country),
        country_code: text(&body.country_code),
        phone: text(&body.phone),
    }
}
