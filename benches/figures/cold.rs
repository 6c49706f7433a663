//! A thousand askers of one order that is not cached.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::Barrier, task::JoinSet};

use crate::{
    latency::Latencies,
    stage::Stage,
    table::{Row, Table},
    wire::{Reply, get},
};

const ASKERS: usize = 1000;
/// By when a call that should not be made would have been made.
const AFTERMATH: Duration = Duration::from_millis(500);

pub(crate) async fn measure(stage: &Stage, table: &mut Table) {
    // The oldest orders lie beyond the window.
    let shop = stage.simulator.shop();
    let mut oldest = shop.order_ids().into_iter().rev();
    let mut cold = || oldest.next().expect("the shop has older orders");
    let (by_number, by_id) = (cold(), cold());
    let name = shop.order_name(by_number).expect("an order has a name");
    let path = format!(
        "/api/shopify/orders/search?q={}",
        name.trim_start_matches('#')
    );
    measure_one("number", &path, by_number, stage, table).await;
    let path = format!("/api/shopify/orders/{by_id}");
    measure_one("id", &path, by_id, stage, table).await;
}

async fn measure_one(by: &str, path: &str, id: u64, stage: &Stage, table: &mut Table) {
    stage.simulator.clear_calls();
    let (replies, latencies) = ask_at_once(stage, get(path)).await;
    tokio::time::sleep(AFTERMATH).await;
    let calls = stage.simulator.calls().len();
    let order_id = format!("\"order_id\":\"{id}\"");
    let right = replies
        .iter()
        .filter(|reply| reply.status == 200 && reply.holds(&order_id))
        .count();
    table.add(Row {
        what: format!(
            "API calls for {ASKERS} askers at once of one cold order by {by}, {}",
            stage.kind
        ),
        measured: format!("{calls}; {right} got the order, {latencies}"),
        bar: Some(("exactly 1", calls == 1 && right == ASKERS)),
        part: "cold",
    });
}

async fn ask_at_once(stage: &Stage, request: String) -> (Vec<Reply>, Latencies) {
    let (request, ready) = (Arc::<str>::from(request), Arc::new(Barrier::new(ASKERS)));
    let mut asking = JoinSet::new();
    for _ in 0..ASKERS {
        let mut connection = stage.service.connect().await;
        let (request, ready) = (Arc::clone(&request), Arc::clone(&ready));
        asking.spawn(async move {
            ready.wait().await;
            let begun = Instant::now();
            let reply = connection.send(request.as_bytes()).await;
            (reply, begun.elapsed())
        });
    }
    let (replies, latencies): (Vec<_>, Vec<_>) = asking.join_all().await.into_iter().unzip();
    (replies, Latencies::of(latencies))
}
