//! The refresh set.

use chrono::{DateTime, TimeDelta, Utc};
use shopify_warmer::store::{Needs, RefreshAsk, RefreshEntry, Settled, Store};

use super::super::{Backend, de, deleted, id, merge, news::whole, noon, uk};

fn seconds(seconds: i64) -> TimeDelta {
    TimeDelta::seconds(seconds)
}

fn ask(order: u64, wanted: Option<DateTime<Utc>>, due_at: DateTime<Utc>) -> RefreshAsk {
    RefreshAsk {
        order: id(order),
        wanted,
        needs: Needs::WholeOrder,
        due_at,
    }
}

async fn due(store: &Store, now: DateTime<Utc>) -> Vec<RefreshEntry> {
    store.refreshes_due(&uk(), now, 10).await.unwrap()
}

async fn settle(store: &Store, entry: &RefreshEntry, settled: Settled) {
    store.settle_refresh(&uk(), entry, settled).await.unwrap();
}

async fn orders_due(store: &Store, now: DateTime<Utc>) -> Vec<u64> {
    let due = due(store, now).await;
    due.iter().map(|entry| entry.order.get()).collect()
}

pub(super) async fn asks_for_one_order_become_one(_: &Backend, store: &Store) {
    // Milliseconds count: Shopify's times have none, but our observations do.
    let (older, newer) = (noon(), noon() + TimeDelta::milliseconds(1));
    let reads = |ask| RefreshAsk {
        needs: Needs::Read,
        ..ask
    };
    let asks = [
        ask(1, Some(newer), noon() - seconds(1)),
        reads(ask(1, Some(older), noon() - seconds(2))),
        ask(1, None, noon()),
    ];
    store.ask_refresh(&uk(), &asks).await.unwrap();
    assert_eq!(store.refresh_len(&uk()).await.unwrap(), 1);
    let [entry] = due(store, noon()).await[..] else {
        panic!("one order")
    };
    assert_eq!(
        (entry.wanted, entry.needs, entry.due_at, entry.attempts),
        (Some(newer), Needs::Read, noon() - seconds(2), 0)
    );
    // What was tried in vain for an older want has not been tried for a newer one.
    let again = Settled::Again { due_at: noon() };
    settle(store, &entry, again).await;
    assert_eq!(due(store, noon()).await[0].attempts, 1);
    let same = ask(1, Some(newer), noon());
    store.ask_refresh(&uk(), &[same]).await.unwrap();
    assert_eq!(due(store, noon()).await[0].attempts, 1);
    let newest = ask(1, Some(newer + seconds(1)), noon());
    store.ask_refresh(&uk(), &[newest]).await.unwrap();
    assert_eq!(due(store, noon()).await[0].attempts, 0);
}

pub(super) async fn what_is_due_comes_earliest_first(_: &Backend, store: &Store) {
    let asks: Vec<_> = [(1, 3), (2, -5), (3, 0), (4, -9)]
        .map(|(order, due_s)| ask(order, None, noon() + seconds(due_s)))
        .into();
    store.ask_refresh(&uk(), &asks).await.unwrap();
    assert_eq!(orders_due(store, noon()).await, [4, 2, 3]);
    let two = store.refreshes_due(&uk(), noon(), 2).await.unwrap();
    assert_eq!(two.len(), 2, "as many as are asked for");
    assert_eq!(two[0].wanted, None);
    assert_eq!(orders_due(store, noon() + seconds(3)).await, [4, 2, 3, 1]);
    assert!(due(store, noon() - seconds(60)).await.is_empty());
    assert_eq!(store.refresh_len(&uk()).await.unwrap(), 4);
    assert_eq!(store.refresh_len(&de()).await.unwrap(), 0, "another site's");
}

pub(super) async fn what_is_done_leaves_and_what_is_not_comes_again(_: &Backend, store: &Store) {
    let asks = [ask(1, None, noon()), ask(2, Some(noon()), noon())];
    store.ask_refresh(&uk(), &asks).await.unwrap();
    let [one, two] = due(store, noon()).await[..] else {
        panic!("two orders")
    };
    settle(store, &one, Settled::Done).await;
    let later = noon() + seconds(30);
    settle(store, &two, Settled::Again { due_at: later }).await;
    assert!(due(store, noon()).await.is_empty());
    let again = due(store, later).await;
    let expected = RefreshEntry {
        due_at: later,
        attempts: 1,
        ..two
    };
    assert_eq!(again, [expected]);
    // Settling what has left does nothing.
    settle(store, &one, Settled::Again { due_at: noon() }).await;
    assert_eq!(store.refresh_len(&uk()).await.unwrap(), 1);
    settle(store, &expected, Settled::Done).await;
    assert_eq!(store.refresh_len(&uk()).await.unwrap(), 0);
}

pub(super) async fn who_asks_during_a_fetch_is_not_settled_by_it(_: &Backend, store: &Store) {
    let first = ask(1, Some(noon()), noon());
    let newer = ask(1, Some(noon() + seconds(1)), noon());
    // The second time for the same as before: what was announced meanwhile may be newer than what the fetch brings.
    for meanwhile in [newer, first] {
        store.ask_refresh(&uk(), &[first]).await.unwrap();
        let fetched = due(store, noon()).await[0];
        store.ask_refresh(&uk(), &[meanwhile]).await.unwrap();
        settle(store, &fetched, Settled::Done).await;
        let [left] = due(store, noon()).await[..] else {
            panic!("it waits still")
        };
        assert_eq!(left.wanted, newer.wanted);
    }
}

pub(super) async fn a_deletion_ends_the_wait_and_forgetting_does_not(_: &Backend, store: &Store) {
    merge(store, whole(1, noon())).await;
    let asks = [ask(1, None, noon()), ask(2, None, noon())];
    store.ask_refresh(&uk(), &asks).await.unwrap();
    merge(store, deleted(1, noon())).await;
    assert_eq!(orders_due(store, noon()).await, [2]);
    // Whoever asked while the order was not found may know better.
    store.forget(&uk(), id(2), noon()).await.unwrap();
    assert_eq!(orders_due(store, noon()).await, [2]);
}
