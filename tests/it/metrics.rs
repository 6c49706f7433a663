//! `/metrics` is what Prometheus reads, counts what happens, answers while the store is down, and tells nothing of any customer.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use shopify_simulator::{NewFulfillment, NewOrder};
use shopify_warmer::alert::Cause;

use crate::{
    harness::{Harness, Setup, now, until},
    redis_server::RedisServer,
};

/// A scrape: each metric's kind, and each sample by its name and labels as written.
struct Scrape {
    kinds: BTreeMap<String, String>,
    samples: BTreeMap<String, String>,
    page: String,
}

impl Scrape {
    /// Reads the exposition format and nothing else: every line must be one that the format knows, in its place.
    fn parse(text: &str) -> Self {
        let (mut kinds, mut samples) = (BTreeMap::new(), BTreeMap::new());
        let mut described = None;
        assert!(text.ends_with('\n'));
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect("a help text");
                assert!(!help.is_empty() && !help.contains('\\'), "{line}");
                described = Some(name);
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a kind");
                assert_eq!(described, Some(name), "{line} has no help");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                assert!(kind != "histogram" || name.ends_with("_seconds"), "{line}");
                let twice = kinds.insert(name.to_owned(), kind.to_owned());
                assert_eq!(twice, None, "{line}");
            } else {
                let (series, value) = line.rsplit_once(' ').expect("a value");
                let family = described.expect("a sample of a metric");
                check_series(series, family, &kinds[family]);
                let number: f64 = value.parse().expect("a number");
                assert!(number.is_finite() && number >= 0.0, "{line}");
                let twice = samples.insert(series.to_owned(), value.to_owned());
                assert_eq!(twice, None, "{line}");
            }
        }
        let scrape = Self {
            kinds,
            samples,
            page: text.to_owned(),
        };
        scrape.check_histograms();
        scrape
    }

    /// Buckets grow up to the count.
    fn check_histograms(&self) {
        let mut at_most: BTreeMap<String, Vec<(f64, u64)>> = BTreeMap::new();
        for (series, count) in &self.samples {
            let Some((before, bound)) = series.split_once("le=\"") else {
                continue;
            };
            let all = before.replace("_bucket{", "_count{");
            let bound = bound.trim_end_matches("\"}").parse().expect("a bound");
            let buckets = at_most.entry(all).or_default();
            buckets.push((bound, count.parse().expect("a count")));
        }
        assert!(!at_most.is_empty());
        for (all, mut buckets) in at_most {
            // "…_count{" without other labels, "…_count{result="hit"," with them.
            let all = all
                .strip_suffix(',')
                .map_or_else(|| all.replace('{', ""), |all| format!("{all}}}"));
            buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert!(buckets.is_sorted_by_key(|(_, count)| *count), "{all}");
            let last = buckets.last().expect("a bucket");
            assert!(last.0.is_infinite(), "{all}");
            assert_eq!(last.1.to_string(), self.samples[&all], "{all}");
        }
    }

    fn text(&self, series: &str) -> &str {
        let series = format!("shopify_warmer_{series}");
        self.samples
            .get(&series)
            .unwrap_or_else(|| panic!("{series} is not in {}", self.page))
    }

    fn count(&self, series: &str) -> u64 {
        self.text(series).parse().expect("a whole number")
    }

    fn number(&self, series: &str) -> f64 {
        self.text(series).parse().expect("a number")
    }

    fn has(&self, beginning: &str) -> bool {
        let beginning = format!("shopify_warmer_{beginning}");
        self.samples
            .keys()
            .any(|series| series.starts_with(&beginning))
    }
}

/// A sample's name belongs to its family, and its labels are ours and well written.
fn check_series(series: &str, family: &str, kind: &str) {
    let (name, labels) = series.split_once('{').map_or((series, ""), |(name, rest)| {
        (name, rest.strip_suffix('}').expect("a closing brace"))
    });
    assert!(family.starts_with("shopify_warmer_"), "{series}");
    assert!(
        name.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
        "{series}"
    );
    let suffix = name.strip_prefix(family).expect("its family's name");
    match kind {
        "histogram" => assert!(["_bucket", "_sum", "_count"].contains(&suffix), "{series}"),
        _ => assert_eq!(suffix, "", "{series}"),
    }
    let mut seen = BTreeSet::new();
    for label in labels.split(',').filter(|label| !label.is_empty()) {
        let (key, value) = label.split_once('=').expect("a label");
        let known = ["site", "topic", "result", "cause", "kind", "version", "le"];
        assert!(known.contains(&key), "{series}");
        assert!(seen.insert(key), "{series}");
        let value = value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_/.+-".contains(&byte);
        assert!(value.expect("quotes").bytes().all(plain), "{series}");
    }
}

async fn scrape(harness: &Harness) -> Scrape {
    // No token: the route is open.
    let response = harness
        .http
        .get(harness.url("/metrics"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.headers()["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    Scrape::parse(&response.text().await.unwrap())
}

/// What the store tells is read at most once a second: waits until a scrape says so.
async fn scraped(
    harness: &Harness,
    what: &str,
    so: impl Fn(&Scrape) -> bool + Send + Sync,
) -> Scrape {
    until(what, || async { Some(scrape(harness).await).filter(&so) }).await
}

#[tokio::test]
async fn lookups_and_webhooks_are_counted_and_timed() {
    let harness = Harness::start().await;
    let before = scrape(&harness).await;
    assert_eq!(before.count("lookups_total{result=\"hit\"}"), 0);
    assert_eq!(
        before.count("lookup_duration_seconds_count{result=\"miss\"}"),
        0
    );
    assert!(!before.has("webhooks_received_total"));
    assert_eq!(before.count("window_orders{site=\"uk\"}"), 0);
    harness.simulator.set_topics(["orders/create"]);
    let shop = harness.simulator.shop();
    let id = shop.place_order(NewOrder::default().number(22080));
    harness.simulator.settled().await;
    harness.by_id(id).await;
    harness.search("UK22080").await;
    harness.search("UK404").await;
    let unsigned = harness
        .http
        .post(harness.url("/webhooks/shopify"))
        .body("{}");
    assert_eq!(unsigned.send().await.unwrap().status(), 401);
    let after = scraped(&harness, "the order is in the window", |scrape| {
        scrape.count("window_orders{site=\"uk\"}") == 1
    })
    .await;
    for (series, value) in [
        ("lookups_total{result=\"hit\"}", 2),
        ("lookups_total{result=\"miss\"}", 1),
        ("lookup_duration_seconds_count{result=\"hit\"}", 2),
        ("lookup_duration_seconds_count{result=\"miss\"}", 1),
        ("webhooks_received_total{topic=\"orders/create\"}", 1),
        ("webhooks_applied_total{topic=\"orders/create\"}", 1),
        ("webhooks_unchanged_total{topic=\"orders/create\"}", 0),
        ("webhooks_rejected_total", 1),
        ("webhook_duration_seconds_count", 2),
        ("warm_orders{site=\"uk\"}", 1),
        ("refresh_set_orders{site=\"uk\"}", 0),
        ("inbox_deliveries", 0),
        ("store_up{kind=\"embedded\"}", 1),
        ("shopify_up{site=\"uk\"}", 1),
        ("sweep_running{site=\"uk\"}", 0),
        ("budget_maximum_points{site=\"uk\"}", 2000),
    ] {
        assert_eq!(after.count(series), value, "{series}");
    }
    assert!(after.number("lookup_duration_seconds_sum{result=\"miss\"}") > 0.0);
    assert!(after.number("budget_available_points{site=\"uk\"}") > 0.0);
    let last = "webhook_last_received_timestamp_seconds{topic=\"orders/create\"}";
    assert!(after.count(last) >= after.count("start_time_seconds"));
    harness.stop().await;
}

#[tokio::test]
async fn alerts_are_there_while_they_are_raised() {
    let harness = Harness::start().await;
    let alerts = harness.app.state().alerts.clone();
    let uk = "uk".parse().unwrap();
    assert!(!scrape(&harness).await.has("alert{"));
    alerts.raise(Cause::ShopifyDown, Some(&uk), "no answer");
    alerts.raise(Cause::StoreMemory, None, "92%");
    let raised = scrape(&harness).await;
    assert_eq!(raised.count("alert{cause=\"shopify_down\",site=\"uk\"}"), 1);
    assert_eq!(raised.count("alert{cause=\"store_memory\"}"), 1);
    alerts.clear(Cause::ShopifyDown, Some(&uk));
    alerts.clear(Cause::StoreMemory, None);
    assert!(!scrape(&harness).await.has("alert{"));
    harness.stop().await;
}

#[tokio::test]
async fn a_scrape_answers_while_the_store_is_down() {
    let mut redis = RedisServer::start().await;
    let harness = Setup::default().set("REDIS_URL", redis.url()).start().await;
    let up = "store_up{kind=\"redis\"}";
    let scrape = scraped(&harness, "the store is up", |scrape| scrape.count(up) == 1).await;
    assert_eq!(scrape.count("refresh_set_orders{site=\"uk\"}"), 0);
    redis.kill();
    harness.simulator.set_topics(["orders/create"]);
    harness.simulator.shop().place_order(NewOrder::default());
    harness.simulator.settled().await;
    let down = scraped(&harness, "the store is down", |scrape| {
        scrape.count(up) == 0
    })
    .await;
    // What only the store can tell is left out rather than told wrong.
    assert!(!down.has("window_orders") && !down.has("refresh_set_orders"));
    scraped(&harness, "the inbox is counted", |scrape| {
        scrape.count("inbox_deliveries") == 1
    })
    .await;
    redis.restart().await;
    scraped(&harness, "the store is back", |scrape| {
        scrape.count(up) == 1
            && scrape.has("window_orders")
            && scrape.count("inbox_deliveries") == 0
    })
    .await;
    harness.stop().await;
}

#[tokio::test]
async fn metrics_hold_no_personal_data() {
    let harness = Harness::start().await;
    let order = NewOrder::default()
        .number(22080)
        .email("planted@example.com")
        .note("planted");
    let shop = harness.simulator.shop();
    let id = shop.place_order(order);
    shop.fulfill(id, NewFulfillment::default().number("PLANTED1"))
        .unwrap();
    harness.simulator.settled().await;
    harness.search("UK22080").await;
    harness.search("planted@example.com").await;
    harness
        .simulator
        .deliver("planted/topic", "{}", now())
        .await
        .unwrap();
    let scrape = scraped(&harness, "the order is in the window", |scrape| {
        scrape.count("window_orders{site=\"uk\"}") == 1
    })
    .await;
    assert_eq!(scrape.count("webhooks_received_total{topic=\"other\"}"), 1);
    let text = scrape.page.to_lowercase();
    for told in ["planted", "22080", &id.to_string(), "shpat"] {
        assert!(!text.contains(told), "{told} is in {text}");
    }
    harness.stop().await;
}

#[tokio::test]
async fn the_readme_describes_every_metric_and_no_other() {
    let harness = Harness::start().await;
    let scraped: BTreeSet<_> = scrape(&harness).await.kinds.into_keys().collect();
    harness.stop().await;
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    let readme = readme.unwrap();
    let rows = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `shopify_warmer_")?.split_once('`'));
    let name = |(name, _): (&str, &str)| {
        let name = name.split('{').next().unwrap_or_default();
        format!("shopify_warmer_{name}")
    };
    let described: BTreeSet<_> = rows.map(name).collect();
    assert_eq!(described, scraped);
}
