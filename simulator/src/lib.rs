#![doc = include_str!("../README.md")]
//!
//! ## The modules, in reading order
//!
//! `model` is the shop as it is, `book` keeps every state of every order, `shop` is what people do in it; `rest` and `graphql` render
//! it; `search` finds; `admin` is the API over HTTP, `bulk` its long runs, `delivery` sends the webhooks, `faults` breaks both; `control` is the same over
//! HTTP, for a simulator that runs alone; `traffic` keeps a demonstration busy; `world` is what they all share.

mod admin;
mod book;
mod builder;
mod bulk;
mod clock;
mod control;
mod delivery;
mod faults;
mod graphql;
mod locked;
mod model;
mod net;
mod rest;
mod search;
mod server;
mod shop;
mod simulator;
mod traffic;
mod world;

pub use admin::auth::{Grant, OldTokens};
pub use admin::calls::Call;
pub use builder::Builder;
pub use bulk::{BulkFault, BulkLayout, BulkPace, DownloadFault};
pub use clock::Clock;
pub use delivery::{Attempt, Delivery, DeliveryOutcome, HandedOver};
pub use faults::{ApiFault, DeliveryFault, Faults, Times};
pub use model::people::Address;
pub use model::status::{CancelReason, FinancialStatus, FulfillmentStatus, ShipmentStatus};
pub use shop::{NewEvent, NewFulfillment, NewOrder, Shop, ShopError};
pub use simulator::Simulator;
pub use world::EventBump;
