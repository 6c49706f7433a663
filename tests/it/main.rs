//! The service as its users meet it: real sockets, the simulated Shopify, a real Redis where Redis is meant.

#![cfg(test)]

mod access;
mod admin;
mod alerts;
mod bad_input;
mod budget;
mod bulk;
mod command_line;
mod customers;
mod deployment;
mod doctor;
mod documents;
mod harness;
mod intake;
mod interruptions;
mod isolation;
mod lookup;
mod metrics;
mod mouths;
mod openapi;
mod privacy;
mod redis_cluster;
mod redis_guarded;
mod redis_real;
mod redis_sentinel;
mod redis_server;
mod replicas;
mod risks;
mod schedule;
mod script;
mod sites;
mod status;
mod store;
mod subscriptions;
mod supervision;
mod sweep;
mod tokens;
mod until;
mod verify;
mod vocabulary;
mod webhooks;
