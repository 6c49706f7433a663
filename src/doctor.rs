//! What is right and what is wrong with the settings, the store, the shops and the way to this service: each finding with its fix.
//!
//! Nothing is asked here: what was found out (by `cli/doctor`) is judged, so that each finding can be provoked by a table of facts.

mod finding;
mod public;
mod service;
mod settings;
mod shop;
mod store;
mod webhooks;

pub use self::{
    finding::{Check, Finding, State, worst},
    public::{Answer, NoAnswer, PublicFacts, Redirect, judge_public},
    service::{ServiceFacts, judge_service},
    settings::{SettingsFacts, TokenLook, judge_faults, judge_settings},
    shop::{Asked, ShopFacts, judge_shop},
    store::{judge_file, judge_store},
    webhooks::{Audit, Heard, OpenFinding, SecretsHeard, judge_audit, judge_heard, nobody_heard},
};
