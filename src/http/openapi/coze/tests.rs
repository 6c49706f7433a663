use super::*;

fn document() -> Value {
    let whole = serde_json::to_value(super::document()).unwrap();
    profile(&whole, "http://127.0.0.1:8080")
}

fn operations(document: &Value) -> Vec<(String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(move |(method, operation)| (format!("{method} {path}"), operation.clone()))
    });
    operations.collect()
}

fn is_said(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}

/// Every value below one, with the way to it.
fn all<'a>(place: &str, value: &'a Value, into: &mut Vec<(String, &'a Value)>) {
    into.push((place.to_owned(), value));
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                all(&format!("{place}/{name}"), value, into);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                all(&format!("{place}/{index}"), value, into);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_importers_rules_are_kept() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.0."));
    assert!(is_said(&document["info"]["title"]) && is_said(&document["info"]["description"]));
    assert_eq!(document["servers"].as_array().unwrap().len(), 1);
    let scheme = &document["components"]["securitySchemes"]["api_key"];
    assert_eq!(
        (&scheme["type"], &scheme["in"]),
        (&json!("apiKey"), &json!("header"))
    );
    for (name, operation) in operations(&document) {
        for field in ["operationId", "summary", "description"] {
            assert!(is_said(&operation[field]), "{name}: no {field}");
        }
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.contains_key("200"), "{name}");
        for (status, response) in responses {
            assert!(
                ["200", "default"].contains(&status.as_str()),
                "{name}: {status}"
            );
            let content = response["content"].as_object().unwrap();
            assert_eq!(
                content.keys().collect::<Vec<_>>(),
                ["application/json"],
                "{name}"
            );
            let answered = &content["application/json"]["schema"];
            assert_eq!(answered["type"], "object", "{name}");
            assert!(
                answered["properties"]["data"]["properties"].is_object(),
                "{name}"
            );
            assert!(is_said(&response["description"]), "{name}");
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let kind = parameter["schema"]["type"].as_str().unwrap();
            assert!(
                ["string", "integer", "number", "boolean"].contains(&kind),
                "{name}: {parameter}"
            );
            assert!(
                is_said(&parameter["name"]) && is_said(&parameter["description"]),
                "{name}"
            );
        }
    }
}

#[test]
fn nothing_of_3_1_is_left() {
    let document = document();
    let mut values = Vec::new();
    all("", &document, &mut values);
    assert!(values.len() > 500, "{}", values.len());
    for (place, value) in values {
        let Some(fields) = value.as_object() else {
            continue;
        };
        if place.ends_with("/properties") {
            continue;
        }
        for word in ["$ref", "const", "examples", "prefixItems", "propertyNames"] {
            assert!(!fields.contains_key(word), "{place}: {word}");
        }
        let kind = fields.get("type");
        assert!(
            kind.is_none_or(|kind| kind.is_string() && kind != "null"),
            "{place}: {kind:?}"
        );
        if kind == Some(&json!("array")) {
            assert!(fields["items"].is_object(), "{place}: items");
        }
    }
}

#[test]
fn a_bot_sees_the_lookups_and_nothing_else() {
    let ids: Vec<_> = operations(&document())
        .iter()
        .map(|(_, operation)| operation["operationId"].as_str().unwrap().to_owned())
        .collect();
    let mut sorted = ids;
    sorted.sort();
    assert_eq!(
        sorted,
        [
            "countOrders",
            "getOrder",
            "getOrderTracking",
            "getTracking",
            "listOrdersByEmail",
            "listSites",
            "searchOrder"
        ]
    );
}

#[test]
fn a_host_that_is_none_stays_out() {
    assert!(is_host("warmer.example.com") && is_host("127.0.0.1:8080") && is_host("[::1]:80"));
    for host in ["", "a/b", "a\"b", "a b", "user@host", "a\nb"] {
        assert!(!is_host(host), "{host:?}");
    }
}
