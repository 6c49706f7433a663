//! What is measured: the simulated shop, a Redis server and the service, each started here and gone with its value.
//!
//! The service is the release binary in a process of its own, set up as a user would: through the environment.

use std::{
    fmt,
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    thread::available_parallelism,
    time::{Duration, Instant},
};

use redis::aio::MultiplexedConnection;
use serde_json::Value;
use shopify_simulator::{Call, Simulator};
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::{tokens, users::COLD_ORDERS, wire::Connection};

/// The design size: seven days of 200 orders.
pub(crate) const ORDERS: u32 = 1400;
/// Orders before the window, which no sweep warms.
const OLDER_ORDERS: u32 = 20;
/// What a call to Shopify takes, roughly.
pub(crate) const SHOPIFY_TAKES: Duration = Duration::from_millis(120);
/// How long anything may take to start, and the sweep to end.
const PATIENCE: Duration = Duration::from_secs(120);
/// Open files that a thousand askers and what they ask need.
const OPEN_FILES: u64 = 4096;

/// Where the service keeps its cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreKind {
    Redis,
    Embedded,
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redis => "Redis",
            Self::Embedded => "embedded store",
        })
    }
}

/// How fast the first sweep may call Shopify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SweepPace {
    /// As the service does when nothing is set.
    AsDelivered,
    /// As fast as can be, where the sweep is not what is measured.
    Quick,
}

/// A service and all around it.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) kind: StoreKind,
    pub(crate) simulator: Simulator,
    pub(crate) service: Service,
    pub(crate) redis: Option<RedisServer>,
    /// What the Redis server used before the service came.
    pub(crate) redis_memory_before: u64,
    /// From the service's start to the end of its first sweep.
    pub(crate) warm_after: Duration,
    /// All that Shopify was asked until then.
    pub(crate) calls: Vec<Call>,
    directory: TempDir,
}

impl Stage {
    pub(crate) async fn warm(kind: StoreKind, pace: SweepPace) -> Self {
        let mut vars = Vec::new();
        if pace == SweepPace::Quick {
            vars.push(("WARMUP_RATE_LIMIT", "20".to_owned()));
        }
        let mut stage = Self::set(kind, simulator(pace).await, vars).await;
        stage.service.first_sweep().await;
        stage.warm_after = stage.service.started.elapsed();
        stage.calls = stage.simulator.calls();
        stage
    }

    /// A service that only sweeps when told to, at its own pace, and a shop with many orders that no sweep warms. The shop's
    /// bucket is the largest plan's: on a small one the askers' own calls would wait for each other.
    pub(crate) async fn cold(kind: StoreKind) -> Self {
        let simulator = Simulator::builder()
            .orders(ORDERS)
            .older_orders(COLD_ORDERS)
            .latency(SHOPIFY_TAKES)
            .bucket(40_000, 2000)
            .start()
            .await
            .expect("the simulated shop starts");
        let vars = vec![("WARMUP_ENABLED", "false".to_owned())];
        let stage = Self::set(kind, simulator, vars).await;
        stage.service.listens().await;
        stage
    }

    /// A service with an empty cache, and a shop of so many orders. The bucket is the largest plan's, and warming as fast as it may:
    /// what is measured is the import.
    pub(crate) async fn large(kind: StoreKind, orders: u32) -> Self {
        let simulator = Simulator::builder()
            .orders(orders)
            .latency(SHOPIFY_TAKES)
            .bucket(40_000, 2000)
            .start()
            .await
            .expect("the simulated shop starts");
        let vars = vec![
            ("WARMUP_ENABLED", "false".to_owned()),
            ("WARMUP_RATE_LIMIT", "20".to_owned()),
            ("WARMUP_MAX_DURATION", "86400".to_owned()),
        ];
        let stage = Self::set(kind, simulator, vars).await;
        stage.service.listens().await;
        stage
    }

    /// A service on a Redis of somebody else's, that only sweeps when told to.
    pub(crate) async fn on(redis_url: String) -> Self {
        let vars = vec![
            ("REDIS_URL", redis_url),
            ("WARMUP_ENABLED", "false".to_owned()),
        ];
        let simulator = simulator(SweepPace::Quick).await;
        let stage = Self::set(StoreKind::Embedded, simulator, vars).await;
        stage.service.listens().await;
        stage
    }

    /// A service that gets in by client credentials, and a shop with orders that nobody has asked for. The shop's bucket does not
    /// end: tokens are what is measured.
    pub(crate) async fn granted(kind: StoreKind) -> Self {
        let simulator = Simulator::builder()
            .orders(10)
            .older_orders(tokens::COLD_ORDERS)
            .latency(SHOPIFY_TAKES)
            .bucket(1_000_000, 100_000)
            .client_credentials("app-id", "app-secret")
            .start()
            .await
            .expect("the simulated shop starts");
        let vars = [
            ("WARMUP_ENABLED", "false"),
            ("SHOPIFY_UK_ACCESS_TOKEN", ""),
            ("SHOPIFY_UK_CLIENT_ID", "app-id"),
            ("SHOPIFY_UK_CLIENT_SECRET", "app-secret"),
        ];
        let vars = vars.map(|(name, value)| (name, value.to_owned()));
        let stage = Self::set(kind, simulator, vars.to_vec()).await;
        stage.service.listens().await;
        stage
    }

    async fn set(
        kind: StoreKind,
        simulator: Simulator,
        vars_of_its_own: Vec<(&'static str, String)>,
    ) -> Self {
        let directory = tempfile::tempdir().expect("a directory for what is measured");
        let redis = match kind {
            StoreKind::Redis => Some(RedisServer::start(directory.path()).await),
            StoreKind::Embedded => None,
        };
        let redis_memory_before = match &redis {
            Some(redis) => redis.used_memory().await,
            None => 0,
        };
        let mut vars = vec![
            ("SHOPIFY_UK_SHOP_DOMAIN", simulator.shop_domain().to_owned()),
            ("SHOPIFY_UK_ACCESS_TOKEN", simulator.access_token()),
            (
                "SHOPIFY_UK_WEBHOOK_SECRET",
                simulator.webhook_secret().to_owned(),
            ),
            ("SHOPIFY_UK_ADMIN_URL", simulator.admin_url()),
        ];
        vars.extend(redis.as_ref().map(|redis| ("REDIS_URL", redis.url())));
        vars.extend(vars_of_its_own);
        let service = Service::start("serve", vars, directory.path(), Stdio::null());
        Self {
            kind,
            warm_after: Duration::ZERO,
            calls: Vec::new(),
            simulator,
            service,
            redis,
            redis_memory_before,
            directory,
        }
    }

    /// What the embedded store's files take.
    pub(crate) fn data_bytes(&self) -> u64 {
        let files = fs::read_dir(self.directory.path().join("data")).expect("a data directory");
        files
            .filter_map(|file| file.ok()?.metadata().ok())
            .map(|file| file.len())
            .sum()
    }
}

async fn simulator(pace: SweepPace) -> Simulator {
    let shop = Simulator::builder()
        .orders(ORDERS)
        .older_orders(OLDER_ORDERS)
        .latency(SHOPIFY_TAKES);
    let shop = match pace {
        SweepPace::AsDelivered => shop,
        SweepPace::Quick => shop.bucket(2000, 1000),
    };
    shop.start().await.expect("the simulated shop starts")
}

/// The service in a process of its own.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) child: Child,
    pub(crate) addr: SocketAddr,
    started: Instant,
}

impl Service {
    /// Runs a command of the binary with these variables and none of this process's.
    pub(crate) fn start<K: AsRef<std::ffi::OsStr>>(
        command: &str,
        vars: Vec<(K, String)>,
        directory: &Path,
        stdout: Stdio,
    ) -> Self {
        let addr = free_address();
        let log = File::create(directory.join("service.log")).expect("a log file");
        let started = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_shopify-warmer"))
            .arg(command)
            .current_dir(directory)
            .env_clear()
            .env("LISTEN_ADDR", addr.to_string())
            .env("TMPDIR", directory)
            .envs(vars)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(log)
            .spawn()
            .expect("the service's binary runs");
        Self {
            child,
            addr,
            started,
        }
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection::open(self.addr).await
    }

    /// What the service holds of the machine's memory, where that can be read.
    pub(crate) fn resident_bytes(&self) -> Option<u64> {
        self.memory("VmRSS:")
    }

    /// The most it has held so far.
    pub(crate) fn peak_bytes(&self) -> Option<u64> {
        self.memory("VmHWM:")
    }

    fn memory(&self, name: &str) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kibibytes * 1024)
    }

    /// Waits until the service takes connections.
    pub(crate) async fn listens(&self) {
        let listens = async {
            while TcpStream::connect(self.addr).await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, listens)
            .await
            .expect("the service starts");
    }

    /// Waits until the sweep that the service begins with is done.
    async fn first_sweep(&self) {
        let done = async {
            self.listens().await;
            let mut connection = self.connect().await;
            loop {
                let reply = connection.get("/api/warmup/history").await;
                assert_eq!(reply.status, 200, "the history: {}", reply.text());
                if let Some(record) = reply.json().pointer("/data/history/0") {
                    return record.clone();
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let record = tokio::time::timeout(PATIENCE, done)
            .await
            .expect("the first sweep ends");
        let outcome = record.get("outcome").and_then(Value::as_str);
        assert_eq!(outcome, Some("completed"), "the first sweep: {record}");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// A Redis server of our own that writes nothing to disk.
#[derive(Debug)]
pub(crate) struct RedisServer {
    pub(crate) child: Child,
    addr: SocketAddr,
}

impl RedisServer {
    pub(crate) fn is_installed() -> bool {
        let version = Command::new("redis-server")
            .arg("--version")
            .stdout(Stdio::null())
            .status();
        version.is_ok_and(|status| status.success())
    }

    async fn start(directory: &Path) -> Self {
        let addr = free_address();
        let child = Command::new("redis-server")
            .args(["--bind", &addr.ip().to_string()])
            .args(["--port", &addr.port().to_string()])
            .args(["--save", "", "--appendonly", "no"])
            .current_dir(directory)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server runs");
        let server = Self { child, addr };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(addr).await.is_err() {
            assert!(Instant::now() < deadline, "redis-server does not answer");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        server
    }

    fn url(&self) -> String {
        format!("redis://{}/0", self.addr)
    }

    pub(crate) async fn connect(&self) -> MultiplexedConnection {
        redis::Client::open(self.url())
            .expect("a Redis address")
            .get_multiplexed_async_connection()
            .await
            .expect("redis-server takes a connection")
    }

    pub(crate) async fn used_memory(&self) -> u64 {
        let mut redis = self.connect().await;
        let info: String = redis::cmd("INFO")
            .arg("memory")
            .query_async(&mut redis)
            .await
            .expect("redis-server tells of its memory");
        info.lines()
            .find_map(|line| line.strip_prefix("used_memory:")?.trim().parse().ok())
            .expect("INFO memory holds used_memory")
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    // It may have ended by itself.
    drop(child.kill());
    drop(child.wait());
}

/// A loopback address that nobody listens on right now.
fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
}

/// A thousand askers are a thousand connections, more than many shells let a process open: where that is so, this process
/// begins again with what its shell may give at most. What it starts inherits that.
pub(crate) fn allow_many_connections() {
    const AGAIN: &str = "FIGURES_BEGAN_AGAIN";
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let allowed = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .and_then(|limits| limits.split_whitespace().next()?.parse().ok());
    let enough = allowed.is_none_or(|allowed: u64| allowed >= OPEN_FILES);
    if enough || std::env::var_os(AGAIN).is_some() {
        return;
    }
    let error = Command::new("sh")
        .args(["-c", "ulimit -n \"$(ulimit -H -n)\"; exec \"$0\" \"$@\""])
        .args(std::env::args_os())
        .env(AGAIN, "1")
        .exec();
    eprintln!("figures: cannot raise the limit of open files: {error}");
}

/// Under which conditions the figures came about.
pub(crate) fn conditions() -> String {
    let cores = available_parallelism().map_or(0, usize::from);
    format!(
        "On {cores} cores, shared by the load generator, the simulated shop, Redis and the service (release build, a process of \
         its own).\n{ORDERS} orders in the window; a call to the simulated Shopify takes {} ms; Redis writes nothing to disk.",
        SHOPIFY_TAKES.as_millis()
    )
}
