//! A master with two replicas, watched over by three Sentinels.

use shopify_simulator::NewOrder;

use super::{
    patiently, service_on,
    stream::{calls_of_lookups, webhooks_during},
    sweep_begins, sweep_ends,
};
use crate::{
    harness::{Harness, now, until},
    redis_sentinel::SentinelTrio,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_master_killed_under_webhooks_and_a_sweep_costs_nothing() {
    let mut trio = SentinelTrio::start().await;
    let harness = service_on(&trio.url()).await;
    let task = sweep_begins(&harness).await;
    let (told, ()) = webhooks_during(&harness, async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let dead = trio.kill_master().await;
        trio.until_not(dead).await;
        recovers(&harness).await;
    })
    .await;
    sweep_ends(&harness, &task).await;
    told.is_all_there(&harness).await;
    harness.stop().await;
}

/// The old master lives on as a replica: nobody may go on reading from it.
#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_steps_down_under_webhooks_costs_nothing() {
    let trio = SentinelTrio::start().await;
    let harness = service_on(&trio.url()).await;
    let old = trio.master().await;
    let (told, new) = webhooks_during(&harness, async {
        trio.fail_over().await;
        let new = trio.until_not(old).await;
        recovers(&harness).await;
        new
    })
    .await;
    assert_ne!(old, new);
    told.is_all_there(&harness).await;
    harness.stop().await;
}

/// What a master answered and no replica heard goes with it; the inbox has it.
#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_dead_master_had_comes_back_from_the_inbox() {
    let mut trio = SentinelTrio::start().await;
    let harness = service_on(&trio.url()).await;
    harness.simulator.set_topics([]);
    let before = deliver(&harness).await;
    inbox_is_empty(&harness).await;
    for replica in trio.replicas().await {
        replica.pause();
    }
    let order = deliver(&harness).await;
    assert_eq!(harness.app.state().inbox.len().unwrap(), 1);
    let reply = harness.by_id(order).await;
    assert_eq!(reply.data()["cached"], true, "it is served all the same");
    let replicas: Vec<_> = trio.replicas().await.iter().map(|one| one.port()).collect();
    let dead = trio.kill_master().await;
    trio.resume(&replicas);
    trio.until_not(dead).await;
    recovers(&harness).await;
    patiently("the inbox is empty", || async {
        harness.app.state().inbox.is_empty().unwrap().then_some(())
    })
    .await;
    harness.simulator.clear_calls();
    for order in [before, order] {
        assert_eq!(harness.by_id(order).await.data()["cached"], true, "{order}");
    }
    assert!(calls_of_lookups(&harness).is_empty());
    harness.stop().await;
}

/// Either may be the next master, so both are waited for; and the inbox has what they have not.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_comes_back_empties_the_inbox() {
    let trio = SentinelTrio::start().await;
    let harness = service_on(&trio.url()).await;
    harness.simulator.set_topics([]);
    let replicas = trio.replicas().await;
    deliver(&harness).await;
    inbox_is_empty(&harness).await;
    replicas[0].pause();
    deliver(&harness).await;
    assert_eq!(harness.app.state().inbox.len().unwrap(), 1);
    replicas[0].resume();
    inbox_is_empty(&harness).await;
    harness.stop().await;
}

/// At once where the replicas follow, and on a busy machine soon.
async fn inbox_is_empty(harness: &Harness) {
    until("the inbox is empty", || async {
        harness.app.state().inbox.is_empty().unwrap().then_some(())
    })
    .await;
}

async fn deliver(harness: &Harness) -> u64 {
    let shop = harness.simulator.shop();
    let order = shop.place_order(NewOrder::default());
    let body = shop.webhook_body("orders/create", order).unwrap();
    let answer = harness.simulator.deliver("orders/create", body, now());
    assert_eq!(answer.await.unwrap(), 200);
    order
}

async fn recovers(harness: &Harness) {
    patiently("the service has its store again", || async {
        let ready = harness.get("/readyz").await;
        (ready.status == 200).then_some(())
    })
    .await;
}
