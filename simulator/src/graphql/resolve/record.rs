//! An object whose fields are all there already.

use apollo_compiler::resolvers::{ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::JsonValue;

use super::Resolved;

/// A small object, made whole.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    type_name: &'static str,
    fields: Vec<(&'static str, Content)>,
}

#[derive(Debug, Clone)]
enum Content {
    Leaf(JsonValue),
    Leaves(Vec<JsonValue>),
    One(Option<Record>),
    Many(Vec<Record>),
}

impl Record {
    pub(super) fn new(type_name: &'static str) -> Self {
        Self {
            type_name,
            fields: Vec::new(),
        }
    }

    pub(super) fn leaf(mut self, name: &'static str, value: impl Into<JsonValue>) -> Self {
        self.fields.push((name, Content::Leaf(value.into())));
        self
    }

    pub(super) fn opt(self, name: &'static str, value: Option<&str>) -> Self {
        self.leaf(name, value.map_or(JsonValue::Null, JsonValue::from))
    }

    pub(super) fn list(mut self, name: &'static str, values: Vec<JsonValue>) -> Self {
        self.fields.push((name, Content::Leaves(values)));
        self
    }

    pub(super) fn one(mut self, name: &'static str, value: Option<Record>) -> Self {
        self.fields.push((name, Content::One(value)));
        self
    }

    pub(super) fn many(mut self, name: &'static str, values: Vec<Record>) -> Self {
        self.fields.push((name, Content::Many(values)));
        self
    }
}

impl ObjectValue for Record {
    fn type_name(&self) -> &str {
        self.type_name
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let wanted = info.field_name();
        let found = self.fields.iter().find(|(name, _)| *name == wanted);
        let Some((_, content)) = found else {
            return Err(self.unknown_field_error(info));
        };
        Ok(match content {
            Content::Leaf(value) => ResolvedValue::Leaf(value.clone()),
            Content::Leaves(values) => {
                ResolvedValue::list(values.iter().cloned().map(ResolvedValue::Leaf))
            }
            Content::One(record) => ResolvedValue::nullable_object(record.clone()),
            Content::Many(records) => {
                ResolvedValue::list(records.iter().cloned().map(ResolvedValue::object))
            }
        })
    }
}
