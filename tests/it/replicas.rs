//! Several replicas on one Redis: one warms, any answers, and when the warmer goes another takes its sweep up.

use std::time::Duration;

use serde_json::{Value, json};
use shopify_simulator::Simulator;
use shopify_warmer::{app::App, clock::Clock, config::Config};

use crate::{
    harness::{ADMIN_TOKEN, Harness, Reply, Setup, reply, until},
    redis_server::RedisServer,
};

/// Another replica of the service.
struct Other {
    app: App,
    http: reqwest::Client,
    _data_dir: tempfile::TempDir,
}

impl Other {
    async fn start(harness: &Harness, setup: &[(&str, String)]) -> Self {
        let data_dir = tempfile::tempdir().unwrap();
        let mut vars = harness.vars.clone();
        vars.push(("DATA_DIR".to_owned(), data_dir.path().display().to_string()));
        vars.extend(
            setup
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone())),
        );
        let config = Config::from_vars(vars).unwrap();
        Self {
            app: App::start(&config, Clock::System).await.unwrap(),
            http: harness.http.clone(),
            _data_dir: data_dir,
        }
    }

    async fn get(&self, path: &str) -> Reply {
        let url = format!("http://{}{path}", self.app.addr());
        reply(self.http.get(url).bearer_auth(ADMIN_TOKEN)).await
    }

    async fn post(&self, path: &str, body: &Value) -> Reply {
        let url = format!("http://{}{path}", self.app.addr());
        reply(self.http.post(url).bearer_auth(ADMIN_TOKEN).json(body)).await
    }

    async fn record_of(&self, task: &Value) -> Value {
        until("the sweep has its record", || async {
            let history = self.get("/api/warmup/history").await;
            let records = history.data()["history"].as_array().expect("a list");
            records
                .iter()
                .find(|record| record["task_id"] == *task)
                .cloned()
        })
        .await
    }
}

/// A shop of ten pages, read slowly enough to be interrupted.
async fn first_of_two(redis: &RedisServer) -> Harness {
    Setup::default()
        .shop(|shop| shop.orders(1000))
        .set("REDIS_URL", redis.url())
        .set("WARMUP_RATE_LIMIT", "4")
        .start()
        .await
}

async fn until_pages_are_read(harness: &Harness, pages: usize) {
    until("some pages are read", || async {
        (harness.simulator.calls_named("OrdersPage").len() >= pages).then_some(())
    })
    .await;
}

/// How often each page was asked for.
fn read_again(harness: &Harness) -> usize {
    let calls = harness.simulator.calls_named("OrdersPage");
    let cursors: std::collections::BTreeSet<_> = calls
        .iter()
        .map(|call| call.variables["after"].to_string())
        .collect();
    calls.len() - cursors.len()
}

/// Whoever took a sweep over goes on at its last page, and the sweep has one record.
async fn ends_the_sweep(app: &App, simulator: &Simulator, task: &Value) {
    let site = "uk".parse().unwrap();
    let records = until("the sweep has its record", || async {
        let records = app.state().warmer.records(&site, 10).await.unwrap();
        (!records.is_empty()).then_some(records)
    })
    .await;
    let [record] = records.as_slice() else {
        panic!("one record, not {records:?}");
    };
    assert_eq!(
        (json!(record.task_id), json!(record.outcome)),
        (task.clone(), json!("completed"))
    );
    assert_eq!(record.total_orders, 1000);
    let pages = simulator.calls_named("OrdersPage").len();
    assert!((10..=11).contains(&pages), "{pages} pages for ten");
}

#[tokio::test]
async fn any_replica_can_be_asked_and_one_of_them_warms() {
    let redis = RedisServer::start().await;
    let first = first_of_two(&redis).await;
    let second = Other::start(&first, &[("REDIS_URL", redis.url())]).await;
    let started = second
        .post("/api/warmup/trigger", &json!({ "type": "full" }))
        .await;
    assert_eq!(started.status, 200, "{}", started.text);
    let task = &started.json["task_id"];
    until_pages_are_read(&first, 3).await;
    for status in [
        first.get("/api/warmup/status").await,
        second.get("/api/warmup/status").await,
    ] {
        let data = status.data();
        assert_eq!(
            (&data["running"], &data["sweep"]["task_id"]),
            (&json!(true), task)
        );
    }
    let busy = first
        .post("/api/warmup/trigger", &json!({ "type": "incremental" }))
        .await;
    assert_eq!(busy.status, 409, "{}", busy.text);
    assert!(busy.text.contains(task.as_str().unwrap()));
    let stopped = second.post("/api/warmup/stop", &json!({})).await;
    assert_eq!(stopped.data()["stopped"], true);
    let record = second.record_of(task).await;
    assert_eq!(record["outcome"], "stopped", "{record}");
    let read = record["total_orders"].as_u64().unwrap();
    assert!((200..1000).contains(&read), "{record}");
    // Whoever asks for the same again gets the rest.
    let rest = first.sweep("full").await;
    assert_eq!(
        (&rest["outcome"], &rest["total_orders"]),
        (&json!("completed"), &json!(1000 - read)),
        "{rest}"
    );
    assert!(read_again(&first) <= 1);
    assert!(second.app.stop().await);
    first.stop().await;
}

#[tokio::test]
async fn a_warmer_that_leaves_hands_its_sweep_over() {
    let redis = RedisServer::start().await;
    let first = first_of_two(&redis).await;
    let second = Other::start(&first, &[("REDIS_URL", redis.url())]).await;
    let started = first
        .post("/api/warmup/trigger", &json!({ "type": "full" }))
        .await;
    let task = started.json["task_id"].clone();
    until_pages_are_read(&first, 3).await;
    let reigns = |app: &App| {
        let site = "uk".parse().unwrap();
        app.state().warmer.reigns(&site)
    };
    let first_reigns = reigns(&first.app);
    assert_ne!(first_reigns, reigns(&second.app), "one warms");
    let Harness {
        simulator,
        app,
        data_dir,
        ..
    } = first;
    let (leaves, stays) = if first_reigns {
        (app, second.app)
    } else {
        (second.app, app)
    };
    assert!(leaves.stop().await, "it left work behind");
    ends_the_sweep(&stays, &simulator, &task).await;
    assert!(stays.stop().await);
    drop(data_dir);
    simulator.stop().await;
}

#[tokio::test]
async fn a_warmer_that_is_killed_is_replaced_within_fifteen_seconds() {
    let redis = RedisServer::start().await;
    let first = first_of_two(&redis).await;
    let (killed, mut process) = killable(&first, &redis).await;
    // The one in this process gives the lease up, so that the other has it.
    let Harness {
        simulator,
        app,
        http,
        data_dir,
        vars,
        ..
    } = first;
    assert!(app.stop().await);
    let mut vars = vars;
    vars.push(("REDIS_URL".to_owned(), redis.url()));
    let url = format!("http://{killed}/api/warmup/trigger");
    let ask = || {
        reply(
            http.post(&url)
                .bearer_auth(ADMIN_TOKEN)
                .json(&json!({ "type": "full" })),
        )
    };
    let task = ask().await.json["task_id"].clone();
    until("some pages are read", || async {
        (simulator.calls_named("OrdersPage").len() >= 3).then_some(())
    })
    .await;
    let other = App::start(&Config::from_vars(vars).unwrap(), Clock::System)
        .await
        .unwrap();
    process.kill();
    let died = std::time::Instant::now();
    let site = "uk".parse().unwrap();
    until("another takes over", || async {
        other.state().warmer.reigns(&site).then_some(())
    })
    .await;
    let took = died.elapsed();
    println!("taken over after {:.1} s", took.as_secs_f64());
    // The promise itself, not a figure: the lease and a pulse are 11 s.
    assert!(took < Duration::from_secs(15), "{took:?}");
    ends_the_sweep(&other, &simulator, &task).await;
    assert!(other.stop().await);
    drop(data_dir);
    simulator.stop().await;
}

/// A process that does not outlive its test.
struct Process(std::process::Child);

impl Process {
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Where the test has killed it, it is gone already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A service in a process of its own, and where it listens.
async fn killable(harness: &Harness, redis: &RedisServer) -> (String, Process) {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let addr = format!("127.0.0.1:{port}");
    let data_dir = harness.data_dir.path().join("other");
    let process = std::process::Command::new(env!("CARGO_BIN_EXE_shopify-warmer"))
        .arg("serve")
        .current_dir(harness.data_dir.path())
        .envs(harness.vars.iter().cloned())
        .env("REDIS_URL", redis.url())
        .env("DATA_DIR", data_dir)
        .env("LISTEN_ADDR", &addr)
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let process = Process(process);
    let url = format!("http://{addr}/healthz");
    until("it answers", || async {
        harness.http.get(&url).send().await.ok().map(drop)
    })
    .await;
    (addr, process)
}
