//! Keeps a cache of Shopify orders and their tracking warm, so that a support bot's "where is my order?" is answered in
//! milliseconds and answered right.
//!
//! The modules in reading order:
//!
//! - [`order`] is an order as a set of facets, their merge, and what is served of them. Imports none of ours.
//! - [`store`] is the cache, in Redis or in a file. [`shopify`] is one shop's Admin API. The two do not know each other.
//! - [`budget`] says who may call Shopify now; [`calls`] is how every call goes out; [`site`] is one shop with its calls.
//! - [`warm`] takes webhook news into the cache; [`inbox`] keeps deliveries the cache could not take.
//! - [`sweep`], [`refresh`] — backfilling the cache; [`schedule`] says when, [`warmer`] runs them, one replica a site.
//! - [`subscriptions`] says which webhooks the shop should send and puts right what is wrong with them.
//! - [`lookup`] reads through. [`alert`] tells a person what needs one.
//! - [`http`], [`config`], [`observe`], [`app`], [`supervisor`], [`cli`] — the outside; [`doctor`] judges what `cli` found out about it.
//!
//! The three flows:
//!
//! 1. **Webhook**: `http::webhooks` → `warm` (delivery → facets) → `store::Store::merge` → 200; a store that does not answer
//!    in time → `inbox` → 200.
//! 2. **Lookup**: `http::orders` → `lookup` → `store`; on a miss one flight → `calls` (foreground) → `store::Store::merge`.
//! 3. **Sweep**: `warmer` → `sweep` → `calls` (background) → `store::Store::merge_all`, page by page.

pub mod alert;
pub mod app;
pub mod budget;
pub mod calls;
pub mod cli;
pub mod clock;
pub mod config;
pub mod doctor;
pub mod http;
pub mod inbox;
pub mod lookup;
pub mod observe;
pub mod order;
pub mod redb_file;
pub mod refresh;
pub mod schedule;
pub mod shopify;
pub mod site;
pub mod store;
pub mod subscriptions;
pub mod supervisor;
pub mod sweep;
pub mod tasks;
pub mod warm;
pub mod warmer;
