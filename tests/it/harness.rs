//! A simulated shop and the service on it, as `serve` would run it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use shopify_simulator::{Builder, Simulator};
use shopify_warmer::{app::App, clock::Clock, config::Config, sweep::BulkPatience};
use tempfile::TempDir;

pub(crate) use crate::until::until;

/// The time now, where a test needs no other.
pub(crate) fn now() -> DateTime<Utc> {
    Clock::System.now()
}

pub(crate) const ADMIN_TOKEN: &str = "test-admin-token";
pub(crate) const LOOKUP_TOKEN: &str = "test-lookup-token";

/// How the service is set up.
pub(crate) struct Setup {
    pub(crate) shop: Builder,
    pub(crate) vars: Vec<(String, String)>,
    pub(crate) clock: Clock,
    /// How bulk operations are waited for: a test does not, except where the wait is what it tests.
    pub(crate) patience: BulkPatience,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            shop: Simulator::builder(),
            vars: Vec::new(),
            clock: Clock::System,
            patience: BulkPatience {
                first: Duration::from_millis(50),
                longest: Duration::from_millis(200),
                others: Duration::from_secs(1),
                idle: Duration::from_secs(1),
            },
        }
        .set("WARMUP_ENABLED", "false")
    }
}

impl Setup {
    pub(crate) fn set(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.vars.push((name.to_owned(), value.to_string()));
        self
    }

    pub(crate) fn shop(mut self, change: impl FnOnce(Builder) -> Builder) -> Self {
        self.shop = change(self.shop);
        self
    }

    /// The site gets in by the client credentials grant, with this secret.
    pub(crate) fn by_client_credentials(self, secret: &str) -> Self {
        self.shop(|shop| shop.client_credentials("app-id", "app-secret"))
            .set("SHOPIFY_UK_ACCESS_TOKEN", "")
            .set("SHOPIFY_UK_CLIENT_ID", "app-id")
            .set("SHOPIFY_UK_CLIENT_SECRET", secret)
    }

    /// Time in the shop and in the service, set by hand.
    pub(crate) fn clock(mut self, now: DateTime<Utc>) -> (Self, shopify_simulator::Clock, Clock) {
        let (shop, service) = (shopify_simulator::Clock::manual(now), Clock::manual(now));
        self.shop = self.shop.clock(shop.clone());
        self.clock = service.clone();
        (self, shop, service)
    }

    pub(crate) async fn start(self) -> Harness {
        let simulator = self.shop.clone().start().await;
        self.start_on(simulator.expect("the simulator starts"))
            .await
    }

    /// Starts the service on a shop that runs already.
    pub(crate) async fn start_on(self, simulator: Simulator) -> Harness {
        shopify_warmer::observe::init(
            shopify_warmer::observe::LogFormat::Text,
            "warn,shopify_warmer=debug",
        );
        let data_dir = tempfile::tempdir().expect("a directory for the embedded store");
        let mut vars = vec![
            (
                "SHOPIFY_UK_SHOP_DOMAIN".to_owned(),
                simulator.shop_domain().to_owned(),
            ),
            (
                "SHOPIFY_UK_ACCESS_TOKEN".to_owned(),
                simulator.access_token(),
            ),
            (
                "SHOPIFY_UK_WEBHOOK_SECRET".to_owned(),
                simulator.webhook_secret().to_owned(),
            ),
            ("SHOPIFY_UK_ADMIN_URL".to_owned(), simulator.admin_url()),
            ("SHOPIFY_UK_ORDER_PREFIX".to_owned(), "#UK".to_owned()),
            ("DATA_DIR".to_owned(), data_dir.path().display().to_string()),
            ("LISTEN_ADDR".to_owned(), "127.0.0.1:0".to_owned()),
            ("ADMIN_TOKEN".to_owned(), ADMIN_TOKEN.to_owned()),
            ("LOOKUP_TOKEN".to_owned(), LOOKUP_TOKEN.to_owned()),
            // A test does not wait for the pace, except where the pace is what it tests.
            ("WARMUP_RATE_LIMIT".to_owned(), "20".to_owned()),
        ];
        vars.extend(self.vars);
        let mut config =
            Config::from_vars(vars.clone()).expect("the test's configuration is right");
        config.warmer.bulk.patience = self.patience;
        let app = App::start(&config, self.clock.clone())
            .await
            .expect("the service starts");
        // As an app delivers that was released with our section of `shopify.app.toml`.
        simulator.name_deliveries(shopify_warmer::warm::SECTION_NAME);
        simulator.deliver_to(&format!("http://{}/webhooks/shopify", app.addr()));
        settled_in(&app).await;
        if config.warmer.schedule.is_none() {
            simulator.clear_calls();
        }
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(20))
            .no_proxy()
            .build()
            .expect("a client");
        Harness {
            simulator,
            app,
            http,
            data_dir,
            config,
            vars,
        }
    }
}

/// Waits for what the service does at its start: what a test breaks or counts comes after that.
pub(crate) async fn settled_in(app: &App) {
    the_first_audit(app).await;
    until("every shop was asked to tell of itself", || async {
        let mut sites = app.state().sites.iter();
        let asked = sites.all(|site| site.access().is_some() || site.calls.trouble().is_some());
        asked.then_some(())
    })
    .await;
}

/// The audit of the subscriptions. A store that is away has none.
async fn the_first_audit(app: &App) {
    let warmer = &app.state().warmer;
    let made = async {
        for site in app.state().sites.iter() {
            while warmer
                .audited(&site.code)
                .await
                .is_ok_and(|audited| audited.is_none())
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    };
    // A shop that hangs has none either, and is what such a test is about.
    drop(tokio::time::timeout(Duration::from_secs(3), made).await);
}

/// A running service and its shop.
pub(crate) struct Harness {
    pub(crate) simulator: Simulator,
    pub(crate) app: App,
    pub(crate) http: reqwest::Client,
    pub(crate) data_dir: TempDir,
    pub(crate) config: Config,
    /// What it was set up with.
    pub(crate) vars: Vec<(String, String)>,
}

/// An answer: its status and, if it is one, its JSON.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) json: Value,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn data(&self) -> &Value {
        assert_eq!(self.status, 200, "{}", self.text);
        assert_eq!(self.json["success"], true, "{}", self.text);
        &self.json["data"]
    }
}

impl Harness {
    pub(crate) async fn start() -> Self {
        Setup::default().start().await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.app.addr())
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        reply(self.http.get(self.url(path)).bearer_auth(ADMIN_TOKEN)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        reply(
            self.http
                .post(self.url(path))
                .bearer_auth(ADMIN_TOKEN)
                .json(body),
        )
        .await
    }

    pub(crate) async fn search(&self, number: &str) -> Reply {
        let mut url = reqwest::Url::parse(&self.url("/api/shopify/orders/search")).expect("a URL");
        url.query_pairs_mut().append_pair("q", number);
        reply(self.http.get(url).bearer_auth(LOOKUP_TOKEN)).await
    }

    pub(crate) async fn by_id(&self, id: u64) -> Reply {
        self.get(&format!("/api/shopify/orders/{id}")).await
    }

    pub(crate) async fn tracking(&self, id: u64) -> Reply {
        self.get(&format!("/api/shopify/orders/{id}/tracking"))
            .await
    }

    /// What the status says of a site.
    pub(crate) async fn site(&self, code: &str) -> Value {
        let status = self.get("/api/warmup/status").await;
        status.data()["sites"][code].clone()
    }

    /// The text of an alert of a site, while it is raised.
    pub(crate) async fn alert(&self, cause: &str, code: &str) -> Option<String> {
        let status = self.get("/api/warmup/status").await;
        let alerts = status.data()["alerts"].as_array().expect("a list").clone();
        let is_it = |alert: &&Value| alert["cause"] == cause && alert["site"] == code;
        let alert = alerts.iter().find(is_it)?;
        Some(alert["text"].as_str().expect("a text").to_owned())
    }

    /// Waits until an alert of a site is raised; its text.
    pub(crate) async fn alerted(&self, cause: &str, code: &str) -> String {
        until(cause, || self.alert(cause, code)).await
    }

    /// Waits until an alert of a site is cleared.
    pub(crate) async fn cleared(&self, cause: &str, code: &str) {
        until("the alert is cleared", || async {
            self.alert(cause, code).await.is_none().then_some(())
        })
        .await;
    }

    /// Runs a sweep and returns its record.
    pub(crate) async fn sweep(&self, kind: &str) -> Value {
        let started = self
            .post("/api/warmup/trigger", &serde_json::json!({ "type": kind }))
            .await;
        assert_eq!(started.status, 200, "{}", started.text);
        let task = started.json["task_id"].clone();
        until("the sweep ends", || async {
            let status = self.get("/api/warmup/status").await;
            let ended = status.data()["running"] == false;
            let history = self.get("/api/warmup/history").await;
            let records = history.data()["history"].as_array().expect("a list");
            let record = records.iter().find(|record| record["task_id"] == task);
            record.filter(|_| ended).cloned()
        })
        .await
    }

    /// Stops everything and checks that nothing is left over.
    pub(crate) async fn stop(self) {
        assert_eq!(
            self.simulator.faults().unused(),
            0,
            "a fault was set that never struck"
        );
        assert!(self.app.stop().await, "the service left work behind");
        self.simulator.stop().await;
    }
}

pub(crate) async fn reply(request: reqwest::RequestBuilder) -> Reply {
    let response = request.send().await.expect("the service answers");
    let status = response.status().as_u16();
    let text = response.text().await.expect("a text");
    Reply {
        status,
        json: serde_json::from_str(&text).unwrap_or(Value::Null),
        text,
    }
}
