use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

/// `GET /healthz` and the like, of every route of the table in `http.rs`.
fn routed() -> BTreeSet<String> {
    let table = include_str!("../../http.rs");
    let routes = table.split(".route(").skip(1).map(|route| {
        let mut words = route.split('"');
        let path = words.nth(1).expect("a path");
        let rest = words.next().expect("a handler");
        let method = rest
            .trim_start_matches(|c: char| !c.is_ascii_lowercase())
            .split('(')
            .next()
            .expect("a method");
        format!("{} {path}", method.to_uppercase())
    });
    routes.collect()
}

/// Each operation of the document, by the same name.
fn described() -> Vec<(String, Value)> {
    let document = serde_json::to_value(document()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, methods)| {
        methods
            .as_object()
            .unwrap()
            .iter()
            .map(move |(method, operation)| {
                (
                    format!("{} {path}", method.to_uppercase()),
                    operation.clone(),
                )
            })
    });
    operations.collect()
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let described: BTreeSet<_> = described().into_iter().map(|(name, _)| name).collect();
    assert!(described.len() > 12, "{described:?}");
    assert_eq!(routed(), described);
}

#[test]
fn every_operation_says_what_it_does_takes_and_answers() {
    let mut ids = BTreeSet::new();
    for (name, operation) in described() {
        let id = operation["operationId"].as_str().expect("an id").to_owned();
        assert!(ids.insert(id), "{name}: its id is another's too");
        assert!(operation["summary"].is_string(), "{name}: no summary");
        assert_eq!(
            operation["tags"].as_array().map(Vec::len),
            Some(1),
            "{name}"
        );
        let needs_a_token = operation["security"].is_array();
        assert_eq!(
            needs_a_token,
            operation["responses"]["401"].is_object(),
            "{name}: 401 belongs to what needs a token, and only there"
        );
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let has = |field: &str| parameter[field].is_string() || parameter[field].is_number();
            assert!(has("description"), "{name}: {parameter}");
            let has_values = parameter["schema"]["enum"].is_array();
            assert!(has("example") || has_values, "{name}: {parameter}");
        }
    }
}

#[test]
fn tokens_are_needed_as_the_table_says() {
    for (name, operation) in described() {
        let needs = |scheme: &str| {
            let security = operation["security"].as_array();
            let with = security?
                .iter()
                .find_map(|needed| needed.get(scheme))?
                .get(0)?;
            with.as_str().map(str::to_owned)
        };
        let expected = match name.as_str() {
            name if name.contains("/api/shopify/") => Some("lookup".to_owned()),
            name if name.contains("/api/warmup/") => Some("manage".to_owned()),
            _open => None,
        };
        assert_eq!(needs("bearer"), expected, "{name}");
        assert_eq!(needs("api_key"), expected, "{name}");
    }
}
