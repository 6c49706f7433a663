//! Nine simulated shops and one service on them.

use std::time::Duration;

use serde_json::{Value, json};
use shopify_simulator::{Builder, NewOrder, Simulator};
use shopify_warmer::{app::App, clock::Clock, config::Config};
use tempfile::TempDir;

use crate::harness::{ADMIN_TOKEN, Reply, reply, settled_in, until};

pub(super) const CODES: [&str; 9] = ["de", "es", "eu", "fr", "it", "nl", "pl", "uk", "us"];

pub(super) struct Nine {
    shops: Vec<(&'static str, Simulator)>,
    app: App,
    http: reqwest::Client,
    _data_dir: TempDir,
}

impl Nine {
    pub(super) async fn start(shop: impl Fn(Builder) -> Builder) -> Self {
        Self::start_at(Clock::System, &[], shop).await
    }

    /// With a clock, and settings besides.
    pub(super) async fn start_at(
        clock: Clock,
        settings: &[(&str, &str)],
        shop: impl Fn(Builder) -> Builder,
    ) -> Self {
        let data_dir = tempfile::tempdir().expect("a directory");
        let mut vars = vec![
            ("DATA_DIR".to_owned(), data_dir.path().display().to_string()),
            ("LISTEN_ADDR".to_owned(), "127.0.0.1:0".to_owned()),
            ("ADMIN_TOKEN".to_owned(), ADMIN_TOKEN.to_owned()),
            ("LOOKUP_TOKEN".to_owned(), "lookup".to_owned()),
            ("WARMUP_ENABLED".to_owned(), "false".to_owned()),
            ("WARMUP_RATE_LIMIT".to_owned(), "20".to_owned()),
            ("WARMUP_MAX_RETRIES".to_owned(), "0".to_owned()),
            ("LOOKUP_TIMEOUT_MS".to_owned(), "3000".to_owned()),
        ];
        let mut shops = Vec::new();
        for code in CODES {
            let upper = code.to_uppercase();
            let shop = shop(Simulator::builder())
                .shop_domain(&format!("nine-{code}.myshopify.com"))
                .order_prefix(&format!("#{upper}"))
                .access_token(&format!("shpat_{code}"))
                .webhook_secret(&format!("secret-{code}"));
            let simulator = shop.start().await.expect("the simulator starts");
            for (suffix, value) in [
                ("SHOP_DOMAIN", simulator.shop_domain().to_owned()),
                ("ACCESS_TOKEN", simulator.access_token()),
                ("WEBHOOK_SECRET", simulator.webhook_secret().to_owned()),
                ("ADMIN_URL", simulator.admin_url()),
            ] {
                vars.push((format!("SHOPIFY_{upper}_{suffix}"), value));
            }
            shops.push((code, simulator));
        }
        vars.extend(
            settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let config = Config::from_vars(vars).expect("the configuration is right");
        let app = App::start(&config, clock)
            .await
            .expect("the service starts");
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(20))
            .no_proxy()
            .build()
            .expect("a client");
        let nine = Self {
            shops,
            app,
            http,
            _data_dir: data_dir,
        };
        settled_in(&nine.app).await;
        for (_, shop) in &nine.shops {
            shop.clear_calls();
            shop.deliver_to(&nine.url("/webhooks/shopify"));
        }
        nine
    }

    pub(super) fn shop(&self, code: &str) -> &Simulator {
        let shop = self.shops.iter().find(|(known, _)| *known == code);
        &shop.expect("one of nine").1
    }

    /// Places an order that no webhook tells of.
    pub(super) fn unheard(&self, code: &str, order: NewOrder) -> u64 {
        let shop = self.shop(code);
        shop.stop_delivering();
        let id = shop.shop().place_order(order);
        shop.deliver_to(&self.url("/webhooks/shopify"));
        id
    }

    /// Calls of each shop that had any.
    pub(super) fn calls(&self) -> Vec<(&'static str, usize)> {
        let calls = self
            .shops
            .iter()
            .map(|(code, shop)| (*code, shop.calls().len()));
        calls.filter(|(_, calls)| *calls > 0).collect()
    }

    pub(super) async fn get(&self, path: &str) -> Reply {
        reply(self.http.get(self.url(path)).bearer_auth(ADMIN_TOKEN)).await
    }

    pub(super) async fn search(&self, number: &str) -> Reply {
        self.get(&format!("/api/shopify/orders/search?q={number}"))
            .await
    }

    /// Runs a full sweep over all sites and returns its records.
    pub(super) async fn sweep(&self) -> Vec<Value> {
        let trigger = self.http.post(self.url("/api/warmup/trigger"));
        let trigger = trigger
            .bearer_auth(ADMIN_TOKEN)
            .json(&json!({ "type": "full" }));
        let started = reply(trigger).await;
        assert_eq!(started.status, 200, "{}", started.text);
        self.records(CODES.len()).await
    }

    /// Waits until there are so many records, newest first.
    pub(super) async fn records(&self, wanted: usize) -> Vec<Value> {
        until("every site has its record", || async {
            let history = self.get("/api/warmup/history?limit=100").await;
            let records = history.data()["history"]
                .as_array()
                .expect("a list")
                .clone();
            (records.len() == wanted).then_some(records)
        })
        .await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.app.addr())
    }

    pub(super) async fn stop(self) {
        assert!(self.app.stop().await, "the service left work behind");
        for (_, shop) in self.shops {
            shop.stop().await;
        }
    }
}
