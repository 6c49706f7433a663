//! Shopify's vocabularies, each with its REST word; GraphQL's is the same in capitals, except where said.

/// Declares an enum of Shopify's words.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $visibility:vis $name:ident { $($(#[$word_doc:meta])* $word:ident = $rest:literal / $graphql:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $visibility enum $name {
            $($(#[$word_doc])* $word,)+
        }

        impl $name {
            /// As REST and webhooks spell it.
            pub const fn rest(self) -> &'static str {
                match self {
                    $(Self::$word => $rest,)+
                }
            }

            /// As GraphQL spells it.
            pub const fn graphql(self) -> &'static str {
                match self {
                    $(Self::$word => $graphql,)+
                }
            }

            /// The word that is spelled `word`, in either way.
            pub fn parse(word: &str) -> Option<Self> {
                match word {
                    $($rest | $graphql => Some(Self::$word),)+
                    _ => None,
                }
            }
        }
    };
}

vocabulary! {
    /// How far a shipment is, by its carrier: the statuses a fulfilment event may have.
    pub ShipmentStatus {
        /// A label was printed.
        LabelPrinted = "label_printed" / "LABEL_PRINTED",
        /// A label was bought.
        LabelPurchased = "label_purchased" / "LABEL_PURCHASED",
        /// The carrier knows of it.
        Confirmed = "confirmed" / "CONFIRMED",
        /// The carrier has it.
        CarrierPickedUp = "carrier_picked_up" / "CARRIER_PICKED_UP",
        /// On its way.
        InTransit = "in_transit" / "IN_TRANSIT",
        /// In the van.
        OutForDelivery = "out_for_delivery" / "OUT_FOR_DELIVERY",
        /// Nobody was in.
        AttemptedDelivery = "attempted_delivery" / "ATTEMPTED_DELIVERY",
        /// Waits in a shop.
        ReadyForPickup = "ready_for_pickup" / "READY_FOR_PICKUP",
        /// There.
        Delivered = "delivered" / "DELIVERED",
        /// Late.
        Delayed = "delayed" / "DELAYED",
        /// Lost, or returned.
        Failure = "failure" / "FAILURE",
    }
}

vocabulary! {
    /// Whether an order is paid.
    pub FinancialStatus {
        /// Not paid yet.
        Pending = "pending" / "PENDING",
        /// Reserved on a card.
        Authorized = "authorized" / "AUTHORIZED",
        /// Paid.
        Paid = "paid" / "PAID",
        /// Some of it was paid back.
        PartiallyRefunded = "partially_refunded" / "PARTIALLY_REFUNDED",
        /// All of it was paid back.
        Refunded = "refunded" / "REFUNDED",
        /// Cancelled before it was paid.
        Voided = "voided" / "VOIDED",
    }
}

vocabulary! {
    /// Why an order was cancelled.
    pub CancelReason {
        /// The customer asked.
        Customer = "customer" / "CUSTOMER",
        /// The payment was declined.
        Declined = "declined" / "DECLINED",
        /// Fraud.
        Fraud = "fraud" / "FRAUD",
        /// Out of stock.
        Inventory = "inventory" / "INVENTORY",
        /// A mistake of the staff.
        Staff = "staff" / "STAFF",
        /// Anything else.
        Other = "other" / "OTHER",
    }
}

vocabulary! {
    /// Whether a fulfilment stands.
    pub FulfillmentStatus {
        /// It does.
        Success = "success" / "SUCCESS",
        /// It was taken back.
        Cancelled = "cancelled" / "CANCELLED",
        /// The fulfilment service failed.
        Error = "error" / "ERROR",
        /// The fulfilment service refused.
        Failure = "failure" / "FAILURE",
    }
}
