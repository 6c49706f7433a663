//! A warmer that is frozen for longer than its lease, as by a paused machine, and wakes up.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use shopify_simulator::Simulator;
use shopify_warmer::{app::App, clock::Clock, config::Config};
use tempfile::TempDir;

use super::patiently;
use crate::redis_server::{RedisServer, free_port};

/// What a process that wakes up does late, it has done by then.
const AWAKE: Duration = Duration::from_secs(2);

/// The program, in a process of its own.
struct Replica {
    process: Child,
    _directory: TempDir,
}

impl Replica {
    fn start(vars: &[(String, String)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_shopify-warmer"))
            .arg("serve")
            .env_clear()
            .envs(vars.iter().cloned())
            .env("DATA_DIR", directory.path())
            .env("LISTEN_ADDR", format!("127.0.0.1:{}", free_port()))
            .current_dir(directory.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            process,
            _directory: directory,
        }
    }

    fn signal(&self, signal: &str) {
        let kill = format!("kill -s {signal} {}", self.process.id());
        let sent = Command::new("sh").args(["-c", &kill]).status();
        assert!(sent.expect("a shell").success());
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warmer_that_was_frozen_writes_nothing_under_its_old_lease() {
    let redis = RedisServer::start().await;
    let simulator = Simulator::builder().orders(1000).start().await.unwrap();
    let vars = vars(&simulator, &redis);
    let frozen = Replica::start(&vars);
    // The cache is cold, so it begins by itself.
    patiently("some pages are read", || async {
        (simulator.calls_named("OrdersPage").len() >= 3).then_some(())
    })
    .await;
    frozen.signal("STOP");
    let directory = tempfile::tempdir().unwrap();
    let mut vars = vars;
    vars.push((
        "DATA_DIR".to_owned(),
        directory.path().display().to_string(),
    ));
    vars.push(("LISTEN_ADDR".to_owned(), "127.0.0.1:0".to_owned()));
    let config = Config::from_vars(vars).unwrap();
    let other = App::start(&config, Clock::System).await.unwrap();
    let pages = simulator.calls_named("OrdersPage").len();
    patiently("the other takes the sweep up", || async {
        (simulator.calls_named("OrdersPage").len() > pages).then_some(())
    })
    .await;
    let lease: String = redis.cli(&["GET", "shopify:{uk}:lease"]).await;
    // It wakes up while the other is in the midst of the sweep, with a page to write down.
    frozen.signal("CONT");
    let site = "uk".parse().unwrap();
    let record = patiently("the sweep has its record", || async {
        other.state().warmer.records(&site, 10).await.unwrap().pop()
    })
    .await;
    assert_eq!(record.total_orders, 1000);
    tokio::time::sleep(AWAKE).await;
    let records = other.state().warmer.records(&site, 10).await.unwrap();
    assert_eq!(records.len(), 1, "{records:?}");
    let after: String = redis.cli(&["GET", "shopify:{uk}:lease"]).await;
    assert_eq!(lease, after, "one holder since");
    let pages = simulator.calls_named("OrdersPage").len();
    assert!((10..=12).contains(&pages), "{pages} pages for ten");
    assert!(other.stop().await);
    simulator.stop().await;
}

fn vars(simulator: &Simulator, redis: &RedisServer) -> Vec<(String, String)> {
    let pairs = [
        ("SHOPIFY_UK_SHOP_DOMAIN", simulator.shop_domain().to_owned()),
        ("SHOPIFY_UK_ACCESS_TOKEN", simulator.access_token()),
        (
            "SHOPIFY_UK_WEBHOOK_SECRET",
            simulator.webhook_secret().to_owned(),
        ),
        ("SHOPIFY_UK_ADMIN_URL", simulator.admin_url()),
        ("REDIS_URL", redis.url()),
        ("WARMUP_RATE_LIMIT", "2".to_owned()),
        ("WARMUP_FULL_CRON", "0 0 0 1 1 *".to_owned()),
        ("WARMUP_INCREMENTAL_CRON", "0 0 0 1 1 *".to_owned()),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value)).to_vec()
}
