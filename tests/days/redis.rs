//! A redis-server whose time of day is the simulation's, so that its keys expire when they should.

use std::{
    fs::File,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use shopify_warmer::clock::Clock;

use crate::world::World;

/// What is preloaded into redis-server.
const CLOCK_SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/days/redis_clock.c");
/// Far beyond what any machine needs to start it.
const REAL_PATIENCE: Duration = Duration::from_secs(30);

/// A running server, reached by a socket in its directory.
pub(crate) struct Redis {
    socket: PathBuf,
    process: Child,
}

/// The file that tells the server the time.
#[derive(Debug)]
pub(crate) struct Hand(File);

impl Hand {
    /// From now on it is `now` there, and goes on at the machine's pace: it stands nearly still.
    pub(crate) fn set(&self, now: DateTime<Utc>) {
        let ahead = (now - Clock::System.now())
            .num_nanoseconds()
            .expect("less than centuries");
        let written = self.0.write_all_at(&ahead.to_ne_bytes(), 0);
        written.expect("a file in memory can be written");
    }
}

impl Redis {
    pub(crate) fn start(world: &World, directory: &Path) -> Self {
        let (clock, hand) = (directory.join("clock.so"), directory.join("clock"));
        compile(&clock);
        let file = File::create(&hand).expect("a file");
        let its_hand = Hand(file);
        its_hand.set(world.time.now());
        world.time.show_on(its_hand);
        let socket = directory.join("redis.sock");
        let log = File::create(directory.join("redis.log")).expect("a file");
        let process = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .arg("--unixsocket")
            .arg(&socket)
            .env("LD_PRELOAD", &clock)
            .env("REDIS_CLOCK", &hand)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is installed: tests/install.sh does it");
        let began = Instant::now();
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            assert!(
                began.elapsed() < REAL_PATIENCE,
                "redis-server does not start"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        Self { socket, process }
    }

    pub(crate) fn url(&self) -> SecretString {
        SecretString::from(format!("redis+unix://{}", self.socket.display()))
    }

    pub(crate) fn stop(mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ends");
    }
}

fn compile(clock: &Path) {
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(clock)
        .arg(CLOCK_SOURCE)
        .status();
    let compiled = compiled.expect("the C compiler that Rust links with");
    assert!(compiled.success(), "redis_clock.c does not compile");
}
