//! With `LOOKUP_VERIFY=contact` a stranger who knows an order number learns its state and nothing of its customer.

use serde_json::Value;
use shopify_simulator::{Address, NewFulfillment, NewOrder};

use crate::harness::{Harness, Setup};

const SECRETS: [&str; 6] = [
    "planted@example.com",
    "Planted Name",
    "1 Planted Street",
    "SW1A 1AA",
    "RM123456785GB",
    "planted note",
];

async fn shop(verify: &str) -> (Harness, u64) {
    let harness = Setup::default().set("LOOKUP_VERIFY", verify).start().await;
    let shop = harness.simulator.shop();
    let address = Address {
        first_name: "Planted".to_owned(),
        last_name: "Name".to_owned(),
        company: None,
        address1: "1 Planted Street".to_owned(),
        address2: None,
        city: "London".to_owned(),
        province: None,
        province_code: None,
        zip: "SW1A 1AA".to_owned(),
        country: "United Kingdom".to_owned(),
        country_code: "GB".to_owned(),
        phone: None,
    };
    let order = NewOrder::default()
        .email("planted@example.com")
        .note("planted note")
        .address(address);
    let id = shop.place_order(order);
    let parcel = NewFulfillment::default()
        .company("royal mail")
        .number("RM123456785GB");
    shop.fulfill(id, parcel).unwrap();
    harness.simulator.settled().await;
    (harness, id)
}

/// Every route that tells of one order.
fn routes(id: u64, number: &str) -> [String; 5] {
    let number = number.trim_start_matches('#');
    [
        format!("/api/shopify/orders/search?q={number}"),
        format!("/api/shopify/orders/global-search?q={number}"),
        format!("/api/shopify/orders/{id}?site=uk"),
        format!("/api/shopify/orders/{id}/tracking?site=uk"),
        format!("/api/shopify/tracking?order_id={id}"),
    ]
}

fn number_of(harness: &Harness, id: u64) -> String {
    harness.simulator.shop().order_name(id).unwrap()
}

#[tokio::test]
async fn without_the_contact_only_the_state_is_told() {
    let (harness, id) = shop("contact").await;
    for route in routes(id, &number_of(&harness, id)) {
        for (proof, code) in [
            ("", "CONTACT_REQUIRED"),
            ("&email=&zip=", "CONTACT_REQUIRED"),
            ("&email=other@example.com", "CONTACT_MISMATCH"),
            ("&zip=SW1A", "CONTACT_MISMATCH"),
        ] {
            let join = if route.contains('?') {
                proof.to_owned()
            } else {
                proof.replacen('&', "?", 1)
            };
            let reply = harness.get(&format!("{route}{join}")).await;
            let data = reply.data();
            assert_eq!(data["verified"], false, "{route}{proof}");
            assert!(
                data["message"].as_str().unwrap().starts_with(code),
                "{data}"
            );
            assert!(
                data["message_zh"].as_str().unwrap().starts_with(code),
                "{data}"
            );
            for secret in SECRETS {
                assert!(!reply.text.contains(secret), "{secret} in {}", reply.text);
            }
            assert!(!reply.text.contains("http"), "a link: {}", reply.text);
            let told = if data["order"].is_object() {
                &data["order"]
            } else {
                &data["tracking"]
            };
            assert_eq!(told["fulfillment_status"], "fulfilled", "{data}");
            assert_eq!(told["fulfillment_status_zh"], "已发货", "{data}");
        }
    }
    harness.stop().await;
}

#[tokio::test]
async fn with_one_of_them_all_is_told() {
    let (harness, id) = shop("contact").await;
    for route in routes(id, &number_of(&harness, id)) {
        let join = if route.contains('?') { '&' } else { '?' };
        for proof in [
            "email=%20Planted%40EXAMPLE.com",
            "zip=sw1a1aa",
            "zip=SW1A%201AA&email=wrong@example.com",
        ] {
            let reply = harness.get(&format!("{route}{join}{proof}")).await;
            assert_eq!(reply.data()["verified"], true, "{route}{join}{proof}");
            assert_eq!(reply.data()["message"], Value::Null);
            assert!(reply.text.contains("RM123456785GB"), "{}", reply.text);
            assert!(
                reply.text.contains("royalmail.com"),
                "a link is made: {}",
                reply.text
            );
        }
        let bad = harness.get(&format!("{route}{join}email=nobody")).await;
        assert_eq!(bad.status, 400, "{}", bad.text);
        assert!(
            bad.text.contains("email is no e-mail address"),
            "{}",
            bad.text
        );
    }
    harness.stop().await;
}

#[tokio::test]
async fn by_default_nothing_is_asked() {
    let (harness, id) = shop("off").await;
    let reply = harness
        .get(&format!("/api/shopify/orders/{id}?email=nonsense"))
        .await;
    assert_eq!(reply.data()["verified"], Value::Null);
    assert_eq!(
        reply.data()["order"]["customer_email"],
        "planted@example.com"
    );
    let unknown = harness.get("/api/shopify/orders/search?q=UK99999999").await;
    assert!(
        unknown.data()["message"]
            .as_str()
            .unwrap()
            .starts_with("ORDER_NOT_FOUND")
    );
    harness.stop().await;
}
