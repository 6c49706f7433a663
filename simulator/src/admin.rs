//! The Admin API over HTTP: who may call, what it costs, and what it answers.

pub(crate) mod auth;
pub(crate) mod bucket;
pub(crate) mod calls;
pub(crate) mod endpoint;
pub(crate) mod filter;
pub(crate) mod misbehave;
pub(crate) mod oauth;
pub(crate) mod reply;
pub(crate) mod subscriptions;
pub(crate) mod versions;
