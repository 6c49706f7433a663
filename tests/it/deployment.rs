//! What is deployed is what was built: the container file, the compose file and the systemd unit name things that exist, and keep to rules.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use serde_json::Value;
use shopify_warmer::config::{SITE_SUFFIXES, VARIABLES};

use crate::command_line::{PROGRAM, text};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn judge(program: &str) -> Command {
    let path = Path::new(ROOT).join("tests/judges/.venv/bin").join(program);
    assert!(
        path.exists(),
        "{program} is not installed: `make test` installs it"
    );
    let mut command = Command::new(path);
    command.current_dir(ROOT);
    command
}

/// The container file's instructions, continuation lines joined.
fn instructions() -> Vec<String> {
    let joined = read("Dockerfile").replace("\\\n", " ");
    let lines = joined.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

fn only(instruction: &str) -> String {
    let all = instructions();
    let mut found = all
        .iter()
        .filter_map(|line| line.strip_prefix(&format!("{instruction} ")));
    let one = found.next().unwrap_or_else(|| panic!("no {instruction}"));
    assert!(found.next().is_none(), "more than one {instruction}");
    one.to_owned()
}

/// An image is named by a version of three parts or by day, or by its digest.
fn is_pinned(image: &str) -> bool {
    if image.contains("@sha256:") {
        return true;
    }
    let tag = image
        .rsplit('/')
        .next()
        .and_then(|name| name.split_once(':'));
    let version = tag.map(|(_, tag)| tag.split('-').next().unwrap_or_default());
    version.is_some_and(|version| {
        version.split('.').count() >= 2 && version.starts_with(|first: char| first.is_ascii_digit())
    })
}

#[test]
fn hadolint_has_nothing_to_say_of_the_container_file() {
    let said = judge("hadolint").arg("Dockerfile").output().unwrap();
    assert!(
        said.status.success(),
        "{}{}",
        text(&said.stdout),
        text(&said.stderr)
    );
}

#[test]
fn the_image_is_pinned_small_and_nobodys_root() {
    let images: BTreeMap<_, _> = instructions()
        .iter()
        .filter_map(|line| line.strip_prefix("ARG ")?.split_once("_IMAGE="))
        .map(|(name, image)| (name.to_owned(), image.to_owned()))
        .collect();
    assert_eq!(images.keys().collect::<Vec<_>>(), ["BUILD", "RUNTIME"]);
    assert!(images.values().all(|image| is_pinned(image)), "{images:?}");
    let toolchain = read("rust-toolchain.toml");
    let channel = toolchain.split('"').nth(1).unwrap();
    assert!(
        images["BUILD"].contains(&format!("rust:{channel}-")),
        "another Rust than {channel}: {images:?}"
    );

    let user = only("USER");
    let ids: Vec<u32> = user.split(':').map(|id| id.parse().unwrap()).collect();
    assert!(ids.iter().all(|id| *id > 0) && ids.len() == 2, "{user}");
    let build = only("RUN");
    let flags = ["--locked", "--no-default-features", "--profile dist"];
    assert!(flags.iter().all(|flag| build.contains(flag)), "{build}");
    assert!(read("Cargo.toml").contains("[profile.dist]"));
    assert_eq!(only("STOPSIGNAL"), "SIGTERM");
    assert_eq!(only("VOLUME"), r#"["/data"]"#);
    let args: Vec<_> = instructions()
        .into_iter()
        .filter(|line| line.starts_with("ARG VERSION"))
        .collect();
    assert_eq!(args, [format!("ARG VERSION={}", env!("CARGO_PKG_VERSION"))]);
}

#[test]
fn every_command_of_the_image_is_one_that_the_program_knows() {
    let health = only("HEALTHCHECK");
    let command = |text: &str| serde_json::from_str::<Vec<String>>(text).unwrap();
    let health = command(health.split(" CMD ").nth(1).unwrap());
    let entry = command(&only("ENTRYPOINT"));
    assert_eq!(health.first(), entry.first());
    for arguments in [&health[1..], &command(&only("CMD"))[..]] {
        let help = Command::new(PROGRAM)
            .args(arguments)
            .arg("--help")
            .output()
            .unwrap();
        assert!(
            help.status.success(),
            "{arguments:?}: {}",
            text(&help.stderr)
        );
    }
}

#[test]
fn the_image_is_built_from_the_sources_alone() {
    let ignored = read(".dockerignore");
    let lines: Vec<_> = ignored
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert_eq!(
        lines.first(),
        Some(&"*"),
        "nothing goes in that is not named"
    );
    let taken: Vec<_> = lines
        .iter()
        .filter_map(|line| line.strip_prefix('!'))
        .collect();
    for path in &taken {
        assert!(Path::new(ROOT).join(path).exists(), "{path}");
        assert!(
            !["target", "tests", "data", ".env", ".git"].contains(path),
            "{path}"
        );
    }
    // What cargo needs before it builds anything: each member's manifest, and what a manifest points at.
    for needed in [
        "Cargo.toml",
        "Cargo.lock",
        "src",
        "assets",
        "benches",
        "webhooks",
        "simulator",
    ] {
        assert!(taken.contains(&needed), "{needed}");
    }
}

fn compose() -> Value {
    let program = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open('compose.yaml'))))";
    let said = judge("python").args(["-c", program]).output().unwrap();
    assert!(said.status.success(), "{}", text(&said.stderr));
    serde_json::from_slice(&said.stdout).unwrap()
}

#[test]
fn what_compose_sets_is_what_the_program_reads() {
    let compose = compose();
    let set = compose["services"]["warmer"]["environment"]
        .as_object()
        .unwrap();
    for name in set.keys() {
        assert!(VARIABLES.contains(&name.as_str()), "{name}");
    }
    assert_eq!(set["LISTEN_ADDR"], "0.0.0.0:8080");
    assert_eq!(set["DATA_DIR"], "/data");
    assert!(
        instructions()
            .iter()
            .any(|line| line.contains("LISTEN_ADDR=0.0.0.0:8080"))
    );
}

#[test]
fn compose_gives_each_service_no_more_than_it_needs() {
    let compose = compose();
    for (name, service) in compose["services"].as_object().unwrap() {
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(service["cap_drop"], serde_json::json!(["ALL"]), "{name}");
        assert_eq!(
            service["security_opt"],
            serde_json::json!(["no-new-privileges:true"]),
            "{name}"
        );
        assert!(
            service["restart"].is_string() && service["mem_limit"].is_string(),
            "{name}"
        );
        let ports = service["ports"].as_array().into_iter().flatten();
        for port in ports {
            assert!(
                port.as_str().unwrap().starts_with("127.0.0.1:"),
                "{name} is open to strangers: {port}"
            );
        }
    }
    let redis = &compose["services"]["redis"];
    assert!(is_pinned(redis["image"].as_str().unwrap()));
    assert!(redis.get("ports").is_none(), "Redis is the service's alone");
    let command = redis["command"][2].as_str().unwrap();
    for flag in [
        "--appendonly yes",
        "--appendfsync everysec",
        "--maxmemory-policy noeviction",
        "--maxmemory ",
    ] {
        assert!(command.contains(flag), "{command}");
    }
    assert!(redis["healthcheck"]["test"].is_array());
    let waits = &compose["services"]["warmer"]["depends_on"]["redis"]["condition"];
    assert_eq!(waits, "service_healthy");
    assert_eq!(compose["networks"]["store"]["internal"], true);
}

/// The command of the compose file, run here: Redis takes its password from a file, and is healthy by the file's own check.
#[tokio::test]
async fn the_redis_of_compose_starts_with_its_password() {
    let directory = tempfile::tempdir().unwrap();
    let (compose, port) = (compose(), crate::redis_server::free_port().to_string());
    let here = directory.path().display().to_string();
    let command = compose["services"]["redis"]["command"][2].as_str().unwrap();
    let command = command
        .replace("$$", "$")
        .replace("/tmp/", &format!("{here}/"));
    let command = command.replace(
        "--dir /data",
        &format!("--dir {here} --bind 127.0.0.1 --port {port}"),
    );
    let redis = Command::new("sh")
        .args(["-c", &command])
        .env("REDIS_PASSWORD", "0123456789abcdef")
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let _redis = crate::command_line::Running(redis);
    let check = compose["services"]["redis"]["healthcheck"]["test"][1]
        .as_str()
        .unwrap();
    let check = check
        .replace("$$", "$")
        .replace("redis-cli", &format!("redis-cli -p {port}"));
    let healthy = |password: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &check]).env("REDIS_PASSWORD", password);
        shell
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap()
            .success()
    };
    crate::harness::until("Redis is healthy", || async {
        healthy("0123456789abcdef").then_some(())
    })
    .await;
    assert!(!healthy("guessed"));
}

/// `Name=value` lines of the unit; a name may come several times.
fn unit() -> Vec<(String, String)> {
    let unit = read("deploy/shopify-warmer.service");
    let lines = unit.lines().filter(|line| !line.starts_with('#'));
    let settings = lines.filter_map(|line| line.split_once('='));
    settings
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn the_unit_is_told_watched_and_boxed_in() {
    let unit = unit();
    let has = |name: &str, value: &str| {
        let found = unit.iter().any(|(its, set)| its == name && set == value);
        assert!(found, "{name}={value} is missing");
    };
    for (name, value) in [
        ("Type", "notify"),
        ("NotifyAccess", "main"),
        ("WatchdogSec", "30"),
        ("Restart", "on-failure"),
        ("RestartPreventExitStatus", "2"),
        ("DynamicUser", "yes"),
        ("StateDirectory", "shopify-warmer"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("CapabilityBoundingSet", ""),
        ("MemoryDenyWriteExecute", "yes"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
        ("SystemCallFilter", "@system-service"),
        ("UMask", "0077"),
    ] {
        has(name, value);
    }
    let start = unit.iter().find(|(name, _)| name == "ExecStart").unwrap();
    let arguments: Vec<_> = start.1.split_whitespace().skip(1).collect();
    let help = Command::new(PROGRAM)
        .args(&arguments)
        .arg("--help")
        .output()
        .unwrap();
    assert!(help.status.success(), "{start:?}");
    for (_, set) in unit.iter().filter(|(name, _)| name == "Environment") {
        let name = set.split('=').next().unwrap();
        assert!(VARIABLES.contains(&name), "{name}");
    }
}

/// The proxies that are shown pass what Shopify sends, and the service's longest answer.
#[test]
fn the_proxies_pass_what_the_service_takes() {
    let nginx = read("deploy/nginx.conf");
    assert!(
        nginx.contains("client_max_body_size 16m;") && nginx.contains("proxy_read_timeout 80s;")
    );
    let caddy = read("deploy/Caddyfile");
    assert!(caddy.contains("max_size 16MiB"));
    assert!(read("src/http.rs").contains("LARGEST_DELIVERY: usize = 16 * 1024 * 1024"));
    assert!(read("src/http.rs").contains("LONGEST_REQUEST: Duration = Duration::from_secs(75)"));
}

/// The chapter on going live names settings that exist.
#[test]
fn going_live_names_what_there_is() {
    let readme = read("README.md");
    let chapter = readme
        .split("\n## Going live")
        .nth(1)
        .expect("a chapter on going live");
    let chapter = chapter.split("\n## ").next().unwrap();
    let words = chapter.split(|letter: char| {
        !(letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_')
    });
    for name in words.filter(|word| word.starts_with("SHOPIFY_UK_")) {
        let suffix = name.trim_start_matches("SHOPIFY_UK_");
        assert!(SITE_SUFFIXES.contains(&suffix), "{name}");
    }
    for file in [
        "Dockerfile",
        "compose.yaml",
        "deploy/shopify-warmer.service",
        "deploy/Caddyfile",
        "deploy/nginx.conf",
    ] {
        assert!(readme.contains(file), "{file} is not in the README");
    }
}
