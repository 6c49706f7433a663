//! Alerts reach whoever is to look: each chat gets the body it understands, a receiver in trouble is tried again, and the address
//! is never shown.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
};
use chrono::{DateTime, TimeDelta};
use serde_json::{Value, json};
use shopify_warmer::{
    alert::{AlertFormat, AlertSettings, Alerts, Cause, PostCounts},
    clock::Clock,
    site::SiteCode,
    tasks::Tasks,
};
use tracing::instrument::WithSubscriber as _;

use crate::harness::{Setup, until};

/// What only somebody who knows the address could know.
const SECRET: &str = "planted-in-the-address";

/// A chat: keeps what is posted, and answers as told, else 200.
#[derive(Clone, Default)]
struct Receiver(Arc<Mutex<Posted>>);

#[derive(Default)]
struct Posted {
    bodies: Vec<Value>,
    answers: VecDeque<(u16, &'static str)>,
}

impl Receiver {
    async fn start() -> (Self, String) {
        let receiver = Self::default();
        let router = Router::new()
            .fallback(
                |State(receiver): State<Self>, uri, headers, body| async move {
                    receiver.take(&uri, &headers, &body)
                },
            )
            .with_state(receiver.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Tasks::default()
            .tracker
            .spawn(async move { axum::serve(listener, router).await });
        (
            receiver,
            format!("http://{address}/hook/{SECRET}?key={SECRET}"),
        )
    }

    fn take(&self, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> (StatusCode, &'static str) {
        assert_eq!(uri.path(), format!("/hook/{SECRET}"));
        assert_eq!(headers["content-type"], "application/json");
        let mut posted = self.0.lock().unwrap();
        posted.bodies.push(serde_json::from_slice(body).unwrap());
        let (status, answer) = posted.answers.pop_front().unwrap_or((200, "ok"));
        (StatusCode::from_u16(status).unwrap(), answer)
    }

    fn answer(&self, status: u16, body: &'static str) {
        self.0.lock().unwrap().answers.push_back((status, body));
    }

    fn bodies(&self) -> Vec<Value> {
        self.0.lock().unwrap().bodies.clone()
    }
}

fn settings(url: &str, format: AlertFormat) -> AlertSettings {
    AlertSettings {
        url: Some(url.parse().unwrap()),
        format,
        ..AlertSettings::default()
    }
}

fn uk() -> SiteCode {
    "uk".parse().unwrap()
}

/// Ends the tasks and waits for their last words.
async fn stop(tasks: &Tasks) {
    tasks.cancel.cancel();
    tasks.tracker.close();
    tasks.tracker.wait().await;
}

async fn told(alerts: &Alerts, counts: PostCounts) {
    until("the messages are through or given up", || async {
        (alerts.posts() == counts).then_some(())
    })
    .await;
}

/// What a receiver of that format gets of one alert raised and cleared.
async fn told_as(format: AlertFormat, answer: &'static str) -> Vec<Value> {
    let (receiver, url) = Receiver::start().await;
    receiver.answer(200, answer);
    receiver.answer(200, answer);
    let (tasks, clock) = (Tasks::default(), Clock::manual(DateTime::UNIX_EPOCH));
    let alerts = Alerts::new(settings(&url, format), clock.clone(), &tasks);
    alerts.raise(
        Cause::ShopifyDown,
        Some(&uk()),
        "12 calls failed & none <ok>",
    );
    clock.advance(TimeDelta::minutes(5));
    alerts.clear(Cause::ShopifyDown, Some(&uk()));
    told(&alerts, PostCounts { sent: 2, failed: 0 }).await;
    stop(&tasks).await;
    receiver.bodies()
}

#[tokio::test]
async fn a_program_gets_every_field_by_its_name() {
    let advice = Cause::ShopifyDown.advice();
    let text = "12 calls failed & none <ok>";
    assert_eq!(
        told_as(AlertFormat::Json, "").await,
        [
            json!({"alert": "shopify_down", "state": "raised", "site": "uk", "text": text, "advice": advice, "at": "1970-01-01T00:00:00Z"}),
            json!({"alert": "shopify_down", "state": "cleared", "site": "uk", "text": text, "advice": advice, "at": "1970-01-01T00:05:00Z"}),
        ]
    );
}

#[tokio::test]
async fn each_chat_gets_the_body_it_understands() {
    let raised = format!(
        "shopify-warmer [uk]: Shopify does not answer\n12 calls failed & none <ok>\n{}",
        Cause::ShopifyDown.advice()
    );
    let cleared = "shopify-warmer [uk]: cleared: Shopify does not answer";
    let escaped = raised
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    assert_eq!(
        told_as(AlertFormat::Slack, "ok").await,
        [json!({"text": escaped}), json!({"text": cleared})]
    );
    let feishu = r#"{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}"#;
    assert_eq!(
        told_as(AlertFormat::Feishu, feishu).await,
        [&raised, cleared].map(|text| json!({"msg_type": "text", "content": {"text": text}}))
    );
    for format in [AlertFormat::Dingtalk, AlertFormat::Wecom] {
        assert_eq!(
            told_as(format, r#"{"errcode":0,"errmsg":"ok"}"#).await,
            [&raised, cleared].map(|text| json!({"msgtype": "text", "text": {"content": text}})),
            "{format:?}"
        );
    }
}

#[tokio::test]
async fn a_receiver_in_trouble_is_tried_again_and_then_given_up() {
    let (receiver, url) = Receiver::start().await;
    let tasks = Tasks::default();
    let alerts = Alerts::new(settings(&url, AlertFormat::Json), Clock::System, &tasks);
    receiver.answer(503, "");
    receiver.answer(429, "");
    alerts.raise(Cause::SweepFailed, None, "first");
    told(&alerts, PostCounts { sent: 1, failed: 0 }).await;
    assert_eq!(receiver.bodies().len(), 3);
    for _ in 0..3 {
        receiver.answer(500, "");
    }
    alerts.raise(Cause::SweepCut, None, "given up");
    alerts.raise(Cause::SlotMissed, None, "next");
    told(&alerts, PostCounts { sent: 2, failed: 1 }).await;
    // A wrong address does not become a right one.
    receiver.answer(404, "no_service");
    alerts.raise(Cause::StoreMemory, None, "refused");
    told(&alerts, PostCounts { sent: 2, failed: 2 }).await;
    let texts: Vec<_> = receiver
        .bodies()
        .iter()
        .map(|body| body["text"].clone())
        .collect();
    assert_eq!(
        texts,
        [
            "first", "first", "first", "given up", "given up", "given up", "next", "refused"
        ]
    );
    stop(&tasks).await;
}

/// A log kept in memory.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[tokio::test]
async fn a_chats_own_error_counts_as_one_and_the_address_is_never_shown() {
    let log = Log::default();
    let lines = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer({
            let log = log.clone();
            move || log.clone()
        })
        .finish();
    let guard = tracing::subscriber::set_default(lines);
    let (receiver, url) = Receiver::start().await;
    let tasks = Tasks::default();
    receiver.answer(200, r#"{"code":19024,"msg":"Key Words Not Found"}"#);
    receiver.answer(200, "<html>");
    let settings_of_the_chat = settings(&url, AlertFormat::Feishu);
    let alerts = Alerts::new(settings_of_the_chat.clone(), Clock::System, &tasks);
    alerts.raise(Cause::DeadLetters, None, "2 deliveries");
    alerts.raise(Cause::SlotMissed, None, "02:00");
    told(&alerts, PostCounts { sent: 0, failed: 2 }).await;
    // Nobody listens at port 1 of this machine.
    let nowhere = format!("http://{SECRET}:{SECRET}@127.0.0.1:1/{SECRET}");
    let unheard = Alerts::new(settings(&nowhere, AlertFormat::Json), Clock::System, &tasks);
    unheard.raise(Cause::StoreEviction, Some(&uk()), "evicted");
    told(&unheard, PostCounts { sent: 0, failed: 1 }).await;
    let shown = format!("{settings_of_the_chat:?} {alerts:?} {unheard:?}");
    stop(&tasks).with_current_subscriber().await;
    drop(guard);
    let log = log.text();
    for said in [
        "code 19024",
        "the answer is not one of",
        "the receiver cannot be reached",
        "the store may throw entries away: evicted",
        Cause::StoreEviction.advice(),
    ] {
        assert!(log.contains(said), "{said} is not in {log}");
    }
    assert!(!log.contains(SECRET), "{log}");
    assert!(!shown.contains(SECRET), "{shown}");
}

#[tokio::test]
async fn what_is_queued_at_the_end_has_two_seconds() {
    let (receiver, url) = Receiver::start().await;
    let (tasks, idle) = (Tasks::default(), Tasks::default());
    let alerts = Alerts::new(settings(&url, AlertFormat::Slack), Clock::System, &tasks);
    for cause in Cause::ALL {
        alerts.raise(cause, None, "at the end");
    }
    stop(&tasks).await;
    assert_eq!(receiver.bodies().len(), Cause::ALL.len());
    // One that hangs does not hold the service up.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let alerts = Alerts::new(settings(&url, AlertFormat::Slack), Clock::System, &idle);
    alerts.raise(Cause::SweepFailed, None, "unheard");
    let stopped = tokio::time::timeout(Duration::from_secs(5), stop(&idle)).await;
    assert!(stopped.is_ok());
}

#[tokio::test]
async fn the_service_posts_where_it_is_told_and_shows_what_is_wrong() {
    let (receiver, url) = Receiver::start().await;
    let setup = Setup::default().set("ALERT_WEBHOOK_URL", &url);
    let harness = setup.set("ALERT_FORMAT", "slack").start().await;
    let alerts = harness.app.state().alerts.clone();
    alerts.raise(Cause::WebhooksSilent, Some(&uk()), "none for 3 hours");
    told(&alerts, PostCounts { sent: 1, failed: 0 }).await;
    let status = harness.get("/api/warmup/status").await;
    let [active] = status.data()["alerts"].as_array().unwrap().as_slice() else {
        panic!("{}", status.text)
    };
    assert_eq!(
        (&active["cause"], &active["site"], &active["text"]),
        (
            &json!("webhooks_silent"),
            &json!("uk"),
            &json!("none for 3 hours")
        )
    );
    assert!(!status.text.contains(SECRET));
    alerts.clear(Cause::WebhooksSilent, Some(&uk()));
    harness.stop().await;
    assert_eq!(receiver.bodies().len(), 2);
}
