//! The client credentials grant.

use std::time::Duration;

use serde_json::{Value, json};
use shopify_simulator::{Grant, OldTokens, Simulator};

use crate::harness::{VERSION, at_noon, client, post_raw};

async fn grant(simulator: &Simulator, body: &'static str) -> (u16, Value) {
    let url = format!("{}/admin/oauth/access_token", simulator.admin_url());
    let form = "application/x-www-form-urlencoded";
    let kind = if body.starts_with('{') {
        "application/json"
    } else {
        form
    };
    let request = client().post(url).header("content-type", kind).body(body);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn status_with(simulator: &Simulator, token: &str) -> u16 {
    let url = format!("{}/admin/api/{VERSION}/graphql.json", simulator.admin_url());
    let request = client().post(url).header("X-Shopify-Access-Token", token);
    let request = request.json(&json!({ "query": "{ shop { name } }" }));
    request.send().await.unwrap().status().as_u16()
}

const FORM: &str = "grant_type=client_credentials&client_id=id&client_secret=a%2Bsecret";
const JSON: &str =
    r#"{"grant_type":"client_credentials","client_id":"id","client_secret":"a+secret"}"#;

#[tokio::test]
async fn tokens_last_a_day_by_the_simulators_clock() {
    let simulator = at_noon()
        .client_credentials("id", "a+secret")
        .start()
        .await
        .unwrap();
    for body in [FORM, JSON] {
        let (status, answer) = grant(&simulator, body).await;
        assert_eq!(status, 200);
        assert_eq!(answer["expires_in"], 86_399);
        assert_eq!(answer["scope"], "read_orders,read_fulfillments");
    }
    let (_, answer) = grant(&simulator, FORM).await;
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(status_with(&simulator, token).await, 200);
    simulator.clock().advance(Duration::from_secs(86_398));
    assert_eq!(status_with(&simulator, token).await, 200);
    simulator.clock().advance(Duration::from_secs(1));
    assert_eq!(status_with(&simulator, token).await, 401);
    assert_eq!(simulator.calls_named("AccessToken").len(), 3);
}

#[tokio::test]
async fn refusals_say_why() {
    let simulator = at_noon()
        .client_credentials("id", "another")
        .start()
        .await
        .unwrap();
    let (status, answer) = grant(&simulator, FORM).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_client")));
    let simulator = at_noon()
        .client_credentials("id", "a+secret")
        .start()
        .await
        .unwrap();
    simulator.set_grant(Grant::ShopNotPermitted);
    let (status, answer) = grant(&simulator, FORM).await;
    assert_eq!(
        (status, &answer["error"]),
        (400, &json!("shop_not_permitted"))
    );
    assert_eq!(
        answer["error_description"],
        "Oauth error shop_not_permitted: Client credentials cannot be performed on this shop."
    );
    simulator.set_grant(Grant::NotInstalled);
    assert_eq!(grant(&simulator, FORM).await.0, 400);
}

#[tokio::test]
async fn revoked_tokens_are_dead_and_new_ones_can_be_had() {
    let simulator = at_noon()
        .client_credentials("id", "a+secret")
        .start()
        .await
        .unwrap();
    let fixed = simulator.access_token();
    assert_eq!(status_with(&simulator, &fixed).await, 200);
    simulator.revoke_tokens();
    assert_eq!(status_with(&simulator, &fixed).await, 401);
    let (_, answer) = grant(&simulator, JSON).await;
    assert_eq!(
        status_with(&simulator, answer["access_token"].as_str().unwrap()).await,
        200
    );
}

async fn granted(simulator: &Simulator) -> String {
    let (status, answer) = grant(simulator, FORM).await;
    assert_eq!(status, 200);
    answer["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_old_token_lives_on_or_dies_with_the_next_grant() {
    let simulator = at_noon()
        .client_credentials("id", "a+secret")
        .start()
        .await
        .unwrap();
    let first = granted(&simulator).await;
    let second = granted(&simulator).await;
    for token in [&first, &second] {
        assert_eq!(status_with(&simulator, token).await, 200);
    }
    simulator.set_old_tokens(OldTokens::DieAtOnce);
    simulator.set_token_lifetime(Duration::from_secs(60));
    let third = granted(&simulator).await;
    for token in [&first, &second] {
        assert_eq!(status_with(&simulator, token).await, 401);
    }
    assert_eq!(status_with(&simulator, &third).await, 200);
    simulator.clock().advance(Duration::from_secs(60));
    assert_eq!(status_with(&simulator, &third).await, 401);
    assert_eq!(simulator.granted_tokens(), 3);
}

#[tokio::test]
async fn answers_say_what_is_deprecated() {
    let simulator = at_noon().start().await.unwrap();
    let reason = |response: reqwest::Response| {
        let reason = response.headers().get("x-shopify-api-deprecated-reason");
        reason.map(|reason| reason.to_str().unwrap().to_owned())
    };
    let shop = json!({ "query": "{ shop { name } }" });
    assert_eq!(reason(post_raw(&simulator, &shop).await), None);
    simulator.set_deprecation(Some("Order.foo"));
    let told = reason(post_raw(&simulator, &shop).await);
    assert_eq!(told.as_deref(), Some("Order.foo"));
}
