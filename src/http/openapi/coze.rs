//! The description for Coze's importer: OpenAPI 3.0, the lookups alone, and nothing in it that the importer stumbles over.
//!
//! It reads no `$ref`, one server, one 200 with one JSON object an operation, and parameters that are no objects. All of that is made from
//! the one description.

mod flat;
mod yaml;

use axum::{
    extract::State,
    http::{HeaderMap, header::HOST},
    response::{IntoResponse as _, Response},
};
use serde_json::{Map, Value, json};

use self::flat::flat;
use super::{ALIASES, document};
use crate::http::About;

/// The description of the lookups for bots.
#[utoipa::path(
    get,
    path = "/openapi/coze.yaml",
    operation_id = "cozeYaml",
    tag = "service",
    responses((status = 200, description = "The lookups alone, as OpenAPI 3.0 without references.", body = Object, content_type = "application/yaml"))
)]
pub(in crate::http) async fn coze_yaml(State(about): State<About>, headers: HeaderMap) -> Response {
    let asked_at = headers.get(HOST).and_then(|host| host.to_str().ok());
    let server = about.public_url.clone();
    let server = server.or_else(|| {
        asked_at
            .filter(|host| is_host(host))
            .map(|host| format!("http://{host}"))
    });
    let text = coze(server.as_deref().unwrap_or(&about.base_url));
    ([("content-type", "application/yaml; charset=utf-8")], text).into_response()
}

/// The document, in YAML, for a service that is reached at `server`.
pub fn coze(server: &str) -> String {
    let whole = serde_json::to_value(document()).unwrap_or_default();
    yaml::write(&profile(&whole, server))
}

fn profile(whole: &Value, server: &str) -> Value {
    let scheme = whole.pointer("/components/securitySchemes/api_key");
    json!({
        "openapi": "3.0.1",
        "info": {
            "title": "Shopify orders",
            "description": "Where is my order? Orders and tracking of the connected Shopify shops, by order number, id or e-mail address. \
                Read message first: it begins with ORDER_NOT_FOUND, AMBIGUOUS, INCOMPLETE, CONTACT_REQUIRED or CONTACT_MISMATCH where the answer needs a word.",
            "version": whole.pointer("/info/version"),
        },
        "servers": [{ "url": server }],
        "security": [{ "api_key": [] }],
        "paths": paths(whole),
        "components": { "securitySchemes": { "api_key": scheme } },
    })
}

fn paths(whole: &Value) -> Value {
    let all = whole.pointer("/paths").and_then(Value::as_object);
    let lookups = all.into_iter().flatten().filter_map(|(path, item)| {
        let get = item.get("get")?;
        let is_lookup = get.pointer("/tags/0")?.as_str()? == "lookups";
        // Another name of the same thing would only make a bot choose.
        let is_alias = ALIASES.iter().any(|(alias, _, _)| alias == path);
        (is_lookup && !is_alias).then(|| (path.clone(), json!({ "get": operation(get, whole) })))
    });
    Value::Object(lookups.collect())
}

fn operation(described: &Value, whole: &Value) -> Value {
    let text = |name: &str| {
        described
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (summary, description) = (text("summary"), text("description"));
    let description = if description.is_empty() {
        summary
    } else {
        description
    };
    let parameters = described.get("parameters").and_then(Value::as_array);
    let parameters: Vec<_> = parameters
        .into_iter()
        .flatten()
        .map(|parameter| flat(parameter, whole))
        .collect();
    let mut operation = Map::new();
    operation.insert("operationId".to_owned(), json!(text("operationId")));
    operation.insert("summary".to_owned(), json!(summary));
    operation.insert("description".to_owned(), json!(description));
    if !parameters.is_empty() {
        operation.insert("parameters".to_owned(), Value::Array(parameters));
    }
    let answer = described.pointer("/responses/200");
    let schema = answer.and_then(|answer| answer.pointer("/content/application~1json/schema"));
    let schema = schema.map(|schema| flat(schema, whole));
    operation.insert(
        "responses".to_owned(),
        json!({ "200": {
            "description": answer.and_then(|answer| answer.get("description")),
            "content": { "application/json": { "schema": schema } },
        } }),
    );
    Value::Object(operation)
}

/// A host and perhaps a port: what a stranger writes into that header goes into a document.
fn is_host(text: &str) -> bool {
    let may_stand =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
    !text.is_empty() && text.len() < 256 && text.bytes().all(may_stand)
}

#[cfg(test)]
mod tests;
