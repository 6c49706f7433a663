//! `doctor`: each finding is provoked, on the simulated shop, a real Redis, and proxies that get in the way.

mod proxies;

use std::path::Path;

use serde_json::Value;
use shopify_simulator::Simulator;

use self::proxies::{Proxy, self_signed};
use crate::{
    command_line::{free_address, program, run, settings, text},
    harness::{ADMIN_TOKEN, Harness, LOOKUP_TOKEN, Setup},
    redis_server::RedisServer,
};

/// What it told.
#[derive(Debug)]
struct Told {
    code: Option<i32>,
    findings: Vec<Value>,
    json: String,
}

impl Told {
    /// The states of a check's findings about `about`, the texts behind them.
    fn of(&self, check: &str, about: Option<&str>) -> Vec<(&str, &str)> {
        let about = Value::from(about);
        let ours = |finding: &&Value| finding["check"] == check && finding["about"] == about;
        let said = |finding| (text_of(finding, "state"), text_of(finding, "text"));
        self.findings.iter().filter(ours).map(said).collect()
    }

    /// That exactly one finding of the check is not well, that it is in this state, and says this.
    #[track_caller]
    fn only(&self, check: &str, about: Option<&str>, state: &str, words: &str) {
        let found = self.of(check, about);
        let bad: Vec<_> = found.iter().filter(|(state, _)| *state != "ok").collect();
        assert!(
            bad.len() == 1 && bad[0].0 == state && bad[0].1.contains(words),
            "{found:#?}"
        );
        for finding in &self.findings {
            assert_eq!(
                finding["state"] == "ok",
                finding["fix"].is_null(),
                "{finding}"
            );
        }
    }

    /// That one of the check's findings is in this state and says this.
    #[track_caller]
    fn has(&self, check: &str, about: Option<&str>, state: &str, words: &str) {
        let found = self.of(check, about);
        assert!(
            found
                .iter()
                .any(|(its, said)| *its == state && said.contains(words)),
            "{found:#?}"
        );
    }

    #[track_caller]
    fn is_well(&self, check: &str, about: Option<&str>) {
        let found = self.of(check, about);
        assert!(
            !found.is_empty() && found.iter().all(|(state, _)| *state == "ok"),
            "{check}: {}",
            self.json
        );
    }
}

fn text_of<'a>(finding: &'a Value, name: &str) -> &'a str {
    finding[name].as_str().unwrap()
}

fn ask(vars: &[(&str, &str)], more: &[(&str, &str)], directory: &Path) -> Told {
    let all: Vec<_> = vars.iter().chain(more).copied().collect();
    let said = program(&["doctor", "--json"], &all, directory)
        .output()
        .unwrap();
    let json = text(&said.stdout);
    let told: Value = serde_json::from_str(&json)
        .unwrap_or_else(|error| panic!("{error}: {json}{}", text(&said.stderr)));
    Told {
        code: said.status.code(),
        findings: told["findings"].as_array().unwrap().clone(),
        json,
    }
}

/// Asks with the settings of a service of the test's own.
fn ask_beside(harness: &Harness, more: &[(&str, &str)]) -> Told {
    let directory = tempfile::tempdir().unwrap();
    let vars: Vec<_> = harness
        .vars
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let address = harness.app.addr().to_string();
    let more: Vec<_> = [("LISTEN_ADDR", address.as_str())]
        .iter()
        .chain(more)
        .copied()
        .collect();
    ask(&vars, &more, directory.path())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_in_good_order_is_told_so_beside_it() {
    let redis = RedisServer::start_set(|| {
        ["--appendonly", "yes", "--maxmemory", "512mb"]
            .map(str::to_owned)
            .to_vec()
    })
    .await;
    let harness = Setup::default()
        .shop(|shop| shop.scopes(["read_orders", "read_all_orders", "read_fulfillments"]))
        .set("REDIS_URL", redis.url())
        .start()
        .await;
    harness
        .simulator
        .shop()
        .place_order(shopify_simulator::NewOrder::default());
    harness.simulator.settled().await;
    let url = harness.url("");
    let told = ask_beside(&harness, &[("PUBLIC_URL", &url)]);
    assert_eq!(told.code, Some(0), "{}", told.json);
    told.is_well("service", None);
    told.is_well("store", None);
    told.is_well("public_url", None);
    for check in ["token", "scopes", "api_version", "clock", "secrets"] {
        told.is_well(check, Some("uk"));
    }
    for secret in [
        ADMIN_TOKEN,
        LOOKUP_TOKEN,
        &harness.simulator.access_token(),
        harness.simulator.webhook_secret(),
    ] {
        assert!(!told.json.contains(secret), "{}", told.json);
    }
    // For a person the same, each fix below its finding.
    let directory = tempfile::tempdir().unwrap();
    let vars: Vec<_> = harness
        .vars
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let said = program(&["doctor", "--url", &url], &vars, directory.path())
        .output()
        .unwrap();
    let table = text(&said.stdout);
    assert!(
        said.status.success() && table.contains("0 fault(s)"),
        "{table}{}",
        text(&said.stderr)
    );
    assert!(table.contains("→ Set it to the https address"), "{table}");
    harness.stop().await;
}

#[test]
fn all_faults_of_the_settings_are_told_and_exit_with_2() {
    let vars = [
        ("SHOPIFY_UK_SHOP_DOMAIN", "shop.example.com"),
        ("SHOPIFY_UK_ACCESS_TOKEN", "shpat_hidden"),
        ("LISTEN_ADDR", "0.0.0.0:1"),
        ("CACHE_PREFX", "y"),
    ];
    let directory = tempfile::tempdir().unwrap();
    let told = ask(&vars, &[], directory.path());
    assert_eq!(told.code, Some(2));
    for name in [
        "SHOPIFY_UK_SHOP_DOMAIN",
        "SHOPIFY_UK_WEBHOOK_SECRET",
        "ADMIN_TOKEN",
        "LOOKUP_TOKEN",
        "CACHE_PREFX",
    ] {
        assert_eq!(
            told.of("settings", Some(name)).len(),
            1,
            "{name}: {}",
            told.json
        );
    }
    assert!(!told.json.contains("shpat_hidden"));
    assert_eq!(run(&["doctor", "--jsn"], &[]).status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_shop_is_named() {
    let simulator = Simulator::builder().start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut strings = Vec::new();
    let vars = settings(&simulator, &mut strings);
    let ask = |more: &[(&str, &str)]| ask(&vars, more, directory.path());
    let uk = Some("uk");

    let told = ask(&[]);
    told.only("service", None, "warning", "no service answers");
    told.only("settings", Some("ADMIN_TOKEN"), "warning", "is not set");
    told.only("public_url", None, "warning", "PUBLIC_URL is not set");
    told.is_well("store", None);
    ask(&[("PUBLIC_URL", "https://127.0.0.1:9")]).only(
        "settings",
        Some("ADMIN_TOKEN"),
        "fault",
        "strangers",
    );

    let told = ask(&[("SHOPIFY_UK_ACCESS_TOKEN", "shpat_wrong")]);
    assert_eq!(told.code, Some(1));
    told.only("token", uk, "fault", "");
    assert!(told.json.contains("install the app again"), "{}", told.json);

    ask(&[("SHOPIFY_UK_SHOP_DOMAIN", "another.myshopify.com")]).only(
        "token",
        uk,
        "fault",
        "another.myshopify.com is set",
    );
    ask(&[("SHOPIFY_UK_API_VERSION", "2025-10")]).only(
        "api_version",
        uk,
        "fault",
        "2025-10 is asked for",
    );
    simulator.set_deprecation(Some("Order.planted is deprecated"));
    ask(&[]).only("api_version", uk, "warning", "Order.planted");
    simulator.set_deprecation(None);
    simulator.set_scopes(["read_orders", "read_all_orders"]);
    ask(&[]).only("scopes", uk, "fault", "read_fulfillments is missing");
    simulator.set_scopes(["read_orders", "read_fulfillments"]);
    ask(&[]).only("scopes", uk, "warning", "60 days");
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_is_told() {
    let ahead = crate::harness::now() + chrono::TimeDelta::minutes(10);
    let clock = shopify_simulator::Clock::manual(ahead);
    let simulator = Simulator::builder().clock(clock).start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut strings = Vec::new();
    let told = ask(&settings(&simulator, &mut strings), &[], directory.path());
    told.only("clock", Some("uk"), "fault", "ahead of this machine's");
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_redis_is_named() {
    let simulator = Simulator::builder().start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut redis = RedisServer::start().await;
    let mut strings = vec![("REDIS_URL", redis.url())];
    let vars = settings(&simulator, &mut strings);
    let ask = || ask(&vars, &[], directory.path());
    let told = ask();
    let found = told.of("store", None);
    assert!(
        found
            .iter()
            .any(|(state, text)| *state == "warning" && text.contains("nothing to disk")),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .any(|(state, text)| *state == "warning" && text.contains("maxmemory is not set")),
        "{found:?}"
    );
    let set = async |name, value| redis.cli::<()>(&["CONFIG", "SET", name, value]).await;
    set("appendonly", "yes").await;
    set("maxmemory", "512mb").await;
    ask().is_well("store", None);
    set("appendonly", "no").await;
    set("save", "60 1").await;
    ask().only("store", None, "warning", "snapshots only");
    set("appendonly", "yes").await;
    set("maxmemory-policy", "allkeys-lru").await;
    ask().only("store", None, "fault", "allkeys-lru");
    redis.kill();
    let told = ask();
    told.only("store", None, "fault", "connection refused");
    assert_eq!(told.code, Some(1));
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_file_is_its_services() {
    let harness = Setup::default().start().await;
    // Beside the service that has the file, the service is asked.
    ask_beside(&harness, &[]).is_well("store", None);
    // A service that has it and is not where it is looked for is somebody else.
    let elsewhere = free_address().to_string();
    let told = ask_beside(&harness, &[("LISTEN_ADDR", &elsewhere)]);
    told.only("store", None, "fault", "in use");
    let told = ask_beside(
        &harness,
        &[
            ("ADMIN_TOKEN", "another-token-than-it-has"),
            ("LOOKUP_TOKEN", ""),
        ],
    );
    told.only("service", None, "fault", "refuses the token");
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_service_the_subscriptions_are_audited_here() {
    let harness = Setup::default().start().await;
    let Harness {
        simulator,
        app,
        vars,
        ..
    } = harness;
    assert!(app.stop().await);
    let directory = tempfile::tempdir().unwrap();
    let vars: Vec<_> = vars
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let fresh = directory.path().join("fresh").display().to_string();
    let address = free_address().to_string();
    let more = [
        ("DATA_DIR", fresh.as_str()),
        ("LISTEN_ADDR", &address),
        ("PUBLIC_URL", "https://warmer.example.com"),
    ];
    simulator.clear_calls();
    let told = ask(&vars, &more, directory.path());
    told.has("subscriptions", Some("uk"), "fault", "orders/updated");
    let operations = simulator.calls().into_iter().map(|call| call.operation);
    let operations: std::collections::BTreeSet<_> = operations.collect();
    assert!(
        operations.contains("WebhookSubs"),
        "the shop is asked: {operations:?}"
    );
    assert!(
        operations
            .iter()
            .all(|operation| !operation.contains("Create")),
        "and nothing is changed: {operations:?}"
    );
    let no_redis = [&more[..], &[("REDIS_URL", "redis://127.0.0.1:1")]].concat();
    let told = ask(&vars, &no_redis, directory.path());
    told.has("subscriptions", None, "warning", "nor the store tells");
    let sync = program(
        &["webhooks", "sync"],
        &[&vars[..], &more].concat(),
        directory.path(),
    );
    assert!({ sync }.output().unwrap().status.success());
    let told = ask(&vars, &more, directory.path());
    told.is_well("subscriptions", Some("uk"));
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn which_secret_signs_is_told_by_its_place() {
    let simulator_secret = "the-simulators-own-secret";
    let secrets = format!("the-new-one-not-in-use-yet,{simulator_secret}");
    let harness = Setup::default()
        .shop(|shop| shop.webhook_secret(simulator_secret))
        .set("SHOPIFY_UK_WEBHOOK_SECRET", &secrets)
        .start()
        .await;
    let told = ask_beside(&harness, &[]);
    told.has(
        "subscriptions",
        Some("uk"),
        "warning",
        "no webhook has ever come",
    );
    harness
        .simulator
        .shop()
        .place_order(shopify_simulator::NewOrder::default());
    harness.simulator.settled().await;
    let url = harness.url("");
    let told = ask_beside(&harness, &[("PUBLIC_URL", &url)]);
    told.only(
        "secrets",
        Some("uk"),
        "warning",
        "number 2 of 2 signed the last webhook",
    );
    let told = ask_beside(&harness, &[]);
    told.only("secrets", None, "warning", "1 deliveries were refused");
    assert!(
        !told.json.contains(simulator_secret) && !told.json.contains("the-new-one"),
        "{}",
        told.json
    );
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_between_shopify_and_the_service_is_named() {
    let harness = Setup::default().start().await;
    let service = harness.url("");
    for (proxy, words) in [
        (Proxy::Redirects, "redirects to https://www.example.com"),
        (Proxy::Locks, "asks for a password"),
        (Proxy::AnswersItself, "something else than this service"),
        (Proxy::TakesOneMegabyte, "413"),
        (Proxy::LosesWebhooks, "answered 404 instead of 401"),
    ] {
        let url = proxy.start(&service).await;
        ask_beside(&harness, &[("PUBLIC_URL", &url)]).only("public_url", None, "fault", words);
    }
    let nobody = format!("http://{}", free_address());
    ask_beside(&harness, &[("PUBLIC_URL", &nobody)]).only(
        "public_url",
        None,
        "fault",
        "no connection",
    );
    let (_server, url) = self_signed().await;
    ask_beside(&harness, &[("PUBLIC_URL", &url)]).only(
        "public_url",
        None,
        "fault",
        "certificate is not taken",
    );
    harness.stop().await;
}
