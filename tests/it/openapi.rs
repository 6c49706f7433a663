//! The description of the API is true: outside judges read it and hold the running service against it.

mod fields;

use std::process::{Command, Output};

use serde_json::{Value, json};
use shopify_simulator::NewOrder;

use crate::harness::{ADMIN_TOKEN, Harness, LOOKUP_TOKEN, Setup, reply};

const JUDGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/judges");

fn judge(name: &str) -> Command {
    Command::new(format!("{JUDGES}/.venv/bin/{name}"))
}

fn verdict(command: &mut Command) -> (bool, String) {
    let output: Output = command
        .output()
        .expect("the judge is missing: `make test` installs it");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.success(),
        text(&output.stdout) + &text(&output.stderr),
    )
}

#[test]
fn the_command_prints_a_valid_document_of_3_1() {
    let printed = Command::new(env!("CARGO_BIN_EXE_shopify-warmer"))
        .arg("openapi")
        .env_clear()
        .output()
        .unwrap();
    assert!(printed.status.success());
    let document: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("openapi.json");
    std::fs::write(&file, &printed.stdout).unwrap();
    let (valid, said) = verdict(judge("openapi-spec-validator").arg(&file));
    assert!(valid, "{said}");
}

#[tokio::test]
async fn cozes_profile_is_a_valid_document_of_3_0_wherever_it_comes_from() {
    let harness = Harness::start().await;
    let served = harness.http.get(harness.url("/openapi/coze.yaml"));
    let served = served.send().await.unwrap();
    assert_eq!(
        served.headers()["content-type"],
        "application/yaml; charset=utf-8"
    );
    let served = served.text().await.unwrap();
    let its_url = format!("url: \"http://{}\"", harness.app.addr());
    assert!(served.contains(&its_url), "{served:.2000}");
    let printed = Command::new(env!("CARGO_BIN_EXE_shopify-warmer"))
        .args(["openapi", "--profile", "coze"])
        .env_clear()
        .output()
        .unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert!(printed.contains("url: \"http://127.0.0.1:8080\""));
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in [("served.yaml", served), ("printed.yaml", printed)] {
        assert!(text.starts_with("openapi: \"3.0.1\""), "{name}");
        let file = directory.path().join(name);
        std::fs::write(&file, text).unwrap();
        let (valid, said) = verdict(judge("openapi-spec-validator").arg(&file));
        assert!(valid, "{name}: {said}");
    }
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_no_5xx_and_no_undocumented_answer() {
    let harness = Setup::default().shop(|shop| shop.orders(60)).start().await;
    let (id, directory) = (
        harness.simulator.shop().place_order(NewOrder::default()),
        tempfile::tempdir().unwrap(),
    );
    harness.simulator.settled().await;
    assert_eq!(harness.by_id(id).await.status, 200);
    let url = harness.url("/openapi.json");
    let run = tokio::task::spawn_blocking(move || {
        let mut schemathesis = judge("schemathesis");
        schemathesis
            .arg("--config-file")
            .arg(format!("{JUDGES}/openapi/schemathesis.toml"))
            .args(["run", "--no-color", &url])
            .env("ADMIN_TOKEN", ADMIN_TOKEN)
            .env("NO_PROXY", "127.0.0.1")
            .current_dir(directory.path());
        verdict(&mut schemathesis)
    });
    let (found_nothing, said) = run.await.unwrap();
    assert!(found_nothing, "{said}");
    assert!(said.contains("No issues found"), "{said}");
    harness.post("/api/warmup/stop", &json!({})).await;
    harness.stop().await;
}

/// Every operation that needs a token, with a path that fits.
fn guarded(document: &Value) -> Vec<(String, String, bool)> {
    let paths = document["paths"].as_object().unwrap();
    let mut all = Vec::new();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().unwrap() {
            let needs = &operation["security"][0]["bearer"][0];
            if let Some(needs) = needs.as_str() {
                let path = path.replace("{order_id}", "1");
                all.push((method.to_uppercase(), path, needs == "manage"));
            }
        }
    }
    all
}

#[tokio::test]
async fn what_needs_a_token_is_closed_without_it_and_to_wrong_ones() {
    let harness = Harness::start().await;
    let document = harness.get("/openapi.json").await.json;
    let guarded = guarded(&document);
    assert!(guarded.len() >= 10, "{guarded:?}");
    for (method, path, admin_only) in guarded {
        let wrong = if admin_only { LOOKUP_TOKEN } else { "wrong" };
        let ask = || {
            let method = method.parse().unwrap();
            harness.http.request(method, harness.url(&path))
        };
        for request in [
            ask(),
            ask().bearer_auth(wrong),
            ask().header("x-api-key", wrong),
            ask().basic_auth("user", Some(ADMIN_TOKEN)),
            ask().header("authorization", ADMIN_TOKEN),
        ] {
            let reply = reply(request).await;
            assert_eq!(
                (reply.status, &reply.json["error"]["code"]),
                (401, &json!("UNAUTHORIZED")),
                "{method} {path}"
            );
        }
        let right = [
            ask().bearer_auth(ADMIN_TOKEN),
            ask().header("x-api-key", ADMIN_TOKEN),
        ];
        for request in right {
            assert_ne!(reply(request).await.status, 401, "{method} {path}");
        }
    }
    harness.stop().await;
}

#[tokio::test]
async fn other_methods_are_refused_with_those_that_are_allowed() {
    let harness = Harness::start().await;
    for (path, allowed) in [
        ("/api/shopify/orders/search?q=UK1", "GET,HEAD"),
        ("/api/warmup/trigger", "POST"),
        ("/webhooks/shopify", "POST"),
        ("/openapi.json", "GET,HEAD"),
    ] {
        for method in ["TRACE", "DELETE", "PUT", "PATCH", "OPTIONS", "BREW"] {
            let request = harness
                .http
                .request(method.parse().unwrap(), harness.url(path));
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 405, "{method} {path}");
            assert_eq!(response.headers()["allow"], allowed, "{method} {path}");
            let body: Value = response.json().await.unwrap();
            assert_eq!(body["error"]["code"], "METHOD_NOT_ALLOWED");
        }
    }
    harness.stop().await;
}

#[tokio::test]
async fn the_docs_page_loads_nothing_from_elsewhere() {
    let harness = Harness::start().await;
    let mut all = String::new();
    for (path, kind) in [
        ("/docs", "text/html"),
        ("/docs/docs.css", "text/css"),
        ("/docs/docs.js", "text/javascript"),
    ] {
        let response = harness.http.get(harness.url(path)).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert!(header("content-type").starts_with(kind), "{path}");
        let policy = header("content-security-policy");
        assert!(policy.starts_with(
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        ));
        assert!(!policy.contains("unsafe"), "{policy}");
        all += &response.text().await.unwrap();
    }
    assert!(!all.contains("https://") && !all.contains("http://") && !all.contains("localStorage"));
    assert!(all.contains("href=\"docs/docs.css\"") && all.contains("src=\"docs/docs.js\""));
    let missing = harness.get("/docs/other.js").await;
    assert_eq!(
        (missing.status, &missing.json["error"]["code"]),
        (404, &json!("NOT_FOUND"))
    );
    harness.stop().await;
}

#[tokio::test]
async fn a_number_that_too_many_begin_with_is_the_callers_to_complete() {
    // Found by schemathesis, whose shortest order number is one letter.
    let harness = Setup::default()
        .shop(|shop| shop.orders(1400))
        .start()
        .await;
    let reply = harness.search("u").await;
    assert_eq!(
        (reply.status, &reply.json["error"]["code"]),
        (400, &json!("BAD_REQUEST")),
        "{}",
        reply.text
    );
    assert!(reply.text.contains("UK22080"), "{}", reply.text);
    harness.stop().await;
}
