//! One delivery: body, signature, headers.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::{Outbox, Receiver};

/// Everything that is the same each time a delivery is sent.
#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    pub(crate) topic: String,
    pub(crate) webhook_id: String,
    pub(crate) event_id: String,
    pub(crate) body: Bytes,
    pub(crate) triggered_at: DateTime<Utc>,
    pub(crate) signature: String,
    pub(crate) shop_domain: String,
    pub(crate) version: String,
    pub(crate) receiver: Receiver,
}

/// What a delivery is one of.
#[derive(Debug, Clone)]
pub(crate) struct Occasion {
    pub(crate) webhook_id: String,
    pub(crate) event_id: String,
    pub(crate) triggered_at: DateTime<Utc>,
}

impl Outbox {
    pub(crate) fn parcel(
        &self,
        shop_domain: &str,
        occasion: Occasion,
        (topic, body): (&str, Bytes),
        receiver: Receiver,
    ) -> Parcel {
        Parcel {
            topic: topic.to_owned(),
            webhook_id: occasion.webhook_id,
            event_id: occasion.event_id,
            signature: sign(self.secret(), &body),
            body,
            triggered_at: occasion.triggered_at,
            shop_domain: shop_domain.to_owned(),
            version: self.version(),
            receiver,
        }
    }
}

impl Parcel {
    /// Its headers, except those that every HTTP request has.
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        let triggered_at = self
            .triggered_at
            .to_rfc3339_opts(SecondsFormat::Nanos, true);
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            ("user-agent", "Shopify-Captain-Hook".to_owned()),
            ("x-shopify-topic", self.topic.clone()),
            ("x-shopify-hmac-sha256", self.signature.clone()),
            ("x-shopify-shop-domain", self.shop_domain.clone()),
            ("x-shopify-api-version", self.version.clone()),
            ("x-shopify-webhook-id", self.webhook_id.clone()),
            ("x-shopify-event-id", self.event_id.clone()),
            ("x-shopify-triggered-at", triggered_at),
        ];
        if let Some(name) = &self.receiver.name {
            headers.push(("x-shopify-name", name.clone()));
        }
        headers
    }
}

/// Base64 of HMAC-SHA256 over the raw body.
pub(crate) fn sign(secret: &str, body: &[u8]) -> String {
    // HMAC takes keys of any length, so the error cannot happen; an empty signature would fail verification loudly.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(body);
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}
