//! A cluster of three masters.

use super::{patiently, service_on, stream::webhooks_during, sweep_begins, sweep_ends};
use crate::redis_cluster::RedisCluster;

/// The slot of the shop's own state moves, and some of orders.
#[tokio::test(flavor = "multi_thread")]
async fn slots_that_move_under_webhooks_and_a_sweep_cost_nothing() {
    let cluster = RedisCluster::start().await;
    let harness = service_on(&cluster.url()).await;
    let task = sweep_begins(&harness).await;
    let newest = harness.simulator.shop().order_ids()[0];
    let (told, ()) = webhooks_during(&harness, async {
        let mut keys = vec!["shopify:{uk}:window".to_owned()];
        keys.extend((0..4).map(|order| format!("shopify:{{uk:{}}}:order", newest + order)));
        for key in keys {
            let to = (cluster.owner(&key).await + 1) % 3;
            cluster.move_slot(&key, to).await;
        }
    })
    .await;
    sweep_ends(&harness, &task).await;
    told.is_all_there(&harness).await;
    harness.stop().await;
}

/// The master with the shop's own state dies; its replica takes its place.
#[tokio::test(flavor = "multi_thread")]
async fn a_master_killed_under_webhooks_and_a_sweep_costs_nothing() {
    let mut cluster = RedisCluster::with_replicas().await;
    let harness = service_on(&cluster.url()).await;
    let task = sweep_begins(&harness).await;
    let window = "shopify:{uk}:window";
    let victim = cluster.owner(window).await;
    let (told, ()) = webhooks_during(&harness, async {
        cluster.kill(victim);
        for (what, status) in [
            ("the service notices", 503),
            ("it has its store again", 200),
        ] {
            patiently(what, || async {
                (harness.get("/readyz").await.status == status).then_some(())
            })
            .await;
        }
    })
    .await;
    sweep_ends(&harness, &task).await;
    told.is_all_there(&harness).await;
    harness.stop().await;
}
