//! What is written about the service is true: `.env.example`, the README's routes, the crates' dependencies.

use std::{collections::BTreeSet, fs, path::Path};

use shopify_warmer::{
    alert::Cause,
    config::{SITE_SUFFIXES, VARIABLES},
};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names that `.env.example` sets or shows commented out.
fn example_names() -> BTreeSet<String> {
    let lines = read(".env.example");
    let settings = lines
        .lines()
        .filter_map(|line| line.trim_start_matches("# ").split_once('='));
    let name = |name: &str| {
        name.bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    settings
        .map(|(text, _)| text.to_owned())
        .filter(|text| !text.is_empty() && name(text))
        .collect()
}

fn known_names() -> BTreeSet<String> {
    let sites = SITE_SUFFIXES
        .iter()
        .map(|suffix| format!("SHOPIFY_UK_{suffix}"));
    VARIABLES
        .iter()
        .map(|name| (*name).to_owned())
        .chain(sites)
        .collect()
}

#[test]
fn env_example_lists_exactly_what_is_read() {
    assert_eq!(example_names(), known_names());
}

/// In a list a fence is indented, and a line of it that is not ends it: all that follows is code then.
#[test]
fn every_fence_closes_where_it_should() {
    for document in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"] {
        let (text, mut open) = (read(document), None);
        for (number, line) in text.lines().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let at = format!("{document}:{}: {line}", number + 1);
            match open {
                Some(outer) => assert!(line.is_empty() || indent >= outer, "{at}"),
                None => assert!(!line.trim_start().starts_with("``` "), "{at}"),
            }
            if line.trim_start().starts_with("```") {
                open = if open.is_none() { Some(indent) } else { None };
            }
        }
        assert_eq!(open, None, "{document} ends in code");
    }
}

#[test]
fn the_readme_describes_every_variable_and_every_route() {
    let readme = read("README.md");
    for name in VARIABLES {
        assert!(
            readme.contains(&format!("`{name}`")),
            "the README does not describe {name}"
        );
    }
    for suffix in SITE_SUFFIXES {
        assert!(
            readme.contains(&format!("_{suffix}")),
            "the README does not describe SHOPIFY_<CODE>_{suffix}"
        );
    }
    let routes = read("src/http.rs");
    let routes = routes.split(".route(").skip(1).filter_map(|route| {
        route
            .trim_start()
            .trim_start_matches('\n')
            .split('"')
            .nth(1)
    });
    let routes: Vec<_> = routes.collect();
    assert!(routes.len() > 10, "{routes:?}");
    for route in routes {
        assert!(
            readme.contains(route),
            "the README does not describe {route}"
        );
    }
}

#[test]
fn the_readme_describes_every_alert() {
    let readme = read("README.md");
    for cause in Cause::ALL {
        let row = format!("| `{cause}` | {} |", cause.title());
        assert!(readme.contains(&row), "{row}");
    }
}

#[test]
fn the_webhooks_crate_knows_nothing_of_the_service() {
    let manifest = read("webhooks/Cargo.toml");
    let dependencies = manifest
        .split("[dependencies]")
        .nth(1)
        .unwrap()
        .split("\n[")
        .next()
        .unwrap();
    for stranger in ["redis", "reqwest", "redb", "shopify-warmer", "tokio"] {
        assert!(
            !dependencies.lines().any(|line| line.starts_with(stranger)),
            "{stranger}"
        );
    }
}

#[test]
fn only_demo_and_simulate_use_the_simulator() {
    let mut strangers = Vec::new();
    let mut rooms = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(room) = rooms.pop() {
        for entry in fs::read_dir(room).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                rooms.push(path);
            } else if fs::read_to_string(&path)
                .unwrap()
                .contains("shopify_simulator")
            {
                strangers.push(path.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
    }
    strangers.sort();
    assert_eq!(strangers, ["demo.rs", "simulate.rs"]);
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one story, told from its beginning to its end"
)]
fn arrows_never_turn_round() {
    // Each room, and what it must never reach for (DESIGN 4).
    let rules: &[(&str, &[&str])] = &[
        (
            "order",
            &[
                "store", "shopify", "site", "clock", "warm", "http", "config",
            ],
        ),
        (
            "shopify",
            &["store", "site", "warm", "http", "config", "lookup", "sweep"],
        ),
        (
            "store",
            &[
                "shopify", "calls", "budget", "warm", "http", "config", "lookup", "sweep",
            ],
        ),
        (
            "budget",
            &["store", "site", "warm", "http", "config", "lookup", "sweep"],
        ),
        (
            "calls",
            &["store", "site", "warm", "http", "config", "lookup", "sweep"],
        ),
        (
            "warm",
            &[
                "shopify", "calls", "http", "config", "lookup", "sweep", "inbox",
            ],
        ),
        (
            "site",
            &[
                "store", "warm", "http", "config", "lookup", "sweep", "inbox", "app", "warmer",
            ],
        ),
        (
            "lookup",
            &["http", "config", "sweep", "warm", "inbox", "app"],
        ),
        (
            "sweep",
            &["http", "config", "lookup", "warm", "inbox", "app", "warmer"],
        ),
        (
            "refresh",
            &[
                "http", "config", "lookup", "warm", "inbox", "app", "warmer", "sweep",
            ],
        ),
        (
            "subscriptions",
            &[
                "store", "http", "config", "lookup", "sweep", "warmer", "inbox", "app", "alert",
            ],
        ),
        (
            "alert",
            &[
                "store", "shopify", "calls", "budget", "warm", "http", "config", "lookup", "sweep",
                "warmer", "inbox", "app",
            ],
        ),
        (
            "doctor",
            &[
                "shopify", "calls", "budget", "warm", "http", "config", "lookup", "sweep",
                "warmer", "inbox", "app", "cli",
            ],
        ),
        (
            "supervisor",
            &[
                "store", "site", "shopify", "calls", "budget", "warm", "http", "config", "lookup",
                "sweep", "warmer", "inbox", "app", "cli",
            ],
        ),
        (
            "http",
            &["app", "config", "cli", "refresh", "calls", "shopify"],
        ),
    ];
    for (room, strangers) in rules {
        for (path, text) in files_of(room) {
            for stranger in *strangers {
                let used = [
                    format!("crate::{stranger}::"),
                    format!("crate::{stranger};"),
                    format!("    {stranger}::{{"),
                    format!("\n    {stranger}::"),
                ];
                assert!(
                    !used.iter().any(|used| text.contains(used)),
                    "{path} reaches for {stranger}"
                );
            }
            if *room == "http" {
                assert!(
                    !text.contains("redis::") && !text.contains("reqwest"),
                    "{path}"
                );
            }
        }
    }
}

/// A room's own file and all in its folder, tests left out.
fn files_of(room: &str) -> Vec<(String, String)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = vec![source.join(format!("{room}.rs"))];
    let mut rooms = vec![source.join(room)];
    while let Some(room) = rooms.pop() {
        let Ok(entries) = fs::read_dir(room) else {
            continue;
        };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                rooms.push(path);
            } else {
                paths.push(path);
            }
        }
    }
    paths.retain(|path| {
        path.extension().is_some_and(|extension| extension == "rs")
            && path.file_stem().is_some_and(|stem| stem != "tests")
    });
    paths
        .into_iter()
        .map(|path| {
            (
                path.display().to_string(),
                fs::read_to_string(path).unwrap(),
            )
        })
        .collect()
}
