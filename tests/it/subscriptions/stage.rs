//! A shop whose webhooks come by subscription alone, and the service on it, at noon.

use std::{net::TcpListener, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use shopify_simulator::{ApiFault, DeliveryFault, NewOrder, Simulator, Times};
use shopify_warmer::clock::Clock;

use crate::harness::{Harness, Setup, until};

/// What is set before the service starts.
pub(super) struct Before {
    setup: Setup,
    address: String,
    simulator_clock: shopify_simulator::Clock,
    clock: Clock,
}

/// The shop, as its people and its API see it.
pub(super) struct Shop<'a> {
    simulator: &'a Simulator,
    address: &'a str,
}

pub(super) struct Stage {
    pub(super) harness: Harness,
    address: String,
    simulator_clock: shopify_simulator::Clock,
    clock: Clock,
}

fn noon() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

pub(super) fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

impl Before {
    pub(super) fn with_url() -> Self {
        let before = Self::without_url();
        let url = format!("http://{}", before.address);
        before.set("PUBLIC_URL", &url)
    }

    pub(super) fn without_url() -> Self {
        let address = free_address();
        let (setup, simulator_clock, clock) = Setup::default().clock(noon());
        Self {
            setup: setup.set("LISTEN_ADDR", &address),
            address,
            simulator_clock,
            clock,
        }
    }

    pub(super) fn set(mut self, name: &str, value: &str) -> Self {
        self.setup = self.setup.set(name, value);
        self
    }

    pub(super) fn scheduled(self) -> Self {
        self.set("WARMUP_ENABLED", "true")
    }

    /// Another shop, as site `de`.
    pub(super) fn beside(self, other: &Simulator) -> Self {
        self.set("SHOPIFY_DE_SHOP_DOMAIN", other.shop_domain())
            .set("SHOPIFY_DE_ACCESS_TOKEN", &other.access_token())
            .set("SHOPIFY_DE_WEBHOOK_SECRET", other.webhook_secret())
            .set("SHOPIFY_DE_ADMIN_URL", &other.admin_url())
            .set("SHOPIFY_DE_ORDER_PREFIX", "#DE")
    }

    pub(super) async fn start(self) -> Stage {
        self.start_prepared(async |_| {}).await
    }

    /// Starts the shop, has it prepared, and only then starts the service.
    pub(super) async fn start_prepared(self, prepare: impl AsyncFnOnce(&Shop<'_>)) -> Stage {
        let simulator = self.setup.shop.clone().start().await.unwrap();
        let shop = Shop {
            simulator: &simulator,
            address: &self.address,
        };
        prepare(&shop).await;
        let harness = self.setup.start_on(simulator).await;
        harness.simulator.stop_delivering();
        Stage {
            harness,
            address: self.address,
            simulator_clock: self.simulator_clock,
            clock: self.clock,
        }
    }
}

impl Shop<'_> {
    pub(super) fn endpoint(&self) -> String {
        format!("http://{}/webhooks/shopify", self.address)
    }

    pub(super) fn fail(&self, operation: &str, fault: ApiFault) {
        let faults = self.simulator.faults();
        faults.api_on(operation, fault, Times::UntilCleared);
    }

    pub(super) async fn subscribe(&self, topic: &str, subscription: Value) {
        subscribe(self.simulator, topic, subscription).await;
    }
}

async fn ask(simulator: &Simulator, document: &str, variables: Value) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/admin/api/2026-10/graphql.json", simulator.admin_url());
    let request = client
        .post(url)
        .header("X-Shopify-Access-Token", simulator.access_token())
        .json(&json!({ "query": document, "variables": variables }));
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert!(answer["errors"].is_null(), "{answer}");
    answer["data"].clone()
}

pub(super) async fn subscribe(simulator: &Simulator, topic: &str, subscription: Value) {
    let document = "mutation M($topic: WebhookSubscriptionTopic!, $sub: WebhookSubscriptionInput!) {
      webhookSubscriptionCreate(topic: $topic, webhookSubscription: $sub) { userErrors { message } } }";
    let data = ask(
        simulator,
        document,
        json!({ "topic": topic, "sub": subscription }),
    )
    .await;
    assert_eq!(data["webhookSubscriptionCreate"]["userErrors"], json!([]));
}

/// All subscriptions that were made through the API.
pub(super) async fn subscriptions(simulator: &Simulator) -> Vec<Value> {
    let document = "query Q { webhookSubscriptions(first: 250) { nodes {
      id topic uri format filter includeFields name apiVersion { handle } } } }";
    let data = ask(simulator, document, json!({})).await;
    data["webhookSubscriptions"]["nodes"]
        .as_array()
        .unwrap()
        .clone()
}

impl Stage {
    pub(super) fn endpoint(&self) -> String {
        self.shop().endpoint()
    }

    pub(super) fn shop(&self) -> Shop<'_> {
        Shop {
            simulator: &self.harness.simulator,
            address: &self.address,
        }
    }

    pub(super) async fn subscriptions(&self) -> Vec<Value> {
        subscriptions(&self.harness.simulator).await
    }

    /// What the status says of the last audit, once it is as awaited.
    pub(super) async fn audited(&self, is_awaited: impl Fn(&Value) -> bool + Send + Sync) -> Value {
        self.audited_at("uk", is_awaited).await
    }

    pub(super) async fn audited_at(
        &self,
        site: &str,
        is_awaited: impl Fn(&Value) -> bool + Send + Sync,
    ) -> Value {
        until("the audit finds what is awaited", || async {
            let status = self.harness.get("/api/warmup/status").await;
            let found = status.data()["sites"][site]["subscriptions"].clone();
            is_awaited(&found).then_some(found)
        })
        .await
    }

    /// Waits until a voice was noted in the store.
    pub(super) async fn heard(&self, topic: &str, voice: &str) {
        self.audited(|found| {
            let heard = found["heard"].as_array().into_iter().flatten();
            heard
                .into_iter()
                .any(|one| one["topic"] == topic && one["voice"] == voice)
        })
        .await;
    }

    /// Waits until the first sweep is over.
    pub(super) async fn swept(&self) {
        until("the first sweep ends", || async {
            let status = self.harness.get("/api/warmup/status").await;
            let data = status.data();
            (data["running"] == false && data["last_full_warmup"].is_string()).then_some(())
        })
        .await;
    }

    pub(super) fn advance(&self, by: TimeDelta) {
        self.simulator_clock.advance(by.to_std().unwrap());
        self.clock.advance(by);
    }

    /// The service answers 401 to every delivery until Shopify gives the subscription up.
    pub(super) async fn fail_until_removed(&self) {
        let simulator = &self.harness.simulator;
        simulator
            .faults()
            .deliveries(DeliveryFault::WrongSecret, Times::UntilCleared);
        simulator.shop().place_order(NewOrder::default());
        for _ in 0..9 {
            simulator.settled().await;
            self.simulator_clock.advance(Duration::from_secs(2 * 3600));
        }
        simulator.settled().await;
        simulator.faults().clear();
    }

    pub(super) async fn alerts(&self) -> Vec<Value> {
        let alerts = causes(&self.harness).await;
        alerts.iter().map(|alert| alert["cause"].clone()).collect()
    }
}

/// What the active alerts are about.
pub(super) async fn causes(harness: &Harness) -> Vec<Value> {
    let status = harness.get("/api/warmup/status").await;
    let alerts = status.data()["alerts"].as_array().unwrap().clone();
    let about = |alert: Value| json!({ "cause": alert["cause"], "site": alert["site"] });
    alerts.into_iter().map(about).collect()
}

/// The kinds of an audit's findings.
pub(super) fn kinds(found: &Value) -> Vec<&str> {
    let findings = found["findings"].as_array().into_iter().flatten();
    findings
        .map(|finding| finding["kind"].as_str().unwrap())
        .collect()
}
