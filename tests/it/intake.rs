//! The open route: what strangers and failing deliveries can not do to it.

use std::{io::ErrorKind, time::Duration};

use bytes::Bytes;
use serde_json::json;
use shopify_simulator::NewOrder;
use shopify_warmer::warm::Received;
use shopify_webhooks::Topic;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::harness::{Harness, Setup, now, until};
use crate::redis_server::RedisServer;

const MIB: usize = 1024 * 1024;

/// Begins a delivery of so many bytes that nobody signed.
async fn begin(harness: &Harness, length: usize) -> TcpStream {
    let mut stream = TcpStream::connect(harness.app.addr()).await.unwrap();
    let head = format!(
        "POST /webhooks/shopify HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         x-shopify-topic: orders/updated\r\nx-shopify-shop-domain: {}\r\n\
         x-shopify-hmac-sha256: {}\r\ncontent-length: {length}\r\n\r\n",
        harness.simulator.shop_domain(),
        harness.simulator.sign(b"something else"),
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

async fn status_line(stream: &mut TcpStream) -> String {
    let mut answer = vec![0; 400];
    let read = match stream.read(&mut answer).await {
        Ok(read) => read,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => 0,
        Err(error) => panic!("{error}"),
    };
    String::from_utf8_lossy(&answer[..read]).to_lowercase()
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_not_fill_the_memory_with_bodies_that_nobody_signed() {
    let harness = Harness::start().await;
    // Announcing costs nothing, so it takes no room from others.
    let mut announced = Vec::new();
    for _ in 0..8 {
        announced.push(begin(&harness, 16 * MIB).await);
    }
    let id = harness.simulator.shop().place_order(NewOrder::default());
    harness.simulator.settled().await;
    assert_eq!(harness.by_id(id).await.data()["cached"], true);
    drop(announced);

    let part = vec![b' '; 15 * MIB];
    let mut strangers = Vec::new();
    for _ in 0..4 {
        let mut stream = begin(&harness, 15 * MIB + 1).await;
        stream.write_all(&part).await.unwrap();
        strangers.push(stream);
    }
    // What is left of 64 MiB is less than this announces, once the others' bytes have arrived.
    let answer = until("it is turned away before it is read", || async {
        let mut stream = begin(&harness, 8 * MIB).await;
        let answer = tokio::time::timeout(Duration::from_millis(100), status_line(&mut stream));
        answer.await.ok().filter(|answer| !answer.is_empty())
    })
    .await;
    assert!(answer.starts_with("http/1.1 503"), "{answer}");
    assert!(answer.contains("retry-after: 1"), "{answer}");
    // Deliveries of the usual size still find room.
    harness.simulator.shop().touch(id).unwrap();
    harness.simulator.settled().await;
    let last = harness.simulator.deliveries().pop().unwrap();
    assert_eq!(last.attempts.len(), 1, "a small delivery was turned away");

    // Whoever goes, or ends, gives the room back.
    for stream in &mut strangers {
        stream.write_all(b" ").await.unwrap();
        assert!(status_line(stream).await.starts_with("http/1.1 401"));
    }
    let mut stream = begin(&harness, 8 * MIB).await;
    stream.write_all(&part[..8 * MIB]).await.unwrap();
    assert!(status_line(&mut stream).await.starts_with("http/1.1 401"));
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_fails_does_not_hold_up_those_behind_it() {
    let redis = RedisServer::start().await;
    let harness = Setup::default().set("REDIS_URL", redis.url()).start().await;
    let shop = harness.simulator.shop();
    harness.simulator.set_topics(["refunds/create"]);
    let (failing, behind) = (
        shop.place_order(NewOrder::default()),
        shop.place_order(NewOrder::default()),
    );
    // Somebody else's value where the refresh set belongs: what has to be fetched cannot be noted.
    let key = "shopify:{uk}:refresh";
    redis.cli::<()>(&["SET", key, "in the way"]).await;
    shop.refund(failing).unwrap();
    harness.simulator.settled().await;
    let inbox = harness.app.state().inbox.clone();
    assert_eq!(inbox.len().unwrap(), 1, "it was acknowledged, and waits");
    let delivery = Received {
        site: "uk".parse().unwrap(),
        shop_domain: harness.simulator.shop_domain().parse().unwrap(),
        topic: Topic::OrdersCreate,
        triggered_at: Some(now()),
        received_at: now(),
        body: Bytes::from(json!(shop.rest_order(behind).unwrap()).to_string()),
    };
    inbox.keep(&delivery).unwrap();
    until("what is behind it is applied", || async {
        let (store, uk) = (&harness.app.state().store, "uk".parse().unwrap());
        let order = shopify_warmer::order::OrderId::new(behind).unwrap();
        let found = store.order(&uk, order, now()).await.unwrap();
        matches!(found, shopify_warmer::store::Found::Order(_)).then_some(())
    })
    .await;
    until("only the failing one waits", || async {
        (inbox.len().unwrap() == 1).then_some(())
    })
    .await;
    redis.cli::<()>(&["DEL", key]).await;
    until("the inbox is empty", || async {
        inbox.is_empty().unwrap().then_some(())
    })
    .await;
    harness.stop().await;
}
