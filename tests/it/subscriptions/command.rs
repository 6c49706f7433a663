//! `webhooks list|sync|delete|toml`, as a person runs them.

use std::process::{Command, Output};

use serde_json::{Value, json};
use shopify_simulator::{ApiFault, Simulator, Times};
use shopify_warmer::subscriptions::NEEDED;

use super::stage::{free_address, subscribe, subscriptions};

const URL: &str = "https://warmer.example.com";

/// Runs `webhooks …` on a shop, without a service.
fn webhooks(simulator: Option<&Simulator>, args: &[&str], vars: &[(&str, &str)]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_shopify-warmer"));
    command
        .arg("webhooks")
        .args(args)
        .env_clear()
        .current_dir(directory.path());
    if let Some(simulator) = simulator {
        command
            .env("SHOPIFY_UK_SHOP_DOMAIN", simulator.shop_domain())
            .env("SHOPIFY_UK_ACCESS_TOKEN", simulator.access_token())
            .env("SHOPIFY_UK_WEBHOOK_SECRET", simulator.webhook_secret())
            .env("SHOPIFY_UK_ADMIN_URL", simulator.admin_url())
            .env("LISTEN_ADDR", free_address());
    }
    command.envs(vars.iter().copied()).output().unwrap()
}

async fn run(simulator: &Simulator, args: &[&str], vars: &[(&str, &str)]) -> (i32, String, String) {
    let (simulator, args, vars) = (simulator.clone(), owned(args), pairs(vars));
    let output = tokio::task::spawn_blocking(move || {
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        let vars: Vec<_> = vars
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        webhooks(Some(&simulator), &args, &vars)
    });
    told(&output.await.unwrap())
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn pairs(vars: &[(&str, &str)]) -> Vec<(String, String)> {
    vars.iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[tokio::test]
async fn a_shop_is_listed_synced_and_cleared() {
    let simulator = Simulator::builder().start().await.unwrap();
    let url = [("PUBLIC_URL", URL)];
    let (code, out, _) = run(&simulator, &["list"], &url).await;
    assert_eq!(code, 1, "{out}");
    assert!(
        out.contains("fault: orders/updated missing:") && out.contains("fix: "),
        "{out}"
    );

    let (code, out, err) = run(&simulator, &["sync", "--dry-run"], &url).await;
    assert_eq!(
        (code, out.matches("would create").count()),
        (1, NEEDED.len()),
        "{out}"
    );
    assert!(err.contains("may come twice"), "{err}");
    assert!(
        subscriptions(&simulator).await.is_empty(),
        "it only said so"
    );

    let (code, out, _) = run(&simulator, &["sync", "--site", "uk", "--json"], &url).await;
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &report[0]["ok"]), (0, &json!(true)), "{out}");
    assert_eq!(report[0]["changes"].as_array().unwrap().len(), NEEDED.len());
    assert_eq!(subscriptions(&simulator).await.len(), NEEDED.len());

    let (code, out, _) = run(&simulator, &["list"], &url).await;
    assert_eq!(code, 0, "{out}");
    assert!(out.starts_with("uk: ok\n  TOPIC"), "{out}");
    assert_eq!(
        out.matches("https://warmer.example.com/webhooks/shopify")
            .count(),
        NEEDED.len()
    );

    let theirs = json!({ "uri": "https://erp.example.com/in", "name": "erp" });
    subscribe(&simulator, "ORDERS_CREATE", theirs).await;
    let old = json!({ "uri": "https://old.example.com/webhooks/shopify" });
    subscribe(&simulator, "ORDERS_CREATE", old).await;
    let (code, out, _) = run(&simulator, &["delete"], &url).await;
    assert_eq!(
        (code, out.matches("done: delete").count()),
        (0, NEEDED.len()),
        "{out}"
    );
    let (code, out, _) = run(&simulator, &["delete", "--all-ours"], &url).await;
    assert_eq!((code, out.matches("done: delete").count()), (0, 1), "{out}");
    let left = subscriptions(&simulator).await;
    assert_eq!((left.len(), &left[0]["name"]), (1, &json!("erp")));
    simulator.stop().await;
}

#[tokio::test]
async fn bad_usage_is_2_and_a_refusing_shop_1() {
    let simulator = Simulator::builder().start().await.unwrap();
    let (code, _, err) = run(&simulator, &["sync"], &[]).await;
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("PUBLIC_URL is missing"), "{err}");
    let (code, _, err) = run(
        &simulator,
        &["list"],
        &[("PUBLIC_URL", "http://warmer.example.com")],
    )
    .await;
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("PUBLIC_URL must begin with https://"), "{err}");
    let (code, _, _) = run(&simulator, &["list", "--nonsense"], &[]).await;
    assert_eq!(code, 2);
    simulator
        .faults()
        .api(ApiFault::Status(403), Times::UntilCleared);
    let (code, out, _) = run(&simulator, &["list"], &[]).await;
    assert_eq!(code, 1, "{out}");
    assert!(
        out.contains("uk: the subscriptions cannot be read"),
        "{out}"
    );
    simulator.stop().await;
}

#[test]
fn the_section_is_toml_and_holds_every_topic() {
    let (code, section, err) = told(&webhooks(None, &["toml", "--url", URL], &[]));
    assert_eq!((code, err.as_str()), (0, ""));
    let (_, from_the_environment, _) = told(&webhooks(None, &["toml"], &[("PUBLIC_URL", URL)]));
    assert_eq!(section, from_the_environment);
    // Python's own reader is the judge.
    let script = "import json, sys, tomllib; json.dump(tomllib.load(sys.stdin.buffer), sys.stdout)";
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shopify.app.toml");
    std::fs::write(&file, &section).unwrap();
    let read = Command::new("python3")
        .args(["-c", script])
        .stdin(std::fs::File::open(file).unwrap())
        .output()
        .expect("python3 is missing: `make test` installs it");
    assert!(
        read.status.success(),
        "{}",
        String::from_utf8_lossy(&read.stderr)
    );
    let read: Value = serde_json::from_slice(&read.stdout).unwrap();
    let topics: Vec<_> = NEEDED.iter().map(|need| need.topic).collect();
    let uri = "https://warmer.example.com/webhooks/shopify";
    assert_eq!(
        read,
        json!({
            "access_scopes": { "scopes": "read_orders,read_fulfillments" },
            "webhooks": { "api_version": "2026-10", "subscriptions": [
                { "topics": topics, "uri": uri, "name": "warmer-v1" },
                { "compliance_topics": ["customers/data_request", "customers/redact", "shop/redact"], "uri": uri },
            ] },
        })
    );
}

#[test]
fn the_section_needs_an_address() {
    let (code, out, err) = told(&webhooks(None, &["toml"], &[]));
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("PUBLIC_URL is missing"), "{err}");
    let (code, _, err) = told(&webhooks(
        None,
        &["toml", "--url", "warmer.example.com"],
        &[],
    ));
    assert_eq!(code, 2);
    assert!(err.contains("--url is no address"), "{err}");
}
