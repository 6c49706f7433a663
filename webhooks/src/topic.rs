//! What a delivery says it is about.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// Writes the enum, its names and the list of them from one table, so that none can lack what another has.
macro_rules! topics {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// The topic of a delivery, as `X-Shopify-Topic` names it.
        ///
        /// The header is not covered by the signature, so a topic is a claim: [`Event::decode`](crate::Event::decode) believes
        /// it only as far as the body bears it out. Names are compared exactly; Shopify writes them in lower case.
        ///
        /// ```
        /// use shopify_webhooks::Topic;
        ///
        /// assert_eq!(Topic::parse("orders/updated"), Topic::OrdersUpdated);
        /// assert_eq!(Topic::parse("carts/create"), Topic::Other("carts/create".into()));
        /// assert_eq!(Topic::OrdersUpdated.to_string(), "orders/updated");
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Topic {
            $($(#[doc = $doc])+ $variant,)+
            /// A topic that this crate does not decode, by its name.
            Other(String),
        }

        impl Topic {
            /// Reads a topic's name; one that is not known becomes [`Topic::Other`].
            ///
            /// ```
            /// # use shopify_webhooks::Topic;
            /// assert_eq!(Topic::parse("orders/create"), Topic::OrdersCreate);
            /// ```
            pub fn parse(name: &str) -> Self {
                match name {
                    $($name => Self::$variant,)+
                    other => Self::Other(other.to_owned()),
                }
            }

            /// The name as Shopify writes it.
            ///
            /// ```
            /// # use shopify_webhooks::Topic;
            /// assert_eq!(Topic::FulfillmentEventsCreate.as_str(), "fulfillment_events/create");
            /// ```
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Other(name) => name,
                }
            }

            /// Every topic but [`Topic::Other`]: what to subscribe to, and what to count from the start.
            ///
            /// ```
            /// # use shopify_webhooks::Topic;
            /// assert!(Topic::known().contains(&Topic::ShopRedact));
            /// ```
            pub fn known() -> &'static [Self] {
                &[$(Self::$variant,)+]
            }
        }
    };
}

topics! {
    /// An order was placed. The body is the order.
    OrdersCreate = "orders/create",
    /// An order changed, or nothing visible in it did. The body is the order.
    OrdersUpdated = "orders/updated",
    /// An order was paid. The body is the order.
    OrdersPaid = "orders/paid",
    /// An order was cancelled. The body is the order.
    OrdersCancelled = "orders/cancelled",
    /// Everything of an order was fulfilled. The body is the order.
    OrdersFulfilled = "orders/fulfilled",
    /// A part of an order was fulfilled. The body is the order.
    OrdersPartiallyFulfilled = "orders/partially_fulfilled",
    /// Items of an order were added or removed. The body names the order and is not it.
    OrdersEdited = "orders/edited",
    /// An order was deleted. The body has its id and nothing else.
    OrdersDelete = "orders/delete",
    /// A parcel was packed. The body is the fulfilment.
    FulfillmentsCreate = "fulfillments/create",
    /// A parcel's tracking or status changed. The body is the fulfilment.
    FulfillmentsUpdate = "fulfillments/update",
    /// A carrier reported an event. The body is the event.
    FulfillmentEventsCreate = "fulfillment_events/create",
    /// A carrier's event was taken back. The body is the event.
    FulfillmentEventsDelete = "fulfillment_events/delete",
    /// Money went back. The body is the refund.
    RefundsCreate = "refunds/create",
    /// A customer asked to return items.
    ReturnsRequest = "returns/request",
    /// A return was approved.
    ReturnsApprove = "returns/approve",
    /// A return was declined.
    ReturnsDecline = "returns/decline",
    /// A return was cancelled.
    ReturnsCancel = "returns/cancel",
    /// A return was closed.
    ReturnsClose = "returns/close",
    /// A closed return was opened again.
    ReturnsReopen = "returns/reopen",
    /// A return was processed.
    ReturnsProcess = "returns/process",
    /// A return changed. The body names the return and neither its order nor its state.
    ReturnsUpdate = "returns/update",
    /// The app was removed from the shop; its token is dead.
    AppUninstalled = "app/uninstalled",
    /// The app's access scopes changed.
    AppScopesUpdate = "app/scopes_update",
    /// A bulk operation ended, well or not.
    BulkOperationsFinish = "bulk_operations/finish",
    /// A customer wants to see what is held about them (compliance).
    CustomersDataRequest = "customers/data_request",
    /// A customer's data must be erased (compliance).
    CustomersRedact = "customers/redact",
    /// A shop's data must be erased, 48 hours after it uninstalled the app (compliance).
    ShopRedact = "shop/redact",
}

impl FromStr for Topic {
    type Err = Infallible;

    fn from_str(name: &str) -> Result<Self, Infallible> {
        Ok(Self::parse(name))
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_known_topic_is_its_own_name() {
        let names: BTreeSet<_> = Topic::known().iter().map(Topic::as_str).collect();
        assert_eq!(names.len(), Topic::known().len());
        for topic in Topic::known() {
            assert_eq!(&Topic::parse(topic.as_str()), topic);
            assert!(!matches!(topic, Topic::Other(_)));
        }
    }

    #[test]
    fn any_other_name_is_kept() {
        for name in ["", "orders", "ORDERS/CREATE", "orders/create ", "ü/ö"] {
            assert_eq!(name.parse(), Ok(Topic::Other(name.to_owned())));
            assert_eq!(Topic::parse(name).to_string(), name);
        }
    }
}
