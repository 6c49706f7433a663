//! A real Redis of a test's own, on a free loopback port, gone when the test ends.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::harness::until;

/// A redis-server process.
pub(crate) struct RedisServer {
    port: u16,
    directory: TempDir,
    password: Option<String>,
    process: Option<Child>,
}

impl RedisServer {
    pub(crate) async fn start() -> Self {
        Self::start_with(None).await
    }

    pub(crate) async fn start_with(password: Option<&str>) -> Self {
        // The port is free when we ask; another process could take it before Redis does, which then says so and is started on
        // another.
        for _ in 0..10 {
            let port = TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port();
            let directory = tempfile::tempdir().unwrap();
            let mut server = Self {
                port,
                directory,
                password: password.map(str::to_owned),
                process: None,
            };
            if server.try_restart().await {
                return server;
            }
        }
        panic!("no port could be had for redis-server");
    }

    pub(crate) fn url(&self) -> String {
        let password = self
            .password
            .as_ref()
            .map(|password| format!(":{password}@"))
            .unwrap_or_default();
        format!("redis://{password}127.0.0.1:{}/0", self.port)
    }

    /// Kills it at once.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Starts it again, empty, where it was.
    pub(crate) async fn restart(&mut self) {
        assert!(
            self.try_restart().await,
            "redis-server does not start again on port {}",
            self.port
        );
    }

    /// Stops it from answering, without closing its connections.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    /// A connection to look into it.
    pub(crate) async fn connect(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.url()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    async fn try_restart(&mut self) -> bool {
        let mut command = Command::new("redis-server");
        command.args([
            "--port",
            &self.port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]);
        command.arg("--dir").arg(self.directory.path());
        if let Some(password) = &self.password {
            command.args(["--requirepass", password]);
        }
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut process = process.expect("redis-server is not installed: `make test` installs it");
        let url = self.url();
        let answers = until("redis-server answers or ends", || {
            let ended = process.try_wait().unwrap().is_some();
            let url = url.clone();
            async move {
                if ended {
                    Some(false)
                } else {
                    pings(&url).await.then_some(true)
                }
            }
        })
        .await;
        self.process = Some(process);
        answers
    }

    fn signal(&self, signal: &str) {
        let id = self.process.as_ref().expect("it runs").id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
    }
}

async fn pings(url: &str) -> bool {
    let Ok(client) = redis::Client::open(url) else {
        return false;
    };
    let Ok(mut connection) = client.get_multiplexed_async_connection().await else {
        return false;
    };
    redis::cmd("PING")
        .query_async::<String>(&mut connection)
        .await
        .is_ok()
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
