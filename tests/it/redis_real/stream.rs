//! A stream of webhooks while something happens to Redis, and what must have become of it.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use serde_json::Value;
use shopify_simulator::{Call, NewOrder};

use crate::harness::{Harness, now, until};

/// Between two webhooks: fifty a second.
const PAUSE: Duration = Duration::from_millis(20);
/// How long webhooks go on after all has been done.
const AFTER: Duration = Duration::from_secs(2);

/// What was posted and how it was answered.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The orders of deliveries answered 200, each with the newest `updated_at` that was told.
    pub(super) acknowledged: BTreeMap<u64, DateTime<Utc>>,
    /// How many deliveries were answered 200.
    pub(super) deliveries: usize,
    /// Statuses of deliveries answered otherwise.
    pub(super) refused: Vec<u16>,
    /// The longest wait for an answer.
    pub(super) longest: Duration,
}

/// Posts webhooks at the pace of a busy shop, one in three of an order told of before, while `deed` is done and a little longer.
pub(super) async fn webhooks_during<T>(
    harness: &Harness,
    deed: impl Future<Output = T>,
) -> (Told, T) {
    // Only these are sent, so that each is known.
    harness.simulator.set_topics([]);
    let mut told = Told::default();
    let mut open = FuturesUnordered::new();
    let mut ticks = tokio::time::interval(PAUSE);
    let (mut posted, mut done, mut until) = (Vec::new(), None, None);
    let mut deed = Box::pin(deed);
    while until.is_none_or(|until| Instant::now() < until) {
        tokio::select! {
            result = &mut deed, if done.is_none() => {
                done = Some(result);
                until = Some(Instant::now() + AFTER);
            }
            _ = ticks.tick() => open.push(post(harness, &mut posted)),
            Some(answer) = open.next() => told.note(answer),
        }
    }
    while let Some(answer) = open.next().await {
        told.note(answer);
    }
    (told, done.unwrap())
}

type Answer = (u64, DateTime<Utc>, u16, Duration);

fn post<'a>(harness: &'a Harness, posted: &mut Vec<u64>) -> impl Future<Output = Answer> + use<'a> {
    let shop = harness.simulator.shop();
    let is_old = posted.len() % 3 == 2;
    let order = if is_old {
        let order = posted[posted.len() / 2];
        shop.touch(order).unwrap();
        order
    } else {
        shop.place_order(NewOrder::default())
    };
    posted.push(order);
    let topic = if is_old {
        "orders/updated"
    } else {
        "orders/create"
    };
    let body = shop.webhook_body(topic, order).unwrap();
    let updated_at = shop.updated_at(order).unwrap();
    let asked = Instant::now();
    // By one client for all: the simulator's own takes a new one for each delivery by hand.
    let request = harness
        .http
        .post(harness.url("/webhooks/shopify"))
        .header("X-Shopify-Topic", topic)
        .header("X-Shopify-Shop-Domain", harness.simulator.shop_domain())
        .header("X-Shopify-Hmac-Sha256", harness.simulator.sign(&body))
        .header("X-Shopify-Triggered-At", now().to_rfc3339())
        .body(body);
    async move {
        let status = request.send().await.unwrap().status().as_u16();
        (order, updated_at, status, asked.elapsed())
    }
}

impl Told {
    fn note(&mut self, (order, updated_at, status, waited): Answer) {
        self.longest = self.longest.max(waited);
        if status != 200 {
            self.refused.push(status);
            return;
        }
        self.deliveries += 1;
        let newest = self.acknowledged.entry(order).or_insert(updated_at);
        *newest = updated_at.max(*newest);
    }

    /// All that was acknowledged is served from the cache, by id and by number, and as it was told.
    pub(super) async fn is_all_there(&self, harness: &Harness) {
        assert!(self.refused.is_empty(), "{:?}", self.refused);
        assert!(self.deliveries > 50, "{}", self.deliveries);
        // Shopify gives up after five seconds.
        assert!(self.longest < Duration::from_secs(5), "{:?}", self.longest);
        until("the inbox is empty", || async {
            harness.app.state().inbox.is_empty().unwrap().then_some(())
        })
        .await;
        harness.simulator.clear_calls();
        for (order, updated_at) in &self.acknowledged {
            let name = harness.simulator.shop().order_name(*order).unwrap();
            for reply in [harness.by_id(*order).await, harness.search(&name).await] {
                let data = reply.data();
                assert_eq!(
                    data["cached"], true,
                    "order {order} ({name}): {}",
                    reply.text
                );
                assert_eq!(data["order"]["order_number"], name.as_str());
                let told: DateTime<Utc> = read(&data["order"]["updated_at"]);
                assert!(
                    told >= whole_seconds(*updated_at),
                    "order {order}: {told} < {updated_at}"
                );
            }
        }
        let calls = calls_of_lookups(harness);
        assert!(calls.is_empty(), "answered without Shopify: {calls:?}");
    }
}

/// The calls by which a lookup asks. A sweep whose last page went with the old master may still be reading it again.
pub(super) fn calls_of_lookups(harness: &Harness) -> Vec<Call> {
    let mut calls = harness.simulator.calls();
    calls.retain(|call| {
        let query = call.variables["query"].as_str().unwrap_or_default();
        call.operation == "OrderById" || query.contains("name:")
    });
    calls
}

fn read(at: &Value) -> DateTime<Utc> {
    at.as_str().unwrap().parse().unwrap()
}

/// Shopify tells its times in whole seconds.
fn whole_seconds(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(at.timestamp(), 0).unwrap()
}
