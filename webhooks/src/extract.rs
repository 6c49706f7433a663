//! The axum extractor: a handler that asks for a [`Delivery`] gets only verified ones.

use std::fmt;

use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRef, FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use thiserror::Error;

use crate::{
    DecodeError, Event, HeaderError, Headers, SecretPosition, ShopSecrets, WebhookSecrets,
};

/// One delivery whose body is proven to come from Shopify. Its headers are not: see [`Headers`].
///
/// As an extractor it reads the headers, finds the shop's secrets in the state, reads the body and verifies it, in this order,
/// so that the body of an unknown shop is not even read. It respects axum's
/// [`DefaultBodyLimit`](axum::extract::DefaultBodyLimit), **whose default of 2 MB is too small**: a large order would be
/// refused, and after eight refusals Shopify may remove the subscription. 16 MiB suits.
///
/// ```
/// use axum::{Router, extract::{DefaultBodyLimit, FromRef}, routing::post};
/// use shopify_webhooks::{Delivery, ShopSecrets, WebhookSecrets};
///
/// #[derive(Clone, FromRef)]
/// struct App {
///     secrets: ShopSecrets,
/// }
///
/// async fn webhook(delivery: Delivery) -> &'static str {
///     println!("{} from {}", delivery.headers.topic, delivery.headers.shop_domain);
///     "thanks"
/// }
///
/// let secrets = ShopSecrets::any_shop(WebhookSecrets::new(["hush"])?);
/// let app: Router = Router::new()
///     .route("/webhooks/shopify", post(webhook))
///     .layer(DefaultBodyLimit::max(16 * 1024 * 1024))
///     .with_state(App { secrets });
/// # Ok::<(), shopify_webhooks::SecretError>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Delivery {
    /// What the headers say.
    pub headers: Headers,
    /// The raw body that was verified.
    pub body: Bytes,
    /// Which of the shop's secrets signed it, by its place in the list: over a rotation, how one sees that the new one is in use.
    ///
    /// ```
    /// use shopify_webhooks::Delivery;
    ///
    /// async fn webhook(delivery: Delivery) {
    ///     if delivery.secret.number() > 1 {
    ///         println!("{} still signs with an old secret", delivery.headers.shop_domain);
    ///     }
    /// }
    /// ```
    pub secret: SecretPosition,
}

impl Delivery {
    /// Verifies a delivery that was received without the extractor.
    ///
    /// ```
    /// use http::HeaderMap;
    /// use shopify_webhooks::{Delivery, DeliveryRejection, Event, ShopSecrets, WebhookSecrets};
    ///
    /// let secrets = WebhookSecrets::new(["hush"])?;
    /// let body = r#"{"id":820982911946154508}"#;
    /// let mut headers = HeaderMap::new();
    /// headers.insert("x-shopify-topic", "orders/delete".parse()?);
    /// headers.insert("x-shopify-shop-domain", "example.myshopify.com".parse()?);
    /// headers.insert("x-shopify-hmac-sha256", secrets.sign(body.as_bytes()).to_string().parse()?);
    ///
    /// let shops = ShopSecrets::any_shop(secrets);
    /// let delivery = Delivery::verify(&shops, &headers, body.into())?;
    /// assert!(matches!(delivery.event()?, Event::OrderDeleted(_)));
    /// let tampered = Delivery::verify(&shops, &headers, r#"{"id":820982911946154509}"#.into());
    /// assert!(matches!(tampered, Err(DeliveryRejection::BadSignature)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn verify(
        shops: &ShopSecrets,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Self, DeliveryRejection> {
        let headers = Headers::parse(headers)?;
        let secrets = shops
            .get(&headers.shop_domain)
            .ok_or(DeliveryRejection::UnknownShop)?;
        Self::signed(secrets, headers, body)
    }

    fn signed(
        secrets: &WebhookSecrets,
        headers: Headers,
        body: Bytes,
    ) -> Result<Self, DeliveryRejection> {
        let secret = secrets
            .verify(&body, &headers.signature)
            .or(Err(DeliveryRejection::BadSignature))?;
        Ok(Self {
            headers,
            body,
            secret,
        })
    }

    /// Decodes the body, and checks a shop that the body names against the one of the header.
    ///
    /// The compliance topics and most `app/uninstalled` name their shop in the signed body. If the header, which is not signed,
    /// names another, the delivery is someone else's sent again, and the fault is [`Fault::OtherShop`](crate::Fault::OtherShop).
    ///
    /// ```
    /// # use http::HeaderMap;
    /// # use shopify_webhooks::{Delivery, Fault, ShopSecrets, WebhookSecrets};
    /// # let secrets = WebhookSecrets::new(["hush"])?;
    /// let body = r#"{"shop_id":954889,"shop_domain":"victim.myshopify.com"}"#;
    /// # let mut headers = HeaderMap::new();
    /// # headers.insert("x-shopify-topic", "shop/redact".parse()?);
    /// headers.insert("x-shopify-shop-domain", "example.myshopify.com".parse()?);
    /// # headers.insert("x-shopify-hmac-sha256", secrets.sign(body.as_bytes()).to_string().parse()?);
    /// # let shops = ShopSecrets::any_shop(secrets);
    /// let delivery = Delivery::verify(&shops, &headers, body.into())?;
    /// assert_eq!(delivery.event().unwrap_err().fault(), &Fault::OtherShop);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn event(&self) -> Result<Event, DecodeError> {
        Event::decode_for(&self.headers.topic, &self.headers.shop_domain, &self.body)
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("headers", &self.headers)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("secret", &self.secret)
            .finish()
    }
}

impl<S> FromRequest<S> for Delivery
where
    S: Send + Sync,
    ShopSecrets: FromRef<S>,
{
    type Rejection = DeliveryRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, DeliveryRejection> {
        let headers = Headers::parse(request.headers())?;
        let shops = ShopSecrets::from_ref(state);
        let secrets = shops
            .get(&headers.shop_domain)
            .ok_or(DeliveryRejection::UnknownShop)?;
        let body = Bytes::from_request(request, state).await?;
        Self::signed(secrets, headers, body)
    }
}

/// Why a request is not a delivery. The sender is told nothing but a status; the cause is for the log and a counter.
///
/// ```
/// use shopify_webhooks::{DeliveryRejection, HeaderError};
///
/// let rejection = DeliveryRejection::from(HeaderError::Missing("x-shopify-topic"));
/// assert_eq!(rejection.status(), 401);
/// assert_eq!(rejection.to_string(), "unusable headers");
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DeliveryRejection {
    /// The headers do not make a delivery: 401.
    #[error("unusable headers")]
    Header(#[from] HeaderError),
    /// No secret is known for the shop: 401.
    #[error("unknown shop")]
    UnknownShop,
    /// None of the shop's secrets signed the body: 401.
    #[error("bad signature")]
    BadSignature,
    /// The body is longer than the limit: 413.
    #[error("body too large")]
    BodyTooLarge,
    /// The body did not arrive whole: 400.
    #[error("unreadable body")]
    BodyUnreadable(#[source] BytesRejection),
}

impl DeliveryRejection {
    /// The status of the answer. Shopify's review demands 401, and no other, for what cannot be verified.
    ///
    /// ```
    /// use shopify_webhooks::DeliveryRejection;
    ///
    /// assert_eq!(DeliveryRejection::BadSignature.status(), 401);
    /// assert_eq!(DeliveryRejection::BodyTooLarge.status(), 413);
    /// ```
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Header(_) | Self::UnknownShop | Self::BadSignature => StatusCode::UNAUTHORIZED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyUnreadable(_) => StatusCode::BAD_REQUEST,
        }
    }
}

impl From<BytesRejection> for DeliveryRejection {
    fn from(rejection: BytesRejection) -> Self {
        if let BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) =
            rejection
        {
            return Self::BodyTooLarge;
        }
        Self::BodyUnreadable(rejection)
    }
}

impl IntoResponse for DeliveryRejection {
    fn into_response(self) -> Response {
        self.status().into_response()
    }
}

#[cfg(test)]
mod tests;
