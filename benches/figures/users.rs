//! Whether a customer whose order is not cached feels that a sweep is going on: the same cold lookups with warming off and on,
//! in turns, so that what else the machine does falls on both.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::{
    latency::Latencies,
    stage::Stage,
    table::{Row, Table},
    wire::{Connection, get},
};

/// Orders to ask for that no sweep warms. Each is asked for once.
pub(crate) const COLD_ORDERS: u32 = 4000;
/// Turns of each: off, on, off, on …
const TURNS: usize = 3;
/// Lookups of a turn, one asker after the other's answer.
const LOOKUPS_ALONE: usize = 200;
/// Lookups of a turn with four askers at once.
const LOOKUPS_TOGETHER: usize = 400;
const RATIO: f64 = 1.05;

/// What is asked for: each order by its number.
struct Questions(std::vec::IntoIter<String>);

pub(crate) async fn measure(stage: &Stage, table: &mut Table) {
    let mut questions = Questions::of(stage);
    for (askers, lookups) in [(1, LOOKUPS_ALONE), (4, LOOKUPS_TOGETHER)] {
        // Connections, here and to Shopify, are there before anything counts.
        ask(stage, askers, questions.take(askers * 10)).await;
        let (mut off, mut on, mut pages) = (Vec::new(), Vec::new(), 0);
        for _ in 0..TURNS {
            off.extend(ask(stage, askers, questions.take(lookups)).await);
            let sweeping = Sweeping::begin(stage).await;
            on.extend(ask(stage, askers, questions.take(lookups)).await);
            pages += sweeping.end().await;
        }
        let (off, on) = (Latencies::of(off), Latencies::of(on));
        let ratio = on.percentile(99).as_secs_f64() / off.percentile(99).as_secs_f64();
        table.add(Row {
            what: format!(
                "foreground miss latency, warming on against off, askers at once: {askers}, {}",
                stage.kind
            ),
            measured: format!(
                "p99 ratio {ratio:.3}; off: {off}; on: {on}; {lookups} lookups × {TURNS} each, {pages} pages swept meanwhile"
            ),
            bar: Some(("p99 ratio ≤ 1.05", ratio <= RATIO)),
            part: "users",
        });
    }
    let waited = waited_ms(&mut stage.service.connect().await).await;
    table.add(Row {
        what: format!("users' wait caused by warming, {}", stage.kind),
        measured: format!("{waited} ms"),
        bar: Some(("0 ms", waited == 0)),
        part: "users",
    });
}

impl Questions {
    fn of(stage: &Stage) -> Self {
        let shop = stage.simulator.shop();
        // The oldest orders lie beyond the window.
        let cold = shop.order_ids().into_iter().rev();
        let cold = cold.take(COLD_ORDERS.try_into().expect("a small number"));
        let numbers = cold.map(|id| {
            let name = shop.order_name(id).expect("an order has a name");
            name.trim_start_matches('#').to_owned()
        });
        Self(numbers.collect::<Vec<_>>().into_iter())
    }

    fn take(&mut self, count: usize) -> Vec<String> {
        let numbers: Vec<_> = self.0.by_ref().take(count).collect();
        assert_eq!(numbers.len(), count, "the shop has too few cold orders");
        numbers
    }
}

/// Has so many askers share the numbers out; what each lookup took.
async fn ask(stage: &Stage, askers: usize, numbers: Vec<String>) -> Vec<Duration> {
    let mut asking = JoinSet::new();
    for share in numbers.chunks(numbers.len().div_ceil(askers)) {
        let (mut connection, share) = (stage.service.connect().await, share.to_vec());
        asking.spawn(async move {
            let mut latencies = Vec::with_capacity(share.len());
            for number in share {
                latencies.push(miss(&mut connection, &number).await);
            }
            latencies
        });
    }
    asking.join_all().await.concat()
}

async fn miss(connection: &mut Connection, number: &str) -> Duration {
    let request = get(&format!("/api/shopify/orders/search?q={number}"));
    let begun = Instant::now();
    let reply = connection.send(request.as_bytes()).await;
    let took = begun.elapsed();
    let missed = reply.status == 200
        && reply.holds("\"cached\":false")
        && reply.holds(&format!("\"order_number\":\"#{number}\""));
    assert!(missed, "no miss that was answered: {}", reply.text());
    took
}

async fn waited_ms(connection: &mut Connection) -> u64 {
    let reply = connection.get("/api/warmup/status").await;
    let waited = reply
        .json()
        .pointer("/data/users_waited_for_warming_ms")
        .and_then(serde_json::Value::as_u64);
    waited.expect("the status says what users waited for warming")
}

/// A full sweep that begins anew as soon as it ends.
struct Sweeping<'a> {
    stage: &'a Stage,
    pages_before: usize,
    over: Arc<AtomicBool>,
    keeper: JoinSet<()>,
}

impl<'a> Sweeping<'a> {
    async fn begin(stage: &'a Stage) -> Self {
        let (pages_before, over) = (pages(stage), Arc::new(AtomicBool::new(false)));
        let (mut connection, mut keeper) = (stage.service.connect().await, JoinSet::new());
        let heard = Arc::clone(&over);
        keeper.spawn(async move {
            while !heard.load(Ordering::Relaxed) {
                // Refused while one runs, which is what is wanted.
                connection.post("/api/warmup/trigger?type=full").await;
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            connection.post("/api/warmup/stop").await;
        });
        // The first page is under way when the lookups begin.
        while pages(stage) == pages_before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Self {
            stage,
            pages_before,
            over,
            keeper,
        }
    }

    /// Stops it and waits until it has stopped; how many pages it read.
    async fn end(self) -> usize {
        self.over.store(true, Ordering::Relaxed);
        self.keeper.join_all().await;
        let mut connection = self.stage.service.connect().await;
        loop {
            let reply = connection.get("/api/warmup/status").await;
            if !reply.holds("\"running\":true") {
                return pages(self.stage) - self.pages_before;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Pages of sweeps that Shopify was asked for: those of a search by number are smaller.
fn pages(stage: &Stage) -> usize {
    let calls = stage.simulator.calls_named("OrdersPage");
    let first = |call: &shopify_simulator::Call| {
        call.variables
            .get("first")
            .and_then(serde_json::Value::as_u64)
    };
    calls.iter().filter(|call| first(call) > Some(10)).count()
}
