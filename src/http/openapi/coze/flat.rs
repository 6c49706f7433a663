//! A schema of OpenAPI 3.1 with references as one of 3.0 without any.

use serde_json::{Map, Value, json};

/// How deep schemas lie in each other: ours do not name themselves, and one that did would end here.
const DEEPEST: usize = 24;

/// Writes references out and says in the words of 3.0 what 3.1 says in its own.
pub(super) fn flat(schema: &Value, whole: &Value) -> Value {
    flatten(schema, whole, 0)
}

fn flatten(value: &Value, whole: &Value, depth: usize) -> Value {
    if depth > DEEPEST {
        return json!({});
    }
    match value {
        Value::Object(object) => flatten_object(object, whole, depth),
        Value::Array(items) => items
            .iter()
            .map(|item| flatten(item, whole, depth + 1))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn flatten_object(object: &Map<String, Value>, whole: &Value, depth: usize) -> Value {
    if let Some(meant) = meant(object, whole) {
        let mut flat = flatten(meant, whole, depth + 1);
        // What is said of this use of it counts more than what is said of it.
        if let (Some(flat), Some(text)) = (flat.as_object_mut(), object.get("description")) {
            flat.insert("description".to_owned(), text.clone());
        }
        return flat;
    }
    if let Some(choice) = object.get("oneOf").and_then(Value::as_array)
        && let Some(only) = only_beside_null(choice)
    {
        let mut flat = flatten(only, whole, depth + 1);
        if let Some(flat) = flat.as_object_mut() {
            flat.insert("nullable".to_owned(), json!(true));
            if let Some(text) = object.get("description") {
                flat.insert("description".to_owned(), text.clone());
            }
        }
        return flat;
    }
    let mut flat = Map::new();
    for (name, value) in object {
        say(&mut flat, name, value, whole, depth);
    }
    Value::Object(flat)
}

/// What a reference means.
fn meant<'a>(object: &Map<String, Value>, whole: &'a Value) -> Option<&'a Value> {
    let name = object.get("$ref")?.as_str()?;
    whole.pointer(name.strip_prefix('#')?)
}

/// The one choice besides `null`.
fn only_beside_null(choices: &[Value]) -> Option<&Value> {
    let is_null = |choice: &&Value| choice.get("type").and_then(Value::as_str) == Some("null");
    let mut others = choices.iter().filter(|choice| !is_null(choice));
    let only = others.next()?;
    others.next().is_none().then_some(only)
}

fn say(flat: &mut Map<String, Value>, name: &str, value: &Value, whole: &Value, depth: usize) {
    let mut put = |name: &str, value: Value| {
        flat.insert(name.to_owned(), value);
    };
    match (name, value) {
        // Names of fields are no words of the description.
        ("properties", Value::Object(fields)) => {
            let fields = fields
                .iter()
                .map(|(name, field)| (name.clone(), flatten(field, whole, depth + 1)));
            put(name, Value::Object(fields.collect()));
        }
        ("type", Value::Array(types)) => {
            let known = types.iter().find(|one| one.as_str() != Some("null"));
            put(name, known.cloned().unwrap_or_else(|| json!("string")));
            if types.iter().any(|one| one.as_str() == Some("null")) {
                put("nullable", json!(true));
            }
        }
        ("examples", Value::Array(examples)) => {
            if let Some(example) = examples.first() {
                put("example", example.clone());
            }
        }
        ("example" | "enum" | "required", _) => put(name, value.clone()),
        ("const", _) => put("enum", json!([value])),
        // Names of things, which the importer has no use for.
        ("propertyNames" | "$schema", _) => {}
        (_, _) => put(name, flatten(value, whole, depth + 1)),
    }
}
