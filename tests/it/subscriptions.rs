//! The shop's webhook subscriptions: audited at the start and with each sweep, put right where that is allowed, told where it is not.

mod command;
mod stage;

use chrono::TimeDelta;
use serde_json::{Value, json};
use shopify_simulator::{ApiFault, NewOrder, Times};
use shopify_warmer::subscriptions::NEEDED;

use self::stage::{Before, Shop, causes, kinds};
use crate::harness::until;

#[tokio::test]
async fn an_empty_shop_is_subscribed_at_the_start_and_webhooks_flow() {
    let stage = Before::with_url().start().await;
    let found = stage.audited(Value::is_object).await;
    assert_eq!(found["ok"], true, "{found}");
    assert_eq!(kinds(&found), vec!["missing"; NEEDED.len()]);
    assert!(found["findings"][0]["repaired"].as_bool().unwrap());
    let subscriptions = stage.subscriptions().await;
    assert_eq!(subscriptions.len(), NEEDED.len());
    for one in &subscriptions {
        assert_eq!(
            (&one["uri"], &one["name"], &one["apiVersion"]["handle"]),
            (
                &json!(stage.endpoint()),
                &json!("warmer-api"),
                &json!("2026-10")
            )
        );
    }
    let id = stage
        .harness
        .simulator
        .shop()
        .place_order(NewOrder::default());
    stage.harness.simulator.settled().await;
    let reply = stage.harness.by_id(id).await;
    assert_eq!(reply.data()["cached"], true, "{}", reply.text);
    assert_eq!(stage.alerts().await, Vec::<Value>::new());
    stage.harness.stop().await;
}

#[tokio::test]
async fn what_shopify_removes_comes_back_with_the_next_sweep() {
    let stage = Before::with_url().scheduled().start().await;
    stage.audited(|found| found["ok"] == true).await;
    stage.swept().await;
    // The service is away for half a day: Shopify gives each delivery up, and the subscription with it.
    stage.fail_until_removed().await;
    let removed = NEEDED.len() - stage.subscriptions().await.len();
    assert!(removed > 0);
    stage.advance(TimeDelta::hours(6));
    let found = stage
        .audited(|found| kinds(found).contains(&"removed"))
        .await;
    assert_eq!(
        (&found["ok"], kinds(&found)),
        (&json!(true), vec!["removed"; removed])
    );
    assert_eq!(stage.subscriptions().await.len(), NEEDED.len());
    stage.harness.stop().await;
}

#[tokio::test]
async fn what_points_elsewhere_is_pointed_here_and_what_is_doubled_ends() {
    let prepare = async |shop: &Shop<'_>| {
        let old =
            json!({ "uri": "https://old.example.com/webhooks/shopify", "name": "warmer-api" });
        shop.subscribe("ORDERS_CREATE", old).await;
        let filtered = json!({ "uri": shop.endpoint(), "name": "warmer-api", "filter": "id:7" });
        shop.subscribe("ORDERS_UPDATED", filtered.clone()).await;
        let whole = json!({ "uri": shop.endpoint(), "name": "warmer-api" });
        shop.subscribe("ORDERS_UPDATED", whole).await;
        let trimmed = json!({ "uri": shop.endpoint(), "includeFields": ["id", "updated_at"] });
        shop.subscribe("ORDERS_CANCELLED", trimmed).await;
        let theirs = json!({ "uri": "https://erp.example.com/in", "name": "erp" });
        shop.subscribe("ORDERS_CREATE", theirs).await;
    };
    let stage = Before::with_url().start_prepared(prepare).await;
    let found = stage.audited(|found| found["ok"] == true).await;
    for kind in [
        "elsewhere",
        "doubled",
        "trimmed",
        "unnamed",
        "foreign",
        "missing",
    ] {
        assert!(kinds(&found).contains(&kind), "{kind}: {found}");
    }
    let subscriptions = stage.subscriptions().await;
    let ours: Vec<_> = subscriptions
        .iter()
        .filter(|one| one["uri"] == stage.endpoint())
        .collect();
    assert_eq!(
        (ours.len(), subscriptions.len()),
        (NEEDED.len(), NEEDED.len() + 1)
    );
    for one in ours {
        let whole = one["filter"].as_str().unwrap_or_default().is_empty()
            && one["includeFields"] == json!([]);
        assert!(whole && one["name"] == "warmer-api", "{one}");
    }
    stage.harness.stop().await;
}

#[tokio::test]
async fn the_apps_own_subscriptions_and_ours_are_not_kept_both() {
    let stage = Before::with_url().scheduled().start().await;
    stage.audited(|found| found["ok"] == true).await;
    stage.swept().await;
    // The app is released with our section: now everything comes twice.
    let simulator = &stage.harness.simulator;
    simulator.name_deliveries("warmer-v1");
    simulator.set_topics(NEEDED.iter().map(|need| need.topic));
    simulator.deliver_to(&stage.endpoint());
    for _ in 0..3 {
        simulator.shop().place_order(NewOrder::default());
    }
    simulator.settled().await;
    let counts = until("the doubles are counted", || async {
        let status = stage.harness.get("/api/warmup/status").await;
        let counts = status.data()["webhooks"]["orders/create"].clone();
        (counts["doubled"] == 3).then_some(counts)
    })
    .await;
    assert_eq!(counts["received"], 6);
    stage.heard("orders/create", "app").await;
    stage.advance(TimeDelta::hours(6));
    let found = stage
        .audited(|found| kinds(found).contains(&"doubled"))
        .await;
    assert_eq!(
        (&found["ok"], found["app_owned"].as_array().unwrap().len()),
        (&json!(true), NEEDED.len())
    );
    assert!(stage.subscriptions().await.is_empty(), "ours ended");
    let before = simulator.deliveries().len();
    simulator.shop().place_order(NewOrder::default());
    simulator.settled().await;
    assert_eq!(simulator.deliveries().len(), before + 1, "each comes once");
    // And the next sweep makes no new ones.
    stage.advance(TimeDelta::hours(6));
    stage.audited(|found| found["findings"] == json!([])).await;
    assert!(stage.subscriptions().await.is_empty());
    stage.harness.stop().await;
}

#[tokio::test]
async fn without_an_address_it_alerts_after_an_hour_and_clears_when_somebody_subscribes() {
    let stage = Before::without_url().scheduled().start().await;
    let found = stage.audited(Value::is_object).await;
    assert_eq!(
        (&found["ok"], kinds(&found).len()),
        (&json!(true), NEEDED.len()),
        "nobody knows yet"
    );
    stage.swept().await;
    stage.advance(TimeDelta::minutes(61));
    stage.audited(|found| found["ok"] == false).await;
    assert_eq!(stage.alerts().await, ["subscriptions_missing"]);
    assert!(
        stage.subscriptions().await.is_empty(),
        "it may not subscribe"
    );
    for need in NEEDED {
        let topic = need.topic.replace('/', "_").to_uppercase();
        stage
            .shop()
            .subscribe(&topic, json!({ "uri": stage.endpoint() }))
            .await;
    }
    stage.advance(TimeDelta::hours(6));
    stage.audited(|found| found["ok"] == true).await;
    until("the alert is cleared", || async {
        stage.alerts().await.is_empty().then_some(())
    })
    .await;
    stage.harness.stop().await;
}

#[tokio::test]
async fn a_section_that_was_heard_is_all_it_needs() {
    let stage = Before::without_url().scheduled().start().await;
    let simulator = &stage.harness.simulator;
    simulator.name_deliveries("warmer-v1");
    simulator.deliver_to(&stage.endpoint());
    stage.swept().await;
    simulator.shop().place_order(NewOrder::default());
    simulator.settled().await;
    stage.heard("orders/create", "app").await;
    stage.advance(TimeDelta::minutes(61));
    let found = stage.audited(|found| found["findings"] == json!([])).await;
    assert_eq!(
        (&found["ok"], found["app_owned"].as_array().unwrap().len()),
        (&json!(true), NEEDED.len())
    );
    assert_eq!(stage.alerts().await, Vec::<Value>::new());
    stage.harness.stop().await;
}

#[tokio::test]
async fn one_shops_refusal_is_no_other_shops_trouble() {
    let other = shopify_simulator::Simulator::builder()
        .shop_domain("other.myshopify.com")
        .order_prefix("#DE")
        .start()
        .await
        .unwrap();
    other
        .faults()
        .api(ApiFault::Status(403), Times::UntilCleared);
    let stage = Before::with_url().beside(&other).start().await;
    stage.audited(|found| found["ok"] == true).await;
    let refused = stage
        .audited_at("de", |found| found["error"].is_string())
        .await;
    assert_eq!(refused["ok"], false);
    assert!(
        refused["error"].as_str().unwrap().contains("403"),
        "{refused}"
    );
    assert_eq!(stage.subscriptions().await.len(), NEEDED.len());
    until("the refusal is told", || async {
        let alerts = causes(&stage.harness).await;
        (alerts == [json!({ "cause": "subscriptions_missing", "site": "de" })]).then_some(())
    })
    .await;
    // It swept all the same.
    let record = stage
        .harness
        .post(
            "/api/warmup/trigger",
            &json!({ "type": "full", "site": "uk" }),
        )
        .await;
    assert_eq!(record.status, 200, "{}", record.text);
    stage.harness.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn an_outage_at_the_start_delays_the_audit_and_nothing_else() {
    let prepare = async |shop: &Shop<'_>| shop.fail("WebhookSubs", ApiFault::Status(503));
    let stage = Before::with_url().set("WARMUP_MAX_RETRIES", "0");
    let stage = stage.start_prepared(prepare).await;
    let found = stage.audited(|found| found["error"].is_string()).await;
    assert_eq!(found["ok"], false, "{found}");
    assert_eq!(
        stage.alerts().await,
        Vec::<Value>::new(),
        "it says nothing of the subscriptions"
    );
    let record = stage.harness.sweep("full").await;
    assert_eq!(record["outcome"], "completed", "{record}");
    stage.harness.simulator.faults().clear();
    stage.advance(TimeDelta::minutes(11));
    stage.audited(|found| found["ok"] == true).await;
    assert_eq!(stage.subscriptions().await.len(), NEEDED.len());
    stage.harness.stop().await;
}
