//! The resolvers: one small object for each type that has arguments or is often met, a [`Record`] for the rest.

mod address;
mod bulk;
mod connection;
mod fulfillment;
mod line;
mod money;
mod mutation;
mod order;
mod orders;
mod query;
mod record;
mod shop;
mod subscription;

use std::cell::RefCell;

use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::JsonValue;
use chrono::{DateTime, SecondsFormat, Utc};

use super::problem::marked;
use crate::world::World;

pub(super) use record::Record;

type Resolved<'a> = Result<ResolvedValue<'a>, FieldError>;

/// What every resolver may need.
pub(super) struct Context<'a> {
    world: &'a World,
    now: DateTime<Utc>,
    version: &'a str,
    searches: RefCell<Vec<serde_json::Value>>,
}

impl<'a> Context<'a> {
    pub(super) fn new(world: &'a World, version: &'a str) -> Self {
        Self::at(world, version, world.clock.now())
    }

    /// Of this moment, which may be past.
    pub(super) fn at(world: &'a World, version: &'a str, now: DateTime<Utc>) -> Self {
        Self {
            world,
            now,
            version,
            searches: RefCell::default(),
        }
    }

    /// What goes to `extensions.search`.
    pub(super) fn take_searches(&self) -> Vec<serde_json::Value> {
        self.searches.take()
    }

    /// The time of creation from which on this app sees orders.
    fn created_since(&self) -> Option<DateTime<Utc>> {
        let all = self.world.has_scope("read_all_orders");
        (!all).then(|| self.now - chrono::TimeDelta::days(60))
    }
}

/// `QueryRoot` or `Mutation`.
pub(super) struct Root<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) is_mutation: bool,
}

impl ObjectValue for Root<'_> {
    fn type_name(&self) -> &str {
        if self.is_mutation {
            "Mutation"
        } else {
            "QueryRoot"
        }
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let resolved = if self.is_mutation {
            mutation::resolve(self.context, info)
        } else {
            query::resolve(self.context, info)
        };
        resolved.unwrap_or_else(|| Err(self.unknown_field_error(info)))
    }
}

/// An error with a code of Shopify's.
fn error(code: &str, message: &str) -> FieldError {
    FieldError {
        message: marked(code, message),
    }
}

fn denied<'a>(field: &str, scope: &str) -> Resolved<'a> {
    let message =
        format!("Access denied for {field} field. Required access: `{scope}` access scope.");
    Err(error("ACCESS_DENIED", &message))
}

fn text<'a>(text: &str) -> ResolvedValue<'a> {
    ResolvedValue::leaf(text)
}

fn text_or_null<'a>(text: Option<&str>) -> ResolvedValue<'a> {
    text.map_or(ResolvedValue::null(), ResolvedValue::leaf)
}

/// A time as GraphQL has it: UTC, to the second.
fn time<'a>(at: DateTime<Utc>) -> ResolvedValue<'a> {
    ResolvedValue::leaf(at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

fn time_or_null<'a>(at: Option<DateTime<Utc>>) -> ResolvedValue<'a> {
    at.map_or(ResolvedValue::null(), time)
}

fn argument<'a>(info: &'a ResolveInfo<'a>, name: &str) -> Option<&'a JsonValue> {
    info.arguments().get(name).filter(|value| !value.is_null())
}

fn text_argument<'a>(info: &'a ResolveInfo<'a>, name: &str) -> Option<&'a str> {
    argument(info, name)?.as_str()
}

fn count_argument(info: &ResolveInfo<'_>, name: &str) -> Option<usize> {
    argument(info, name)?.as_u64()?.try_into().ok()
}

fn flag_argument(info: &ResolveInfo<'_>, name: &str) -> bool {
    argument(info, name).and_then(JsonValue::as_bool) == Some(true)
}
