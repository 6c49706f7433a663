//! One holder at a time, and whoever lost the lease changes nothing.

use std::time::Duration;

use shopify_warmer::{
    order::OrderId,
    store::{
        Asked, Change, DeadLetter, Needs, RefreshAsk, Settled, Store, StoreError, Warming,
        WarmingChange,
    },
};

use crate::store::{Backend, de, id, noon, uk};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(50);

fn sweep(text: &str) -> WarmingChange {
    WarmingChange {
        sweep: Change::Set(text.to_owned()),
        ..WarmingChange::default()
    }
}

pub(super) async fn a_lease_has_one_holder_until_it_runs_out(_: &Backend, store: &Store) {
    let first = store.take_lease(&uk(), "a", SHORT).await.unwrap().unwrap();
    assert_eq!(store.take_lease(&uk(), "b", LONG).await.unwrap(), None);
    let renewed = store.take_lease(&uk(), "a", SHORT).await.unwrap();
    assert_eq!(renewed, Some(first), "renewing changes nothing");
    assert!(store.take_lease(&de(), "b", LONG).await.unwrap().is_some());
    let second = loop {
        if let Some(fence) = store.take_lease(&uk(), "b", LONG).await.unwrap() {
            break fence;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert!(second > first, "leases are told apart");
    assert_eq!(store.take_lease(&uk(), "a", LONG).await.unwrap(), None);
}

pub(super) async fn a_lease_given_back_is_free_at_once(_: &Backend, store: &Store) {
    let first = store.take_lease(&uk(), "a", LONG).await.unwrap().unwrap();
    store.release_lease(&uk(), first).await.unwrap();
    let second = store.take_lease(&uk(), "b", LONG).await.unwrap().unwrap();
    assert!(second > first);
    store.release_lease(&uk(), first).await.unwrap();
    let held = store.take_lease(&uk(), "c", LONG).await.unwrap();
    assert_eq!(held, None, "nobody gives another's lease back");
}

pub(super) async fn who_lost_the_lease_changes_nothing(_: &Backend, store: &Store) {
    let first = store.take_lease(&uk(), "a", SHORT).await.unwrap().unwrap();
    store
        .write_warming(&uk(), first, &sweep("1"))
        .await
        .unwrap();
    tokio::time::sleep(SHORT * 2).await;
    let lapsed = store.write_warming(&uk(), first, &sweep("2")).await;
    assert!(matches!(lapsed, Err(StoreError::Fenced)), "{lapsed:?}");
    let second = store.take_lease(&uk(), "b", LONG).await.unwrap().unwrap();
    let with_record = WarmingChange {
        records: vec!["{}".to_owned()],
        ..sweep("3")
    };
    let lost = store.write_warming(&uk(), first, &with_record).await;
    assert!(matches!(lost, Err(StoreError::Fenced)), "{lost:?}");
    assert_eq!(
        store.warming(&uk()).await.unwrap().sweep.as_deref(),
        Some("1")
    );
    assert!(store.records(&uk(), 10).await.unwrap().is_empty());
    store
        .write_warming(&uk(), second, &with_record)
        .await
        .unwrap();
    assert_eq!(
        store.warming(&uk()).await.unwrap().sweep.as_deref(),
        Some("3")
    );
    assert_eq!(store.records(&uk(), 10).await.unwrap(), ["{}"]);
}

pub(super) async fn what_the_warmer_writes_is_read_whole_and_by_anybody(
    backend: &Backend,
    store: &Store,
) {
    assert_eq!(store.warming(&uk()).await.unwrap(), Warming::default());
    let fence = store.take_lease(&uk(), "a", LONG).await.unwrap().unwrap();
    let change = WarmingChange {
        rest: Change::Set("rest".to_owned()),
        slots_until: Some(noon()),
        records: vec!["1".to_owned(), "2".to_owned()],
        ..sweep("sweep \"é\"")
    };
    store.write_warming(&uk(), fence, &change).await.unwrap();
    let seen = Warming {
        sweep: Some("sweep \"é\"".to_owned()),
        rest: Some("rest".to_owned()),
        slots_until: Some(noon()),
        ..Warming::default()
    };
    assert_eq!(store.warming(&uk()).await.unwrap(), seen);
    assert_eq!(store.warming(&de()).await.unwrap(), Warming::default());
    assert_eq!(store.records(&uk(), 10).await.unwrap(), ["2", "1"]);
    if let Backend::Redis(_) | Backend::Redises(_) = backend {
        assert_eq!(backend.open().warming(&uk()).await.unwrap(), seen);
    }
    let clear = WarmingChange {
        sweep: Change::Clear,
        rest: Change::Clear,
        slots_until: Some(noon() - chrono::TimeDelta::hours(1)),
        ..WarmingChange::default()
    };
    store.write_warming(&uk(), fence, &clear).await.unwrap();
    let left = store.warming(&uk()).await.unwrap();
    assert_eq!((left.sweep, left.rest), (None, None));
    assert!(
        left.slots_until < Some(noon()),
        "a clock that was ahead can be put right"
    );
}

pub(super) async fn one_sweep_is_asked_for_at_a_time(_: &Backend, store: &Store) {
    assert_eq!(store.ask_sweep(&uk(), "w1").await.unwrap(), Asked::Taken);
    let second = store.ask_sweep(&uk(), "w2").await.unwrap();
    assert_eq!(second, Asked::Busy("w1".to_owned()));
    store.withdraw_sweep(&uk(), "w2").await.unwrap();
    assert_eq!(
        store.warming(&uk()).await.unwrap().wish.as_deref(),
        Some("w1")
    );
    store.withdraw_sweep(&uk(), "w1").await.unwrap();
    assert_eq!(store.warming(&uk()).await.unwrap().wish, None);
    let fence = store.take_lease(&uk(), "a", LONG).await.unwrap().unwrap();
    store
        .write_warming(&uk(), fence, &sweep("s"))
        .await
        .unwrap();
    let busy = store.ask_sweep(&uk(), "w3").await.unwrap();
    assert_eq!(busy, Asked::Busy("s".to_owned()));
    store.stop_sweep(&uk(), "task").await.unwrap();
    assert_eq!(
        store.warming(&uk()).await.unwrap().stop.as_deref(),
        Some("task")
    );
}

fn letter(order: OrderId) -> DeadLetter {
    DeadLetter {
        order,
        cause: "not there".to_owned(),
        at: noon(),
    }
}

async fn ask(store: &Store, order: OrderId) {
    let ask = RefreshAsk {
        order,
        wanted: None,
        needs: Needs::Read,
        due_at: noon(),
    };
    store.ask_refresh(&uk(), &[ask]).await.unwrap();
}

pub(super) async fn a_dead_letter_lies_until_its_order_is_fetched_after_all(
    _: &Backend,
    store: &Store,
) {
    for order in [id(1), id(2)] {
        ask(store, order).await;
    }
    for entry in store.refreshes_due(&uk(), noon(), 10).await.unwrap() {
        let dead = Settled::Dead(letter(entry.order));
        store.settle_refresh(&uk(), &entry, dead).await.unwrap();
    }
    assert_eq!(store.refresh_len(&uk()).await.unwrap(), 0);
    let mut dead = store.dead_letters(&uk()).await.unwrap();
    dead.sort_by_key(|letter| letter.order);
    assert_eq!(dead, [letter(id(1)), letter(id(2))]);
    assert!(store.dead_letters(&de()).await.unwrap().is_empty());
    ask(store, id(1)).await;
    let again = store.refreshes_due(&uk(), noon(), 10).await.unwrap();
    assert_eq!(again[0].attempts, 0, "it has all its tries again");
    store
        .settle_refresh(&uk(), &again[0], Settled::Done)
        .await
        .unwrap();
    assert_eq!(store.dead_letters(&uk()).await.unwrap(), [letter(id(2))]);
    store.purge_site(&uk()).await.unwrap();
    assert!(store.dead_letters(&uk()).await.unwrap().is_empty());
}

pub(super) async fn it_tells_how_much_it_holds(_: &Backend, store: &Store) {
    let memory = store.memory().await.unwrap();
    assert!(memory.used > 0);
    assert_eq!((memory.limit, memory.eviction), (None, None));
}

pub(super) async fn the_last_webhook_is_known_to_all(_: &Backend, store: &Store) {
    assert_eq!(store.heard_at(&uk()).await.unwrap(), None);
    let later = noon() + chrono::TimeDelta::minutes(1);
    for at in [noon(), later, noon()] {
        store.note_heard(&uk(), at).await.unwrap();
    }
    assert_eq!(store.heard_at(&uk()).await.unwrap(), Some(later));
    assert_eq!(store.heard_at(&de()).await.unwrap(), None);
}
