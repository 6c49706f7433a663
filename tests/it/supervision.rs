//! What the service manager hears of the service, over a real socket of systemd's kind.

use std::{
    io,
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixDatagram},
    },
    process::Command,
    time::{Duration, Instant},
};

use shopify_simulator::Simulator;

use crate::{
    command_line::{Running, program, settings, text},
    redis_server::RedisServer,
};

/// Far more than any machine needs.
const PATIENCE: Duration = Duration::from_secs(30);
/// `WATCHDOG_USEC`: a ping is due at each half of it.
const WATCHDOG: Duration = Duration::from_millis(400);

/// systemd's end of the socket.
struct Manager {
    socket: UnixDatagram,
    address: String,
}

impl Manager {
    /// On a socket without a file, as containers have it.
    fn abstract_socket() -> Self {
        let name = format!("shopify-warmer-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        Self {
            socket: UnixDatagram::bind_addr(&address).unwrap(),
            address: format!("@{name}"),
        }
    }

    fn at(path: &std::path::Path) -> Self {
        Self {
            socket: UnixDatagram::bind(path).unwrap(),
            address: path.display().to_string(),
        }
    }

    /// The next message, if one comes in time.
    fn hear(&self, within: Duration) -> Option<String> {
        self.socket.set_read_timeout(Some(within)).unwrap();
        let mut message = [0; 4096];
        match self.socket.recv(&mut message) {
            Ok(length) => Some(String::from_utf8(message[..length].to_vec()).unwrap()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(error) => panic!("{error}"),
        }
    }

    fn hear_until(&self, wanted: &str) -> String {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(message) = self
                .hear(PATIENCE)
                .filter(|message| message.contains(wanted))
            {
                return message;
            }
        }
        panic!("{wanted} never came");
    }

    fn hears_nothing_for(&self, time: Duration) -> bool {
        self.hear(time).is_none()
    }

    fn forget_what_waits(&self) {
        while self.hear(Duration::from_millis(50)).is_some() {}
    }
}

fn signal(service: &Running, signal: &str) {
    let kill = format!("kill -s {signal} {}", service.0.id());
    let sent = Command::new("sh").args(["-c", &kill]).status();
    assert!(sent.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_hears_when_the_service_serves_lives_hangs_and_stops() {
    let simulator = Simulator::builder().orders(5).start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let manager = Manager::at(&directory.path().join("notify"));
    let micros = WATCHDOG.as_micros().to_string();
    let mut strings = vec![
        ("NOTIFY_SOCKET", manager.address.clone()),
        ("WATCHDOG_USEC", micros),
    ];
    let vars = settings(&simulator, &mut strings);
    let address = vars
        .iter()
        .find(|(name, _)| *name == "LISTEN_ADDR")
        .unwrap()
        .1;
    let mut service = Running(
        program(&["serve"], &vars, directory.path())
            .spawn()
            .unwrap(),
    );

    let first = manager.hear(PATIENCE).expect("a message");
    assert!(
        first.contains("READY=1") && first.contains(address),
        "{first}"
    );
    let alive = reqwest::get(format!("http://{address}/healthz"))
        .await
        .unwrap();
    assert_eq!(
        alive.status(),
        200,
        "it listens when it says that it is ready"
    );

    manager.hear_until("WATCHDOG=1");
    let began = Instant::now();
    for _ in 0..4 {
        let ping = manager.hear_until("WATCHDOG=1");
        assert!(ping.contains("STATUS=listening on"), "{ping}");
    }
    assert!(
        began.elapsed() >= WATCHDOG / 2 * 3,
        "pings come at half of the watchdog's time, not faster"
    );

    signal(&service, "STOP");
    manager.forget_what_waits();
    assert!(manager.hears_nothing_for(WATCHDOG * 2));
    signal(&service, "CONT");
    manager.hear_until("WATCHDOG=1");

    signal(&service, "TERM");
    manager.hear_until("STOPPING=1");
    assert!(service.0.wait().unwrap().success());
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_is_no_reason_to_restart_the_service() {
    let simulator = Simulator::builder().orders(5).start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let (manager, redis) = (Manager::abstract_socket(), RedisServer::start().await);
    let mut strings = vec![
        ("NOTIFY_SOCKET", manager.address.clone()),
        ("WATCHDOG_USEC", WATCHDOG.as_micros().to_string()),
        ("REDIS_URL", redis.url()),
    ];
    let vars = settings(&simulator, &mut strings);
    let _service = Running(
        program(&["serve"], &vars, directory.path())
            .spawn()
            .unwrap(),
    );
    manager.hear_until("sites warmed here: uk");
    redis.pause();
    for _ in 0..20 {
        manager.hear_until("WATCHDOG=1");
    }
    redis.resume();
    simulator.stop().await;
}

#[tokio::test]
async fn it_does_not_hear_that_a_service_is_ready_which_cannot_listen() {
    let directory = tempfile::tempdir().unwrap();
    let manager = Manager::at(&directory.path().join("notify"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let vars = [
        ("NOTIFY_SOCKET", manager.address.as_str()),
        ("LISTEN_ADDR", &address),
        ("SHOPIFY_UK_SHOP_DOMAIN", "shop.myshopify.com"),
        ("SHOPIFY_UK_ACCESS_TOKEN", "t"),
        ("SHOPIFY_UK_WEBHOOK_SECRET", "s"),
    ];
    let output = program(&["serve"], &vars, directory.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(manager.hears_nothing_for(Duration::from_millis(50)));
}
