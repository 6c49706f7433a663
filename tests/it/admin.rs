//! The Admin API client against the judges: Shopify's real schema, and every way a call can go wrong.

use std::{
    io::Write as _,
    process::{Command, Stdio},
    time::Duration,
};

use secrecy::SecretString;
use shopify_simulator::{ApiFault, NewOrder, Simulator, Times};
use shopify_warmer::{
    order::OrderId,
    shopify::{
        AdminClient, AdminError, AdminSettings, Credentials, OrderById, OrderSortKey, OrdersPage,
        Query as _, Retry, documents,
    },
};

pub(crate) const JUDGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/judges");

#[test]
fn shopifys_real_schema_accepts_every_document() {
    let documents: Vec<_> = documents()
        .iter()
        .map(|(name, text)| serde_json::json!({ "name": name, "document": text }))
        .collect();
    let mut judge = Command::new("node")
        .arg(format!("{JUDGES}/graphql/validate.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("node is missing: `make test` installs it");
    let text = serde_json::to_vec(&documents).unwrap();
    judge.stdin.take().unwrap().write_all(&text).unwrap();
    let verdict = judge.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&verdict.stdout);
    assert!(
        verdict.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&verdict.stderr)
    );
    let verdicts: Vec<serde_json::Value> = serde_json::from_str(&said).unwrap();
    assert_eq!(verdicts.len(), documents.len(), "{said}");
}

fn client(simulator: &Simulator, token: &str) -> AdminClient {
    let settings = AdminSettings {
        base_url: simulator.admin_url(),
        credentials: Credentials::Static(SecretString::from(token)),
        api_version: "2026-10".to_owned(),
    };
    AdminClient::new(&settings).unwrap()
}

async fn shop() -> (Simulator, AdminClient, OrderById) {
    let simulator = Simulator::builder().start().await.unwrap();
    let id = simulator.shop().place_order(NewOrder::default());
    let client = client(&simulator, &simulator.access_token());
    (simulator, client, OrderById(OrderId::new(id).unwrap()))
}

#[tokio::test]
async fn every_failure_is_told_apart_with_its_advice() {
    let (simulator, client, query) = shop().await;
    let seconds = |seconds| Retry::After(Duration::from_secs_f64(seconds));
    let cases = [
        (ApiFault::Status(400), "bad_request", Retry::Never),
        (ApiFault::Status(401), "unauthorized", Retry::Never),
        (ApiFault::Status(402), "frozen", Retry::Never),
        (ApiFault::Status(403), "forbidden", Retry::Never),
        (ApiFault::Status(404), "no_such_shop", Retry::Never),
        (ApiFault::Status(423), "locked", Retry::Never),
        (
            ApiFault::RateLimited("4.0".to_owned()),
            "rate_limited",
            seconds(4.0),
        ),
        (
            ApiFault::RateLimited("0.5".to_owned()),
            "rate_limited",
            seconds(0.5),
        ),
        (ApiFault::Status(430), "security_rejected", seconds(60.0)),
        (ApiFault::Status(500), "upstream", Retry::Backoff),
        (ApiFault::Status(502), "upstream", Retry::Backoff),
        (ApiFault::Status(503), "upstream", Retry::Backoff),
        (ApiFault::Status(504), "upstream", Retry::AskForLess),
        (ApiFault::Status(530), "upstream", Retry::Backoff),
        (ApiFault::Status(540), "upstream", Retry::Backoff),
        (ApiFault::InternalError, "internal", Retry::AskForLess),
        (ApiFault::Reset, "connection", Retry::Backoff),
        (ApiFault::Empty, "malformed", Retry::Backoff),
        (ApiFault::Html, "malformed", Retry::Backoff),
    ];
    for (fault, class, retry) in cases {
        simulator.faults().api(fault.clone(), Times::Next(1));
        let error = client
            .run(&query, simulator.clock().now())
            .await
            .unwrap_err();
        assert_eq!(
            (error.class(), error.retry()),
            (class, retry),
            "{fault:?}: {error:?}"
        );
        assert!(!error.to_string().contains("shpat"), "{error}");
    }
    simulator.faults().api(ApiFault::Truncated, Times::Next(1));
    let error = client
        .run(&query, simulator.clock().now())
        .await
        .unwrap_err();
    assert!(
        matches!(error.class(), "connection" | "malformed"),
        "{error:?}"
    );
    assert!(client.run(&query, simulator.clock().now()).await.is_ok());
    simulator.stop().await;
}

#[tokio::test]
async fn a_throttled_answer_says_how_long_the_bucket_takes() {
    let (simulator, client, _) = shop().await;
    simulator.set_available_points(100);
    let page = OrdersPage {
        first: 100,
        after: None,
        query: String::new(),
        sort: OrderSortKey::NewestFirst,
    };
    let error = client
        .run(&page, simulator.clock().now())
        .await
        .unwrap_err();
    let AdminError::Throttled {
        report: Some(report),
    } = &error
    else {
        panic!("{error:?}")
    };
    assert!(
        (f64::from(page.cost().0) - report.requested_query_cost).abs() < f64::EPSILON,
        "our reckoning of a page's cost: {report:?}"
    );
    assert!(
        matches!(error.retry(), Retry::After(wait) if wait > Duration::from_secs(3) && wait < Duration::from_secs(4)),
        "{error:?}"
    );
    simulator.stop().await;
}

#[tokio::test]
async fn a_wrong_token_is_unauthorized_and_not_shown() {
    let (simulator, _, query) = shop().await;
    let client = client(&simulator, "shpat_wrong_and_secret");
    let error = client
        .run(&query, simulator.clock().now())
        .await
        .unwrap_err();
    assert_eq!(error.class(), "unauthorized");
    assert!(
        !format!("{client:?} {error:?} {error}").contains("shpat_wrong"),
        "the token shows"
    );
    simulator.stop().await;
}

#[tokio::test]
async fn an_ignored_filter_is_an_error() {
    let (simulator, client, _) = shop().await;
    for query in ["created:>='2026-01-01T00:00:00Z'", "status_of_mind:good"] {
        let page = OrdersPage {
            first: 10,
            after: None,
            query: query.to_owned(),
            sort: OrderSortKey::NewestFirst,
        };
        let error = client
            .run(&page, simulator.clock().now())
            .await
            .unwrap_err();
        assert_eq!(error.class(), "filter_ignored", "{query}: {error:?}");
    }
    simulator.stop().await;
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_on() {
    // Real time, because a timeout over a real socket is what is tested: the client's own 15 s would be too long to wait
    // for, so a wait shorter than that shows only that the call does not return early with something else.
    let (simulator, client, query) = shop().await;
    simulator.faults().api(ApiFault::Hang, Times::Next(1));
    let call = client.run(&query, simulator.clock().now());
    assert!(
        tokio::time::timeout(Duration::from_millis(300), call)
            .await
            .is_err()
    );
    assert!(client.run(&query, simulator.clock().now()).await.is_ok());
    simulator.stop().await;
}
