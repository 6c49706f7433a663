//! Hits make no call, misses one for any number of askers, and a number finds that order or none.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::Value;
use shopify_simulator::{ApiFault, NewFulfillment, NewOrder, Times};

use crate::harness::{Harness, Setup, now, until};

/// An order that exists at Shopify and nowhere in the cache: placed while no webhooks went out.
fn cold(harness: &Harness, order: NewOrder) -> u64 {
    let address = harness.url("/webhooks/shopify");
    harness.simulator.stop_delivering();
    let id = harness.simulator.shop().place_order(order);
    harness.simulator.deliver_to(&address);
    id
}

fn calls(harness: &Harness) -> usize {
    harness.simulator.calls().len()
}

#[tokio::test]
async fn a_hit_makes_no_call_and_says_how_old_it_is() {
    let harness = Harness::start().await;
    let id = harness
        .simulator
        .shop()
        .place_order(NewOrder::default().number(22080));
    harness.simulator.settled().await;
    for asked in [
        "UK22080",
        "#UK22080",
        " uk 22080 ",
        "22080",
        "ＵＫ２２０８０",
    ] {
        let reply = harness.search(asked).await;
        let data = reply.data();
        assert_eq!(data["order"]["order_id"], id.to_string(), "{asked}");
        assert_eq!(data["order"]["order_number"], "#UK22080");
        assert_eq!(
            (&data["cached"], &data["site_code"]),
            (&Value::Bool(true), &Value::from("uk"))
        );
        assert_eq!(
            (&data["freshness"]["state"], &data["freshness"]["source"]),
            (&Value::from("fresh"), &Value::from("webhook"))
        );
        assert!(
            (172_790..=172_800).contains(&data["cache_ttl"].as_u64().unwrap()),
            "{data}"
        );
    }
    let tracking = harness.tracking(id).await;
    assert!((21_590..=21_600).contains(&tracking.data()["cache_ttl"].as_u64().unwrap()));
    let alias = harness
        .get(&format!("/api/shopify/tracking?order_id={id}"))
        .await;
    assert_eq!(alias.data()["tracking"], tracking.data()["tracking"]);
    let alias = harness
        .get("/api/shopify/orders/global-search?q=UK22080")
        .await;
    assert_eq!(alias.data()["order"]["order_id"], id.to_string());
    assert_eq!(calls(&harness), 0);
    harness.stop().await;
}

#[tokio::test]
async fn a_miss_asks_once_and_then_hits() {
    let harness = Harness::start().await;
    let id = cold(&harness, NewOrder::default().number(22081));
    let miss = harness.search("UK22081").await;
    assert_eq!(miss.data()["order"]["order_id"], id.to_string());
    assert_eq!(
        (&miss.data()["cached"], &miss.data()["freshness"]["state"]),
        (&Value::Bool(false), &Value::from("live"))
    );
    assert_eq!(calls(&harness), 1);
    let hit = harness.search("UK22081").await;
    assert_eq!(
        (&hit.data()["cached"], &hit.data()["freshness"]["source"]),
        (&Value::Bool(true), &Value::from("lookup"))
    );
    assert_eq!(hit.data()["order"], miss.data()["order"]);
    assert_eq!(
        harness.by_id(id).await.data()["order"],
        miss.data()["order"]
    );
    assert_eq!(calls(&harness), 1);
    let status = harness.get("/api/warmup/status").await;
    assert_eq!(status.data()["stats"]["cache_hit_rate"], "66.6%");
    harness.stop().await;
}

#[tokio::test]
async fn a_thousand_askers_of_one_cold_order_make_one_call() {
    let harness = Setup::default()
        .shop(|shop| shop.latency(Duration::from_millis(50)))
        .start()
        .await;
    let id = cold(&harness, NewOrder::default().number(22082));
    let replies = join_all((0..1000).map(|_| harness.search("UK22082"))).await;
    assert!(
        replies
            .iter()
            .all(|reply| reply.data()["order"]["order_id"] == *id.to_string())
    );
    assert_eq!(calls(&harness), 1);
    let other = cold(&harness, NewOrder::default());
    let replies = join_all((0..1000).map(|_| harness.by_id(other))).await;
    assert!(
        replies
            .iter()
            .all(|reply| reply.data()["order"]["order_id"] == *other.to_string())
    );
    assert_eq!(calls(&harness), 2);
    harness.stop().await;
}

#[tokio::test]
async fn a_neighbours_order_is_never_returned() {
    let harness = Setup::default()
        .shop(|shop| shop.orders(1).first_number(22080))
        .start()
        .await;
    // `name:` is prefix-like: it finds UK220810 to UK220839 for UK2208, newest first, and more than one page of them.
    for number in 220_810..220_840 {
        cold(&harness, NewOrder::default().number(number));
    }
    let reply = harness.search("UK2208").await;
    assert_eq!(reply.data()["order"], Value::Null, "{}", reply.text);
    assert!(
        reply.data()["message"]
            .as_str()
            .unwrap()
            .starts_with("ORDER_NOT_FOUND")
    );
    let exact = harness.simulator.shop();
    let id = cold(
        &harness,
        NewOrder::default()
            .number(2208)
            .placed_at(now() - TimeDelta::days(30)),
    );
    assert_eq!(exact.order_name(id).unwrap(), "#UK2208");
    let reply = harness.search("UK22083").await;
    assert_eq!(reply.data()["order"], Value::Null);
    let reply = harness.by_id(id).await;
    assert_eq!(reply.data()["order"]["order_number"], "#UK2208");
    harness.stop().await;
}

#[tokio::test]
async fn what_does_not_exist_is_remembered_and_outranked() {
    let harness = Harness::start().await;
    for _ in 0..5 {
        let reply = harness.search("UK99999").await;
        assert_eq!(reply.data()["order"], Value::Null);
    }
    assert_eq!(calls(&harness), 1);
    for _ in 0..5 {
        assert_eq!(harness.by_id(424_242).await.data()["order"], Value::Null);
    }
    assert_eq!(calls(&harness), 2);
    // The order is placed a moment later: its webhook outranks the memory of its absence.
    let id = harness
        .simulator
        .shop()
        .place_order(NewOrder::default().number(99_999));
    harness.simulator.settled().await;
    assert_eq!(
        harness.search("UK99999").await.data()["order"]["order_id"],
        id.to_string()
    );
    assert_eq!(calls(&harness), 2);
    harness.stop().await;
}

#[tokio::test]
async fn absence_is_forgotten_after_a_minute_and_an_order_after_two_days() {
    let (setup, shop_clock, clock) = Setup::default().clock(now());
    let harness = setup.start().await;
    let pass = |by: TimeDelta| {
        shop_clock.advance(by.to_std().unwrap());
        clock.advance(by);
    };
    harness.search("UK77777").await;
    pass(TimeDelta::seconds(59));
    harness.search("UK77777").await;
    assert_eq!(calls(&harness), 1);
    pass(TimeDelta::seconds(2));
    harness.search("UK77777").await;
    assert_eq!(calls(&harness), 2);
    let id = harness.simulator.shop().place_order(NewOrder::default());
    harness.simulator.settled().await;
    pass(TimeDelta::hours(49));
    assert_eq!(harness.by_id(id).await.data()["freshness"]["state"], "live");
    assert_eq!(calls(&harness), 3);
    harness.stop().await;
}

#[tokio::test]
async fn expired_tracking_is_served_stale_at_once_and_fetched_soon() {
    let (setup, shop_clock, clock) = Setup::default().clock(now());
    let harness = setup.start().await;
    let shop = harness.simulator.shop();
    let id = shop.place_order(NewOrder::default());
    harness.simulator.settled().await;
    // Shipped, and the webhook lost: only a read can tell.
    harness.simulator.stop_delivering();
    shop.fulfill(id, NewFulfillment::default().number("LOST1"))
        .unwrap();
    shop_clock.advance(Duration::from_secs(6 * 3600 + 1));
    clock.advance(TimeDelta::seconds(6 * 3600 + 1));
    let stale = harness.by_id(id).await;
    assert_eq!(stale.data()["freshness"]["state"], "stale");
    assert_eq!(stale.data()["freshness"]["age_s"], 6 * 3600 + 1);
    assert_eq!(stale.data()["order"]["fulfillment_status"], Value::Null);
    let fresh = until("the stale order is fetched", || async {
        let reply = harness.by_id(id).await;
        (reply.data()["freshness"]["state"] == "fresh").then_some(reply)
    })
    .await;
    assert_eq!(fresh.data()["freshness"]["source"], "refresh");
    assert_eq!(
        fresh.data()["order"]["fulfillments"][0]["tracking_number"],
        "LOST1"
    );
    assert_eq!(harness.simulator.calls_named("OrderById").len(), 0);
    harness.stop().await;
}

#[tokio::test]
async fn shopify_in_trouble_is_said_and_not_remembered_as_absence() {
    let harness = Setup::default().set("WARMUP_MAX_RETRIES", 0).start().await;
    let id = cold(&harness, NewOrder::default().number(22083));
    harness
        .simulator
        .faults()
        .api(ApiFault::Status(503), Times::Next(1));
    let reply = harness.search("UK22083").await;
    assert_eq!(
        (reply.status, &reply.json["error"]["code"]),
        (503, &Value::from("SHOPIFY_UNAVAILABLE")),
        "{}",
        reply.text
    );
    assert_eq!(
        harness.search("UK22083").await.data()["order"]["order_id"],
        id.to_string()
    );
    harness.stop().await;
}

#[tokio::test]
async fn a_slow_shop_leaves_the_asker_with_pending_and_the_cache_filled() {
    let harness = Setup::default().set("LOOKUP_TIMEOUT_MS", 100).start().await;
    let id = cold(&harness, NewOrder::default().number(22084));
    harness
        .simulator
        .faults()
        .api(ApiFault::Slow(Duration::from_millis(400)), Times::Next(1));
    let pending = harness.search("UK22084").await;
    assert_eq!(
        (&pending.data()["order"], &pending.data()["pending"]),
        (&Value::Null, &Value::Bool(true))
    );
    until("the flight lands in the cache", || async {
        let reply = harness.search("UK22084").await;
        (reply.data()["order"]["order_id"] == *id.to_string()).then_some(())
    })
    .await;
    assert_eq!(calls(&harness), 1);
    harness.stop().await;
}

#[tokio::test]
async fn the_shop_tells_how_its_numbers_look_where_that_is_not_set() {
    let harness = Setup::default()
        .set("SHOPIFY_UK_ORDER_PREFIX", "")
        .shop(|shop| shop.order_prefix("#GB").order_suffix("-X"))
        .start()
        .await;
    let id = harness
        .simulator
        .shop()
        .place_order(NewOrder::default().number(51));
    harness.simulator.settled().await;
    until("the number format is learnt", || async {
        let reply = harness.search("51").await;
        (reply.data()["order"]["order_id"] == *id.to_string()).then_some(())
    })
    .await;
    harness.stop().await;
}

#[tokio::test]
async fn an_old_short_number_is_found_among_its_many_younger_neighbours() {
    let harness = Harness::start().await;
    let month_ago = now() - TimeDelta::days(30);
    let id = cold(
        &harness,
        NewOrder::default().number(220).placed_at(month_ago),
    );
    for number in 2200..2260 {
        cold(&harness, NewOrder::default().number(number));
    }
    let reply = harness.search("UK220").await;
    assert_eq!(reply.data()["order"]["order_id"], *id.to_string());
    assert_eq!(calls(&harness), 1);
    harness.stop().await;
}

#[tokio::test]
async fn a_lost_scope_deletes_nothing() {
    let (setup, shop_clock, clock) = Setup::default().clock(now());
    let harness = setup.start().await;
    let id = harness.simulator.shop().place_order(NewOrder::default());
    harness.simulator.settled().await;
    shop_clock.advance(Duration::from_secs(7 * 3600));
    clock.advance(TimeDelta::hours(7));
    harness.simulator.set_scopes(["read_products"]);
    assert_eq!(
        harness.by_id(id).await.data()["freshness"]["state"],
        "stale"
    );
    until("the refresh is denied", || async {
        (!harness.simulator.calls_named("OrdersByIds").is_empty()).then_some(())
    })
    .await;
    let unknown = harness.by_id(424_242).await;
    assert_eq!(
        unknown.status, 503,
        "denied is not absent: {}",
        unknown.text
    );
    harness
        .simulator
        .set_scopes(["read_orders", "read_fulfillments"]);
    shop_clock.advance(Duration::from_secs(60));
    clock.advance(TimeDelta::seconds(60));
    until("the order is fresh again", || async {
        let reply = harness.by_id(id).await;
        (reply.data()["freshness"]["state"] == "fresh").then_some(())
    })
    .await;
    harness.stop().await;
}
