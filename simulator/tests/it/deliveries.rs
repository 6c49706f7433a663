//! Webhooks on their way: retries, faults, redeliveries.

use std::time::Duration;

use shopify_simulator::{DeliveryFault, DeliveryOutcome, NewOrder, Simulator, Times};

use crate::harness::{Receiver, is_signed, noon, shop_with_receiver};

#[tokio::test]
async fn failures_are_retried_eight_times_in_four_hours() {
    let (simulator, receiver) = shop_with_receiver().await;
    simulator.set_topics(["orders/create"]);
    receiver.answer(503);
    simulator.shop().place_order(NewOrder::default());
    simulator.settled().await;
    for minutes in [1, 2, 4, 8, 16, 32, 64, 113] {
        let before = receiver.received().len();
        simulator
            .clock()
            .advance(Duration::from_secs(minutes * 60 - 1));
        simulator.settled().await;
        assert_eq!(receiver.received().len(), before, "not yet");
        simulator.clock().advance(Duration::from_secs(1));
        simulator.settled().await;
        assert_eq!(receiver.received().len(), before + 1);
    }
    simulator.clock().advance(Duration::from_secs(86_400));
    simulator.settled().await;
    let arrived = receiver.received();
    assert_eq!(arrived.len(), 9);
    assert!(
        arrived
            .iter()
            .all(|one| one.headers == arrived[0].headers && one.body == arrived[0].body)
    );
    let delivery = &simulator.deliveries()[0];
    assert_eq!(delivery.outcome, DeliveryOutcome::GivenUp);
    assert_eq!(
        delivery.attempts.last().unwrap().at,
        noon() + chrono::TimeDelta::hours(4)
    );
    assert_eq!(delivery.attempts[0].status, Some(503));
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_a_later_success_ends_the_retries() {
    let (simulator, receiver) = shop_with_receiver().await;
    simulator.set_topics(["orders/create"]);
    receiver.answer(302);
    simulator.shop().place_order(NewOrder::default());
    simulator.settled().await;
    assert_eq!(simulator.deliveries()[0].outcome, DeliveryOutcome::Pending);
    receiver.answer(204);
    simulator.clock().advance(Duration::from_secs(60));
    simulator.settled().await;
    assert_eq!(
        simulator.deliveries()[0].outcome,
        DeliveryOutcome::Delivered
    );
    assert_eq!(receiver.received().len(), 2);
}

#[tokio::test]
async fn faults_drop_duplicate_delay_and_missign() {
    let (simulator, receiver) = shop_with_receiver().await;
    simulator.set_topics(["orders/create"]);
    let faults = simulator.faults();
    let place = async || {
        simulator.shop().place_order(NewOrder::default());
        simulator.settled().await;
        receiver.received().len()
    };
    faults.deliveries_on("orders/create", DeliveryFault::Drop, Times::Next(1));
    assert_eq!(place().await, 0);
    assert_eq!(simulator.deliveries()[0].outcome, DeliveryOutcome::Dropped);
    faults.deliveries(DeliveryFault::Duplicate, Times::Next(1));
    assert_eq!(place().await, 2);
    assert_eq!(
        receiver.received()[0].headers,
        receiver.received()[1].headers
    );
    faults.deliveries(
        DeliveryFault::Delay(Duration::from_secs(90)),
        Times::Next(1),
    );
    assert_eq!(place().await, 2);
    simulator.clock().advance(Duration::from_secs(90));
    simulator.settled().await;
    assert_eq!(receiver.received().len(), 3);
    faults.deliveries(DeliveryFault::WrongSecret, Times::Next(1));
    assert_eq!(place().await, 4);
    assert!(!is_signed(&receiver.received()[3], "a secret"));
    assert_eq!(faults.unused(), 0);
    simulator.stop_delivering();
    assert_eq!(place().await, 4);
}

#[tokio::test]
async fn deliveries_can_be_reordered_and_old_ones_sent_again() {
    let (simulator, receiver) = shop_with_receiver().await;
    simulator.set_topics(["orders/create", "orders/updated"]);
    let shop = simulator.shop();
    simulator
        .faults()
        .deliveries(DeliveryFault::Reorder, Times::Next(2));
    let order = shop.place_order(NewOrder::default());
    simulator.settled().await;
    assert!(receiver.received().is_empty());
    simulator.clock().advance(Duration::from_secs(10));
    shop.set_note(order, Some("newer")).unwrap();
    simulator.settled().await;
    assert_eq!(receiver.topics(), ["orders/updated", "orders/create"]);

    simulator.clock().advance(Duration::from_secs(3600));
    let old = simulator
        .deliveries()
        .into_iter()
        .find(|one| one.topic == "orders/create")
        .unwrap();
    assert_eq!(old.order, Some(order));
    simulator.redeliver(&old);
    simulator.settled().await;
    let arrived = receiver.received();
    assert_eq!(
        (&arrived[2].headers, &arrived[2].body),
        (&arrived[1].headers, &arrived[1].body)
    );

    let at = noon() - chrono::TimeDelta::days(1);
    let status = simulator
        .deliver("app/uninstalled", "{}", at)
        .await
        .unwrap();
    assert_eq!(status, 200);
    let last = receiver.received().pop().unwrap();
    assert!(is_signed(&last, "a secret"));
    assert_eq!(
        last.header("x-shopify-triggered-at"),
        "2026-11-21T12:00:00.000000000Z"
    );
}

#[tokio::test]
async fn live_traffic_places_ships_and_tracks() {
    let receiver = Receiver::start().await;
    let simulator = Simulator::builder()
        .orders(5)
        .deliver_to(&receiver.url)
        .start()
        .await
        .unwrap();
    simulator.live_traffic(500.0);
    let busy = async {
        while receiver.received().len() < 20 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), busy)
        .await
        .unwrap();
    let topics = receiver.topics();
    assert!(
        topics.iter().any(|topic| topic == "orders/create"),
        "{topics:?}"
    );
    simulator.stop().await;
}
