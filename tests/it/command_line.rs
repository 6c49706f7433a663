//! The program as a person runs it: the quick start, the one-off commands, and what it says when something is wrong.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;
use shopify_simulator::{NewOrder, Simulator};

use crate::harness::{ADMIN_TOKEN, Harness, LOOKUP_TOKEN, Setup};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_shopify-warmer");

/// The program with no environment but what is given.
pub(crate) fn program(args: &[&str], vars: &[(&str, &str)], directory: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(args)
        .env_clear()
        .envs(vars.iter().copied())
        .current_dir(directory);
    command
}

pub(crate) fn run(args: &[&str], vars: &[(&str, &str)]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    program(args, vars, directory.path()).output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A child that is killed when the test ends, however it ends.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// Runs a shell command of the README and returns what it printed.
fn shell(command: &str) -> Value {
    let output = Command::new("bash")
        .args(["-c", command])
        .output()
        .expect("bash and curl");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{command}: {error}: {}", text(&output.stdout)))
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one story, told from its beginning to its end"
)]
fn the_readmes_quick_start_works_as_printed() {
    let readme =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let quick_start = readme
        .split("<!-- quick start -->")
        .nth(1)
        .expect("the README marks its quick start");
    let curls: Vec<_> = quick_start
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("curl "))
        .collect();
    assert_eq!(curls.len(), 4, "{curls:?}");
    assert!(quick_start.lines().any(|line| line.trim() == "make demo"));

    let address = free_address().to_string();
    let directory = tempfile::tempdir().unwrap();
    let mut demo = program(
        &["demo"],
        &[
            ("LISTEN_ADDR", &address),
            ("TMPDIR", directory.path().to_str().unwrap()),
        ],
        directory.path(),
    );
    let mut demo = Running(demo.stdout(Stdio::piped()).spawn().unwrap());
    let mut printed = String::new();
    let mut lines = BufReader::new(demo.0.stdout.take().unwrap());
    while !printed.contains("Ctrl-C") {
        assert_ne!(
            lines.read_line(&mut printed).unwrap(),
            0,
            "the demo ended: {printed}"
        );
    }
    for curl in &curls {
        assert!(
            printed.contains(&curl.replace("127.0.0.1:8080", &address)),
            "the demo does not print: {curl}\n{printed}"
        );
    }
    let answers: Vec<_> = curls
        .iter()
        .map(|curl| shell(&curl.replace("127.0.0.1:8080", &address)))
        .collect();
    assert_eq!(
        (
            &answers[0]["data"]["cached"],
            &answers[0]["data"]["freshness"]["state"]
        ),
        (&Value::Bool(true), &Value::from("fresh"))
    );
    assert_eq!(
        (
            &answers[1]["data"]["cached"],
            &answers[1]["data"]["freshness"]["state"]
        ),
        (&Value::Bool(false), &Value::from("live"))
    );
    assert_eq!(answers[2]["data"]["cached"], true);
    assert_eq!(answers[2]["data"]["order"], answers[1]["data"]["order"]);
    assert!(answers[3]["data"]["stats"].is_object(), "{}", answers[3]);

    assert!(
        Command::new("kill")
            .args(["-TERM", &demo.0.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    assert!(demo.0.wait().unwrap().success());
    assert_eq!(
        std::fs::read_dir(directory.path()).unwrap().count(),
        0,
        "the demo left its data behind"
    );
}

#[test]
fn wrong_configuration_is_told_whole_and_exits_with_2() {
    let output = run(
        &["serve"],
        &[
            ("WARMUP_ORDER_DAYS", "x"),
            ("LISTEN_ADDR", "0.0.0.0:1"),
            ("CACHE_PREFX", "y"),
            ("SHOPIFY_UK_SHOP_DOMAIN", "shop.example.com"),
            ("SHOPIFY_UK_ACCESS_TOKEN", "shpat_hidden"),
        ],
    );
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    for name in [
        "WARMUP_ORDER_DAYS",
        "ADMIN_TOKEN",
        "LOOKUP_TOKEN",
        "CACHE_PREFX",
        "CACHE_PREFIX",
        "SHOPIFY_UK_SHOP_DOMAIN",
        "SHOPIFY_UK_WEBHOOK_SECRET",
    ] {
        assert!(told.contains(name), "{name} is not told: {told}");
    }
    assert!(!told.contains("shpat_hidden"), "{told}");
    assert_eq!(run(&[], &[]).status.code(), Some(2), "no shop at all");
    assert_eq!(
        run(&["sweep", "half"], &[]).status.code(),
        Some(2),
        "bad usage"
    );
}

#[test]
fn a_faulty_env_file_is_told_without_its_content() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(
        directory.path().join(".env"),
        "SHOPIFY_UK_ACCESS_TOKEN=shpat_hidden x y\n",
    )
    .unwrap();
    let output = program(&["serve"], &[], directory.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(
        told.contains(".env") && !told.contains("shpat_hidden"),
        "{told}"
    );
}

#[tokio::test]
async fn a_port_in_use_is_told_and_exits_with_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(
        &["serve"],
        &[
            ("LISTEN_ADDR", &address),
            ("SHOPIFY_UK_SHOP_DOMAIN", "shop.myshopify.com"),
            ("SHOPIFY_UK_ACCESS_TOKEN", "t"),
            ("SHOPIFY_UK_WEBHOOK_SECRET", "s"),
        ],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("LISTEN_ADDR"),
        "{}",
        text(&output.stderr)
    );
}

/// Settings for a program of its own on a simulated shop.
pub(crate) fn settings<'a>(
    simulator: &Simulator,
    strings: &'a mut Vec<(&'static str, String)>,
) -> Vec<(&'a str, &'a str)> {
    strings.extend([
        ("SHOPIFY_UK_SHOP_DOMAIN", simulator.shop_domain().to_owned()),
        ("SHOPIFY_UK_ACCESS_TOKEN", simulator.access_token()),
        (
            "SHOPIFY_UK_WEBHOOK_SECRET",
            simulator.webhook_secret().to_owned(),
        ),
        ("SHOPIFY_UK_ADMIN_URL", simulator.admin_url()),
        ("WARMUP_RATE_LIMIT", "20".to_owned()),
        // Nothing listens there: the commands work on the store themselves.
        ("LISTEN_ADDR", free_address().to_string()),
    ]);
    strings
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_service_sweep_and_lookup_work_on_the_store() {
    let simulator = Simulator::builder().orders(150).start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut strings = Vec::new();
    let vars = settings(&simulator, &mut strings);
    let say = |args: &[&str]| program(args, &vars, directory.path()).output().unwrap();

    let dry = say(&["sweep", "full", "--dry-run", "--json"]);
    assert!(dry.status.success(), "{}", text(&dry.stderr));
    let records: Value = serde_json::from_slice(&dry.stdout).unwrap();
    assert_eq!(
        (&records[0]["drift"]["missing"], &records[0]["trigger"]),
        (&Value::from(150), &Value::from("cli"))
    );
    let again = say(&["sweep", "full"]);
    assert!(again.status.success());
    assert!(
        text(&again.stdout).contains("150 added"),
        "a dry run writes nothing: {}",
        text(&again.stdout)
    );
    let third = say(&["sweep", "full", "--days", "7", "--site", "uk"]);
    assert!(
        text(&third.stdout).contains("150 unchanged"),
        "{}",
        text(&third.stdout)
    );

    simulator.clear_calls();
    let found = say(&["lookup", "uk22085", "--json"]);
    assert!(found.status.success(), "{}", text(&found.stderr));
    let found: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(
        (
            &found["order"]["order_number"],
            &found["freshness"]["state"]
        ),
        (&Value::from("#UK22085"), &Value::from("fresh"))
    );
    assert!(simulator.calls_named("OrdersPage").is_empty());
    let missing = say(&["lookup", "UK1"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stdout).contains("ORDER_NOT_FOUND"));
    assert_eq!(say(&["lookup", "a b:c"]).status.code(), Some(1));
    assert_eq!(
        say(&["sweep", "full", "--site", "xx"]).status.code(),
        Some(1)
    );
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_service_sweep_and_lookup_go_through_it() {
    let harness: Harness = Setup::default().shop(|shop| shop.orders(30)).start().await;
    let directory = tempfile::tempdir().unwrap();
    let url = harness.url("");
    let mut strings = vec![("ADMIN_TOKEN", ADMIN_TOKEN.to_owned())];
    let vars = settings(&harness.simulator, &mut strings);
    let say = |args: &[&str]| program(args, &vars, directory.path()).output().unwrap();
    let swept = say(&["sweep", "full", "--url", &url, "--json"]);
    assert!(
        swept.status.success(),
        "{}{}",
        text(&swept.stdout),
        text(&swept.stderr)
    );
    let records: Value = serde_json::from_slice(&swept.stdout).unwrap();
    assert_eq!(
        (&records[0]["total_orders"], &records[0]["trigger"]),
        (&Value::from(30), &Value::from("manual"))
    );
    let found = say(&["lookup", "22085", "--url", &url]);
    assert!(
        found.status.success() && text(&found.stdout).contains("#UK22085"),
        "{}{}",
        text(&found.stdout),
        text(&found.stderr)
    );
    assert!(
        !directory.path().join("data").exists(),
        "the command must leave the store to the service"
    );
    let nobody = say(&["lookup", "22085", "--url", "http://127.0.0.1:9"]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(text(&nobody.stderr).contains("--url"));
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_elsewhere_is_asked_with_nothing_but_a_token() {
    let harness: Harness = Setup::default().shop(|shop| shop.orders(30)).start().await;
    let directory = tempfile::tempdir().unwrap();
    let (url, slash) = (harness.url(""), harness.url("/"));
    let say = |token: &[(&str, &str)], args: &[&str]| {
        let said = program(args, token, directory.path()).output().unwrap();
        (said.status.code(), text(&said.stdout) + &text(&said.stderr))
    };
    let (admin, lookup) = (
        [("ADMIN_TOKEN", ADMIN_TOKEN)],
        [("LOOKUP_TOKEN", LOOKUP_TOKEN)],
    );
    let swept = say(&admin, &["sweep", "full", "--url", &url]);
    assert_eq!(swept.0, Some(0), "{}", swept.1);
    let status = say(&admin, &["status", "--url", &slash]);
    assert!(status.1.contains("30 of 30"), "{}", status.1);
    let found = say(&lookup, &["lookup", "22085", "--url", &url]);
    assert!(
        found.0 == Some(0) && found.1.contains("#UK22085"),
        "{}",
        found.1
    );

    for (token, args, advice) in [
        (
            &lookup[..],
            ["status", "--url", &url].as_slice(),
            "refuses the token",
        ),
        (&[], &["status", "--url", &url], "asks for a token"),
        (
            &[("ADMIN_TOKEN", "guessed-token")],
            &["lookup", "1", "--url", &url],
            "refuses the token",
        ),
        (
            &admin,
            &["status", "--url", &harness.simulator.admin_url()],
            "no service answers at --url",
        ),
    ] {
        let said = say(token, args);
        assert_eq!(said.0, Some(1), "{}", said.1);
        assert!(said.1.contains(advice), "{args:?}: {}", said.1);
        assert!(!said.1.contains("guessed"), "{}", said.1);
    }
    for wrong in [
        "warmer.example.com",
        "ftp://warmer",
        "http://me:secret@warmer",
        "http://warmer/?a=b",
    ] {
        let said = say(&admin, &["lookup", "1", "--url", wrong]);
        assert_eq!(said.0, Some(2), "{wrong}: {}", said.1);
    }
    let dry = say(&admin, &["sweep", "full", "--dry-run", "--url", &url]);
    assert_eq!(dry.0, Some(2), "{}", dry.1);
    assert!(dry.1.contains("--dry-run"), "{}", dry.1);
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_the_service_in_good_order() {
    let simulator = Simulator::builder().orders(500).start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut strings = Vec::new();
    let vars = settings(&simulator, &mut strings);
    let mut service = program(&["serve"], &vars, directory.path());
    let mut service = Running(service.stderr(Stdio::piped()).spawn().unwrap());
    crate::harness::until("the first page is in the cache", || async {
        (simulator.calls_named("OrdersPage").len() >= 2).then_some(())
    })
    .await;
    assert!(
        Command::new("kill")
            .args(["-TERM", &service.0.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    let ended = service.0.wait().unwrap();
    let mut told = String::new();
    service
        .0
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut told)
        .unwrap();
    assert!(ended.success(), "{told}");
    // What it had read before it was stopped is there for the next start.
    let found = program(&["lookup", "UK22579", "--json"], &vars, directory.path())
        .output()
        .unwrap();
    let found: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(found["freshness"]["state"], "fresh", "{found}");
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_hold_no_personal_data_and_no_secret() {
    let simulator = Simulator::builder().start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut strings = vec![
        ("RUST_LOG", "trace,hyper=off,h2=off".to_owned()),
        ("LOG_FORMAT", "json".to_owned()),
    ];
    let vars = settings(&simulator, &mut strings);
    let address = vars
        .iter()
        .find(|(name, _)| *name == "LISTEN_ADDR")
        .unwrap()
        .1;
    let mut service = program(&["serve"], &vars, directory.path());
    let mut service = Running(service.stderr(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(service.0.stderr.take().unwrap());
    let mut log = String::new();
    while !log.contains("is up") {
        assert_ne!(lines.read_line(&mut log).unwrap(), 0, "{log}");
    }
    simulator.deliver_to(&format!("http://{address}/webhooks/shopify"));
    let shop = simulator.shop();
    let order = NewOrder::default()
        .email("planted@example.com")
        .note("planted note");
    let id = shop.place_order(order);
    simulator.settled().await;
    // A body that does not decode, a refused one, a number that is none, a hit, a miss: each is logged somewhere.
    let odd =
        format!("{{\"id\":{id},\"email\":\"planted@example.com\",\"line_items\":\"planted\"}}");
    let now = simulator.clock().now();
    assert_eq!(
        simulator.deliver("orders/updated", odd, now).await.unwrap(),
        200
    );
    for path in [
        format!("/api/shopify/orders/{id}"),
        "/api/shopify/orders/search?q=planted%40example.com".to_owned(),
        "/api/shopify/orders/search?q=UK404".to_owned(),
    ] {
        shell(&format!("curl -s 'http://{address}{path}'"));
    }
    assert!(
        Command::new("kill")
            .args(["-TERM", &service.0.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    lines.read_to_string(&mut log).unwrap();
    assert!(service.0.wait().unwrap().success());
    assert!(log.contains("cannot be read"), "{log}");
    for planted in [
        "planted",
        &simulator.access_token(),
        simulator.webhook_secret(),
    ] {
        let line = log.lines().find(|line| line.contains(planted));
        assert_eq!(line, None, "{planted} is in the log");
    }
    simulator.stop().await;
}
