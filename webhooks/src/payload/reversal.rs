//! Money and goods on their way back.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::gid::number;
use super::{OfKind, or_empty};

/// A refund: money that went back for an order. It does not carry the order.
///
/// ```
/// use shopify_webhooks::payload::Refund;
///
/// let refund: Refund = serde_json::from_str(r#"{"id":929361462,"order_id":450789469,
///     "created_at":"2026-03-30T10:30:00-04:00","refund_line_items":[{"id":1,"line_item_id":466157049,"quantity":1}]}"#)?;
/// assert_eq!((refund.order_id, refund.refund_line_items.len()), (450_789_469, 1));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Refund {
    /// The refund's id.
    pub id: u64,
    /// `gid://shopify/Refund/{id}`: its id in GraphQL.
    pub admin_graphql_api_id: Option<String>,
    /// The order.
    pub order_id: u64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it took effect.
    pub processed_at: Option<DateTime<Utc>>,
    /// Which items it is for. The key is required: it tells a refund from other bodies with the same ids.
    #[serde(deserialize_with = "or_empty")]
    pub refund_line_items: Vec<RefundLineItem>,
}

impl OfKind for Refund {
    const KIND: &'static str = "Refund";

    fn gid(&self) -> Option<&str> {
        self.admin_graphql_api_id.as_deref()
    }
}

/// A line of an order as far as it was refunded.
///
/// ```
/// use shopify_webhooks::payload::RefundLineItem;
///
/// let line: RefundLineItem = serde_json::from_str(r#"{"id":1,"line_item_id":466157049,"quantity":2}"#)?;
/// assert_eq!((line.line_item_id, line.quantity), (466_157_049, 2));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct RefundLineItem {
    /// The refund line's id.
    pub id: u64,
    /// The order's line.
    pub line_item_id: u64,
    /// How many of it.
    pub quantity: i64,
}

/// A return: goods that come back, or that someone wants to send back. It does not carry the order.
///
/// Shopify writes it in three shapes: `returns/cancel`, `close` and `reopen` name the order as `order_id`, `request`, `approve`
/// and `decline` as `order.id`, and `update` names neither an order nor a state, so that both have to be fetched.
///
/// ```
/// use shopify_webhooks::{Event, Topic};
///
/// let body = br#"{"id":945000954,"admin_graphql_api_id":"gid://shopify/Return/945000954","status":"open","order":{"id":450789469}}"#;
/// let Event::Return(back) = Event::decode(&Topic::ReturnsApprove, body)? else { unreachable!() };
/// assert_eq!((back.id, back.order_id), (945_000_954, Some(450_789_469)));
/// # Ok::<(), shopify_webhooks::DecodeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Return {
    /// The return's id.
    pub id: u64,
    /// The order, where the body names it.
    pub order_id: Option<u64>,
    /// `requested`, `open`, `closed`, `declined`, `canceled`; none in an update.
    pub status: Option<String>,
}

/// A return in any of its three shapes.
#[derive(Deserialize)]
pub(crate) struct ReturnBody {
    id: Option<u64>,
    admin_graphql_api_id: String,
    order_id: Option<u64>,
    order: Option<ReturnOrder>,
    status: Option<String>,
}

#[derive(Deserialize)]
struct ReturnOrder {
    id: u64,
}

impl ReturnBody {
    /// The return, unless its global id is one of something else.
    pub(crate) fn into_return(self) -> Option<Return> {
        let named = number(&self.admin_graphql_api_id, "Return")?;
        Some(Return {
            id: self.id.unwrap_or(named),
            order_id: self.order_id.or(self.order.map(|order| order.id)),
            status: self.status,
        })
    }
}
