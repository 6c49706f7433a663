//! What the headers of a delivery say.

use std::fmt;

use chrono::{DateTime, Utc};
use http::HeaderMap;
use thiserror::Error;

use crate::{ShopDomain, Signature, Topic};

const TOPIC: &str = "x-shopify-topic";
const SIGNATURE: &str = "x-shopify-hmac-sha256";
const SHOP_DOMAIN: &str = "x-shopify-shop-domain";
const API_VERSION: &str = "x-shopify-api-version";
const WEBHOOK_ID: &str = "x-shopify-webhook-id";
const EVENT_ID: &str = "x-shopify-event-id";
const TRIGGERED_AT: &str = "x-shopify-triggered-at";
const NAME: &str = "x-shopify-name";

/// The headers of one delivery, parsed.
///
/// None of them is covered by the signature. The shop was only found by its header, the topic is a claim, and the ids are
/// good for logs and counters: no correctness may hang on them.
///
/// Three are required, because without them nothing can be verified. Shopify's libraries treat the others as optional, and so
/// does this one: an optional header that is missing, repeated or unreadable is `None`, because refusing an otherwise good
/// delivery over a decoration would lose it, and after eight refusals the whole subscription.
///
/// Shopify's "Events" preview sends the same names without `x-`. Each header is read under either name; if both are there
/// and differ, the delivery was put together by someone else, and a required header is refused.
///
/// ```
/// use http::HeaderMap;
/// use shopify_webhooks::{HeaderError, Headers, Topic};
///
/// let mut map = HeaderMap::new();
/// map.insert("X-Shopify-Topic", "orders/updated".parse()?);
/// map.insert("X-Shopify-Shop-Domain", "example.myshopify.com".parse()?);
/// map.insert("X-Shopify-Triggered-At", "2026-03-30T14:30:00.123456789Z".parse()?);
/// assert_eq!(Headers::parse(&map).unwrap_err(), HeaderError::Missing("x-shopify-hmac-sha256"));
///
/// map.insert("X-Shopify-Hmac-Sha256", "UFwgrGBPZilFtmKh8TqcovA78LGYb1BdWu9I4Q2oyRg=".parse()?);
/// let headers = Headers::parse(&map)?;
/// assert_eq!(headers.topic, Topic::OrdersUpdated);
/// assert_eq!(headers.triggered_at.map(|at| at.timestamp_subsec_nanos()), Some(123_456_789));
/// assert_eq!(headers.webhook_id, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Headers {
    /// `X-Shopify-Topic`: what the body is claimed to be.
    pub topic: Topic,
    /// `X-Shopify-Hmac-Sha256`: the signature of the raw body.
    pub signature: Signature,
    /// `X-Shopify-Shop-Domain`: the shop that is claimed to have sent it.
    pub shop_domain: ShopDomain,
    /// `X-Shopify-API-Version`: the version that wrote the body. One other than subscribed means that Shopify fell forward.
    pub api_version: Option<String>,
    /// `X-Shopify-Webhook-Id`: one per delivery, the same on its retries.
    pub webhook_id: Option<WebhookId>,
    /// `X-Shopify-Event-Id`: one per action of the merchant, shared by all deliveries it caused.
    pub event_id: Option<EventId>,
    /// `X-Shopify-Triggered-At`: when Shopify triggered it, to the nanosecond if it says so.
    pub triggered_at: Option<DateTime<Utc>>,
    /// `X-Shopify-Name`: the name of the subscription, if it has one.
    pub name: Option<String>,
}

impl Headers {
    /// Reads the headers; their names compare without regard to case.
    ///
    /// ```
    /// use http::HeaderMap;
    /// use shopify_webhooks::{HeaderError, Headers};
    ///
    /// let error = Headers::parse(&HeaderMap::new()).unwrap_err();
    /// assert_eq!(error, HeaderError::Missing("x-shopify-topic"));
    /// ```
    pub fn parse(map: &HeaderMap) -> Result<Self, HeaderError> {
        let topic = required(map, TOPIC)?;
        let signature = required(map, SIGNATURE)?;
        let shop_domain = required(map, SHOP_DOMAIN)?;
        Ok(Self {
            topic: Topic::parse(topic),
            signature: parsed(signature, SIGNATURE)?,
            shop_domain: parsed(shop_domain, SHOP_DOMAIN)?,
            api_version: optional(map, API_VERSION).map(str::to_owned),
            webhook_id: optional(map, WEBHOOK_ID).map(WebhookId::from),
            event_id: optional(map, EVENT_ID).map(EventId::from),
            triggered_at: optional(map, TRIGGERED_AT).and_then(instant),
            name: optional(map, NAME).map(str::to_owned),
        })
    }
}

fn required<'a>(map: &'a HeaderMap, name: &'static str) -> Result<&'a str, HeaderError> {
    match (only(map, name)?, only(map, bare(name))?) {
        (None, None) => Err(HeaderError::Missing(name)),
        (Some(value), None) | (None, Some(value)) => Ok(value),
        (Some(value), Some(same)) if value == same => Ok(value),
        (Some(_), Some(_)) => Err(HeaderError::Conflicting(name)),
    }
}

fn optional<'a>(map: &'a HeaderMap, name: &'static str) -> Option<&'a str> {
    required(map, name).ok()
}

/// The one value under this very name, if it is there and can be read.
fn only<'a>(map: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, HeaderError> {
    let mut values = map.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(HeaderError::Repeated(name));
    }
    match value.to_str() {
        Ok(text) if !text.trim().is_empty() => Ok(Some(text)),
        Ok(_) | Err(_) => Err(HeaderError::Invalid(name)),
    }
}

/// The name that the "Events" preview gives to the same header.
fn bare(name: &'static str) -> &'static str {
    name.strip_prefix("x-").unwrap_or(name)
}

fn parsed<T: std::str::FromStr>(text: &str, name: &'static str) -> Result<T, HeaderError> {
    text.parse().or(Err(HeaderError::Invalid(name)))
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(text).ok()?;
    Some(at.to_utc())
}

/// Why the headers do not make a delivery. Each cause names the header and shows nothing of its value.
///
/// ```
/// use shopify_webhooks::HeaderError;
///
/// assert_eq!(HeaderError::Repeated("x-shopify-topic").to_string(), "header x-shopify-topic is repeated");
/// assert_eq!(HeaderError::Repeated("x-shopify-topic").header(), "x-shopify-topic");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// A required header is not there.
    #[error("header {0} is missing")]
    Missing(&'static str),
    /// A required header is there more than once, and one cannot know which of them another reader would believe.
    #[error("header {0} is repeated")]
    Repeated(&'static str),
    /// A required header is there with and without its `x-`, and the two differ.
    #[error("header {0} is there with and without its x-, and they differ")]
    Conflicting(&'static str),
    /// A required header is empty, not visible ASCII, or not what it should be.
    #[error("header {0} is not valid")]
    Invalid(&'static str),
}

impl HeaderError {
    /// The header's name, for a counter's label.
    ///
    /// ```
    /// # use shopify_webhooks::HeaderError;
    /// assert_eq!(HeaderError::Missing("x-shopify-topic").header(), "x-shopify-topic");
    /// ```
    pub fn header(self) -> &'static str {
        match self {
            Self::Missing(name)
            | Self::Repeated(name)
            | Self::Conflicting(name)
            | Self::Invalid(name) => name,
        }
    }
}

/// The two kinds of id are alike in form and opposite in use, so each has its own type.
macro_rules! header_ids {
    ($($(#[doc = $doc:literal])+ $id:ident,)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $id(String);

        impl $id {
            /// The id as it was sent.
            ///
            /// ```
            #[doc = concat!("assert_eq!(shopify_webhooks::", stringify!($id), "::from(\"b54557e4\").as_str(), \"b54557e4\");")]
            /// ```
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $id {
            fn from(id: &str) -> Self {
                Self(id.to_owned())
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

header_ids! {
    /// The id of one delivery, the same on its retries: what tells a redelivery from a second delivery.
    ///
    /// ```
    /// let id = shopify_webhooks::WebhookId::from("b54557e4");
    /// assert_eq!(id.to_string(), "b54557e4");
    /// ```
    WebhookId,
    /// The id of one action of the merchant. Several deliveries share it, so nothing may be de-duplicated by it.
    ///
    /// ```
    /// let id = shopify_webhooks::EventId::from("98880550");
    /// assert_eq!(id.to_string(), "98880550");
    /// ```
    EventId,
}

#[cfg(test)]
mod tests;
