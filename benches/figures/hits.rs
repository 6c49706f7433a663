//! Lookups by number that hit: from clients that ask again as soon as they are answered, and from clients that pause.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    task::JoinSet,
    time::{interval, sleep},
};

use crate::{
    cpu::Watch,
    latency::Latencies,
    stage::{ORDERS, Stage},
    table::{Row, Table},
    wire::{Connection, get},
};

const CLIENTS: u32 = 50;
const REQUESTS: usize = 20_000;
const PACED_REQUESTS: usize = 4_000;
/// Between two requests of one client: 1,000 requests a second altogether, far beyond what a shop's customers ask.
const PAUSE: Duration = Duration::from_millis(50);
const P99: Duration = Duration::from_millis(5);

/// A request, and what its answer must hold.
#[derive(Debug)]
struct Question {
    request: String,
    number: String,
}

/// When a client asks again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    AtOnce,
    Paced,
}

pub(crate) async fn measure(stage: &Stage, table: &mut Table) {
    let questions: Arc<[Question]> = questions(stage).into();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(stage.service.connect().await);
    }
    let (clients, _) = ask(clients, &questions, questions.len(), Pace::AtOnce).await;
    stage.simulator.clear_calls();

    let (begun, cpu) = (Instant::now(), Watch::begin(stage));
    let (clients, latencies) = ask(clients, &questions, REQUESTS, Pace::AtOnce).await;
    let took = begun.elapsed();
    let cpu = cpu.end(stage, count(&latencies));
    let per_second = f64::from(count(&latencies)) / took.as_secs_f64();
    let how = format!("{CLIENTS} clients who ask again at once");
    let more = format!("{per_second:.0} requests/s{cpu}");
    table.add(row(&how, latencies, &more, stage));

    let cpu = Watch::begin(stage);
    let (_, latencies) = ask(clients, &questions, PACED_REQUESTS, Pace::Paced).await;
    let cpu = cpu.end(stage, count(&latencies));
    let how = format!("{CLIENTS} clients, 1,000 requests/s");
    let more = cpu.trim_start_matches("; ");
    table.add(row(&how, latencies, more, stage));

    let calls = stage.simulator.calls().len();
    table.add(Row {
        what: format!("API calls during those lookups, {}", stage.kind),
        measured: calls.to_string(),
        bar: Some(("0", calls == 0)),
        part: "hits",
    });
}

/// How long so many lookups took, of clients that ask 1,000 times a second altogether.
pub(crate) async fn paced(stage: &Stage) -> Latencies {
    let questions = questions(stage).into();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(stage.service.connect().await);
    }
    let (_, latencies) = ask(clients, &questions, PACED_REQUESTS, Pace::Paced).await;
    Latencies::of(latencies)
}

fn row(how: &str, latencies: Vec<Duration>, more: &str, stage: &Stage) -> Row {
    let count = latencies.len();
    let latencies = Latencies::of(latencies);
    Row {
        what: format!("{count} lookups by number that hit, {how}, {}", stage.kind),
        measured: format!("{latencies}; {more}"),
        bar: Some(("p99 < 5 ms", latencies.percentile(99) < P99)),
        part: "hits",
    }
}

fn count(latencies: &[Duration]) -> u32 {
    latencies.len().try_into().expect("a small number")
}

fn questions(stage: &Stage) -> Vec<Question> {
    let shop = stage.simulator.shop();
    let window = shop.order_ids().into_iter();
    let window = window.take(ORDERS.try_into().expect("a small number"));
    let questions = window.map(|id| {
        let name = shop.order_name(id).expect("an order has a name");
        let number = name.trim_start_matches('#');
        Question {
            request: get(&format!("/api/shopify/orders/search?q={number}")),
            number: format!("\"order_number\":\"{name}\""),
        }
    });
    questions.collect()
}

/// Has the clients ask so many questions in turn; the clients and the latencies.
async fn ask(
    clients: Vec<Connection>,
    questions: &Arc<[Question]>,
    count: usize,
    pace: Pace,
) -> (Vec<Connection>, Vec<Duration>) {
    let next = Arc::new(AtomicUsize::new(0));
    let mut asking = JoinSet::new();
    for (mut client, place) in clients.into_iter().zip(0..) {
        let (next, questions) = (Arc::clone(&next), Arc::clone(questions));
        asking.spawn(async move {
            let mut latencies = Vec::new();
            if pace == Pace::Paced {
                sleep(PAUSE * place / CLIENTS).await;
            }
            let mut pauses = interval(PAUSE);
            loop {
                if pace == Pace::Paced {
                    pauses.tick().await;
                }
                let asked = next.fetch_add(1, Ordering::Relaxed);
                let question = questions.get(asked % questions.len());
                let Some(question) = question.filter(|_| asked < count) else {
                    return (client, latencies);
                };
                latencies.push(ask_one(&mut client, question).await);
            }
        });
    }
    let (clients, latencies): (Vec<_>, Vec<_>) = asking.join_all().await.into_iter().unzip();
    (clients, latencies.concat())
}

async fn ask_one(client: &mut Connection, question: &Question) -> Duration {
    let begun = Instant::now();
    let reply = client.send(question.request.as_bytes()).await;
    let latency = begun.elapsed();
    let hit =
        reply.status == 200 && reply.holds("\"cached\":true") && reply.holds(&question.number);
    assert!(hit, "a lookup did not hit: {}", reply.text());
    latency
}
