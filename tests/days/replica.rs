//! The service in this process: its router is called as its listener would call it.

use std::{path::Path, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use shopify_warmer::{app::App, clock::Clock, config::Config, http};

use crate::{
    cache::Cache,
    queue::Letter,
    shopify::Shopify,
    time::{ReplicaTime, VirtualTime},
};

/// One service.
pub(crate) struct Replica {
    pub(crate) app: App,
    pub(crate) clock: Arc<ReplicaTime>,
    router: TowerToHyperService<Router>,
}

/// What it answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) json: Value,
}

impl Replica {
    pub(crate) async fn start(
        shopify: &Shopify,
        time: &VirtualTime,
        (cache, data_dir): (&Cache, &Path),
    ) -> Self {
        let clock = ReplicaTime::new(time);
        let its_clock = Arc::<ReplicaTime>::clone(&clock);
        let config = Config::from_vars(settings(shopify, data_dir));
        let mut config = config.expect("the simulation's settings are right");
        config.warmer.rhythm = Cache::rhythm();
        let clock_of_ours = Clock::Simulated(its_clock);
        let store = cache.store();
        let app = App::start_on(&config, clock_of_ours, store)
            .await
            .expect("the service starts");
        let router = TowerToHyperService::new(http::router(app.state().clone()));
        Self { app, clock, router }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call(Request::get(path), Body::empty()).await
    }

    /// Brings a webhook; returns the answer's status.
    pub(crate) async fn receive(&self, letter: &Letter) -> u16 {
        let mut request = Request::post("/webhooks/shopify");
        for (name, value) in &letter.headers {
            request = request.header(*name, value);
        }
        self.call(request, Body::from(letter.body.clone()))
            .await
            .status
    }

    async fn call(&self, request: axum::http::request::Builder, body: Body) -> Reply {
        // No token is set, so only requests from this machine are let in.
        let request = request.header("host", "localhost").body(body);
        let answer = self.router.call(request.expect("a request")).await;
        let Ok(answer) = answer;
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), usize::MAX).await;
        Reply {
            status,
            json: serde_json::from_slice(&body.expect("a body")).unwrap_or_default(),
        }
    }
}

fn settings(shopify: &Shopify, data_dir: &Path) -> Vec<(String, String)> {
    let simulator = &shopify.simulator;
    let settings = [
        ("SHOPIFY_UK_SHOP_DOMAIN", simulator.shop_domain().to_owned()),
        ("SHOPIFY_UK_ACCESS_TOKEN", simulator.access_token()),
        (
            "SHOPIFY_UK_WEBHOOK_SECRET",
            simulator.webhook_secret().to_owned(),
        ),
        ("SHOPIFY_UK_ADMIN_URL", simulator.admin_url()),
        ("SHOPIFY_UK_ORDER_PREFIX", "#UK".to_owned()),
        ("DATA_DIR", data_dir.display().to_string()),
        // Nobody calls there; it is bound all the same.
        ("LISTEN_ADDR", "127.0.0.1:0".to_owned()),
    ];
    settings
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
}
