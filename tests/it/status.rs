//! `status` and `healthcheck` as a person and a container run them.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use serde_json::{Value, json};
use shopify_simulator::Simulator;

use crate::{
    command_line::{Running, free_address, program, run, settings, text},
    harness::{ADMIN_TOKEN, Setup, until},
};

#[tokio::test(flavor = "multi_thread")]
async fn without_a_service_the_store_itself_tells() {
    let simulator = Simulator::builder().orders(30).start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut strings = Vec::new();
    let vars = settings(&simulator, &mut strings);
    let say = |args: &[&str]| program(args, &vars, directory.path()).output().unwrap();
    assert!(say(&["sweep", "full"]).status.success());
    let told = say(&["status", "--json"]);
    assert!(told.status.success(), "{}", text(&told.stderr));
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(
        told["coverage"],
        json!({ "window": 30, "warm": 30, "ratio": 1.0 })
    );
    assert!(told["last_full_warmup"].is_string());
    let table = text(&say(&["status"]).stdout);
    for wanted in [
        "none answers",
        "embedded, ok",
        "30 of 30 orders warm (100.0 %)",
        "none is running",
        "uk ",
    ] {
        assert!(table.contains(wanted), "{wanted} is not in:\n{table}");
    }
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_does_not_answer_is_said_so_and_fails() {
    let simulator = Simulator::builder().start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let nowhere = format!("redis://{}", free_address());
    let mut strings = vec![("REDIS_URL", nowhere)];
    let vars = settings(&simulator, &mut strings);
    let told = program(&["status"], &vars, directory.path())
        .output()
        .unwrap();
    assert_eq!(told.status.code(), Some(1));
    assert!(
        text(&told.stdout).contains("redis, unreachable"),
        "{}",
        text(&told.stdout)
    );
    let bad = run(&["status"], &[("WARMUP_ORDER_DAYS", "x")]);
    assert_eq!(bad.status.code(), Some(2));
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_sweep_is_watched_to_its_end() {
    let harness = Setup::default()
        .shop(|shop| shop.orders(250))
        .set("WARMUP_ENABLED", "true")
        .start()
        .await;
    let directory = tempfile::tempdir().unwrap();
    let url = harness.url("");
    let mut strings = vec![("ADMIN_TOKEN", ADMIN_TOKEN.to_owned())];
    let vars = settings(&harness.simulator, &mut strings);
    let watch = ["status", "--watch", "--url", &url];
    let told = program(&watch, &vars, directory.path()).output().unwrap();
    let table = text(&told.stdout);
    assert!(told.status.success(), "{table}{}", text(&told.stderr));
    assert!(
        table.contains("250 of 250 orders warm (100.0 %)"),
        "{table}"
    );
    assert!(table.contains(&format!("running at {url}")), "{table}");
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_that_is_stopped_while_it_is_watched_fails() {
    let harness = Setup::default()
        .shop(|shop| shop.orders(500))
        .set("WARMUP_PAGE_SIZE", "10")
        .set("WARMUP_RATE_LIMIT", "2")
        .start()
        .await;
    let directory = tempfile::tempdir().unwrap();
    let url = harness.url("");
    let mut strings = vec![("ADMIN_TOKEN", ADMIN_TOKEN.to_owned())];
    let vars = settings(&harness.simulator, &mut strings);
    harness
        .post("/api/warmup/trigger", &json!({ "type": "full" }))
        .await;
    let watch = ["status", "--watch", "--url", &url];
    let mut watching = program(&watch, &vars, directory.path());
    let mut watching = Running(watching.stderr(Stdio::piped()).spawn().unwrap());
    let mut said = String::new();
    BufReader::new(watching.0.stderr.take().unwrap())
        .read_line(&mut said)
        .unwrap();
    assert!(said.contains("watching warmup_"), "{said}");
    harness.post("/api/warmup/stop", &json!({})).await;
    assert_eq!(watching.0.wait().unwrap().code(), Some(1));
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_containers_health_check_needs_the_address_alone() {
    let simulator = Simulator::builder().start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut strings = Vec::new();
    let vars = settings(&simulator, &mut strings);
    let address = vars
        .iter()
        .find(|(name, _)| *name == "LISTEN_ADDR")
        .unwrap()
        .1;
    let port = address.rsplit(':').next().unwrap();
    // As in a container, where the service listens everywhere; the setting below would stop it from starting.
    let everywhere = format!("0.0.0.0:{port}");
    let check = || {
        let vars = [
            ("LISTEN_ADDR", everywhere.as_str()),
            ("WARMUP_ORDER_DAYS", "x"),
        ];
        run(&["healthcheck"], &vars)
    };
    assert_eq!(check().status.code(), Some(1), "nobody is there yet");
    let _service = Running(
        program(&["serve"], &vars, directory.path())
            .spawn()
            .unwrap(),
    );
    until("the service is healthy", || async {
        check().status.success().then_some(())
    })
    .await;
    let url = format!("http://{address}");
    assert!(run(&["healthcheck", "--url", &url], &[]).status.success());
    assert_eq!(
        run(&["healthcheck"], &[("LISTEN_ADDR", "x")]).status.code(),
        Some(2)
    );
    simulator.stop().await;
}
