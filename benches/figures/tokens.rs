//! Whether anybody who asks feels that access tokens end: cold lookups, each of which calls Shopify, at a steady rate; first with a
//! token that lasts, then with tokens that end after seconds, die with the next grant and are revoked in between.

use std::time::{Duration, Instant};

use shopify_simulator::{OldTokens, Simulator};
use tokio::{
    task::JoinSet,
    time::{Instant as Due, interval, sleep_until},
};

use crate::{
    latency::{Latencies, millis},
    stage::Stage,
    table::{Row, Table},
    wire::get,
};

/// Lookups a second, all clients together.
const RATE: u32 = 200;
/// Clients; each asks again when its turn comes, whether or not it is late, so that a stall is not hidden by asking less.
const CLIENTS: u32 = 100;
/// Lookups of each of the two turns: ten seconds.
const LOOKUPS: u32 = 2000;
/// Lookups before anything counts, so that connections are there.
const WARM_UP: u32 = 100;
/// Orders that are asked for once each.
pub(crate) const COLD_ORDERS: u32 = 2 * LOOKUPS + WARM_UP;
/// How long a token lasts in the second turn. It is renewed after about three quarters of that.
const LIFETIME: Duration = Duration::from_secs(3);
/// How often every token is revoked in the second turn, beside that.
const REVOKED_EACH: Duration = Duration::from_millis(2300);

/// What came of a turn.
struct Turn {
    latencies: Latencies,
    failed: usize,
}

pub(crate) async fn measure(stage: &Stage, table: &mut Table) {
    let mut ids = cold(stage).into_iter();
    let mut take = |count: u32| -> Vec<u64> {
        let count = count.try_into().expect("a small number");
        ids.by_ref().take(count).collect()
    };
    ask(stage, take(WARM_UP)).await;
    let peace = ask(stage, take(LOOKUPS)).await;
    let (simulator, before) = (&stage.simulator, stage.simulator.granted_tokens());
    simulator.clear_calls();
    simulator.set_token_lifetime(LIFETIME);
    simulator.set_old_tokens(OldTokens::DieAtOnce);
    let revoking = revoke_again_and_again(simulator.clone());
    let trouble = ask(stage, take(LOOKUPS)).await;
    drop(revoking);
    let granted = simulator.granted_tokens() - before;
    let asked = simulator.calls_named("AccessToken").len();
    let refused = simulator.calls();
    let refused = refused.iter().filter(|call| call.status == Some(401));
    let ratio = trouble.latencies.percentile(99).as_secs_f64()
        / peace.latencies.percentile(99).as_secs_f64();
    table.add(Row {
        what: format!(
            "answers that failed, of {LOOKUPS} cold lookups at {RATE}/s while tokens end and are revoked, {}",
            stage.kind
        ),
        measured: format!(
            "{}; {granted} tokens, {asked} calls of the grant, {} calls refused and repeated",
            trouble.failed,
            refused.count()
        ),
        bar: Some(("0", trouble.failed == 0 && peace.failed == 0 && granted > 3)),
        part: "tokens",
    });
    table.add(Row {
        what: format!(
            "the same lookups' latency, against one token that lasts, {}",
            stage.kind
        ),
        measured: format!(
            "p99 {} ms against {} ms (ratio {ratio:.2}); {} against {}",
            millis(trouble.latencies.percentile(99)),
            millis(peace.latencies.percentile(99)),
            trouble.latencies,
            peace.latencies
        ),
        bar: None,
        part: "tokens",
    });
}

/// The oldest orders, which lie before the window.
fn cold(stage: &Stage) -> Vec<u64> {
    let ids = stage.simulator.shop().order_ids().into_iter().rev();
    let count = COLD_ORDERS.try_into().expect("a small number");
    let ids: Vec<_> = ids.take(count).collect();
    assert_eq!(ids.len(), count, "the shop has too few cold orders");
    ids
}

/// Ends with what is returned.
fn revoke_again_and_again(simulator: Simulator) -> JoinSet<()> {
    let mut revoking = JoinSet::new();
    revoking.spawn(async move {
        let mut revoke = interval(REVOKED_EACH);
        loop {
            revoke.tick().await;
            simulator.revoke_tokens();
        }
    });
    revoking
}

/// Asks for each order once, at the rate.
async fn ask(stage: &Stage, ids: Vec<u64>) -> Turn {
    let (start, gap) = (
        Due::now() + Duration::from_millis(200),
        Duration::from_secs(1) / RATE,
    );
    let mut asking = JoinSet::new();
    for client in 0..CLIENTS {
        let mut connection = stage.service.connect().await;
        let places = (0..).zip(ids.iter().copied());
        let mine: Vec<(u32, u64)> = places
            .filter(|(place, _)| place % CLIENTS == client)
            .collect();
        asking.spawn(async move {
            let (mut latencies, mut failed) = (Vec::new(), 0_usize);
            for (place, id) in mine {
                let due = start + gap * place;
                sleep_until(due).await;
                let request = get(&format!("/api/shopify/orders/{id}"));
                let reply = connection.send(request.as_bytes()).await;
                // From when it was to be asked, not from when its client had time.
                latencies.push(Instant::now().duration_since(due.into_std()));
                let found = reply.holds(&format!("\"order_id\":\"{id}\""));
                if reply.status != 200 || !found {
                    eprintln!("figures: no answer: {}", reply.text());
                    failed += 1;
                }
            }
            (latencies, failed)
        });
    }
    let (latencies, failed): (Vec<_>, Vec<_>) = asking.join_all().await.into_iter().unzip();
    Turn {
        latencies: Latencies::of(latencies.concat()),
        failed: failed.into_iter().sum(),
    }
}
