//! A customer is forgotten; a shop removes the app and installs it again.

use serde_json::{Value, json};
use shopify_simulator::NewOrder;

use crate::harness::{is_signed, post_raw, shop_with_receiver};

async fn shop_name(simulator: &shopify_simulator::Simulator) -> u16 {
    let asked = json!({ "query": "{ shop { name } }" });
    post_raw(simulator, &asked).await.status().as_u16()
}

#[tokio::test]
async fn a_customer_is_forgotten_by_the_shop_too() {
    let (simulator, receiver) = shop_with_receiver().await;
    let shop = simulator.shop();
    simulator.set_topics(["customers/redact", "customers/data_request"]);
    let jane = || NewOrder::default().email("jane@example.com");
    let (one, two) = (shop.place_order(jane()), shop.place_order(jane()));
    let other = shop.place_order(NewOrder::default());
    shop.request_data(one).unwrap();
    shop.redact_customer(one, &[one]).unwrap();
    simulator.settled().await;
    let arrived = receiver.received();
    let topics: Vec<_> = arrived.iter().map(|one| one.topic().to_owned()).collect();
    assert_eq!(topics, ["customers/data_request", "customers/redact"]);
    let demand = arrived[1].json();
    assert_eq!(demand["customer"]["email"], "jane@example.com");
    assert_eq!(demand["orders_to_redact"], json!([one]));
    assert_eq!(demand["shop_domain"], simulator.shop_domain());
    assert!(arrived.iter().all(|one| is_signed(one, "a secret")));
    for order in [one, two] {
        let told = shop.rest_order(order).unwrap();
        assert_eq!(told["email"], Value::Null);
        assert_eq!(told["customer"], Value::Null);
        assert_eq!(told["shipping_address"], Value::Null);
    }
    assert!(shop.rest_order(other).unwrap()["customer"].is_object());
}

#[tokio::test]
async fn a_removed_app_is_let_in_again_once_it_is_installed() {
    let (simulator, receiver) = shop_with_receiver().await;
    let token = simulator.access_token();
    assert_eq!(shop_name(&simulator).await, 200);
    simulator.uninstall();
    simulator.settled().await;
    assert_eq!(
        receiver.received().pop().unwrap().topic(),
        "app/uninstalled"
    );
    assert_eq!(shop_name(&simulator).await, 401);
    simulator.redact_shop();
    simulator.settled().await;
    assert_eq!(receiver.received().pop().unwrap().topic(), "shop/redact");
    simulator.reinstall();
    assert_eq!(simulator.access_token(), token);
    assert_eq!(shop_name(&simulator).await, 200);
}
