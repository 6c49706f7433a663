//! Two shops in one service: what is wrong with one is nothing to the other.

use serde_json::{Value, json};
use shopify_simulator::{NewOrder, Simulator};

use crate::harness::{Harness, LOOKUP_TOKEN, Setup, reply, until};

/// A second shop, whose numbers look like DE1000.
async fn german_shop() -> Simulator {
    let shop = Simulator::builder()
        .shop_domain("warmer-de.myshopify.com")
        .order_prefix("#DE")
        .currency("EUR")
        .first_number(1000)
        .orders(12)
        .client_credentials("de-id", "de-secret");
    shop.start().await.expect("the simulator starts")
}

/// The usual shop and the second one, which the service gets into with `credentials`.
async fn two_shops(german: &Simulator, credentials: &[(&str, &str)]) -> Harness {
    let mut setup = Setup::default()
        .shop(|shop| shop.orders(12))
        .set("SHOPIFY_DE_SHOP_DOMAIN", german.shop_domain())
        .set("SHOPIFY_DE_ADMIN_URL", german.admin_url())
        .set("SHOPIFY_DE_WEBHOOK_SECRET", german.webhook_secret())
        .set("SHOPIFY_DE_ORDER_PREFIX", "#DE");
    for (name, value) in credentials {
        setup = setup.set(name, value);
    }
    let harness = setup.start().await;
    german.deliver_to(&harness.url("/webhooks/shopify"));
    harness
}

/// Sweeps one site; the outcome.
async fn sweep(harness: &Harness, site: &str) -> Value {
    let wanted = json!({ "type": "full", "site": site });
    let started = harness.post("/api/warmup/trigger", &wanted).await;
    assert_eq!(started.status, 200, "{}", started.text);
    let task = started.json["task_id"].clone();
    until("the sweep ends", || async {
        let history = harness.get("/api/warmup/history").await;
        let records = history.data()["history"]
            .as_array()
            .expect("a list")
            .clone();
        let record = records.into_iter().find(|record| record["task_id"] == task);
        record.map(|record| record["outcome"].clone())
    })
    .await
}

/// The good shop is looked up, swept, told by webhooks and shown as if it were alone.
async fn assert_uk_is_well(harness: &Harness, bad: &str) {
    let cold = harness.search("UK22081").await;
    assert_eq!(cold.data()["freshness"]["state"], "live", "{}", cold.text);
    assert_eq!(sweep(harness, "uk").await, "completed");
    assert_eq!(sweep(harness, "de").await, "failed");
    let id = harness.simulator.shop().place_order(NewOrder::default());
    harness.simulator.settled().await;
    assert_eq!(harness.by_id(id).await.data()["cached"], true);
    let ready = harness.get("/readyz").await;
    assert_eq!(ready.data()["shopify"], json!({ "de": bad, "uk": "ok" }));
    let uk = harness.site("uk").await;
    assert_eq!(
        (
            &uk["shopify"],
            &uk["advice"],
            &uk["breaker"],
            &uk["coverage"]["ratio"]
        ),
        (&json!("ok"), &Value::Null, &json!("closed"), &json!(1.0))
    );
    let status = harness.get("/api/warmup/status").await;
    let alerts = status.data()["alerts"].as_array().unwrap().clone();
    assert!(
        alerts.iter().all(|alert| alert["site"] != "uk"),
        "{alerts:?}"
    );
    assert!(
        alerts.iter().any(|alert| alert["site"] == "de"),
        "{alerts:?}"
    );
}

#[tokio::test]
async fn a_wrong_token_of_one_shop_is_nothing_to_the_other() {
    let german = german_shop().await;
    let token = [("SHOPIFY_DE_ACCESS_TOKEN", "shpat_wrong")];
    let harness = two_shops(&german, &token).await;
    assert_uk_is_well(&harness, "unauthorized").await;
    // Its own webhooks are taken in all the same: they need no token.
    let id = german.shop().place_order(NewOrder::default());
    german.settled().await;
    let found = harness
        .get(&format!("/api/shopify/orders/{id}?site=de"))
        .await;
    assert_eq!(found.data()["cached"], true, "{}", found.text);
    harness.stop().await;
}

#[tokio::test]
async fn a_grant_that_is_refused_to_one_shop_is_nothing_to_the_other() {
    let german = german_shop().await;
    let secret = [
        ("SHOPIFY_DE_CLIENT_ID", "de-id"),
        ("SHOPIFY_DE_CLIENT_SECRET", "wrong"),
    ];
    let harness = two_shops(&german, &secret).await;
    assert_uk_is_well(&harness, "invalid_client").await;
    harness.stop().await;
}

#[tokio::test]
async fn a_scope_that_one_shop_lacks_is_nothing_to_the_other() {
    let german = german_shop().await;
    german.set_scopes(["read_fulfillments"]);
    let secret = [
        ("SHOPIFY_DE_CLIENT_ID", "de-id"),
        ("SHOPIFY_DE_CLIENT_SECRET", "de-secret"),
    ];
    let harness = two_shops(&german, &secret).await;
    let alert = harness.alerted("scope_missing", "de").await;
    assert!(alert.contains("no order can be read"), "{alert}");
    let ready = harness.get("/readyz").await;
    assert_eq!(ready.data()["shopify"]["de"], "scope_missing");
    assert_uk_is_well(&harness, "access_denied").await;
    german.change_scopes(["read_orders", "read_fulfillments"]);
    harness.cleared("scope_missing", "de").await;
    assert_eq!(sweep(&harness, "de").await, "completed");
    harness.stop().await;
}

#[tokio::test]
async fn a_number_that_may_be_anywhere_is_found_beside_a_shop_that_does_not_let_us_in() {
    let german = german_shop().await;
    let token = [("SHOPIFY_DE_ACCESS_TOKEN", "shpat_wrong")];
    let harness = two_shops(&german, &token).await;
    // Digits alone are asked of every shop.
    let request = harness
        .http
        .get(harness.url("/api/shopify/orders/search?q=22083"));
    let found = reply(request.bearer_auth(LOOKUP_TOKEN)).await;
    assert_eq!(found.data()["site_code"], "uk", "{}", found.text);
    harness.stop().await;
}
