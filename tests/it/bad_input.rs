//! Whatever comes in wrong gets a clear answer, loses nothing, shows nothing, and leaves the service up.

use bytes::Bytes;
use serde_json::{Value, json};
use shopify_simulator::NewOrder;

use crate::harness::{ADMIN_TOKEN, Harness, LOOKUP_TOKEN, now, reply};

/// A delivery by hand: what the simulator, being well-behaved, would not send.
struct ByHand<'a> {
    harness: &'a Harness,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

impl<'a> ByHand<'a> {
    fn new(harness: &'a Harness, topic: &str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let headers = vec![
            ("x-shopify-topic", topic.to_owned()),
            (
                "x-shopify-shop-domain",
                harness.simulator.shop_domain().to_owned(),
            ),
            ("x-shopify-hmac-sha256", harness.simulator.sign(&body)),
            (
                "x-shopify-webhook-id",
                "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043".to_owned(),
            ),
            ("x-shopify-triggered-at", now().to_rfc3339()),
        ];
        Self {
            harness,
            headers,
            body,
        }
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(header, _)| *header != name);
        self
    }

    fn with(mut self, name: &'static str, value: impl std::fmt::Display) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    fn replacing(self, name: &'static str, value: impl std::fmt::Display) -> Self {
        self.without(name).with(name, value)
    }

    fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    async fn send(self) -> (u16, String) {
        let mut request = self
            .harness
            .http
            .post(self.harness.url("/webhooks/shopify"))
            .body(self.body);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let reply = reply(request).await;
        (reply.status, reply.text)
    }
}

fn refused() -> (u16, String) {
    (401, String::new())
}

fn taken() -> (u16, String) {
    (200, String::new())
}

#[tokio::test]
#[expect(
    clippy::too_many_lines,
    reason = "one story, told from its beginning to its end"
)]
async fn deliveries_that_are_not_shopifys_are_refused_without_detail() {
    let harness = Harness::start().await;
    let id = harness.simulator.shop().place_order(NewOrder::default());
    harness.simulator.settled().await;
    let body = harness
        .simulator
        .shop()
        .webhook_body("orders/updated", id)
        .unwrap();
    let by_hand = || ByHand::new(&harness, "orders/updated", body.clone());
    assert_eq!(by_hand().send().await, taken());
    for name in [
        "x-shopify-topic",
        "x-shopify-shop-domain",
        "x-shopify-hmac-sha256",
    ] {
        assert_eq!(
            by_hand().without(name).send().await,
            refused(),
            "without {name}"
        );
        assert_eq!(
            by_hand().with(name, "again").send().await,
            refused(),
            "{name} twice"
        );
        assert_eq!(
            by_hand().replacing(name, "").send().await,
            refused(),
            "{name} empty"
        );
    }
    assert_eq!(
        by_hand()
            .replacing("x-shopify-shop-domain", "stranger.myshopify.com")
            .send()
            .await,
        refused()
    );
    assert_eq!(
        by_hand()
            .replacing("x-shopify-hmac-sha256", "AAAA")
            .send()
            .await,
        refused()
    );
    let mut flipped = body.to_vec();
    flipped[20] ^= 1;
    assert_eq!(
        by_hand().body(flipped).send().await,
        refused(),
        "a flipped bit"
    );
    assert_eq!(
        by_hand().body(body.slice(..body.len() - 1)).send().await,
        refused(),
        "cut short"
    );
    let again =
        serde_json::to_vec_pretty(&serde_json::from_slice::<Value>(&body).unwrap()).unwrap();
    assert_eq!(
        by_hand().body(again).send().await,
        refused(),
        "written again"
    );
    assert_eq!(by_hand().body("").send().await, refused(), "empty");
    let counts = harness.get("/api/warmup/status").await.data()["webhooks"].clone();
    assert_eq!(counts["refused"]["rejected"], 15, "{counts}");
    assert_eq!(harness.by_id(id).await.data()["cached"], true);
    harness.stop().await;
}

#[tokio::test]
async fn a_body_of_twenty_megabytes_is_too_large_and_one_of_two_is_not() {
    let harness = Harness::start().await;
    let large = vec![b' '; 20 * 1024 * 1024];
    let (status, _) = ByHand::new(&harness, "orders/updated", large).send().await;
    assert_eq!(status, 413);
    let id = harness
        .simulator
        .shop()
        .place_order(NewOrder::default().note(&"ä".repeat(1_000_000)));
    harness.simulator.settled().await;
    assert_eq!(
        harness.by_id(id).await.data()["order"]["note"]
            .as_str()
            .unwrap()
            .chars()
            .count(),
        1_000_000
    );
    harness.stop().await;
}

#[tokio::test]
async fn signed_nonsense_is_taken_counted_and_fetched_where_its_order_can_be_read() {
    let harness = Harness::start().await;
    let address = harness.url("/webhooks/shopify");
    harness.simulator.stop_delivering();
    let id = harness.simulator.shop().place_order(NewOrder::default());
    harness.simulator.deliver_to(&address);
    for body in [
        "",
        "{",
        "[]",
        "null",
        "\"text\"",
        "{\"id\":\"12\"}",
        "{\"id\":-1}",
        "{\"id\":1e400}",
        "{\"id\":99999999999999999999}",
    ] {
        assert_eq!(
            ByHand::new(&harness, "orders/updated", body).send().await,
            taken(),
            "{body}"
        );
    }
    assert_eq!(
        ByHand::new(&harness, "orders/updated", &b"\xff\xfe{}"[..])
            .send()
            .await,
        taken()
    );
    assert_eq!(
        ByHand::new(&harness, "carts/update", "{}").send().await,
        taken()
    );
    assert_eq!(ByHand::new(&harness, "made/up", "{}").send().await, taken());
    assert_eq!(
        harness
            .app
            .state()
            .store
            .refresh_len(&"uk".parse().unwrap())
            .await
            .unwrap(),
        0
    );
    // An order whose shape has changed under us: its id is all we can read, and all we need.
    let odd = json!({ "id": id, "line_items": "none" }).to_string();
    assert_eq!(
        ByHand::new(&harness, "orders/updated", odd).send().await,
        taken()
    );
    crate::harness::until("the order is fetched", || async {
        let calls = harness.simulator.calls_named("OrdersByIds").len();
        (calls == 1).then_some(())
    })
    .await;
    harness.stop().await;
}

#[tokio::test]
async fn order_numbers_that_are_none_are_explained() {
    let harness = Harness::start().await;
    let long = "9".repeat(10_000);
    for number in [
        "",
        " ",
        "#",
        "UK1 OR status:any",
        "UK\"1",
        "name:UK1",
        "UK1'",
        "٢٢٠٨٠",
        "UK1\u{0}",
        "<script>",
        &long,
    ] {
        let reply = harness.search(number).await;
        assert_eq!(
            (reply.status, &reply.json["error"]["code"]),
            (400, &json!("BAD_REQUEST")),
            "{number:.40}: {}",
            reply.text
        );
        assert!(
            reply.json["error"]["detail"]
                .as_str()
                .unwrap()
                .contains("UK22080"),
            "{}",
            reply.text
        );
    }
    for path in [
        "/api/shopify/orders/search",
        "/api/shopify/orders/search?q=%ff",
        "/api/shopify/orders/search?q=a&q=b",
        "/api/shopify/orders/search?q=UK1&site=xx",
    ] {
        assert_eq!(harness.get(path).await.status, 400, "{path}");
    }
    assert_eq!(harness.simulator.calls().len(), 0);
    harness.stop().await;
}

#[tokio::test]
async fn ids_that_are_none_are_explained() {
    let harness = Harness::start().await;
    for id in [
        "abc",
        "0",
        "-1",
        "1.5",
        "1e3",
        "18446744073709551616",
        "99999999999999999999999",
        "%F0%9F%92%A9",
        "5%205",
        "%ff",
    ] {
        for path in [
            format!("/api/shopify/orders/{id}"),
            format!("/api/shopify/orders/{id}/tracking"),
            format!("/api/shopify/tracking?order_id={id}"),
        ] {
            let reply = harness.get(&path).await;
            assert_eq!(
                (reply.status, &reply.json["error"]["code"]),
                (400, &json!("BAD_REQUEST")),
                "{path}: {}",
                reply.text
            );
        }
    }
    assert_eq!(harness.simulator.calls().len(), 0);
    harness.stop().await;
}

#[tokio::test]
async fn triggers_that_are_none_are_explained() {
    let harness = Harness::start().await;
    for body in [
        json!({}),
        json!({ "type": "half" }),
        json!({ "type": "full", "days": 0 }),
        json!({ "type": "full", "days": 61 }),
        json!({ "type": "full", "days": "x" }),
        json!({ "type": "full", "site": "xx" }),
        json!({ "type": "full", "site": "u k" }),
        // A slip must not sweep everything.
        json!({ "type": "full", "sites": "uk" }),
        json!([]),
        json!({ "type": 7 }),
    ] {
        let reply = harness.post("/api/warmup/trigger", &body).await;
        assert_eq!(
            (reply.status, &reply.json["error"]["code"]),
            (400, &json!("BAD_REQUEST")),
            "{body}: {}",
            reply.text
        );
    }
    assert_eq!(harness.get("/api/warmup/history?limit=x").await.status, 400);
    assert_eq!(harness.simulator.calls().len(), 0);
    harness.stop().await;
}

#[tokio::test]
#[expect(
    clippy::too_many_lines,
    reason = "one story, told from its beginning to its end"
)]
async fn strangers_get_nothing_and_each_token_its_own() {
    let harness = Harness::start().await;
    let lookup = [
        "/api/shopify/orders/search?q=UK1",
        "/api/shopify/orders/1",
        "/api/shopify/orders/1/tracking",
        "/api/shopify/tracking?order_id=1",
        "/api/shopify/sites",
    ];
    let manage = ["/api/warmup/status", "/api/warmup/history"];
    let status = async |path: &str, token: Option<&str>| {
        let request = harness.http.get(harness.url(path));
        let request = if let Some(token) = token {
            request.header("x-api-key", token)
        } else {
            request
        };
        reply(request).await.status
    };
    for path in lookup {
        assert_eq!(
            (status(path, None).await, status(path, Some("wrong")).await),
            (401, 401),
            "{path}"
        );
        assert_eq!(
            (
                status(path, Some(LOOKUP_TOKEN)).await,
                status(path, Some(ADMIN_TOKEN)).await
            ),
            (200, 200),
            "{path}"
        );
    }
    for path in manage {
        assert_eq!(
            (
                status(path, None).await,
                status(path, Some(LOOKUP_TOKEN)).await
            ),
            (401, 401),
            "{path}"
        );
        assert_eq!(status(path, Some(ADMIN_TOKEN)).await, 200, "{path}");
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(status(path, None).await, 200, "{path}");
    }
    for path in ["/api/warmup/trigger", "/api/warmup/stop"] {
        assert_eq!(
            reply(
                harness
                    .http
                    .post(harness.url(path))
                    .bearer_auth(LOOKUP_TOKEN)
            )
            .await
            .status,
            401,
            "{path}"
        );
    }
    harness.stop().await;
}

#[tokio::test]
async fn unknown_routes_and_methods_are_answered_in_our_shape() {
    let harness = Harness::start().await;
    let reply_ = harness.get("/api/nothing").await;
    assert_eq!(
        (reply_.status, &reply_.json["error"]["code"]),
        (404, &json!("NOT_FOUND"))
    );
    let reply_ = harness.get("/webhooks/shopify").await;
    assert_eq!(
        (reply_.status, &reply_.json["error"]["code"]),
        (405, &json!("METHOD_NOT_ALLOWED"))
    );
    harness.stop().await;
}

#[tokio::test]
async fn logs_and_errors_hold_no_personal_data() {
    // The status is what anybody with the admin token shares around: it must hold no customer's data.
    let harness = Harness::start().await;
    let id = harness.simulator.shop().place_order(
        NewOrder::default()
            .email("planted@example.com")
            .note("planted-note"),
    );
    harness.simulator.settled().await;
    harness.by_id(id).await;
    for path in [
        "/api/warmup/status",
        "/api/warmup/history",
        "/readyz",
        "/healthz",
    ] {
        assert!(!harness.get(path).await.text.contains("planted"), "{path}");
    }
    harness.stop().await;
}
