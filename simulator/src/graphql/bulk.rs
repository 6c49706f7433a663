//! The query inside a bulk operation: what Shopify takes of it, and how it is run part by part.

mod rules;

use apollo_compiler::ExecutableDocument;
use apollo_compiler::executable::{Field, Selection, SelectionSet};
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::resolvers::Execution;
use apollo_compiler::response::{JsonMap, JsonValue};
use chrono::{DateTime, Utc};
use serde_json::json;

use super::limits::is_connection;
use super::resolve::{Context, Root};
use super::schema::Schema;
use super::{as_json_map, selection};
use crate::world::World;

/// A page size is ignored, and so is where a page begins.
const IGNORED: [&str; 4] = ["first", "last", "after", "before"];

/// A query that Shopify takes, as the documents it is run by.
#[derive(Debug)]
pub(crate) struct Inner {
    roots: String,
    orders: String,
}

/// An order as it stands in the file, and its children apart from it.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) line: String,
    pub(crate) children: Vec<String>,
}

/// In which version, and of which moment.
type When<'a> = (&'a str, DateTime<Utc>);

impl Inner {
    /// Reads a query; the errors are Shopify's words.
    pub(crate) fn read(schema: &Schema, text: &str) -> Result<Self, Vec<String>> {
        if text.trim().is_empty() {
            return Err(invalid("syntax error, unexpected end of file"));
        }
        let document = schema.document(text).map_err(|problems| {
            let first = problems.first().map(super::Problem::message);
            invalid(&first.unwrap_or_default())
        })?;
        let Ok(operation) = document.operations.get(None) else {
            return Err(invalid("exactly one operation is expected"));
        };
        if !operation.is_query() {
            let message = "Invalid operation type. Only `query` operations are supported.";
            return Err(vec![message.to_owned()]);
        }
        let faults = rules::check(&document, operation);
        if !faults.is_empty() {
            return Err(faults);
        }
        let fields = selection::fields(&document, &operation.selection_set);
        match fields.as_slice() {
            [orders] if orders.name == "orders" => Ok(Self::of(&document, orders)),
            _ => Err(vec![
                "The simulator runs bulk queries of orders only.".to_owned(),
            ]),
        }
    }

    fn of(document: &ExecutableDocument, orders: &Field) -> Self {
        let arguments = orders.arguments.iter();
        let arguments = arguments.filter(|argument| !IGNORED.contains(&argument.name.as_str()));
        let arguments: Vec<_> = arguments
            .map(|argument| format!(", {}: {}", argument.name, argument.value))
            .collect();
        let node = rules::node_of(document, orders).map(|node| {
            let mut node = node.clone();
            drop_page_sizes(&mut node);
            node.to_string()
        });
        let fragments = document.fragments.values().cloned();
        let fragments: Vec<_> = fragments
            .map(|mut part| {
                drop_page_sizes(&mut part.make_mut().selection_set);
                format!("\n{part}")
            })
            .collect();
        let (arguments, fragments) = (arguments.concat(), fragments.concat());
        Self {
            roots: format!(
                "{{ orders(first: {}{arguments}) {{ nodes {{ id }} }} }}",
                i32::MAX
            ),
            orders: format!(
                "query Part($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Order {} }} }}{fragments}",
                node.unwrap_or_default()
            ),
        }
    }

    /// The ids of all orders it finds, in its order.
    pub(crate) fn roots(&self, world: &World, when: When<'_>) -> Vec<String> {
        let data = execute(world, &self.roots, &json!({}), when);
        let nodes = data.get("orders").and_then(|orders| orders.get("nodes"));
        let nodes = nodes.and_then(JsonValue::as_array);
        let ids = nodes.into_iter().flatten();
        ids.filter_map(|node| Some(node.get("id")?.as_str()?.to_owned()))
            .collect()
    }

    /// Some of its orders.
    pub(crate) fn orders(&self, world: &World, when: When<'_>, ids: &[String]) -> Vec<Rendered> {
        let mut data = execute(world, &self.orders, &json!({ "ids": ids }), when);
        let Some(JsonValue::Array(nodes)) = data.remove("nodes") else {
            return Vec::new();
        };
        let orders = nodes.into_iter().filter_map(|node| {
            let JsonValue::Object(order) = node else {
                return None;
            };
            Some(rendered(order))
        });
        orders.collect()
    }
}

fn drop_page_sizes(set: &mut SelectionSet) {
    for selection in &mut set.selections {
        match selection {
            Selection::Field(field) => {
                let field = field.make_mut();
                if is_connection(field) {
                    let ignored = |name: &str| IGNORED.contains(&name);
                    field.arguments.retain(|one| !ignored(one.name.as_str()));
                }
                drop_page_sizes(&mut field.selection_set);
            }
            Selection::InlineFragment(part) => {
                drop_page_sizes(&mut part.make_mut().selection_set);
            }
            // Fragments are gone through by themselves.
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn invalid(message: &str) -> Vec<String> {
    vec![format!("Invalid bulk query: {message}")]
}

/// Runs a document that costs nothing and has no limits.
fn execute(world: &World, text: &str, variables: &serde_json::Value, when: When<'_>) -> JsonMap {
    let (version, at) = when;
    let run = || {
        let document = world.schema.document(text).ok()?;
        let operation = document.operations.get(None).ok()?;
        let variables = as_json_map(variables);
        let schema = world.schema.valid();
        let variables = coerce_variable_values(schema, operation, &variables).ok()?;
        let context = Context::at(world, version, at);
        let root = Root {
            context: &context,
            is_mutation: false,
        };
        let execution = Execution::new(schema, &document)
            .operation(operation)
            .implementers_map(world.schema.implementers())
            .coerced_variable_values(&variables);
        execution.execute_sync(&root).ok()?.data
    };
    run().unwrap_or_default()
}

fn rendered(order: JsonMap) -> Rendered {
    let mut children = Vec::new();
    let line = take_apart(order, None, &mut children);
    Rendered { line, children }
}

/// An object's line; its children follow with their parent's id.
fn take_apart(mut object: JsonMap, parent: Option<&str>, children: &mut Vec<String>) -> String {
    let id = object.get("id").and_then(JsonValue::as_str);
    let id = id.unwrap_or_default().to_owned();
    let is_connection = |value: &JsonValue| value.get("edges").is_some_and(JsonValue::is_array);
    let keys = object.iter().filter(|(_, value)| is_connection(value));
    let keys: Vec<_> = keys.map(|(key, _)| key.clone()).collect();
    for key in keys {
        let Some(JsonValue::Object(mut connection)) = object.remove(key.as_str()) else {
            continue;
        };
        let Some(JsonValue::Array(edges)) = connection.remove("edges") else {
            continue;
        };
        for edge in edges {
            if let JsonValue::Object(mut edge) = edge
                && let Some(JsonValue::Object(node)) = edge.remove("node")
            {
                let line = take_apart(node, Some(&id), children);
                children.push(line);
            }
        }
    }
    if let Some(parent) = parent {
        object.insert("__parentId", parent.into());
    }
    // Every part is JSON already, so that writing it cannot fail; an empty line would be noticed at once.
    serde_json::to_string(&object).unwrap_or_default()
}
