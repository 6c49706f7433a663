//! What happened: a topic and a body that bears it out.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::decode::{Failure, Fault, read};
use crate::payload::{
    AppUninstalled, BulkFinished, CustomersDataRequest, CustomersRedact, Fulfillment,
    FulfillmentEvent, OfKind, Order, OrderDeleted, OrderEdited, Refund, Return, ReturnBody,
    ScopesUpdate, ShopRedact,
};
use crate::shape::{self, read_own};
use crate::shop::ShopDomain;
use crate::{DecodeError, Topic};

/// A decoded delivery.
///
/// **The topic is not signed.** Whoever captured one genuine delivery can send its body again under any topic and to any shop
/// that shares the secret. So a body must bear out its topic: what destroys data decodes only from a body that has that
/// event's own shape (see [`Event::decode`]), and what a variant says of an order is what the *body* says. Two topics whose
/// bodies are alike cannot be told apart, so act on them in a way that does no harm: set a carrier's event by its id and fetch
/// the order again, read whether an order is cancelled from `cancelled_at`.
///
/// ```
/// use shopify_webhooks::{Event, Topic};
///
/// match Event::decode(&Topic::OrdersDelete, br#"{"id":820982911946154508}"#)? {
///     Event::OrderDeleted(order) => assert_eq!(order.id, 820_982_911_946_154_508),
///     other => unreachable!("{other:?}"),
/// }
/// # Ok::<(), shopify_webhooks::DecodeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// An order as it is now: `orders/create`, `updated`, `paid`, `cancelled`, `fulfilled`, `partially_fulfilled`.
    Order(Box<Order>),
    /// A parcel as it is now: `fulfillments/create`, `update`.
    Fulfillment(Box<Fulfillment>),
    /// A carrier reported something: `fulfillment_events/create`.
    FulfillmentEventCreated(Box<FulfillmentEvent>),
    /// A carrier's report was taken back: `fulfillment_events/delete`.
    FulfillmentEventDeleted(Box<FulfillmentEvent>),
    /// An order's items changed: `orders/edited`.
    OrderEdited(OrderEdited),
    /// An order is gone: `orders/delete`.
    OrderDeleted(OrderDeleted),
    /// Money went back: `refunds/create`.
    Refund(Refund),
    /// Goods come back: `returns/*`.
    Return(Return),
    /// The shop removed the app: `app/uninstalled`.
    AppUninstalled(AppUninstalled),
    /// The app's scopes changed: `app/scopes_update`.
    ScopesUpdate(ScopesUpdate),
    /// A bulk operation ended: `bulk_operations/finish`.
    BulkFinished(BulkFinished),
    /// A customer wants to see their data: `customers/data_request`.
    CustomersDataRequest(CustomersDataRequest),
    /// A customer's data must go: `customers/redact`.
    CustomersRedact(CustomersRedact),
    /// A shop's data must go: `shop/redact`.
    ShopRedact(ShopRedact),
    /// A topic that this crate does not decode. Its body was not looked at.
    Other,
}

impl Event {
    /// Reads a verified body as what its topic claims.
    ///
    /// | topic | decodes only from a body that |
    /// | - | - |
    /// | `orders/delete` | is an object with the single key `id` |
    /// | `customers/redact` | has `shop_id`, `shop_domain` and `orders_to_redact`, and nothing of a data request or an order |
    /// | `shop/redact` | has `shop_id` and `shop_domain`, and nothing of an order, a customer or a data request |
    /// | `app/uninstalled` | has `id` and `myshopify_domain`, and nothing of an order or a fulfilment |
    /// | the others | has that payload's required fields, and no global id (`admin_graphql_api_id`) of another kind |
    ///
    /// This leaves: other `*/delete` topics, whose bodies are `{"id":…}` as well, but with ids of their own; `shop/update`, whose
    /// body is that of `app/uninstalled`; and topics that share one payload.
    ///
    /// ```
    /// use shopify_webhooks::{Event, Topic};
    ///
    /// let order = br#"{"id":1,"admin_graphql_api_id":"gid://shopify/Order/1","line_items":[]}"#;
    /// assert!(Event::decode(&Topic::OrdersDelete, order).is_err());
    /// assert!(Event::decode(&Topic::ShopRedact, order).is_err());
    /// assert_eq!(Event::decode(&Topic::parse("carts/create"), order), Ok(Event::Other));
    /// ```
    pub fn decode(topic: &Topic, body: &[u8]) -> Result<Self, DecodeError> {
        decode(topic, body).map_err(|failure| DecodeError::new(topic, failure))
    }

    /// Decodes a body that claims to come from `shop`, which its header says and no signature covers.
    ///
    /// # Errors
    /// As [`Event::decode`]; and [`Fault::OtherShop`] if the body names another shop: somebody else's
    /// delivery sent again.
    ///
    /// ```
    /// use shopify_webhooks::{Event, Fault, ShopDomain, Topic};
    ///
    /// let body = br#"{"shop_id":954889,"shop_domain":"victim.myshopify.com"}"#;
    /// let shop: ShopDomain = "example.myshopify.com".parse()?;
    /// let error = Event::decode_for(&Topic::ShopRedact, &shop, body).unwrap_err();
    /// assert_eq!(error.fault(), &Fault::OtherShop);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn decode_for(topic: &Topic, shop: &ShopDomain, body: &[u8]) -> Result<Self, DecodeError> {
        let event = Self::decode(topic, body)?;
        let named = event.named_shop();
        if named.is_some_and(|named| !named.eq_ignore_ascii_case(shop.as_str())) {
            return Err(DecodeError::new(topic, Fault::OtherShop.into()));
        }
        Ok(event)
    }

    /// The shop that the signed body itself names, as Shopify wrote it.
    fn named_shop(&self) -> Option<&str> {
        match self {
            Self::CustomersDataRequest(request) => Some(&request.shop_domain),
            Self::CustomersRedact(redact) => Some(&redact.shop_domain),
            Self::ShopRedact(redact) => Some(&redact.shop_domain),
            Self::AppUninstalled(gone) => gone.myshopify_domain.as_deref(),
            Self::Order(_)
            | Self::Fulfillment(_)
            | Self::FulfillmentEventCreated(_)
            | Self::FulfillmentEventDeleted(_)
            | Self::OrderEdited(_)
            | Self::OrderDeleted(_)
            | Self::Refund(_)
            | Self::Return(_)
            | Self::ScopesUpdate(_)
            | Self::BulkFinished(_)
            | Self::Other => None,
        }
    }
}

fn decode(topic: &Topic, body: &[u8]) -> Result<Event, Failure> {
    use Topic as T;
    Ok(match topic {
        T::OrdersCreate
        | T::OrdersUpdated
        | T::OrdersPaid
        | T::OrdersCancelled
        | T::OrdersFulfilled
        | T::OrdersPartiallyFulfilled => Event::Order(Box::new(of_kind(body)?)),
        T::OrdersEdited => Event::OrderEdited(read(body)?),
        T::OrdersDelete => Event::OrderDeleted(read_own(body, shape::foreign_to_order_deletion)?),
        T::FulfillmentsCreate | T::FulfillmentsUpdate => {
            Event::Fulfillment(Box::new(of_kind(body)?))
        }
        T::FulfillmentEventsCreate => Event::FulfillmentEventCreated(Box::new(of_kind(body)?)),
        T::FulfillmentEventsDelete => Event::FulfillmentEventDeleted(Box::new(of_kind(body)?)),
        T::RefundsCreate => Event::Refund(of_kind(body)?),
        T::ReturnsRequest
        | T::ReturnsApprove
        | T::ReturnsDecline
        | T::ReturnsCancel
        | T::ReturnsClose
        | T::ReturnsReopen
        | T::ReturnsProcess
        | T::ReturnsUpdate => Event::Return(a_return(body)?),
        T::AppUninstalled => Event::AppUninstalled(read_own(body, shape::foreign_to_shop)?),
        T::AppScopesUpdate => Event::ScopesUpdate(read(body)?),
        T::BulkOperationsFinish => Event::BulkFinished(of_kind(body)?),
        T::CustomersDataRequest => Event::CustomersDataRequest(read(body)?),
        T::CustomersRedact => {
            Event::CustomersRedact(read_own(body, shape::foreign_to_customer_redaction)?)
        }
        T::ShopRedact => Event::ShopRedact(read_own(body, shape::foreign_to_shop_redaction)?),
        T::Other(_) => Event::Other,
    })
}

fn of_kind<T: DeserializeOwned + OfKind>(body: &[u8]) -> Result<T, Failure> {
    let payload: T = read(body)?;
    if payload.is_of_kind() {
        Ok(payload)
    } else {
        Err(Fault::OtherTopic.into())
    }
}

fn a_return(body: &[u8]) -> Result<Return, Failure> {
    let body: ReturnBody = read(body)?;
    body.into_return().ok_or(Fault::OtherTopic.into())
}

/// The order that a body is about, read from nothing but the id: for a body that [`Event::decode`] refused.
///
/// It is a hint at what to fetch, never a reason to delete. There is none where the topic has no order, or where the id is not
/// a JSON integer.
///
/// ```
/// use shopify_webhooks::{Topic, order_id_of};
///
/// let changed = br#"{"id":820982911946154508,"total_price":{"new":"shape"}}"#;
/// assert_eq!(order_id_of(&Topic::OrdersUpdated, changed), Some(820_982_911_946_154_508));
/// assert_eq!(order_id_of(&Topic::RefundsCreate, br#"{"id":1,"order_id":2}"#), Some(2));
/// assert_eq!(order_id_of(&Topic::OrdersEdited, br#"{"order_edit":{"order_id":3}}"#), Some(3));
/// assert_eq!(order_id_of(&Topic::OrdersUpdated, br#"{"id":"3"}"#), None);
/// ```
pub fn order_id_of(topic: &Topic, body: &[u8]) -> Option<u64> {
    use Topic as T;
    match topic {
        T::OrdersCreate
        | T::OrdersUpdated
        | T::OrdersPaid
        | T::OrdersCancelled
        | T::OrdersFulfilled
        | T::OrdersPartiallyFulfilled
        | T::OrdersDelete => Ids::of(body)?.id(),
        T::OrdersEdited => Ids::of(body)?.order_edit()?.order_id(),
        T::FulfillmentsCreate
        | T::FulfillmentsUpdate
        | T::FulfillmentEventsCreate
        | T::FulfillmentEventsDelete
        | T::RefundsCreate => Ids::of(body)?.order_id(),
        T::ReturnsRequest
        | T::ReturnsApprove
        | T::ReturnsDecline
        | T::ReturnsCancel
        | T::ReturnsClose
        | T::ReturnsReopen
        | T::ReturnsProcess
        | T::ReturnsUpdate => Ids::of(body)?.order_id_or_order(),
        T::AppUninstalled
        | T::AppScopesUpdate
        | T::BulkOperationsFinish
        | T::CustomersDataRequest
        | T::CustomersRedact
        | T::ShopRedact
        | T::Other(_) => None,
    }
}

/// The few fields that hold an order's id, each unread until it is wanted, so that an odd one does not spoil the others.
#[derive(Deserialize)]
struct Ids<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    order_id: Option<&'a RawValue>,
    #[serde(borrow)]
    order: Option<&'a RawValue>,
    #[serde(borrow)]
    order_edit: Option<&'a RawValue>,
}

impl<'a> Ids<'a> {
    fn of(body: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    fn id(&self) -> Option<u64> {
        integer(self.id)
    }

    fn order_id(&self) -> Option<u64> {
        integer(self.order_id)
    }

    fn order_id_or_order(&self) -> Option<u64> {
        self.order_id()
            .or_else(|| Ids::of(self.order?.get().as_bytes())?.id())
    }

    fn order_edit(&self) -> Option<Self> {
        Self::of(self.order_edit?.get().as_bytes())
    }
}

fn integer(value: Option<&RawValue>) -> Option<u64> {
    serde_json::from_str(value?.get()).ok()
}

#[cfg(test)]
mod tests;
