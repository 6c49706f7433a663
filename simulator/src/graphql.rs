//! Answers GraphQL as Shopify does: validates against its schema, charges its cost, executes on the book.

mod answer;
pub(crate) mod bulk;
mod cost;
mod cursor;
mod limits;
mod problem;
mod resolve;
mod schema;
mod selection;

use apollo_compiler::ExecutableDocument;
use apollo_compiler::executable::Operation;
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::resolvers::Execution;
use apollo_compiler::response::JsonMap;
use apollo_compiler::validation::Valid;
use serde_json::{Value, json};

use crate::locked::lock;
use crate::world::World;

pub(crate) use bulk::{Inner, Rendered};
pub(crate) use schema::Schema;

use answer::Answer;
use problem::Problem;
use resolve::Context;

/// The highest cost of a single query, on every plan.
const MAX_COST: u32 = 1000;

/// What was posted.
#[derive(Debug)]
pub(crate) struct Request {
    query: String,
    operation_name: Option<String>,
    pub(crate) variables: Value,
}

/// What goes back, and what the log notes of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) body: String,
    pub(crate) requested: Option<u32>,
    pub(crate) actual: Option<u32>,
    pub(crate) error: Option<String>,
}

impl Request {
    /// Reads a body; the error is Shopify's word for what is wrong with it.
    pub(crate) fn read(body: &[u8]) -> Result<Self, &'static str> {
        let Ok(Value::Object(mut body)) = serde_json::from_slice(body) else {
            return Err("Unable to parse the request body as JSON");
        };
        let Some(Value::String(query)) = body.remove("query") else {
            return Err("Required parameter missing or invalid: query");
        };
        let operation_name = match body.remove("operationName") {
            Some(Value::String(name)) => Some(name),
            _ => None,
        };
        let variables = body.remove("variables").unwrap_or_default();
        if !variables.is_object() && !variables.is_null() {
            return Err("Variables are invalid");
        }
        Ok(Self {
            query,
            operation_name,
            variables,
        })
    }

    /// The operation's name, also where only the document says it.
    pub(crate) fn operation(&self) -> String {
        if let Some(name) = &self.operation_name {
            return name.clone();
        }
        let mut depth = 0_u32;
        // Only what stands outside all braces and brackets can be the keyword.
        let outside: String = self
            .query
            .chars()
            .filter(|c| {
                match c {
                    '{' | '(' => depth += 1,
                    '}' | ')' => depth = depth.saturating_sub(1),
                    _ => return depth == 0,
                }
                false
            })
            .collect();
        let mut words = outside.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        let keyword = words.any(|word| matches!(word, "query" | "mutation"));
        let name = words.find(|word| !word.is_empty()).filter(|_| keyword);
        name.unwrap_or_default().to_owned()
    }
}

/// Answers a request that may be answered.
pub(crate) fn run(world: &World, request: &Request, version: &str) -> Outcome {
    let document = match world.schema.document(&request.query) {
        Ok(document) => document,
        Err(problems) => return Outcome::refused(&problems, None),
    };
    let operation = match document.operations.get(request.operation_name.as_deref()) {
        Ok(operation) => operation,
        Err(error) => return Outcome::refused(&[Problem::plain(&error.message())], None),
    };
    let schema = world.schema.valid();
    let variables = as_json_map(&request.variables);
    let variables = match coerce_variable_values(schema, operation, &variables) {
        Ok(variables) => variables,
        Err(error) => return Outcome::refused(&[Problem::variable(&error.message())], None),
    };
    let problems = limits::check(&document, operation, &variables);
    if !problems.is_empty() {
        return Outcome::refused(&problems, None);
    }
    let requested = cost::requested(schema, &document, operation, &variables);
    if requested > MAX_COST {
        return Outcome::refused(&[Problem::too_dear(requested, MAX_COST)], Some(requested));
    }
    if !lock(&world.bucket).take(requested, world.clock.now()) {
        return Outcome::throttled(world, requested);
    }
    let context = Context::new(world, version);
    let asked = Asked {
        document: &document,
        operation,
        variables: &variables,
    };
    execute(world, &context, &asked, requested)
}

/// A request that is good to execute.
struct Asked<'a> {
    document: &'a Valid<ExecutableDocument>,
    operation: &'a Operation,
    variables: &'a Valid<JsonMap>,
}

fn execute(world: &World, context: &Context<'_>, asked: &Asked<'_>, requested: u32) -> Outcome {
    let schema = world.schema.valid();
    let root = resolve::Root {
        context,
        is_mutation: asked.operation.is_mutation(),
    };
    let result = Execution::new(schema, asked.document)
        .operation(asked.operation)
        .implementers_map(world.schema.implementers())
        .coerced_variable_values(asked.variables)
        .execute_sync(&root);
    let response = match result {
        Ok(response) => response,
        Err(error) => {
            lock(&world.bucket).give_back(requested, world.clock.now());
            return Outcome::refused(&[Problem::plain(&error.message())], Some(requested));
        }
    };
    let actual = cost::actual(
        schema,
        asked.document,
        asked.operation,
        response.data.as_ref(),
    );
    let actual = actual.min(requested);
    let now = world.clock.now();
    let status = {
        let mut bucket = lock(&world.bucket);
        bucket.give_back(requested - actual, now);
        bucket.status(now)
    };
    let mut extensions = json!({ "cost": {
        "requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": status } });
    let searches = context.take_searches();
    if let (false, Some(object)) = (searches.is_empty(), extensions.as_object_mut()) {
        object.insert("search".to_owned(), Value::Array(searches));
    }
    Answer {
        data: response.data,
        errors: response.errors.iter().map(Problem::of_field).collect(),
        extensions: Some(extensions),
    }
    .outcome(Some(requested), Some(actual))
}

fn as_json_map(variables: &Value) -> JsonMap {
    let map = serde_json::from_value(variables.clone());
    map.unwrap_or_default()
}
