//! Answers hold the fields that are described, all of them and no others.

use std::time::Duration;

use serde_json::{Value, json};
use shopify_simulator::NewOrder;

use crate::harness::{Reply, Setup, until};

/// A described answer.
struct Described<'a> {
    document: &'a Value,
    faults: Vec<String>,
}

impl<'a> Described<'a> {
    fn by(document: &'a Value) -> Self {
        Self {
            document,
            faults: Vec::new(),
        }
    }

    /// Compares the answer to `operation` with its description.
    fn check(&mut self, path: &str, method: &str, reply: &Reply) {
        let document: &'a Value = self.document;
        let responses = &document["paths"][path][method]["responses"];
        let response = self.resolved(&responses[reply.status.to_string()]);
        let schema = &response["content"]["application/json"]["schema"];
        assert!(
            schema.is_object(),
            "{method} {path}: {} is not described",
            reply.status
        );
        let place = format!("{method} {path} {}", reply.status);
        self.compare(schema, &reply.json, &place);
    }

    fn resolved(&self, schema: &'a Value) -> &'a Value {
        let Some(name) = schema["$ref"].as_str() else {
            return schema;
        };
        let name = name.strip_prefix('#').expect("a place in this document");
        self.document.pointer(name).expect("it is there")
    }

    fn compare(&mut self, schema: &'a Value, value: &Value, place: &str) {
        if value.is_null() {
            return;
        }
        let schema = self.resolved(schema);
        for choice in schema["oneOf"].as_array().into_iter().flatten() {
            if choice["type"] != "null" {
                self.compare(choice, value, place);
            }
        }
        if let Some(values) = value.as_array() {
            for value in values {
                self.compare(&schema["items"], value, &format!("{place}[]"));
            }
        }
        let Some(fields) = value.as_object() else {
            return;
        };
        if let Some(each) = schema.get("additionalProperties") {
            for (key, value) in fields {
                self.compare(each, value, &format!("{place}.{key}"));
            }
            return;
        }
        let Some(known) = schema["properties"].as_object() else {
            return;
        };
        for (key, value) in fields {
            match known.get(key) {
                Some(schema) => self.compare(schema, value, &format!("{place}.{key}")),
                None => self.faults.push(format!("{place}.{key} is not described")),
            }
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            let name = name.as_str().expect("a name");
            if !fields.contains_key(name) {
                self.faults.push(format!("{place}.{name} is missing"));
            }
        }
    }
}

#[tokio::test]
async fn lookups_hold_the_fields_that_are_described() {
    let harness = Setup::default().shop(|shop| shop.orders(250)).start().await;
    let document = harness.get("/openapi.json").await.json;
    let mut described = Described::by(&document);
    let order = NewOrder::default().note("left at the door");
    let id = harness.simulator.shop().place_order(order);
    harness.simulator.settled().await;
    harness.sweep("full").await;
    let search = "/api/shopify/orders/search";
    for (path, asked) in [
        (search, format!("{search}?q=UK9")),
        (search, search.to_owned()),
        (
            "/api/shopify/orders/{order_id}",
            format!("/api/shopify/orders/{id}"),
        ),
        (
            "/api/shopify/orders/{order_id}",
            "/api/shopify/orders/1".to_owned(),
        ),
        (
            "/api/shopify/orders/{order_id}/tracking",
            format!("/api/shopify/orders/{id}/tracking"),
        ),
        (
            "/api/shopify/tracking",
            format!("/api/shopify/tracking?order_id={id}"),
        ),
        (
            "/api/shopify/tracking",
            "/api/shopify/tracking?order_id=1".to_owned(),
        ),
        (
            "/api/shopify/orders",
            "/api/shopify/orders?email=nobody@example.com".to_owned(),
        ),
        (
            "/api/shopify/orders",
            "/api/shopify/orders?email=customer1@example.com&status=open".to_owned(),
        ),
        (
            "/api/shopify/orders/count",
            "/api/shopify/orders/count".to_owned(),
        ),
    ] {
        described.check(path, "get", &harness.get(&asked).await);
    }
    // So many that parcels, events and cancelled orders are among them.
    for number in 22_080..22_180 {
        let order = harness.search(&format!("UK{number}")).await;
        described.check(search, "get", &order);
    }
    assert_eq!(described.faults, Vec::<String>::new());
    harness.stop().await;
}

#[tokio::test]
async fn all_other_answers_hold_the_fields_that_are_described() {
    let harness = Setup::default().shop(|shop| shop.orders(250)).start().await;
    let document = harness.get("/openapi.json").await.json;
    let mut described = Described::by(&document);
    let (trigger, full) = ("/api/warmup/trigger", json!({ "type": "full" }));
    harness.simulator.set_latency(Duration::from_millis(200));
    described.check(trigger, "post", &harness.post(trigger, &full).await);
    let busy = harness.post(trigger, &full).await;
    assert_eq!(busy.status, 409, "{}", busy.text);
    described.check(trigger, "post", &busy);
    let running = harness.get("/api/warmup/status").await;
    assert!(running.data()["sweep"].is_object(), "{}", running.text);
    described.check("/api/warmup/status", "get", &running);
    let stopped = harness.post("/api/warmup/stop", &json!({})).await;
    described.check("/api/warmup/stop", "post", &stopped);
    harness.simulator.set_latency(Duration::ZERO);
    until("the sweep stops", || async {
        let status = harness.get("/api/warmup/status").await;
        (status.data()["running"] == false).then_some(())
    })
    .await;
    harness.sweep("incremental").await;
    for path in [
        "/api/shopify/sites",
        "/api/warmup/status",
        "/api/warmup/history",
        "/healthz",
        "/readyz",
    ] {
        described.check(path, "get", &harness.get(path).await);
    }
    assert_eq!(described.faults, Vec::<String>::new());
    harness.stop().await;
}
