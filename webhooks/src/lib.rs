//! Receive Shopify's webhooks in any axum app: verified before anything is parsed, typed, and distrusted where they are not
//! signed.
//!
//! In reading order, which is the way of a delivery:
//!
//! 1. [`Headers`] (`headers.rs`): the topic, the shop and the signature, from a header map;
//!    [`ShopDomain`] (`shop.rs`) and [`Topic`] (`topic.rs`) are what they name.
//! 2. [`WebhookSecrets`] (`signature.rs`): HMAC-SHA256 over the raw bytes, with every secret of a rotation.
//! 3. [`Delivery`] (`extract.rs`): both together, as an axum extractor or as a call; [`ShopSecrets`] (`shops.rs`) says whose
//!    secret is whose.
//! 4. [`Event`] (`event.rs`): the body as what its topic claims, if `shape.rs` agrees; [`payload`] holds the bodies,
//!    [`DecodeError`] (`decode.rs`) says why not, without a word of the body.
//!
//! ```
//! use shopify_webhooks::{Delivery, Event};
//!
//! async fn webhook(delivery: Delivery) -> &'static str {
//!     match delivery.event() {
//!         Ok(Event::Order(order)) => println!("order {} as of {}", order.id, order.updated_at),
//!         Ok(Event::OrderDeleted(order)) => println!("order {} is gone", order.id),
//!         Ok(_) => {}
//!         Err(error) => eprintln!("{error}"), // genuine all the same: answer 200
//!     }
//!     "thanks"
//! }
//! ```
//!
//! A whole app is in the crate's README.

mod decode;
mod event;
mod extract;
mod headers;
pub mod payload;
mod shape;
mod shop;
mod shops;
mod signature;
mod topic;

pub use decode::{DecodeError, Fault};
pub use event::{Event, order_id_of};
pub use extract::{Delivery, DeliveryRejection};
pub use headers::{EventId, HeaderError, Headers, WebhookId};
pub use shop::{InvalidShopDomain, ShopDomain};
pub use shops::ShopSecrets;
pub use signature::{
    BadSignature, InvalidSignature, SecretError, SecretPosition, Signature, WebhookSecrets,
};
pub use topic::Topic;

/// Runs the README's examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
