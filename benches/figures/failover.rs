//! A Redis master killed under webhooks, with two replicas and three Sentinels: what is lost, and how long it takes.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use shopify_simulator::NewOrder;
use tokio::task::JoinSet;

use crate::{
    latency::Latencies,
    redis_sentinel::SentinelTrio,
    stage::Stage,
    table::{Row, Table},
    wire::{Connection, HOST},
};

/// Between two webhooks: fifty a second.
const PAUSE: Duration = Duration::from_millis(20);
/// Webhooks before the master is killed, and after the service has its store again.
const BEFORE: Duration = Duration::from_secs(2);
const AFTER: Duration = Duration::from_secs(3);
/// Longer than a failover takes.
const MOST_WEBHOOKS: u32 = 3000;
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How a delivery was answered.
struct Answer {
    order: u64,
    status: u16,
    after: Duration,
}

/// When things happened, counted from when the master was killed.
struct Recovery {
    /// The service can write to its store again.
    ready: Duration,
    /// All that waited in the inbox is in the store.
    drained: Duration,
}

pub(crate) async fn measure(table: &mut Table) {
    let mut trio = SentinelTrio::start().await;
    let stage = Stage::on(trio.url()).await;
    // Only the webhooks of this script are sent.
    stage.simulator.set_topics([]);
    let (end, ended) = tokio::sync::watch::channel(false);
    let (answers, recovery) = tokio::join!(webhooks(&stage, ended), async {
        tokio::time::sleep(BEFORE).await;
        let recovery = fail(&mut trio, &stage).await;
        tokio::time::sleep(AFTER).await;
        end.send_replace(true);
        recovery
    });
    let lost = lost(&stage, &answers).await;
    tell(&answers, &recovery, lost, table);
}

/// Kills the master and watches the service recover.
async fn fail(trio: &mut SentinelTrio, stage: &Stage) -> Recovery {
    let mut look = stage.service.connect().await;
    let killed = Instant::now();
    trio.kill_master().await;
    for status in [503, 200] {
        while look.get("/readyz").await.status != status {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
    let ready = killed.elapsed();
    loop {
        let status = look.get("/api/warmup/status").await;
        if status.json().pointer("/data/inbox") == Some(&0.into()) {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Recovery {
        ready,
        drained: killed.elapsed(),
    }
}

/// A new order each time, each delivery on a connection of its own so that none waits for another's answer.
async fn webhooks(stage: &Stage, ended: tokio::sync::watch::Receiver<bool>) -> Vec<Answer> {
    let mut posting = JoinSet::new();
    let mut ticks = tokio::time::interval(PAUSE);
    for _ in 0..MOST_WEBHOOKS {
        if *ended.borrow() {
            break;
        }
        ticks.tick().await;
        let shop = stage.simulator.shop();
        let order = shop.place_order(NewOrder::default());
        let request = request(stage, order);
        let addr = stage.service.addr;
        posting.spawn(async move {
            let sent = Instant::now();
            let reply = Connection::open(addr).await.send(&request).await;
            Answer {
                order,
                status: reply.status,
                after: sent.elapsed(),
            }
        });
    }
    posting.join_all().await
}

fn request(stage: &Stage, order: u64) -> Vec<u8> {
    let simulator = &stage.simulator;
    let body = simulator
        .shop()
        .webhook_body("orders/create", order)
        .expect("an order of the shop");
    let head = format!(
        "POST /webhooks/shopify HTTP/1.1\r\n{HOST}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         x-shopify-topic: orders/create\r\nx-shopify-shop-domain: {domain}\r\nx-shopify-hmac-sha256: {signature}\r\n\
         x-shopify-triggered-at: {at}\r\n\r\n",
        length = body.len(),
        domain = simulator.shop_domain(),
        signature = simulator.sign(&body),
        at = simulator.clock().now().to_rfc3339(),
    );
    [head.as_bytes(), &body].concat()
}

/// Orders of deliveries answered 200 that a lookup does not find in the cache.
async fn lost(stage: &Stage, answers: &[Answer]) -> usize {
    let mut look = stage.service.connect().await;
    let acknowledged = answers.iter().filter(|answer| answer.status == 200);
    let orders: BTreeSet<_> = acknowledged.map(|answer| answer.order).collect();
    let mut lost = 0;
    for order in orders {
        let reply = look.get(&format!("/api/shopify/orders/{order}")).await;
        if !reply.holds("\"cached\":true") {
            lost += 1;
        }
    }
    lost
}

fn tell(answers: &[Answer], recovery: &Recovery, lost: usize, table: &mut Table) {
    let acknowledged = answers.iter().filter(|answer| answer.status == 200).count();
    table.add(Row {
        what: "Redis master killed behind Sentinel, webhooks at 50/s: acknowledged deliveries lost"
            .to_owned(),
        measured: format!(
            "{lost} of {acknowledged}; {} refused",
            answers.len() - acknowledged
        ),
        bar: Some(("0 lost", lost == 0)),
        part: "failover",
    });
    let (ready, drained) = (recovery.ready.as_secs_f64(), recovery.drained.as_secs_f64());
    table.add(Row {
        what: "the same: master killed to store in use again (Sentinel's own second of patience included), and to inbox drained"
            .to_owned(),
        measured: format!("{ready:.1} s, {drained:.1} s"),
        bar: None,
        part: "failover",
    });
    let after = Latencies::of(answers.iter().map(|answer| answer.after).collect());
    table.add(Row {
        what: "the same: webhooks sent to answered, all the while".to_owned(),
        measured: after.to_string(),
        bar: None,
        part: "failover",
    });
}
