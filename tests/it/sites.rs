//! Nine shops in one process: each by itself, and an answer over all of them is complete or says what is missing.

mod nine;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use shopify_simulator::{ApiFault, Builder, NewOrder, Times};
use shopify_warmer::clock::Clock;

use self::nine::{CODES, Nine};
use crate::harness::until;

fn numbered(number: u64) -> NewOrder {
    NewOrder::default().number(number)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_leads_to_one_shop_and_digits_to_all_at_once() {
    let nine = Nine::start(|shop| shop.latency(Duration::from_millis(300))).await;
    nine.unheard("de", numbered(501));
    let by_prefix = nine.search("DE501").await;
    assert_eq!(by_prefix.data()["site_code"], "de");
    assert_eq!(nine.calls(), [("de", 1)]);
    nine.unheard("pl", numbered(777));
    let began = Instant::now();
    let by_digits = nine.search("777").await;
    let took = began.elapsed();
    assert_eq!(by_digits.data()["site_code"], "pl", "{}", by_digits.text);
    assert_eq!(by_digits.data()["also_at"], Value::Null);
    assert_eq!(nine.calls().len(), 9);
    assert!(
        took < Duration::from_millis(300 * 5),
        "one by one it would take 2.7 s: {took:?}"
    );
    nine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_several_shops_is_said_to_be_one() {
    let nine = Nine::start(|shop| shop).await;
    let older = chrono::TimeDelta::hours(1);
    nine.unheard("uk", numbered(900).placed_at(crate::harness::now() - older));
    let newest = nine.unheard("fr", numbered(900));
    nine.unheard(
        "us",
        numbered(900).placed_at(crate::harness::now() - older * 2),
    );
    for asked in 1..=2 {
        let reply = nine.search("900").await;
        let data = reply.data();
        assert_eq!(data["site_code"], "fr", "{}", reply.text);
        assert_eq!(data["order"]["order_number"], "#FR900");
        if asked == 2 {
            assert_eq!(data["cached"], true, "each site knew");
        }
        assert_eq!(data["order"]["order_id"], newest.to_string());
        assert_eq!(data["also_at"], json!(["uk", "us"]));
        assert!(
            data["message"].as_str().unwrap().starts_with("AMBIGUOUS"),
            "{}",
            reply.text
        );
        assert!(
            data["message_zh"]
                .as_str()
                .unwrap()
                .starts_with("AMBIGUOUS")
        );
    }
    // An order that only one cache knows so far is no reason not to ask the others.
    let earlier = numbered(901).placed_at(crate::harness::now() - older);
    let heard = nine.shop("de").shop().place_order(earlier);
    nine.shop("de").settled().await;
    nine.unheard("it", numbered(901));
    let reply = nine.search("901").await;
    assert_eq!(reply.data()["site_code"], "it");
    assert_eq!(reply.data()["also_at"], json!(["de"]));
    let named = nine.get("/api/shopify/orders/search?q=901&site=de").await;
    assert_eq!(named.data()["order"]["order_id"], heard.to_string());
    assert_eq!(named.data()["message"], Value::Null);
    nine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobodys_number_costs_nine_calls_a_minute() {
    let nine = Nine::start(|shop| shop.latency(Duration::from_millis(100))).await;
    let replies = join_all((0..1000).map(|_| nine.search("4040404"))).await;
    for reply in &replies {
        assert_eq!(reply.data()["order"], Value::Null);
        assert!(
            reply.data()["message"]
                .as_str()
                .unwrap()
                .starts_with("ORDER_NOT_FOUND")
        );
    }
    for _ in 0..5 {
        let again = nine.search("4040404").await;
        assert_eq!(again.data()["cached"], true);
    }
    assert_eq!(nine.calls(), CODES.map(|code| (code, 1)));
    nine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_is_down_is_named_and_the_rest_answers() {
    let nine = Nine::start(|shop| shop).await;
    nine.shop("fr")
        .faults()
        .api(ApiFault::Status(503), Times::UntilCleared);
    let nobody = nine.search("555").await;
    assert_eq!(
        (&nobody.data()["order"], &nobody.data()["pending"]),
        (&Value::Null, &json!(true)),
        "{}",
        nobody.text
    );
    assert_eq!(
        nobody.data()["incomplete"],
        json!([{ "site": "fr", "reason": "unavailable" }])
    );
    nine.unheard("uk", numbered(556));
    let found = nine.search("556").await;
    assert_eq!(found.data()["site_code"], "uk");
    assert_eq!(
        found.data()["incomplete"],
        json!([{ "site": "fr", "reason": "unavailable" }])
    );
    assert!(
        found.data()["message"]
            .as_str()
            .unwrap()
            .starts_with("INCOMPLETE"),
        "{}",
        found.text
    );
    let count = nine.get("/api/shopify/orders/count").await;
    assert_eq!(count.data()["incomplete"][0]["site"], "fr");
    assert!(count.data()["count"].is_u64());
    let alone = nine.get("/api/shopify/orders/count?site=fr").await;
    assert_eq!(alone.status, 503);
    // Absence was remembered of those that said so, and of nobody else.
    nine.shop("fr").faults().clear();
    nine.unheard("fr", numbered(555));
    until("the shop is asked again", || async {
        let reply = nine.search("555").await;
        (reply.data()["site_code"] == "fr").then_some(())
    })
    .await;
    nine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_hangs_holds_nobody_up() {
    let nine = Nine::start(|shop| shop).await;
    let email = "jane@example.com";
    for code in ["uk", "de"] {
        nine.unheard(code, numbered(600).email(email));
    }
    nine.shop("es")
        .faults()
        .api(ApiFault::Hang, Times::UntilCleared);
    let began = Instant::now();
    let named = nine.search("UK600").await;
    assert_eq!(named.data()["site_code"], "uk");
    let digits = nine.search("600").await;
    assert_eq!(
        digits.data()["order"]["order_number"],
        "#DE600",
        "{}",
        digits.text
    );
    assert_eq!(digits.data()["also_at"], json!(["uk"]));
    assert_eq!(
        digits.data()["incomplete"],
        json!([{ "site": "es", "reason": "pending" }])
    );
    assert!(
        began.elapsed() < Duration::from_secs(6),
        "it waits a second for who hangs, not eight"
    );
    let orders = nine
        .get(&format!("/api/shopify/orders?email={email}"))
        .await;
    assert_eq!(orders.data()["total"], 2, "{}", orders.text);
    assert_eq!(
        orders.data()["incomplete"],
        json!([{ "site": "es", "reason": "pending" }])
    );
    nine.shop("es").faults().clear();
    nine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sweeps_run_side_by_side_and_one_in_trouble_stops_no_other() {
    let nine = Nine::start(|shop| shop.orders(30).latency(Duration::from_millis(300))).await;
    nine.shop("nl")
        .faults()
        .api(ApiFault::Status(503), Times::UntilCleared);
    let records = nine.sweep().await;
    let of = |code: &str| {
        records
            .iter()
            .find(|record| record["site"] == code)
            .unwrap()
    };
    let time = |record: &Value, name: &str| -> chrono::DateTime<chrono::Utc> {
        record[name].as_str().unwrap().parse().unwrap()
    };
    let good: Vec<_> = CODES
        .iter()
        .filter(|code| **code != "nl")
        .map(|code| of(code))
        .collect();
    for record in &good {
        assert_eq!(
            (&record["outcome"], &record["total_orders"]),
            (&json!("completed"), &json!(30)),
            "{record}"
        );
    }
    let last_start = good
        .iter()
        .map(|record| time(record, "started_at"))
        .max()
        .unwrap();
    let first_end = good
        .iter()
        .map(|record| time(record, "finished_at"))
        .min()
        .unwrap();
    assert!(
        last_start <= first_end,
        "all of them ran at one moment: {records:?}"
    );
    assert_ne!(of("nl")["outcome"], "completed");
    nine.shop("nl").faults().clear();
    nine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_hangs_keeps_no_other_from_its_slot() {
    let before = "2026-11-23T13:59:50Z".parse().unwrap();
    let (shop_clock, clock) = (
        shopify_simulator::Clock::manual(before),
        Clock::manual(before),
    );
    let settings = [("WARMUP_ENABLED", "true")];
    let shop = |shop: Builder| shop.orders(5).clock(shop_clock.clone());
    let nine = Nine::start_at(clock.clone(), &settings, shop).await;
    nine.records(CODES.len()).await;
    let first = nine.shop("de");
    first.faults().api(ApiFault::Hang, Times::UntilCleared);
    shop_clock.advance(Duration::from_secs(20));
    clock.advance(chrono::TimeDelta::seconds(20));
    let records = nine.records(CODES.len() + 8).await;
    let met = records.iter().filter(|record| {
        let slot = (&record["slot"], &record["outcome"]);
        slot == (&json!("2026-11-23T14:00:00Z"), &json!("completed"))
    });
    let met: BTreeSet<_> = met.map(|record| record["site"].as_str().unwrap()).collect();
    assert_eq!(
        met,
        CODES.into_iter().skip(1).collect(),
        "all the others met theirs"
    );
    nine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_and_sites_are_of_each_and_of_all() {
    let nine = Nine::start(|shop| shop.orders(7).older_orders(3)).await;
    let sites = nine.get("/api/shopify/sites").await;
    assert_eq!(sites.data()["total"], 9);
    let uk = sites.data()["sites"]
        .as_array()
        .unwrap()
        .iter()
        .find(|site| site["code"] == "uk")
        .unwrap();
    assert_eq!(uk["shop_domain"], "nine-uk.myshopify.com");
    assert_eq!(
        (&uk["order_prefix"], &uk["order_suffix"]),
        (&json!("UK"), &json!(""))
    );
    assert_eq!(
        (&uk["currency"], &uk["name"]),
        (&json!("GBP"), &json!("Warmer Demo"))
    );
    assert!(
        !sites.text.contains("shpat") && !sites.text.contains("secret"),
        "{}",
        sites.text
    );
    let all = nine.get("/api/shopify/orders/count").await;
    assert_eq!(
        (&all.data()["count"], &all.data()["cached"]),
        (&json!(90), &json!(false)),
        "{}",
        all.text
    );
    assert_eq!(all.data()["sites"].as_array().unwrap().len(), 9);
    let again = nine
        .get("/api/shopify/orders/count?status=any&site=uk")
        .await;
    assert_eq!(
        (&again.data()["count"], &again.data()["cached"]),
        (&json!(10), &json!(true))
    );
    assert_eq!(nine.calls().len(), 9);
    let mut sum = 0;
    for status in ["open", "closed"] {
        let count = nine
            .get(&format!(
                "/api/shopify/orders/count?status={status}&site=uk"
            ))
            .await;
        sum += count.data()["count"].as_u64().unwrap();
    }
    assert!(sum <= 10, "{sum}");
    for query in ["status=none", "site=xx", "status=open&status=open"] {
        assert_eq!(
            nine.get(&format!("/api/shopify/orders/count?{query}"))
                .await
                .status,
            400,
            "{query}"
        );
    }
    nine.stop().await;
}
