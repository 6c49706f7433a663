//! Tokens by the client credentials grant: renewed in good time, replaced when refused, and nobody who asks sees anything of it.

use std::{collections::BTreeSet, time::Duration};

use chrono::TimeDelta;
use secrecy::SecretString;
use serde_json::{Value, json};
use shopify_simulator::{ApiFault, Grant, OldTokens, Simulator, Times};
use shopify_warmer::shopify::{AdminClient, AdminSettings, Credentials, WhoAmI};
use tracing::instrument::WithSubscriber as _;

use crate::{
    alerts::Log,
    harness::{Harness, Reply, Setup, now, until},
};

/// Orders that are not cached: each is asked of Shopify once.
async fn cold_shop(orders: u32) -> (Harness, Vec<u64>) {
    let harness = Setup::default()
        .shop(|shop| shop.orders(orders).bucket(1_000_000, 100_000))
        .by_client_credentials("app-secret")
        .start()
        .await;
    let ids = harness.simulator.shop().order_ids();
    (harness, ids)
}

/// Asks for all of them at once.
async fn ask_at_once(harness: &Harness, ids: &[u64]) -> Vec<Reply> {
    let asked = ids.iter().map(|id| harness.by_id(*id));
    futures_util::future::join_all(asked).await
}

fn refused_calls(simulator: &Simulator) -> usize {
    let calls = simulator.calls();
    calls.iter().filter(|call| call.status == Some(401)).count()
}

fn assert_live(reply: &Reply) {
    assert_eq!(reply.data()["freshness"]["state"], "live", "{}", reply.text);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends_and_nobody_is_refused() {
    let (setup, shop_time, service_time) = Setup::default()
        .shop(|shop| shop.orders(10))
        .by_client_credentials("app-secret")
        .clock(now());
    let harness = setup.start().await;
    let ids = harness.simulator.shop().order_ids();
    assert_eq!(
        harness.simulator.granted_tokens(),
        1,
        "one for all at the start"
    );
    for (day, id) in (2..6).zip(&ids) {
        // Far enough for the renewal to be due, not for the token to have ended.
        shop_time.advance(Duration::from_secs(20 * 3600));
        service_time.advance(TimeDelta::hours(20));
        until("the token is renewed", || async {
            (harness.simulator.granted_tokens() == day).then_some(())
        })
        .await;
        assert_live(&harness.by_id(*id).await);
        let token = harness.site("uk").await["token"].clone();
        assert_eq!(
            (&token["kind"], &token["granted"], &token["trouble"]),
            (&json!("client_credentials"), &json!(day), &Value::Null)
        );
    }
    assert_eq!(refused_calls(&harness.simulator), 0);
    harness.stop().await;
}

#[tokio::test]
async fn a_token_that_ended_unseen_is_had_anew_by_the_call_that_needs_it() {
    let (setup, shop_time, service_time) = Setup::default()
        .shop(|shop| shop.orders(5))
        .by_client_credentials("app-secret")
        .clock(now());
    let harness = setup.start().await;
    let ids = harness.simulator.shop().order_ids();
    // Shopify's clock runs ahead: the service believes in its token, and Shopify does not.
    shop_time.advance(Duration::from_secs(25 * 3600));
    assert_live(&harness.by_id(ids[0]).await);
    assert_eq!(refused_calls(&harness.simulator), 1);
    // The machine slept over the end of its token.
    shop_time.advance(Duration::from_secs(25 * 3600));
    service_time.advance(TimeDelta::hours(50));
    assert_live(&harness.by_id(ids[1]).await);
    assert_eq!(refused_calls(&harness.simulator), 1);
    harness.stop().await;
}

#[tokio::test]
async fn many_calls_that_are_refused_at_once_ask_for_one_token() {
    let (harness, ids) = cold_shop(60).await;
    for (round, ids) in (2..).zip(ids.chunks(20)) {
        harness.simulator.revoke_tokens();
        // So slow that all of them are refused before the first has another token.
        harness.simulator.set_latency(Duration::from_millis(100));
        for reply in ask_at_once(&harness, ids).await {
            assert_live(&reply);
        }
        assert_eq!(harness.simulator.granted_tokens(), round);
    }
    assert!(refused_calls(&harness.simulator) > 3);
    let site = harness.site("uk").await;
    assert_eq!(
        (&site["shopify"], &site["breaker"], &site["advice"]),
        (&json!("ok"), &json!("closed"), &Value::Null)
    );
    harness.stop().await;
}

#[tokio::test]
async fn no_answer_fails_while_tokens_end_and_are_revoked() {
    let (setup, shop_time, service_time) = Setup::default()
        .shop(|shop| shop.orders(180).bucket(1_000_000, 100_000))
        .by_client_credentials("app-secret")
        .clock(now());
    let harness = setup.start().await;
    let (simulator, ids) = (&harness.simulator, harness.simulator.shop().order_ids());
    simulator.set_old_tokens(OldTokens::DieAtOnce);
    simulator.set_latency(Duration::from_millis(30));
    for (round, ids) in (0..).zip(ids.chunks(20)) {
        simulator.clear_calls();
        // In the middle of it, when some are asked and others are not.
        let ends = async {
            until("the first is under way", || async {
                (!simulator.calls().is_empty()).then_some(())
            })
            .await;
            match round % 3 {
                0 => simulator.revoke_tokens(),
                // Shopify's clock runs ahead.
                1 => shop_time.advance(Duration::from_secs(25 * 3600)),
                _ => {
                    shop_time.advance(Duration::from_secs(20 * 3600));
                    service_time.advance(TimeDelta::hours(20));
                }
            }
        };
        let (replies, ()) = futures_util::future::join(ask_at_once(&harness, ids), ends).await;
        for reply in replies {
            assert_live(&reply);
        }
    }
    let granted = simulator.granted_tokens();
    assert!(
        (7..=16).contains(&granted),
        "{granted} tokens in nine rounds"
    );
    assert_eq!(harness.site("uk").await["breaker"], "closed");
    harness.stop().await;
}

/// What the status, the readiness page and the alert say of a site that is not let in.
async fn assert_told(harness: &Harness, class: &str, advice: &str) {
    let site = harness.site("uk").await;
    assert_eq!(site["shopify"], class, "{site}");
    let told = site["advice"].as_str().unwrap();
    assert!(told.contains(advice), "{told}");
    let ready = harness.get("/readyz").await;
    assert_eq!(ready.data()["shopify"]["uk"], class, "{}", ready.text);
    let alert = harness.alerted("token_refused", "uk").await;
    assert!(alert.contains(advice), "{alert}");
}

#[tokio::test]
async fn a_wrong_secret_is_told_at_the_start_and_shown_to_nobody() {
    let harness = Setup::default()
        .shop(|shop| shop.orders(1))
        .by_client_credentials("planted-wrong-secret")
        .start()
        .await;
    let id = harness.simulator.shop().order_ids()[0];
    let reply = harness.by_id(id).await;
    assert_eq!(reply.status, 503, "{}", reply.text);
    assert_told(&harness, "invalid_client", "_CLIENT_SECRET").await;
    let asked = harness.simulator.calls_named("AccessToken").len();
    for _ in 0..20 {
        assert_eq!(harness.by_id(id).await.status, 503);
    }
    let more = harness.simulator.calls_named("AccessToken").len() - asked;
    assert!(
        more <= 2,
        "{more} grants were asked for, for the same refusal"
    );
    let status = harness.get("/api/warmup/status").await;
    let ready = harness.get("/readyz").await;
    for text in [status.text, ready.text, format!("{:?}", harness.app)] {
        assert!(!text.contains("planted"), "{text}");
    }
    harness.stop().await;
}

#[tokio::test]
async fn each_refusal_of_the_grant_has_its_advice_and_its_end() {
    for (grant, class, advice) in [
        (
            Grant::ShopNotPermitted,
            "shop_not_permitted",
            "organisation",
        ),
        (Grant::NotInstalled, "app_not_installed", "Install the app"),
    ] {
        let (harness, ids) = cold_shop(2).await;
        harness.simulator.set_grant(grant);
        harness.simulator.revoke_tokens();
        assert_eq!(harness.by_id(ids[0]).await.status, 503);
        assert_told(&harness, class, advice).await;
        harness.simulator.set_grant(Grant::Given);
        // The grant rests a few seconds after a refusal.
        until("the shop is asked again", || async {
            (harness.by_id(ids[0]).await.status == 200).then_some(())
        })
        .await;
        harness.cleared("token_refused", "uk").await;
        assert_eq!(harness.site("uk").await["shopify"], "ok");
        harness.stop().await;
    }
}

#[tokio::test]
async fn a_static_token_that_is_refused_has_its_advice() {
    let harness = Setup::default()
        .set("SHOPIFY_UK_ACCESS_TOKEN", "shpat_wrong_and_planted")
        .start()
        .await;
    assert_told(&harness, "unauthorized", "_ACCESS_TOKEN").await;
    let status = harness.get("/api/warmup/status").await;
    assert!(!status.text.contains("planted"));
    assert_eq!(status.data()["sites"]["uk"]["token"]["kind"], "static");
    harness.stop().await;
}

#[tokio::test]
async fn a_grant_that_is_down_is_an_outage_like_any_other() {
    let (harness, ids) = cold_shop(8).await;
    let faults = harness.simulator.faults();
    faults.api_on("AccessToken", ApiFault::Status(503), Times::UntilCleared);
    harness.simulator.revoke_tokens();
    let mut classes = BTreeSet::new();
    until("the breaker opens", || async {
        let reply = harness.by_id(ids[0]).await;
        assert_eq!(reply.json["error"]["code"], "SHOPIFY_UNAVAILABLE");
        let site = harness.site("uk").await;
        (site["breaker"] == "open").then_some(())
    })
    .await;
    classes.insert(harness.site("uk").await["token"]["trouble"].to_string());
    assert_eq!(classes, BTreeSet::from(["\"upstream\"".to_owned()]));
    assert!(harness.alert("token_refused", "uk").await.is_none());
    faults.clear();
    until("Shopify is found alive", || async {
        (harness.by_id(ids[1]).await.status == 200).then_some(())
    })
    .await;
    assert_eq!(harness.site("uk").await["token"]["trouble"], Value::Null);
    harness.stop().await;
}

#[tokio::test]
async fn a_renewal_that_fails_troubles_nobody_while_the_old_token_is_good() {
    let (setup, shop_time, service_time) = Setup::default()
        .shop(|shop| shop.orders(2))
        .by_client_credentials("app-secret")
        .clock(now());
    let harness = setup.start().await;
    let ids = harness.simulator.shop().order_ids();
    harness.simulator.set_grant(Grant::ShopNotPermitted);
    shop_time.advance(Duration::from_secs(20 * 3600));
    service_time.advance(TimeDelta::hours(20));
    let alert = harness.alerted("token_refused", "uk").await;
    assert!(
        alert.contains("not renewed") && alert.contains("organisation"),
        "{alert}"
    );
    assert_live(&harness.by_id(ids[0]).await);
    let site = harness.site("uk").await;
    assert_eq!(
        (&site["shopify"], &site["token"]["trouble"]),
        (&json!("ok"), &json!("shop_not_permitted"))
    );
    harness.stop().await;
}

#[tokio::test]
async fn no_log_however_talkative_shows_a_secret_or_a_token() {
    let simulator = Simulator::builder()
        .client_credentials("app-id", "planted-secret")
        .start()
        .await
        .unwrap();
    let settings = AdminSettings {
        base_url: simulator.admin_url(),
        credentials: Credentials::ClientCredentials {
            client_id: "app-id".to_owned(),
            client_secret: SecretString::from("planted-secret"),
        },
        api_version: "2026-10".to_owned(),
    };
    let client = AdminClient::new(&settings).unwrap();
    let log = Log::default();
    let writer = log.clone();
    let talkative = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    async {
        client.run(&WhoAmI, now()).await.unwrap();
        simulator.revoke_tokens();
        client.run(&WhoAmI, now()).await.unwrap();
        simulator.set_grant(Grant::ShopNotPermitted);
        simulator.revoke_tokens();
        let error = client.run(&WhoAmI, now()).await.unwrap_err();
        tracing::error!("{error} {error:?} {client:?} {settings:?}");
    }
    .with_subscriber(talkative)
    .await;
    let text = log.text();
    assert!(text.contains("shop_not_permitted"), "{text}");
    assert!(
        !text.contains("planted") && !text.contains("shpat_"),
        "{text}"
    );
    simulator.stop().await;
}
