//! What was redacted is nowhere any more: not in a key, a file or a log; and no old body brings it back.

use std::{
    io::Write,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use shopify_simulator::{Address, NewFulfillment, NewOrder, ShipmentStatus};

use crate::harness::{Harness, Setup, now, until};
use crate::redis_server::RedisServer;

const EMAIL: &str = "planted.person@example.com";
const PLANTED: [&str; 9] = [
    EMAIL,
    "Zaphod",
    "Plantedname",
    "+447700900123",
    "42 Planted Lane",
    "PL4 N7D",
    "planted-note",
    "77441",
    "77442",
];

/// Everything that was logged, at the finest.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Of this process: nextest gives each test one of its own. The simulator is not of the product.
    fn capture() -> Self {
        let (log, filter) = (Self::default(), "trace,shopify_simulator=off");
        let its = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(false)
            .with_writer(move || its.clone())
            .finish();
        tracing::subscriber::set_global_default(subscriber).expect("a process of its own");
        log
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

/// A customer whom one would recognise.
fn planted(number: u64) -> NewOrder {
    NewOrder::default()
        .number(number)
        .email(EMAIL)
        .note("planted-note")
        .address(Address {
            first_name: "Zaphod".to_owned(),
            last_name: "Plantedname".to_owned(),
            address1: "42 Planted Lane".to_owned(),
            city: "Plymouth".to_owned(),
            zip: "PL4 N7D".to_owned(),
            phone: Some("+447700900123".to_owned()),
            country: "United Kingdom".to_owned(),
            country_code: "GB".to_owned(),
            ..Address::default()
        })
}

fn found_in(bytes: &[u8]) -> Vec<&'static str> {
    let is_in = |planted: &str| {
        bytes
            .windows(planted.len())
            .any(|part| part == planted.as_bytes())
    };
    PLANTED
        .into_iter()
        .filter(|planted| is_in(planted))
        .collect()
}

/// What can be read of the planted values in the files of a directory.
fn found_in_files(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap_or_default();
        let planted = found_in(&bytes);
        found.extend(
            planted
                .iter()
                .map(|planted| format!("{planted} in {}", path.display())),
        );
    }
    found
}

/// What can be read of them in Redis, keys included.
async fn found_in_redis(redis: &RedisServer) -> Vec<String> {
    let mut found = Vec::new();
    for key in redis.cli::<Vec<String>>(&["KEYS", "*"]).await {
        let read: &[&str] = match redis.cli::<String>(&["TYPE", &key]).await.as_str() {
            "string" => &["GET", &key],
            "hash" => &["HGETALL", &key],
            "list" => &["LRANGE", &key, "0", "-1"],
            "set" => &["SMEMBERS", &key],
            "zset" => &["ZRANGE", &key, "0", "-1"],
            _ => continue,
        };
        let value = redis.cli::<redis::Value>(read).await;
        // As text: the values of all types are texts of ours.
        let texts = texts(&value);
        let planted = found_in(format!("{key}\n{texts}").as_bytes());
        found.extend(planted.iter().map(|planted| format!("{planted} in {key}")));
    }
    found
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the driver's own kinds, of which only some hold texts"
)]
fn texts(value: &redis::Value) -> String {
    match value {
        redis::Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        redis::Value::Array(values) | redis::Value::Set(values) => {
            values.iter().map(texts).collect::<Vec<_>>().join("\n")
        }
        redis::Value::Map(pairs) => {
            let pairs = pairs
                .iter()
                .map(|(key, value)| texts(key) + "\n" + &texts(value));
            pairs.collect::<Vec<_>>().join("\n")
        }
        // Numbers and states.
        _ => String::new(),
    }
}

async fn traces(harness: &Harness, redis: Option<&RedisServer>) -> Vec<String> {
    let mut found = found_in_files(harness.data_dir.path());
    if let Some(redis) = redis {
        found.extend(found_in_redis(redis).await);
    }
    found
}

async fn nothing_is_left(harness: &Harness, redis: Option<&RedisServer>) {
    let mut left = Vec::new();
    for _ in 0..400 {
        left = traces(harness, redis).await;
        if left.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("still to be read: {left:?}");
}

async fn inbox_is_empty(harness: &Harness) {
    until("the inbox is empty", || async {
        harness.app.state().inbox.is_empty().unwrap().then_some(())
    })
    .await;
}

async fn refresh_set_is_empty(harness: &Harness) {
    until("the refresh set is empty", || async {
        let (store, uk) = (&harness.app.state().store, "uk".parse().unwrap());
        (store.refresh_len(&uk).await.unwrap() == 0).then_some(())
    })
    .await;
}

async fn site(harness: &Harness) -> Value {
    harness.get("/api/warmup/status").await.data()["sites"]["uk"].clone()
}

#[expect(
    clippy::too_many_lines,
    clippy::cognitive_complexity,
    reason = "one story from its beginning to its end"
)]
async fn a_customer_is_forgotten(redis: Option<RedisServer>) {
    let log = Log::capture();
    let mut setup = Setup::default();
    if let Some(redis) = &redis {
        setup = setup.set("REDIS_URL", redis.url());
    }
    let harness = setup.start().await;
    let shop = harness.simulator.shop();
    let (named, unnamed) = (
        shop.place_order(planted(77441)),
        shop.place_order(planted(77442)),
    );
    let other = shop.place_order(NewOrder::default().number(5));
    let parcel = shop.fulfill(named, NewFulfillment::default()).unwrap();
    shop.track(parcel, ShipmentStatus::InTransit).unwrap();
    shop.refund(unnamed).unwrap();
    harness.simulator.settled().await;
    assert_eq!(harness.sweep("full").await["outcome"], "completed");
    for number in ["UK77441", "UK77442"] {
        assert_eq!(harness.search(number).await.data()["cached"], true);
    }
    harness.tracking(named).await;
    assert!(
        !traces(&harness, redis.as_ref()).await.is_empty(),
        "the search finds what is there"
    );

    if let Some(redis) = &redis {
        // An old body waits in the inbox while the demand comes.
        redis.pause();
        shop.set_note(unnamed, Some("planted-note")).unwrap();
        until("it waits in the inbox", || async {
            (harness.app.state().inbox.len().unwrap() > 0).then_some(())
        })
        .await;
        assert!(!found_in_files(harness.data_dir.path()).is_empty());
    }
    let old = harness.simulator.deliveries();
    shop.redact_customer(named, &[named]).unwrap();
    if let Some(redis) = &redis {
        until(
            "the old body is gone while the store is still away",
            || async {
                let left = found_in_files(harness.data_dir.path());
                let notes = left.iter().filter(|left| left.contains("note"));
                (notes.count() == 0).then_some(())
            },
        )
        .await;
        redis.resume();
    }
    harness.simulator.settled().await;
    inbox_is_empty(&harness).await;
    nothing_is_left(&harness, redis.as_ref()).await;

    for delivery in &old {
        harness.simulator.redeliver(delivery);
    }
    harness.simulator.settled().await;
    inbox_is_empty(&harness).await;
    refresh_set_is_empty(&harness).await;
    assert_eq!(harness.sweep("full").await["outcome"], "completed");
    nothing_is_left(&harness, redis.as_ref()).await;
    for order in [named, unnamed] {
        assert_eq!(harness.by_id(order).await.data()["order"], Value::Null);
    }
    assert_eq!(harness.by_id(other).await.data()["cached"], true);
    let receipts = site(&harness).await["receipts"].clone();
    assert_eq!(receipts.as_array().unwrap().len(), 1, "{receipts}");
    assert_eq!(receipts[0]["topic"], "customers/redact");
    assert_eq!(receipts[0]["orders_named"], 1);
    assert_eq!(receipts[0]["orders_erased"], 2);
    let logged = log.bytes();
    assert!(!logged.is_empty(), "nothing was logged");
    assert_eq!(found_in(&logged), Vec::<&str>::new());
    assert_eq!(
        found_in(receipts.to_string().as_bytes()),
        Vec::<&str>::new()
    );
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_forgotten_in_redis() {
    a_customer_is_forgotten(Some(RedisServer::start().await)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_forgotten_in_the_file() {
    a_customer_is_forgotten(None).await;
}

#[tokio::test]
async fn what_is_held_of_a_customer_is_told_in_a_receipt() {
    let harness = Harness::start().await;
    let shop = harness.simulator.shop();
    let held = [
        shop.place_order(planted(77441)),
        shop.place_order(planted(77442)),
    ];
    shop.place_order(NewOrder::default());
    harness.simulator.settled().await;
    shop.request_data(held[0]).unwrap();
    harness.simulator.settled().await;
    let receipts = site(&harness).await["receipts"].clone();
    assert_eq!(receipts[0]["topic"], "customers/data_request");
    let ids: Vec<_> = receipts[0]["orders_held"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| {
            id.as_str()
                .expect("a text: a float would round it")
                .to_owned()
        })
        .collect();
    for id in held {
        assert!(ids.contains(&id.to_string()), "{receipts}");
    }
    assert_eq!(ids.len(), 2);
    assert!(receipts[0]["data_request"].is_u64());
    assert_eq!(
        found_in(receipts.to_string().as_bytes()),
        Vec::<&str>::new()
    );
    // Delivered again, it is the same request.
    let again = harness.simulator.deliveries().last().unwrap().clone();
    harness.simulator.redeliver(&again);
    harness.simulator.settled().await;
    assert_eq!(
        site(&harness).await["receipts"].as_array().unwrap().len(),
        1
    );
    assert_eq!(harness.by_id(held[0]).await.data()["cached"], true);
    harness.stop().await;
}

/// Lookups over all shops leave out one that removed the app, and say so.
async fn others_are_told_that_it_is_not_asked(harness: &Harness) {
    for path in ["?email=somebody@example.com", "/count"] {
        let answer = harness.get(&format!("/api/shopify/orders{path}")).await;
        let (data, why) = (answer.data(), &answer.data()["incomplete"]);
        assert_eq!(
            *why,
            json!([{ "site": "uk", "reason": "not_connected" }]),
            "{data}"
        );
        assert_ne!(data["pending"], true, "asking again tells no more: {data}");
    }
}

/// What a person and other programs are told of a shop that has removed the app.
async fn it_is_told(harness: &Harness, order: u64) {
    let answer = harness.by_id(order).await;
    let message = answer.data()["message"].as_str().unwrap();
    assert!(message.starts_with("SHOP_NOT_CONNECTED"), "{message}");
    others_are_told_that_it_is_not_asked(harness).await;
    let refused = harness
        .post("/api/warmup/trigger", &json!({ "type": "full" }))
        .await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    until("a person is told", || async {
        let status = harness.get("/api/warmup/status").await;
        let alerts = status.data()["alerts"].to_string();
        alerts.contains("app_removed").then_some(())
    })
    .await;
}

async fn a_shop_leaves_and_comes_back(redis: Option<RedisServer>) {
    let mut setup = Setup::default();
    if let Some(redis) = &redis {
        setup = setup.set("REDIS_URL", redis.url());
    }
    let harness = setup.start().await;
    let shop = harness.simulator.shop();
    let first = shop.place_order(planted(77441));
    harness.simulator.settled().await;
    assert_eq!(harness.sweep("full").await["outcome"], "completed");
    let old = harness.simulator.deliveries();
    harness.simulator.uninstall();
    harness.simulator.settled().await;
    let left = harness.simulator.deliveries().last().unwrap().clone();
    assert_eq!(left.topic, "app/uninstalled");

    let gone = site(&harness).await;
    assert_eq!(gone["state"], "uninstalled");
    assert_eq!(gone["shopify"], "uninstalled");
    assert!(gone["advice"].is_string());
    assert!(gone["uninstalled_since"].is_string());
    assert_eq!(gone["coverage"]["window"], 0);
    assert_eq!(gone["receipts"][0]["topic"], "app/uninstalled");
    harness.simulator.clear_calls();
    for delivery in &old {
        harness.simulator.redeliver(delivery);
    }
    harness.simulator.settled().await;
    it_is_told(&harness, first).await;
    nothing_is_left(&harness, redis.as_ref()).await;
    let calls = harness.simulator.calls();
    assert!(
        calls.iter().all(|call| call.operation == "WhoAmI"),
        "only probes: {calls:?}"
    );

    harness.simulator.reinstall();
    let second = shop.place_order(NewOrder::default());
    until("it is swept from scratch", || async {
        let status = site(&harness).await;
        let covered = status["coverage"]["window"] == 2 && status["running"] == false;
        (status["state"] == "active" && covered).then_some(())
    })
    .await;
    harness.simulator.redeliver(&left);
    harness.simulator.settled().await;
    assert_eq!(site(&harness).await["state"], "active", "an old word");
    for order in [first, second] {
        assert_eq!(harness.by_id(order).await.data()["cached"], true);
    }
    let alerts = harness.get("/api/warmup/status").await.data()["alerts"].clone();
    assert!(!alerts.to_string().contains("app_removed"), "{alerts}");
    harness.stop().await;
}

#[tokio::test]
async fn a_shop_leaves_and_comes_back_in_redis() {
    a_shop_leaves_and_comes_back(Some(RedisServer::start().await)).await;
}

#[tokio::test]
async fn a_shop_leaves_and_comes_back_in_the_file() {
    a_shop_leaves_and_comes_back(None).await;
}

#[tokio::test]
async fn a_restart_keeps_in_mind_that_the_shop_left_and_a_redaction_follows() {
    let harness = Harness::start().await;
    harness.simulator.shop().place_order(planted(77441));
    harness.simulator.settled().await;
    harness.simulator.uninstall();
    harness.simulator.settled().await;
    let Harness {
        simulator,
        app,
        data_dir,
        config,
        http,
        ..
    } = harness;
    assert!(app.stop().await);
    simulator.clear_calls();
    let app = shopify_warmer::app::App::start(&config, shopify_warmer::clock::Clock::System)
        .await
        .unwrap();
    simulator.deliver_to(&format!("http://{}/webhooks/shopify", app.addr()));
    simulator.redact_shop();
    simulator.settled().await;
    let (store, uk) = (&app.state().store, "uk".parse().unwrap());
    let receipts = shopify_warmer::warm::receipts(store, &uk, 9).await.unwrap();
    assert_eq!(receipts[0].topic, "shop/redact");
    let url = format!("http://{}/api/warmup/status", app.addr());
    let status =
        crate::harness::reply(http.get(url).bearer_auth(crate::harness::ADMIN_TOKEN)).await;
    assert_eq!(status.data()["sites"]["uk"]["state"], "uninstalled");
    assert!(app.stop().await);
    assert_eq!(found_in_files(data_dir.path()), Vec::<String>::new());
}

#[tokio::test]
async fn a_sweeps_page_that_was_read_before_the_redaction_brings_nothing_back() {
    let harness = Harness::start().await;
    let shop = harness.simulator.shop();
    harness.simulator.set_topics(["customers/redact"]);
    let order = shop.place_order(planted(77441));
    harness.simulator.set_latency(Duration::from_millis(300));
    // The page shows the shop as it was before it forgot the customer.
    harness.simulator.set_replica_lag(Duration::from_secs(3600));
    harness.simulator.set_search_lag(Duration::ZERO);
    let sweep = harness.sweep("full");
    let redact = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        shop.redact_customer(order, &[]).unwrap();
        harness.simulator.settled().await;
    };
    tokio::join!(sweep, redact);
    nothing_is_left(&harness, None).await;
    harness.stop().await;
}

#[tokio::test]
async fn returns_have_their_order_read_and_the_end_of_a_bulk_operation_is_heard() {
    let harness = Harness::start().await;
    let id = harness.simulator.shop().place_order(NewOrder::default());
    harness.simulator.settled().await;
    let body = json!({
        "id": 945_000_954_u64,
        "admin_graphql_api_id": "gid://shopify/Return/945000954",
        "status": "open",
        "order": { "id": id },
    });
    let delivered = harness
        .simulator
        .deliver("returns/approve", body.to_string(), now())
        .await;
    assert_eq!(delivered.unwrap(), 200);
    refresh_set_is_empty(&harness).await;
    assert_eq!(harness.simulator.calls_named("OrdersByIds").len(), 1);

    let operation = "gid://shopify/BulkOperation/147595010";
    let body = json!({
        "admin_graphql_api_id": operation, "status": "completed", "type": "query",
        "error_code": null, "created_at": now(), "completed_at": now(),
    });
    let delivered = harness
        .simulator
        .deliver("bulk_operations/finish", body.to_string(), now())
        .await;
    assert_eq!(delivered.unwrap(), 200);
    let site = harness
        .app
        .state()
        .sites
        .by_code(&"uk".parse().unwrap())
        .unwrap();
    let heard = tokio::time::timeout(Duration::from_secs(30), site.bulk_finished.notified());
    heard.await.expect("whoever waits for it hears of it");
    harness.stop().await;
}
