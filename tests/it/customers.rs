//! Lookups by e-mail: that customer's orders and nobody else's, all of them or said to be fewer.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shopify_simulator::{ApiFault, NewOrder, Times};

use crate::{
    harness::{Harness, Reply, Setup, now, until},
    redis_server::RedisServer,
};

const JANE: &str = "jane.doe@example.com";

fn order(email: &str) -> NewOrder {
    NewOrder::default().email(email)
}

/// Orders that no webhook tells of.
fn unheard(harness: &Harness, orders: impl IntoIterator<Item = NewOrder>) -> Vec<u64> {
    let address = harness.url("/webhooks/shopify");
    harness.simulator.stop_delivering();
    let shop = harness.simulator.shop();
    let ids = orders
        .into_iter()
        .map(|order| shop.place_order(order))
        .collect();
    harness.simulator.deliver_to(&address);
    ids
}

async fn ask(harness: &Harness, query: &str) -> Reply {
    harness.get(&format!("/api/shopify/orders?{query}")).await
}

fn ids(reply: &Reply) -> Vec<String> {
    let orders = reply.data()["orders"].as_array().expect("a list");
    orders
        .iter()
        .map(|order| order["order_id"].as_str().expect("an id").to_owned())
        .collect()
}

fn as_texts(ids: &[u64]) -> Vec<String> {
    ids.iter().map(u64::to_string).collect()
}

fn calls(harness: &Harness) -> usize {
    harness.simulator.calls().len()
}

/// The newest first.
fn reversed(mut ids: Vec<u64>) -> Vec<u64> {
    ids.reverse();
    ids
}

fn aged(email: &str, days: i64) -> NewOrder {
    order(email).placed_at(now() - TimeDelta::days(days))
}

async fn all_of_a_customer(setup: Setup) {
    let harness = setup.start().await;
    let hers = unheard(
        &harness,
        (0..4).map(|n| aged("Jane.Doe@Example.COM", 9 - n)),
    );
    unheard(
        &harness,
        [
            order("ajane.doe@example.com"),
            order("jane.doe@example.co"),
            NewOrder::default().no_customer(),
        ],
    );
    let cold = ask(&harness, "email=%20JANE.DOE%40example.com").await;
    assert_eq!(
        ids(&cold),
        as_texts(&reversed(hers.clone())),
        "{}",
        cold.text
    );
    let data = cold.data();
    assert_eq!(
        (&data["total"], &data["cached"]),
        (&json!(4), &json!(false))
    );
    assert_eq!(
        (&data["incomplete"], &data["pending"], &data["message"]),
        (&json!([]), &json!(false), &Value::Null)
    );
    assert_eq!(data["freshness"]["state"], "live");
    assert_eq!(calls(&harness), 1);
    let warm = ask(&harness, &format!("email={JANE}&limit=2")).await;
    assert_eq!(ids(&warm), as_texts(&reversed(hers.clone())[..2]));
    assert_eq!(
        (&warm.data()["total"], &warm.data()["cached"]),
        (&json!(4), &json!(true))
    );
    assert_eq!(warm.data()["freshness"]["state"], "fresh");
    assert!(warm.data()["cache_ttl"].as_u64() > Some(172_700));
    assert_eq!(
        harness.by_id(hers[0]).await.data()["cached"],
        true,
        "each is cached by itself too"
    );
    let alias = harness
        .get(&format!(
            "/api/shopify/orders/global-email-search?email={JANE}&site=uk"
        ))
        .await;
    assert_eq!(ids(&alias).len(), 4);
    assert_eq!(calls(&harness), 1);
    harness.stop().await;
}

#[tokio::test]
async fn a_customer_gets_all_orders_and_then_from_the_file() {
    all_of_a_customer(Setup::default()).await;
}

#[tokio::test]
async fn a_customer_gets_all_orders_and_then_from_redis() {
    let redis = RedisServer::start().await;
    all_of_a_customer(Setup::default().set("REDIS_URL", redis.url())).await;
}

#[tokio::test]
async fn no_address_stands_in_redis_keys() {
    let redis = RedisServer::start().await;
    let harness = Setup::default().set("REDIS_URL", redis.url()).start().await;
    unheard(&harness, [order(JANE)]);
    ask(&harness, &format!("email={JANE}")).await;
    ask(&harness, "email=nobody.there%40example.com").await;
    let keys: Vec<String> = redis.cli(&["KEYS", "*"]).await;
    let lists = keys
        .iter()
        .filter(|key| key.starts_with("shopify:uk:customer:"));
    assert_eq!(lists.count(), 2, "{keys:?}");
    assert!(
        !keys
            .iter()
            .any(|key| key.contains("example") || key.contains("jane")),
        "{keys:?}"
    );
    let list = keys.iter().find(|key| key.contains("customer")).unwrap();
    let list: String = redis.cli(&["GET", list]).await;
    assert!(!list.contains("example"), "{list}");
    for path in ["/metrics", "/api/warmup/status", "/api/warmup/coverage"] {
        let shown = harness.get(path).await.text;
        assert!(
            !shown.contains("jane") && !shown.contains("nobody.there"),
            "{path}"
        );
    }
    harness.stop().await;
}

#[tokio::test]
async fn webhooks_keep_a_list_complete() {
    let harness = Harness::start().await;
    let old = unheard(&harness, [aged(JANE, 3)]);
    assert_eq!(
        ids(&ask(&harness, &format!("email={JANE}")).await),
        as_texts(&old)
    );
    let shop = harness.simulator.shop();
    let new = shop.place_order(order(JANE));
    harness.simulator.settled().await;
    let both = ask(&harness, &format!("email={JANE}")).await;
    assert_eq!(ids(&both), as_texts(&[new, old[0]]));
    assert_eq!(both.data()["cached"], true);
    shop.delete_order(new).unwrap();
    harness.simulator.settled().await;
    assert_eq!(
        ids(&ask(&harness, &format!("email={JANE}")).await),
        as_texts(&old)
    );
    assert_eq!(calls(&harness), 1);
    harness.stop().await;
}

#[tokio::test]
async fn an_order_that_the_search_does_not_show_yet_is_not_missed() {
    let harness = Harness::start().await;
    let old = unheard(&harness, [aged(JANE, 3)]);
    harness.simulator.set_search_lag(Duration::from_secs(300));
    until("the search shows the old order", || async {
        let reply = ask(&harness, "email=somebody.else@example.com").await;
        (reply.status == 200).then_some(())
    })
    .await;
    let new = harness.simulator.shop().place_order(order(JANE));
    harness.simulator.settled().await;
    let reply = ask(&harness, &format!("email={JANE}")).await;
    assert!(ids(&reply).contains(&new.to_string()), "{}", reply.text);
    let again = ask(&harness, &format!("email={JANE}")).await;
    assert!(ids(&again).contains(&new.to_string()), "{}", again.text);
    assert!(ids(&again).len() <= old.len() + 1);
    harness.stop().await;
}

#[tokio::test]
async fn who_has_no_order_is_remembered_for_a_minute() {
    let (setup, shop_clock, clock) = Setup::default().clock(now());
    let harness = setup.start().await;
    for _ in 0..3 {
        let reply = ask(&harness, &format!("email={JANE}")).await;
        assert_eq!((ids(&reply).len(), &reply.data()["total"]), (0, &json!(0)));
        assert!(
            reply.data()["message"]
                .as_str()
                .unwrap()
                .starts_with("ORDER_NOT_FOUND")
        );
    }
    assert_eq!(calls(&harness), 1);
    shop_clock.advance(Duration::from_secs(61));
    clock.advance(TimeDelta::seconds(61));
    ask(&harness, &format!("email={JANE}")).await;
    assert_eq!(calls(&harness), 2);
    harness.stop().await;
}

#[tokio::test]
async fn a_thousand_askers_of_one_customer_make_one_call() {
    let setup = Setup::default().shop(|shop| shop.latency(Duration::from_millis(50)));
    let harness = setup.start().await;
    let hers = unheard(&harness, [order(JANE)]);
    let query = format!("email={JANE}");
    let replies = join_all((0..1000).map(|_| ask(&harness, &query))).await;
    assert!(replies.iter().all(|reply| ids(reply) == as_texts(&hers)));
    assert_eq!(calls(&harness), 1);
    harness.stop().await;
}

#[tokio::test]
async fn status_and_pages_are_of_all_orders() {
    let harness = Harness::start().await;
    let hers = unheard(
        &harness,
        (0..70).map(|n| aged(JANE, 50).placed_at(now() - TimeDelta::hours(100 - n))),
    );
    let shop = harness.simulator.shop();
    harness.simulator.stop_delivering();
    shop.cancel_order(hers[3]).unwrap();
    let all = ask(&harness, &format!("email={JANE}&limit=50")).await;
    assert_eq!(
        (ids(&all).len(), &all.data()["total"]),
        (50, &json!(70)),
        "{}",
        all.text
    );
    let cancelled = ask(&harness, &format!("email={JANE}&status=cancelled")).await;
    assert_eq!(ids(&cancelled), [hers[3].to_string()]);
    assert_eq!(cancelled.data()["total"], 1);
    let open = ask(&harness, &format!("email={JANE}&status=open&limit=1")).await;
    assert_eq!((ids(&open).len(), &open.data()["total"]), (1, &json!(69)));
    assert!(calls(&harness) <= 3, "ten, fifty, the rest");
    harness.stop().await;
}

#[tokio::test]
async fn what_is_listed_and_gone_from_the_cache_is_read_in_one_call() {
    let redis = RedisServer::start().await;
    let harness = Setup::default().set("REDIS_URL", redis.url()).start().await;
    let hers = unheard(&harness, (0..5).map(|n| aged(JANE, 9 - n)));
    ask(&harness, &format!("email={JANE}")).await;
    harness.simulator.stop_delivering();
    harness.simulator.shop().delete_order(hers[0]).unwrap();
    for id in &hers[..3] {
        let _: i64 = redis
            .cli(&["DEL", &format!("shopify:{{uk:{id}}}:order")])
            .await;
    }
    harness.simulator.clear_calls();
    let reply = ask(&harness, &format!("email={JANE}")).await;
    assert_eq!(ids(&reply), as_texts(&reversed(hers[1..].to_vec())));
    assert_eq!(
        (
            calls(&harness),
            harness.simulator.calls_named("OrdersByIds").len()
        ),
        (1, 1)
    );
    assert_eq!(ids(&ask(&harness, &format!("email={JANE}")).await).len(), 4);
    assert_eq!(calls(&harness), 1, "what is gone has left the list");
    harness.stop().await;
}

#[tokio::test]
async fn a_shop_in_trouble_is_said_and_not_remembered() {
    let setup = Setup::default()
        .set("WARMUP_MAX_RETRIES", 0)
        .set("LOOKUP_TIMEOUT_MS", 100);
    let harness = setup.start().await;
    let hers = unheard(&harness, [order(JANE)]);
    let faults = harness.simulator.faults();
    faults.api(ApiFault::Status(503), Times::Next(1));
    let reply = ask(&harness, &format!("email={JANE}")).await;
    assert_eq!(
        (reply.status, &reply.json["error"]["code"]),
        (503, &json!("SHOPIFY_UNAVAILABLE"))
    );
    faults.api(ApiFault::Slow(Duration::from_millis(400)), Times::Next(1));
    let reply = ask(&harness, &format!("email={JANE}")).await;
    assert_eq!(reply.data()["pending"], true);
    assert_eq!(
        reply.data()["incomplete"],
        json!([{ "site": "uk", "reason": "pending" }])
    );
    assert!(
        reply.data()["message"]
            .as_str()
            .unwrap()
            .starts_with("INCOMPLETE")
    );
    until("the flight lands in the cache", || async {
        (ids(&ask(&harness, &format!("email={JANE}")).await) == as_texts(&hers)).then_some(())
    })
    .await;
    harness.stop().await;
}

#[tokio::test]
async fn what_is_no_address_is_explained_and_not_repeated() {
    let harness = Harness::start().await;
    for query in [
        "",
        "email=",
        "email=planted",
        "email=planted%40",
        "email=%40planted.com",
        "email=%ff",
        "email=a@planted.com&email=b@planted.com",
        "email=planted%20OR%20status:any%40x",
        "email=%22planted%22@x.com",
        "email=planted@x.com&limit=0",
        "email=planted@x.com&limit=51",
        "email=planted@x.com&limit=x",
        "email=planted@x.com&status=planted",
        "email=planted@x.com&site=xx",
    ] {
        let reply = ask(&harness, query).await;
        assert_eq!(
            (reply.status, &reply.json["error"]["code"]),
            (400, &json!("BAD_REQUEST")),
            "{query}: {}",
            reply.text
        );
        assert!(!reply.text.contains("planted"), "{query}: {}", reply.text);
    }
    assert_eq!(calls(&harness), 0);
    harness.stop().await;
}
