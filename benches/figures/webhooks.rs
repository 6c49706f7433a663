//! From the answer to a delivery until a lookup shows what it brought.

use std::time::{Duration, Instant};

use chrono::SecondsFormat;
use tokio::task::JoinSet;

use crate::{
    latency::Latencies,
    stage::Stage,
    table::{Row, Table},
    wire::{Connection, HOST},
};

const CHANGES: usize = 500;
const P99: Duration = Duration::from_millis(50);
/// A change that is not seen by then never will be.
const SEEN_WITHIN: Duration = Duration::from_secs(10);

/// How a change went.
#[derive(Debug, Clone, Copy)]
struct Seen {
    answered_after: Duration,
    visible_after: Duration,
}

/// What is told, and where it must be seen.
#[derive(Debug)]
struct Change {
    request: Vec<u8>,
    lookup: String,
    note: String,
}

pub(crate) async fn measure(stage: &Stage, table: &mut Table) {
    measure_with(1, "one after the other", stage, table).await;
    measure_with(20, "20 at once", stage, table).await;
}

async fn measure_with(at_once: usize, how: &str, stage: &Stage, table: &mut Table) {
    let ids: Vec<_> = stage.simulator.shop().order_ids();
    let ids: Vec<_> = ids.into_iter().take(CHANGES).collect();
    let mut telling = JoinSet::new();
    for ids in ids.chunks(CHANGES.div_ceil(at_once)) {
        let (mut post, mut look) = (stage.service.connect().await, stage.service.connect().await);
        let (simulator, ids) = (stage.simulator.clone(), ids.to_vec());
        let note = format!("told {how}, {}", stage.kind);
        telling.spawn(async move {
            let mut seen = Vec::new();
            for id in ids {
                let change = change(&simulator, id, &format!("{note}: {id}"));
                seen.push(tell(&change, &mut post, &mut look).await);
            }
            seen
        });
    }
    let seen = telling.join_all().await.concat();
    let answered = Latencies::of(seen.iter().map(|seen| seen.answered_after).collect());
    let visible = Latencies::of(seen.iter().map(|seen| seen.visible_after).collect());
    let kind = stage.kind;
    table.add(Row {
        what: format!("{CHANGES} webhooks {how}: answered to visible in a lookup, {kind}"),
        measured: visible.to_string(),
        bar: Some(("p99 < 50 ms", visible.percentile(99) < P99)),
        part: "webhooks",
    });
    table.add(Row {
        what: format!("the same webhooks: sent to answered, {kind}"),
        measured: answered.to_string(),
        bar: None,
        part: "webhooks",
    });
}

/// Changes an order in the shop, which sends no webhooks of its own here, and spells the webhook out.
fn change(simulator: &shopify_simulator::Simulator, id: u64, note: &str) -> Change {
    let shop = simulator.shop();
    shop.set_note(id, Some(note)).expect("an order of the shop");
    let body = shop
        .webhook_body("orders/updated", id)
        .expect("an order of the shop");
    let triggered_at = simulator.clock().now();
    let head = format!(
        "POST /webhooks/shopify HTTP/1.1\r\n{HOST}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\nx-shopify-topic: orders/updated\r\nx-shopify-shop-domain: {domain}\r\n\
         x-shopify-hmac-sha256: {signature}\r\nx-shopify-webhook-id: figures-{id}\r\nx-shopify-event-id: figures-{id}\r\n\
         x-shopify-api-version: 2026-10\r\nx-shopify-triggered-at: {triggered_at}\r\n\r\n",
        length = body.len(),
        domain = simulator.shop_domain(),
        signature = simulator.sign(&body),
        triggered_at = triggered_at.to_rfc3339_opts(SecondsFormat::Nanos, true),
    );
    Change {
        request: [head.as_bytes(), &body].concat(),
        lookup: format!("/api/shopify/orders/{id}"),
        note: format!("\"note\":\"{note}\""),
    }
}

async fn tell(change: &Change, post: &mut Connection, look: &mut Connection) -> Seen {
    let sent = Instant::now();
    let reply = post.send(&change.request).await;
    let answered = Instant::now();
    assert_eq!(
        reply.status,
        200,
        "a delivery was refused: {}",
        reply.text()
    );
    loop {
        let reply = look.get(&change.lookup).await;
        let visible_after = answered.elapsed();
        if reply.holds(&change.note) {
            return Seen {
                answered_after: answered - sent,
                visible_after,
            };
        }
        assert!(
            visible_after < SEEN_WITHIN,
            "a change was never seen: {}",
            reply.text()
        );
    }
}
