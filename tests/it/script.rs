//! `tests/test_warmup.sh`, which checks any running service from outside, checks ours: it finds nothing wrong where nothing is,
//! and something where something is.

use std::{process::Command, time::Duration};

use crate::{
    harness::{ADMIN_TOKEN, Harness, LOOKUP_TOKEN, Setup},
    redis_server::RedisServer,
};

/// Runs the script against the service at `base_url` and returns whether it is content, and what it printed.
async fn run(base_url: String, vars: Vec<(&'static str, String)>) -> (bool, String) {
    let run = tokio::task::spawn_blocking(move || {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/test_warmup.sh");
        Command::new(script)
            .env("BASE_URL", base_url)
            .env("PATIENCE_S", "60")
            .env("NO_PROXY", "127.0.0.1")
            .envs(vars)
            .output()
    });
    let output = run.await.unwrap().expect("bash");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text.into_owned())
}

fn tokens() -> Vec<(&'static str, String)> {
    vec![
        ("ADMIN_TOKEN", ADMIN_TOKEN.to_owned()),
        ("LOOKUP_TOKEN", LOOKUP_TOKEN.to_owned()),
    ]
}

/// So many orders and so slow that a sweep can be met while it runs.
async fn started(setup: Setup) -> Harness {
    let harness = setup.shop(|shop| shop.orders(250)).start().await;
    harness.simulator.set_latency(Duration::from_millis(150));
    harness
}

/// Neither a complaint nor one of these checks left out.
fn assert_content((content, said): &(bool, String), checks: &[&str]) {
    assert!(*content && !said.contains("not ok - "), "{said}");
    for check in checks {
        let line = format!("ok - {check}");
        assert!(
            said.lines().any(|said| said.starts_with(&line)),
            "{check}: {said}"
        );
    }
}

const SWEEPS: &[&str] = &[
    "a second one is refused with 409",
    "the 409 names the task that runs",
    "the record of the incremental sweep has every field",
    "it names the task",
];

#[tokio::test(flavor = "multi_thread")]
async fn it_is_content_with_the_service_on_the_embedded_store() {
    let harness = started(Setup::default()).await;
    let mut vars = tokens();
    vars.push(("ORDER", "UK22100".to_owned()));
    let verdict = run(harness.url(""), vars).await;
    assert_content(&verdict, SWEEPS);
    assert_content(&verdict, &["the order UK22100 is found", "it was cached"]);
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_content_with_the_service_on_redis() {
    let redis = RedisServer::start_with(Some("a-password")).await;
    let setup = Setup::default()
        .set("REDIS_URL", redis.url())
        .set("CACHE_PREFIX", "shop");
    let harness = started(setup).await;
    let mut vars = tokens();
    vars.extend([
        ("REDIS_URL", redis.url()),
        ("CACHE_PREFIX", "shop".to_owned()),
        ("SITE", "uk".to_owned()),
    ]);
    let verdict = run(harness.url(""), vars).await;
    assert_content(&verdict, SWEEPS);
    assert_content(
        &verdict,
        &[
            "50 of 50 order keys live at most 172800 s",
            "50 of 50 tracking keys live at most 21600 s",
            "50 of 50 search keys live at most 172800 s",
            "the order UK22",
            "it was cached",
        ],
    );
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_complains_where_something_is_wrong() {
    let nobody = run("http://127.0.0.1:9".to_owned(), tokens()).await;
    assert!(
        !nobody.0 && nobody.1.contains("no service answers"),
        "{nobody:?}"
    );

    let harness = Harness::start().await;
    let wrong = vec![("ADMIN_TOKEN", "wrong".to_owned())];
    let (content, said) = run(harness.url(""), wrong).await;
    assert!(!content && said.contains("another ADMIN_TOKEN"), "{said}");
    harness.stop().await;

    // A key that lives for ever, as somebody's own writer would leave it, and none at all.
    let redis = RedisServer::start().await;
    let harness = started(Setup::default().set("REDIS_URL", redis.url())).await;
    let _set: String = redis.cli(&["SET", "other:{uk:1}:order", "{}"]).await;
    let mut vars = tokens();
    vars.push(("REDIS_URL", redis.url()));
    vars.push(("CACHE_PREFIX", "other".to_owned()));
    let (content, said) = run(harness.url(""), vars).await;
    assert!(!content, "{said}");
    assert!(said.contains("other:{uk:1}:order lives -1 s"), "{said}");
    assert!(said.contains("not ok - there are search keys"), "{said}");
    harness.stop().await;
}
