//! Keeps a cache of Shopify orders and their tracking warm, so that a support bot's "where is my order?" is answered in
//! milliseconds and answered right.

pub mod budget;
pub mod calls;
pub mod clock;
pub mod order;
pub mod shopify;
pub mod site;
