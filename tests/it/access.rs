//! What the app may do in its shop, in which version, and with which secret: told where a person looks, raised and cleared by itself.

use std::time::Duration;

use serde_json::{Value, json};
use shopify_simulator::NewOrder;
use shopify_webhooks::WebhookSecrets;

use crate::harness::{Harness, Setup, now, until};

/// The scopes that are missing, and what that means.
fn missing(site: &Value) -> Vec<(&str, &str)> {
    let missing = site["access"]["missing"].as_array().expect("a list");
    missing
        .iter()
        .filter_map(|one| Some((one["scope"].as_str()?, one["loss"].as_str()?)))
        .collect()
}

#[tokio::test]
async fn the_shop_tells_of_itself_at_the_start() {
    let harness = Harness::start().await;
    let site = harness.site("uk").await;
    let access = &site["access"];
    assert_eq!(access["shop"]["domain"], harness.simulator.shop_domain());
    assert_eq!(access["shop"]["currency"], "GBP");
    assert_eq!(
        access["scopes"],
        json!(["read_fulfillments", "read_orders"])
    );
    assert_eq!(missing(&site), [("read_all_orders", "limits")]);
    let costs = access["missing"][0]["costs"].as_str().unwrap();
    assert!(costs.contains("60 days"), "{costs}");
    assert!(
        access["versions"]
            .as_array()
            .unwrap()
            .contains(&json!("2026-10"))
    );
    assert_eq!(site["shopify"], "ok");
    assert!(harness.alert("scope_missing", "uk").await.is_none());
    harness.stop().await;
}

#[tokio::test]
async fn a_scope_that_comes_or_goes_is_seen_by_the_shops_word() {
    let harness = Setup::default()
        .shop(|shop| shop.scopes(["read_orders"]))
        .start()
        .await;
    let alert = harness.alerted("scope_missing", "uk").await;
    assert!(
        alert.contains("read_fulfillments") && !alert.contains("read_all_orders"),
        "{alert}"
    );
    assert_eq!(harness.site("uk").await["shopify"], "scope_missing");
    let all = ["read_orders", "read_all_orders", "read_fulfillments"];
    harness.simulator.change_scopes(all);
    harness.cleared("scope_missing", "uk").await;
    let site = harness.site("uk").await;
    assert_eq!(missing(&site), []);
    assert_eq!(site["shopify"], "ok");
    harness.simulator.change_scopes([]);
    let alert = harness.alerted("scope_missing", "uk").await;
    assert!(alert.contains("read_orders"), "{alert}");
    let ready = harness.get("/readyz").await;
    assert_eq!(ready.data()["shopify"]["uk"], "scope_missing");
    harness.stop().await;
}

#[tokio::test]
async fn another_shop_than_the_one_that_is_set_is_told() {
    let harness = Setup::default()
        .set("SHOPIFY_UK_SHOP_DOMAIN", "somebody-else.myshopify.com")
        .start()
        .await;
    let alert = harness.alerted("wrong_shop", "uk").await;
    assert!(
        alert.contains("somebody-else.myshopify.com")
            && alert.contains(harness.simulator.shop_domain()),
        "{alert}"
    );
    assert_eq!(harness.site("uk").await["shopify"], "wrong_shop");
    harness.stop().await;
}

#[tokio::test]
async fn an_api_that_falls_forward_is_told_until_it_no_longer_does() {
    let (setup, shop_time, _) = Setup::default().shop(|shop| shop.orders(9)).clock(now());
    let harness = setup.start().await;
    let ids = harness.simulator.shop().order_ids();
    let (then, later) = (shop_time.now(), "2027-11-01T00:00:00Z".parse().unwrap());
    shop_time.set(later);
    harness.by_id(ids[0]).await;
    let alert = harness.alerted("api_version", "uk").await;
    assert!(
        alert.contains("2026-10") && alert.contains("2027-01"),
        "{alert}"
    );
    assert_eq!(
        harness.site("uk").await["api_version_served_instead"],
        "2027-01"
    );
    shop_time.set(then);
    harness.by_id(ids[1]).await;
    harness.cleared("api_version", "uk").await;
    assert_eq!(
        harness.site("uk").await["api_version_served_instead"],
        Value::Null
    );
    harness.stop().await;
}

#[tokio::test]
async fn webhooks_in_another_version_are_told_until_they_no_longer_come() {
    let harness = Harness::start().await;
    let shop = harness.simulator.shop();
    harness.simulator.set_webhook_version("2026-01");
    let id = shop.place_order(NewOrder::default());
    harness.simulator.settled().await;
    let alert = harness.alerted("webhook_version", "uk").await;
    assert!(
        alert.contains("orders/create") && alert.contains("2026-01"),
        "{alert}"
    );
    let others = harness.site("uk").await["webhooks_in_other_versions"].clone();
    assert_eq!(
        (&others[0]["topic"], &others[0]["version"]),
        (&json!("orders/create"), &json!("2026-01"))
    );
    assert_eq!(
        harness.by_id(id).await.data()["cached"],
        true,
        "taken in all the same"
    );
    harness.simulator.set_webhook_version("2026-10");
    shop.place_order(NewOrder::default());
    harness.simulator.settled().await;
    harness.cleared("webhook_version", "uk").await;
    harness.stop().await;
}

#[tokio::test]
async fn deprecations_and_shopifys_time_are_in_the_status() {
    let (setup, shop_time, _) = Setup::default().shop(|shop| shop.orders(9)).clock(now());
    let harness = setup.start().await;
    let ids = harness.simulator.shop().order_ids();
    harness
        .simulator
        .set_deprecation(Some("Order.foo is deprecated"));
    shop_time.advance(Duration::from_secs(120));
    for id in &ids[..3] {
        harness.by_id(*id).await;
    }
    let site = harness.site("uk").await;
    assert_eq!(site["deprecations"], json!(["Order.foo is deprecated"]));
    let skew = site["clock_skew_ms"].as_i64().unwrap();
    assert!((118_000..=122_000).contains(&skew), "{skew}");
    harness.stop().await;
}

/// Posts an order's webhook as if it were signed with this secret.
async fn deliver(harness: &Harness, id: u64, secret: &str) -> u16 {
    let body = harness
        .simulator
        .shop()
        .webhook_body("orders/updated", id)
        .unwrap();
    let signature = WebhookSecrets::new([secret]).unwrap().sign(&body);
    let request = harness
        .http
        .post(harness.url("/webhooks/shopify"))
        .header("x-shopify-topic", "orders/updated")
        .header("x-shopify-shop-domain", harness.simulator.shop_domain())
        .header("x-shopify-hmac-sha256", signature.to_string())
        .body(body);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn which_secret_signs_is_told_by_its_place_and_never_by_its_value() {
    let harness = Setup::default()
        .set(
            "SHOPIFY_UK_WEBHOOK_SECRET",
            "planted-new, planted-old, planted-page",
        )
        .start()
        .await;
    harness.simulator.stop_delivering();
    let id = harness.simulator.shop().place_order(NewOrder::default());
    let secrets = harness.site("uk").await["webhook_secrets"].clone();
    let none = json!({ "of": 3, "last": null, "last_at": null, "matched": [0, 0, 0] });
    assert_eq!(secrets, none);
    for secret in ["planted-old", "planted-old", "planted-new"] {
        assert_eq!(deliver(&harness, id, secret).await, 200);
    }
    assert_eq!(deliver(&harness, id, "planted-by-a-stranger").await, 401);
    let secrets = harness.site("uk").await["webhook_secrets"].clone();
    assert_eq!(
        (&secrets["last"], &secrets["matched"]),
        (&json!(1), &json!([1, 2, 0]))
    );
    assert!(secrets["last_at"].is_string());
    assert_eq!(deliver(&harness, id, "planted-page").await, 200);
    let status = harness.get("/api/warmup/status").await;
    assert_eq!(status.data()["sites"]["uk"]["webhook_secrets"]["last"], 3);
    assert!(!status.text.contains("planted"));
    harness.stop().await;
}

#[tokio::test]
async fn webhooks_are_signed_with_the_client_secret_where_no_other_is_set() {
    let harness = Setup::default()
        .shop(|shop| shop.webhook_secret("app-secret"))
        .by_client_credentials("app-secret")
        .set("SHOPIFY_UK_WEBHOOK_SECRET", "")
        .start()
        .await;
    let id = harness.simulator.shop().place_order(NewOrder::default());
    harness.simulator.settled().await;
    until("the order came by its webhook", || async {
        (harness.by_id(id).await.data()["cached"] == true).then_some(())
    })
    .await;
    harness.stop().await;
}
