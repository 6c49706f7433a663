//! The API misbehaves on demand.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shopify_simulator::{ApiFault, Simulator, Times};

use crate::harness::{VERSION, at_noon, client, code, post_raw};

fn request() -> Value {
    json!({ "query": "query Name { shop { name } }" })
}

/// Posts without the harness's unwrap: some faults leave no answer.
async fn attempt(simulator: &Simulator, within: Duration) -> reqwest::Result<reqwest::Response> {
    let url = format!("{}/admin/api/{VERSION}/graphql.json", simulator.admin_url());
    let request = client().post(url).timeout(within).json(&request());
    let token = simulator.access_token();
    request.header("X-Shopify-Access-Token", token).send().await
}

#[tokio::test]
async fn status_codes_come_as_often_as_asked_and_then_no_more() {
    let simulator = at_noon().start().await.unwrap();
    let faults = simulator.faults();
    for status in [
        401, 402, 403, 404, 423, 429, 430, 500, 502, 503, 504, 530, 540,
    ] {
        faults.api_on("Name", ApiFault::Status(status), Times::Next(1));
        let answer = post_raw(&simulator, &request()).await;
        assert_eq!(answer.status(), status);
        let kind = answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        let retry = answer.headers().get("retry-after").cloned();
        assert_eq!(retry.is_some(), status == 429);
        assert!(retry.is_none_or(|value| value == "4.0"));
        assert_eq!(kind.starts_with("text/html"), status >= 500, "{kind}");
    }
    assert_eq!(faults.unused(), 0);
    assert_eq!(post_raw(&simulator, &request()).await.status(), 200);
    faults.api_on("Another", ApiFault::Status(500), Times::UntilCleared);
    assert_eq!(post_raw(&simulator, &request()).await.status(), 200);
}

#[tokio::test]
async fn answers_in_a_200_that_are_none() {
    let simulator = at_noon().start().await.unwrap();
    let faults = simulator.faults();
    for (fault, expected) in [
        (ApiFault::Throttled, "THROTTLED"),
        (ApiFault::InternalError, "INTERNAL_SERVER_ERROR"),
    ] {
        faults.api(fault, Times::Next(1));
        let answer: Value = post_raw(&simulator, &request()).await.json().await.unwrap();
        assert_eq!(code(&answer), expected);
    }
    for fault in [ApiFault::Truncated, ApiFault::Empty, ApiFault::Html] {
        faults.api(fault, Times::Next(1));
        let answer = post_raw(&simulator, &request()).await;
        assert_eq!(answer.status(), 200);
        let text = answer.text().await.unwrap();
        assert!(serde_json::from_str::<Value>(&text).is_err(), "{text}");
    }
}

#[tokio::test]
async fn a_reset_is_one_and_a_hang_lasts() {
    let simulator = at_noon().start().await.unwrap();
    simulator.faults().api(ApiFault::Reset, Times::Next(1));
    let error = attempt(&simulator, Duration::from_secs(5))
        .await
        .unwrap_err();
    assert!(!error.is_timeout(), "{error:?}");
    assert!(
        format!("{error:?}").contains("ConnectionReset"),
        "{error:?}"
    );
    simulator.faults().api(ApiFault::Hang, Times::UntilCleared);
    let error = attempt(&simulator, Duration::from_millis(100))
        .await
        .unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    simulator.faults().clear();
    assert_eq!(post_raw(&simulator, &request()).await.status(), 200);
    let statuses: Vec<Option<u16>> = simulator.calls().iter().map(|call| call.status).collect();
    assert_eq!(statuses, [None, None, Some(200)]);
}

#[tokio::test]
async fn latency_and_concurrency_are_what_they_are() {
    let simulator = at_noon()
        .latency(Duration::from_millis(60))
        .start()
        .await
        .unwrap();
    let started = Instant::now();
    let within = Duration::from_secs(5);
    let answers = tokio::join!(
        attempt(&simulator, within),
        attempt(&simulator, within),
        attempt(&simulator, within)
    );
    assert!(answers.0.is_ok() && answers.1.is_ok() && answers.2.is_ok());
    assert!(started.elapsed() >= Duration::from_millis(60));
    assert_eq!(simulator.highest_concurrency(), 3);
    simulator.set_latency(Duration::ZERO);
    simulator
        .faults()
        .api(ApiFault::Slow(Duration::from_millis(40)), Times::Next(1));
    let started = Instant::now();
    assert_eq!(post_raw(&simulator, &request()).await.status(), 200);
    assert!(started.elapsed() >= Duration::from_millis(40));
}

#[tokio::test]
async fn a_stopped_simulator_is_gone() {
    let simulator = at_noon().start().await.unwrap();
    let url = simulator.admin_url();
    simulator.faults().api(ApiFault::Hang, Times::UntilCleared);
    let other = simulator.clone();
    let hanging = async move {
        attempt(&other, Duration::from_secs(5))
            .await
            .map(|answer| answer.status())
    };
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        simulator.stop().await;
    };
    let (hung, ()) = tokio::join!(hanging, stopping);
    assert!(hung.is_ok_and(|status| status == 504));
    assert!(client().get(url).send().await.is_err());
}
