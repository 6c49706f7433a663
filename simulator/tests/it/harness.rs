//! A client of the Admin API, and a receiver of webhooks.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;
use shopify_simulator::{Builder, Clock, Simulator};

pub(crate) const VERSION: &str = "2026-10";

/// The time that manual clocks start at.
pub(crate) fn noon() -> chrono::DateTime<chrono::Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

pub(crate) fn at_noon() -> Builder {
    Simulator::builder().clock(Clock::manual(noon()))
}

pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Posts a request and returns the raw answer.
pub(crate) async fn post_raw(simulator: &Simulator, request: &Value) -> reqwest::Response {
    let url = format!("{}/admin/api/{VERSION}/graphql.json", simulator.admin_url());
    client()
        .post(url)
        .header("X-Shopify-Access-Token", simulator.access_token())
        .json(request)
        .send()
        .await
        .unwrap()
}

/// Posts a document and returns the answer's body, which must be a 200.
pub(crate) async fn ask(simulator: &Simulator, query: &str, variables: Value) -> Value {
    let response = post_raw(
        simulator,
        &json!({ "query": query, "variables": variables }),
    )
    .await;
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

/// The code of the first error.
pub(crate) fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"]
        .as_str()
        .unwrap_or_default()
}

/// The names of the orders a search finds, in the order of their ids.
pub(crate) async fn names(simulator: &Simulator, query: &str) -> Vec<String> {
    let document = "query Find($query: String) { orders(first: 250, query: $query, sortKey: ID) { nodes { name } } }";
    let answer = ask(simulator, document, json!({ "query": query })).await;
    let nodes = answer["data"]["orders"]["nodes"].as_array();
    let nodes = nodes.unwrap_or_else(|| panic!("{query}: {answer}"));
    let name = |node: &Value| node["name"].as_str().unwrap().to_owned();
    nodes.iter().map(name).collect()
}

/// A delivery as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(crate) fn topic(&self) -> &str {
        self.header("x-shopify-topic")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Debug)]
struct Inbox {
    received: Vec<Received>,
    status: u16,
}

/// Somewhere webhooks go.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    state: Arc<Mutex<Inbox>>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let state = Arc::new(Mutex::new(Inbox {
            received: Vec::new(),
            status: 200,
        }));
        let router = Router::new()
            .route("/hook", post(receive))
            .with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let tasks = tokio_util::task::TaskTracker::new();
        tasks.spawn(async move { axum::serve(listener, router).await });
        Self { url, state }
    }

    pub(crate) fn answer(&self, status: u16) {
        self.state.lock().unwrap().status = status;
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap().received.clone()
    }

    /// The topics that came, which are forgotten.
    pub(crate) fn take_topics(&self) -> Vec<String> {
        let topics = self.topics();
        self.state.lock().unwrap().received.clear();
        topics
    }

    pub(crate) fn topics(&self) -> Vec<String> {
        let received = self.received();
        received.iter().map(|one| one.topic().to_owned()).collect()
    }
}

async fn receive(
    State(state): State<Arc<Mutex<Inbox>>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let mut state = state.lock().unwrap();
    state.received.push(Received { headers, body });
    StatusCode::from_u16(state.status).unwrap()
}

/// A simulator whose webhooks arrive somewhere.
pub(crate) async fn shop_with_receiver() -> (Simulator, Receiver) {
    let receiver = Receiver::start().await;
    let simulator = at_noon()
        .webhook_secret("a secret")
        .deliver_to(&receiver.url)
        .start()
        .await
        .unwrap();
    (simulator, receiver)
}

/// HMAC by the specification, with nothing of the simulator's.
pub(crate) fn is_signed(received: &Received, secret: &str) -> bool {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(&received.body);
    let signature = BASE64_STANDARD
        .decode(received.header("x-shopify-hmac-sha256"))
        .unwrap();
    mac.verify_slice(&signature).is_ok()
}
