//! A master, two replicas and three Sentinels, all real: when the master dies, the Sentinels put a replica in its place.

use std::process::{Child, Command, Stdio};

use redis::FromRedisValue;
use tempfile::TempDir;

use crate::{
    redis_server::{RedisServer, free_port},
    until::until,
};

const MASTER: &str = "mymaster";

/// Three servers and three Sentinels.
pub(crate) struct SentinelTrio {
    servers: Vec<RedisServer>,
    sentinels: Vec<Sentinel>,
}

struct Sentinel {
    port: u16,
    process: Child,
    _directory: TempDir,
}

impl SentinelTrio {
    pub(crate) async fn start() -> Self {
        let master = RedisServer::start().await;
        let port = master.port();
        let mut servers = vec![master];
        for _ in 0..2 {
            let follow = || {
                let follow = format!("127.0.0.1 {port}");
                vec!["--replicaof".to_owned(), follow]
            };
            servers.push(RedisServer::start_set(follow).await);
        }
        let mut sentinels = Vec::new();
        for _ in 0..3 {
            sentinels.push(Sentinel::start(port).await);
        }
        let trio = Self { servers, sentinels };
        trio.until_whole().await;
        trio
    }

    pub(crate) fn url(&self) -> String {
        let places: Vec<_> = self
            .sentinels
            .iter()
            .map(|sentinel| format!("127.0.0.1:{}", sentinel.port))
            .collect();
        format!("redis+sentinel://{}/{MASTER}", places.join(","))
    }

    /// Where the Sentinels say the master is.
    pub(crate) async fn master(&self) -> u16 {
        let (_, port): (String, u16) = self.sentinels[0]
            .cli(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER])
            .await
            .unwrap();
        port
    }

    /// Kills the master as a power cut does; returns where it was.
    pub(crate) async fn kill_master(&mut self) -> u16 {
        let port = self.master().await;
        self.server(port).kill();
        port
    }

    /// Waits until another than this one is the master.
    pub(crate) async fn until_not(&self, old: u16) -> u16 {
        until("a replica becomes the master", || async {
            let master = self.master().await;
            (master != old).then_some(master)
        })
        .await
    }

    /// Has a replica take over while the master lives.
    pub(crate) async fn fail_over(&self) {
        let _: redis::Value = self.sentinels[0]
            .cli(&["SENTINEL", "FAILOVER", MASTER])
            .await
            .unwrap();
    }

    /// Empties the master, and its replicas with it.
    pub(crate) async fn flush(&self) {
        let master = self.master().await;
        let server = self.servers.iter().find(|server| server.port() == master);
        let () = server.expect("one of ours").cli(&["FLUSHALL"]).await;
    }

    /// Every replica that runs, to be held or let go.
    pub(crate) async fn replicas(&self) -> Vec<&RedisServer> {
        let master = self.master().await;
        let replicas = self.servers.iter();
        replicas
            .filter(|server| server.is_running() && server.port() != master)
            .collect()
    }

    /// Lets servers go on that were paused.
    pub(crate) fn resume(&self, ports: &[u16]) {
        for server in &self.servers {
            if ports.contains(&server.port()) {
                server.resume();
            }
        }
    }

    fn server(&mut self, port: u16) -> &mut RedisServer {
        let server = self.servers.iter_mut().find(|server| server.port() == port);
        server.expect("one of ours")
    }

    /// Waits until each Sentinel knows the others and both replicas, and holds the master for sound.
    async fn until_whole(&self) {
        for sentinel in &self.sentinels {
            until("a Sentinel knows all others", || async {
                let known: Vec<(String, String)> =
                    sentinel.cli(&["SENTINEL", "MASTER", MASTER]).await.ok()?;
                let has = |name: &str, value: &str| {
                    known.iter().any(|(of, is)| of == name && is == value)
                };
                let whole = has("num-slaves", "2")
                    && has("num-other-sentinels", "2")
                    && has("flags", "master");
                whole.then_some(())
            })
            .await;
        }
        until("both replicas follow", || async {
            let info: String = self.servers[0].cli(&["INFO", "replication"]).await;
            (info.matches("state=online").count() == 2).then_some(())
        })
        .await;
    }
}

impl Sentinel {
    async fn start(master: u16) -> Self {
        for _ in 0..10 {
            let (port, directory) = (free_port(), tempfile::tempdir().unwrap());
            let settings = format!(
                "port {port}\nbind 127.0.0.1\ndir {dir}\n\
                 sentinel monitor {MASTER} 127.0.0.1 {master} 2\n\
                 sentinel down-after-milliseconds {MASTER} 1000\n\
                 sentinel failover-timeout {MASTER} 4000\n\
                 sentinel parallel-syncs {MASTER} 2\n",
                dir = directory.path().display()
            );
            let file = directory.path().join("sentinel.conf");
            std::fs::write(&file, settings).unwrap();
            let process = Command::new("redis-server")
                .arg(&file)
                .arg("--sentinel")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("redis-server is not installed: `make test` installs it");
            let mut sentinel = Self {
                port,
                process,
                _directory: directory,
            };
            if sentinel.is_up().await {
                return sentinel;
            }
        }
        panic!("no port could be had for a Sentinel");
    }

    /// Whether it answers, rather than end because its port was taken.
    async fn is_up(&mut self) -> bool {
        let id = self.process.id().to_string();
        let (port, process) = (self.port, &mut self.process);
        until("a Sentinel answers or ends", || {
            let ended = process.try_wait().unwrap().is_some();
            let id = id.clone();
            async move {
                if ended {
                    return Some(false);
                }
                let info: String = cli(port, &["INFO", "server"]).await.ok()?;
                info.contains(&format!("process_id:{id}\r")).then_some(true)
            }
        })
        .await
    }

    async fn cli<T: FromRedisValue>(&self, command: &[&str]) -> redis::RedisResult<T> {
        cli(self.port, command).await
    }
}

async fn cli<T: FromRedisValue>(port: u16, command: &[&str]) -> redis::RedisResult<T> {
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}"))?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let mut call = redis::Cmd::new();
    call.arg(command);
    call.query_async(&mut connection).await
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}
