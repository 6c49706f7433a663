//! The service as its users meet it: real sockets, the simulated Shopify, a real Redis where Redis is meant.

#![cfg(test)]

mod admin;
mod alerts;
mod bad_input;
mod budget;
mod command_line;
mod customers;
mod documents;
mod harness;
mod lookup;
mod metrics;
mod mouths;
mod openapi;
mod redis_server;
mod replicas;
mod risks;
mod schedule;
mod script;
mod sites;
mod store;
mod sweep;
mod webhooks;
