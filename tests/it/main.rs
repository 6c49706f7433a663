//! The service as its users meet it: real sockets, the simulated Shopify, a real Redis where Redis is meant.

#![cfg(test)]

mod admin;
mod bad_input;
mod command_line;
mod documents;
mod harness;
mod lookup;
mod mouths;
mod openapi;
mod redis_server;
mod script;
mod store;
mod sweep;
mod webhooks;
