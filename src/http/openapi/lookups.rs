//! What lookups take and answer.
#![expect(dead_code, reason = "these types are described, never made")]

use chrono::{DateTime, Utc};
use utoipa::{IntoParams, ToSchema};

use crate::{
    http::shops::SiteEntry,
    lookup::{OrderStatus, State, Unanswered},
    order::{OrderAnswer, Source, TrackingAnswer},
    site::SiteCode,
};

/// What may stand behind the `?` of a search.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct SearchQuery {
    /// The order number as a customer types it: with or without `#`, spaces and the shop's prefix, in either case.
    #[param(min_length = 1, max_length = 64, example = "UK22080")]
    q: String,
    /// Only this site; without it, every site that may have the order.
    #[param(required = false, pattern = "^[A-Za-z0-9]{0,16}$", example = "uk")]
    site: String,
    /// With `LOOKUP_VERIFY=contact`: the e-mail address the order was placed with. Without it, or a `zip`, that is the order's own, only its
    /// state is told.
    #[param(required = false, example = "customer@example.com")]
    email: String,
    /// With `LOOKUP_VERIFY=contact`: the postal code of the shipping address, instead of the e-mail address.
    #[param(required = false, example = "SW1A 1AA")]
    zip: String,
}

/// What may stand behind the `?` of a lookup by id.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct OrderQuery {
    /// Only this site; without it, every site.
    #[param(required = false, pattern = "^[A-Za-z0-9]{0,16}$", example = "uk")]
    site: String,
    /// With `LOOKUP_VERIFY=contact`: the e-mail address the order was placed with. Without it, or a `zip`, that is the order's own, only its
    /// state is told.
    #[param(required = false, example = "customer@example.com")]
    email: String,
    /// With `LOOKUP_VERIFY=contact`: the postal code of the shipping address, instead of the e-mail address.
    #[param(required = false, example = "SW1A 1AA")]
    zip: String,
}

/// What may stand behind the `?` of a lookup of tracking.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct TrackingQuery {
    /// Shopify's id of the order, digits only.
    #[param(pattern = "^0*[1-9][0-9]{0,18}$", example = "820982911946154508")]
    order_id: String,
    /// Only this site; without it, every site.
    #[param(required = false, pattern = "^[A-Za-z0-9]{0,16}$", example = "uk")]
    site: String,
    /// With `LOOKUP_VERIFY=contact`: the e-mail address the order was placed with. Without it, or a `zip`, that is the order's own, only its
    /// state is told.
    #[param(required = false, example = "customer@example.com")]
    email: String,
    /// With `LOOKUP_VERIFY=contact`: the postal code of the shipping address, instead of the e-mail address.
    #[param(required = false, example = "SW1A 1AA")]
    zip: String,
}

/// What may stand behind the `?` of a lookup by e-mail.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct CustomerQuery {
    /// The customer's e-mail address, in either case, with `+` written as `%2B`.
    #[param(min_length = 3, max_length = 254, example = "jane@example.com")]
    email: String,
    /// How many orders at most, 1 to 50; 10 where it is left out.
    #[param(required = false, minimum = 1, maximum = 50, example = 10)]
    limit: u32,
    /// Only orders of this status; all where it is left out.
    #[param(required = false, inline, example = "any")]
    status: OrderStatus,
    /// Only this site; without it, every site.
    #[param(required = false, pattern = "^[A-Za-z0-9]{0,16}$", example = "uk")]
    site: String,
}

/// What may stand behind the `?` of a count.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct CountQuery {
    /// Only orders of this status; all where it is left out.
    #[param(required = false, inline, example = "any")]
    status: OrderStatus,
    /// Only this site; without it, every site.
    #[param(required = false, pattern = "^[A-Za-z0-9]{0,16}$", example = "uk")]
    site: String,
}

/// A customer's orders.
#[derive(ToSchema)]
pub(in crate::http) struct CustomerLookup {
    /// His orders, newest first, as many as were asked for at most.
    orders: Vec<OrderAnswer>,
    /// How many there are, shown or not; without those of the sites in `incomplete`.
    total: u64,
    /// Whether the cache knew all of it; false when Shopify was asked.
    cached: bool,
    /// Seconds left until the first of the orders shown expires.
    #[schema(examples(171_900))]
    cache_ttl: u64,
    /// The freshness of the oldest of the orders shown, with the worst of their states; null where there are none.
    freshness: Option<Freshness>,
    /// Sites that did not answer, or not fully: their orders are missing.
    incomplete: Vec<Unanswered>,
    /// True where asking again in a few seconds may bring what is missing.
    pending: bool,
    /// Begins with `ORDER_NOT_FOUND` where there are none, with `INCOMPLETE` where some are missing. Else null.
    message: Option<String>,
    /// The same in Chinese.
    message_zh: Option<String>,
}

/// Defines one lookup's answer: what was asked for, and how the answer came about.
macro_rules! lookup {
    ($(#[$doc:meta])* $name:ident { $(#[$part_doc:meta])* $part:ident: $answer:ty }) => {
        $(#[$doc])*
        #[derive(ToSchema)]
        pub(in crate::http) struct $name {
            $(#[$part_doc])*
            #[schema(required)]
            $part: Option<$answer>,
            /// Whether the cache knew; false when Shopify was asked. Left out while the answer is pending, as all below are.
            #[schema(required = false)]
            cached: bool,
            /// Seconds left until the entry expires.
            #[schema(required = false, examples(171_900))]
            cache_ttl: u64,
            /// The site that has the order.
            site_code: Option<SiteCode>,
            /// How old the answer is.
            freshness: Option<Freshness>,
            /// Other sites that have an order of the same number: the newest is answered. Left out where there are none.
            #[schema(required = false)]
            also_at: Vec<SiteCode>,
            /// Sites that did not answer and may have an order of this number. Left out where all did.
            #[schema(required = false)]
            incomplete: Vec<Unanswered>,
            /// Only with `LOOKUP_VERIFY=contact`: whether the e-mail address or postal code that was sent is the order's own. False: only the
            /// state is told, and `message` says what to ask the customer for.
            #[schema(required = false)]
            verified: bool,
            /// Why there is no order, or only its state, or what to know of it: begins with `ORDER_NOT_FOUND`, `CONTACT_REQUIRED`,
            /// `CONTACT_MISMATCH`, `AMBIGUOUS` or `INCOMPLETE`. Else left out.
            #[schema(required = false)]
            message: String,
            /// The same in Chinese.
            #[schema(required = false)]
            message_zh: String,
            /// True where Shopify has not answered in time: ask again in a few seconds. Else left out.
            #[schema(required = false)]
            pending: bool,
        }
    };
}

lookup! {
    /// An order, or why there is none.
    OrderLookup {
        /// The order; null where there is none, or none yet.
        order: OrderAnswer
    }
}

lookup! {
    /// The tracking of an order, or why there is none.
    TrackingLookup {
        /// The tracking; null where there is no such order, or none yet.
        tracking: TrackingAnswer
    }
}

/// When Shopify last confirmed the whole order, and through which mouth.
#[derive(ToSchema)]
struct Freshness {
    /// `fresh`: cached, its tracking not expired. `stale`: cached, being fetched. `live`: from Shopify, just now.
    state: State,
    /// When Shopify last confirmed it.
    as_of: Option<DateTime<Utc>>,
    /// The same in seconds before now.
    #[schema(minimum = 0)]
    age_s: i64,
    /// Through which mouth.
    source: Option<Source>,
}

/// The configured shops.
#[derive(ToSchema)]
pub(in crate::http) struct SiteList {
    /// How many.
    total: u64,
    /// The shops.
    sites: Vec<SiteEntry>,
}
