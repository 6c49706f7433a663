//! A real Redis of a test's own, on a free loopback port, gone when the test ends.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use redis::FromRedisValue;
use tempfile::TempDir;

use crate::until::until;

/// A redis-server process.
pub(crate) struct RedisServer {
    port: u16,
    directory: TempDir,
    password: Option<String>,
    /// What it is started with besides.
    arguments: Vec<String>,
    process: Option<Child>,
}

/// A loopback port that is free as we ask.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl RedisServer {
    pub(crate) async fn start() -> Self {
        Self::start_with(None).await
    }

    pub(crate) async fn start_with(password: Option<&str>) -> Self {
        Self::start_as(password, Vec::new).await
    }

    /// One with settings of its own, made anew for each port that is tried.
    pub(crate) async fn start_set(settings: impl Fn() -> Vec<String>) -> Self {
        Self::start_as(None, settings).await
    }

    async fn start_as(password: Option<&str>, settings: impl Fn() -> Vec<String>) -> Self {
        // The port is free when we ask; another process could take it before Redis does, which then says so and is started on
        // another.
        for _ in 0..10 {
            let port = free_port();
            let directory = tempfile::tempdir().unwrap();
            let mut server = Self {
                port,
                directory,
                password: password.map(str::to_owned),
                arguments: settings(),
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

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Kills it at once; what it held is gone.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Whether it was started and not killed.
    pub(crate) fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// Starts it again where it was, with what it has on disk: nothing, unless its settings say otherwise.
    pub(crate) async fn restart(&mut self) {
        self.kill();
        // Somebody's outgoing connection may have the port for a moment.
        for _ in 0..10 {
            if self.try_restart().await {
                return;
            }
        }
        panic!("redis-server does not start again on port {}", self.port);
    }

    /// Stops it from answering, without closing its connections.
    pub(crate) fn pause(&self) {
        self.signal("STOP");
    }

    /// Lets it go on after [`Self::pause`].
    pub(crate) fn resume(&self) {
        self.signal("CONT");
    }

    /// Runs a command as a person at `redis-cli` would, on a connection of its own.
    pub(crate) async fn cli<T: FromRedisValue>(&self, command: &[&str]) -> T {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut call = redis::Cmd::new();
        call.arg(command);
        call.query_async(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    async fn try_restart(&mut self) -> bool {
        let mut command = Command::new("redis-server");
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--appendonly", "no"]);
        command.arg("--dir").arg(self.directory.path());
        command.args(&self.arguments);
        if let Some(password) = &self.password {
            command.args(["--requirepass", password]);
        }
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut process = process.expect("redis-server is not installed: `make test` installs it");
        let (url, id) = (self.url(), process.id());
        let answers = until("redis-server answers or ends", || {
            let ended = process.try_wait().unwrap().is_some();
            let url = url.clone();
            async move {
                if ended {
                    Some(false)
                } else {
                    is_up(&url, id).await.then_some(true)
                }
            }
        })
        .await;
        self.process = Some(process);
        answers
    }

    fn signal(&self, signal: &str) {
        let id = self.process.as_ref().expect("it runs").id();
        // The shell's own `kill`: the program of that name is not installed everywhere.
        let kill = format!("kill -s {signal} {id}");
        let sent = Command::new("sh").args(["-c", &kill]).status();
        assert!(sent.expect("a shell").success());
    }
}

/// Whether the process answers, and not another test's server that was quicker to take the port.
async fn is_up(url: &str, process: u32) -> bool {
    let Ok(client) = redis::Client::open(url) else {
        return false;
    };
    let Ok(mut connection) = client.get_multiplexed_async_connection().await else {
        return false;
    };
    let mut info = redis::cmd("INFO");
    info.arg("server");
    let info: Result<String, _> = info.query_async(&mut connection).await;
    let line = format!("process_id:{process}");
    info.is_ok_and(|info| info.lines().any(|told| told == line))
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
