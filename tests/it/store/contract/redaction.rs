//! What was redacted is gone, and stays gone whoever speaks of it again.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use shopify_warmer::store::{Found, MergeOutcome, Needs, RefreshAsk, Standing, Store, Subject};

use super::super::{Backend, de, entry, find, found, id, merge, merge_at, news::whole, noon, uk};
use crate::until::until;

fn jane(orders: &[u64]) -> Subject {
    Subject {
        orders: orders.iter().map(|order| id(*order)).collect(),
        customer: Some(7),
        email: Some(" Jane@Example.com".to_owned()),
    }
}

pub(super) async fn a_redacted_customer_is_gone_and_stays_gone(_: &Backend, store: &Store) {
    for order in [1, 2] {
        merge(store, whole(order, noon())).await;
    }
    // By their id alone, and somebody else's.
    merge(store, whole(3, noon()).of(7).emailed(None)).await;
    merge(
        store,
        whole(4, noon()).of(8).emailed(Some("joe@example.com")),
    )
    .await;
    let ask = RefreshAsk {
        order: id(1),
        wanted: None,
        needs: Needs::Read,
        due_at: noon(),
    };
    store.ask_refresh(&uk(), &[ask]).await.unwrap();
    let held = store.orders_of(&uk(), &jane(&[]), noon()).await.unwrap();
    assert_eq!(held, BTreeSet::from([id(1), id(2), id(3)]));

    // One of them is named, and one that is not cached.
    let redacted = store
        .redact_customer(&uk(), &jane(&[1, 9]), noon(), noon())
        .await
        .unwrap();
    assert_eq!(redacted.orders, held);
    for order in [1, 2, 3, 9] {
        assert_eq!(found(store, order).await, Found::Absent, "{order}");
        assert!(store.is_buried(&uk(), id(order), noon()).await.unwrap());
    }
    assert_eq!(find(store, "UK2").await, Found::Unknown);
    assert_eq!(store.refresh_len(&uk()).await.unwrap(), 0);
    let later = noon() + TimeDelta::hours(2);
    for order in [1, 2, 3, 9] {
        let again = whole(order, later).updated(later);
        assert_eq!(
            merge_at(store, again, later).await,
            MergeOutcome::Tombstoned,
            "{order}"
        );
    }
    assert_eq!(
        merge_at(store, whole(10, later), later).await,
        MergeOutcome::Tombstoned,
        "an order of theirs from before, of which nobody knew"
    );
    let new = whole(11, later)
        .updated(later)
        .created(noon() + TimeDelta::hours(1));
    assert_eq!(merge_at(store, new, later).await, MergeOutcome::Created);
    assert_eq!(entry(store, 4).await.order.customer, Some(8));
    let elsewhere = store.merge(&de(), whole(1, noon()).into(), noon()).await;
    assert_eq!(elsewhere.unwrap().outcome, MergeOutcome::Created);
}

/// An attempt may be cut off behind any of its steps; the receipt is written by the last.
pub(super) async fn a_demand_met_in_two_attempts_tells_of_all_its_orders(
    _: &Backend,
    store: &Store,
) {
    for order in [1, 2] {
        merge(store, whole(order, noon())).await;
    }
    let redact = async |at| {
        let redacted = store.redact_customer(&uk(), &jane(&[1]), at, noon()).await;
        redacted.unwrap()
    };
    assert_eq!(redact(noon()).await.orders, BTreeSet::from([id(1), id(2)]));
    let later = noon() + TimeDelta::hours(1);
    merge(store, whole(3, later).updated(later).created(later)).await;
    assert_eq!(
        redact(noon()).await.orders,
        BTreeSet::from([id(1), id(2), id(3)]),
        "what is left, and what went before"
    );
    let other = redact(noon() + TimeDelta::seconds(1)).await.orders;
    assert_eq!(other, BTreeSet::new(), "another demand has its own");
}

pub(super) async fn a_redacted_site_refuses_its_past(_: &Backend, store: &Store) {
    merge(store, whole(1, noon())).await;
    store.set_watermark(&uk(), noon()).await.unwrap();
    store.push_receipt(&uk(), "{}").await.unwrap();
    store
        .merge(&de(), whole(1, noon()).into(), noon())
        .await
        .unwrap();
    let gone = store.redact_site(&uk(), noon(), noon()).await.unwrap();
    assert_eq!(gone, 3, "order, tracking and search");
    assert_eq!(found(store, 1).await, Found::Unknown);
    assert_eq!(store.watermark(&uk()).await.unwrap(), None);
    assert_eq!(store.receipts(&uk(), 10).await.unwrap().len(), 1);
    assert_eq!(
        merge(store, whole(1, noon())).await,
        MergeOutcome::Tombstoned
    );
    // A delivery's own time is in a header that nobody signed: a body from before is refused, whatever it says.
    let later = noon() + TimeDelta::hours(1);
    let captured = whole(1, later).updated(noon() - TimeDelta::hours(1));
    assert_eq!(
        merge_at(store, captured, later).await,
        MergeOutcome::Tombstoned
    );
    let new = whole(1, later).updated(later);
    assert_eq!(merge_at(store, new, later).await, MergeOutcome::Created);
    // Nor does an earlier redaction, delivered again, undo the later one.
    let earlier = noon() - TimeDelta::hours(9);
    store.redact_site(&uk(), earlier, later).await.unwrap();
    assert_eq!(
        merge(store, whole(2, noon())).await,
        MergeOutcome::Tombstoned
    );
    let elsewhere = store.order(&de(), id(1), noon()).await.unwrap();
    assert!(matches!(elsewhere, Found::Order(_)));
}

pub(super) async fn no_writer_brings_back_what_is_being_redacted(backend: &Backend, store: &Store) {
    let mut writers = tokio::task::JoinSet::new();
    for (writer, its_store) in backend.writers(store).into_iter().enumerate() {
        let first = u64::try_from(writer).unwrap() * 10 + 1;
        writers.spawn(async move {
            let mut cached = BTreeSet::new();
            for pass in 0..20 {
                for order in first..first + 10 {
                    let news = whole(order, noon()).updated(noon() + TimeDelta::seconds(pass));
                    if merge(&its_store, news).await == MergeOutcome::Created {
                        cached.insert(id(order));
                    }
                }
            }
            cached
        });
    }
    until(
        "many orders are cached, and some are being written",
        || async {
            let held = store.orders_of(&uk(), &jane(&[]), noon()).await.unwrap();
            (held.len() >= 80).then_some(())
        },
    )
    .await;
    let redact = async || {
        let redacted = store
            .redact_customer(&uk(), &jane(&[]), noon(), noon())
            .await;
        redacted.unwrap().orders
    };
    redact().await;
    let cached: BTreeSet<_> = writers.join_all().await.into_iter().flatten().collect();
    let told = redact().await;
    let untold: Vec<_> = cached.difference(&told).collect();
    assert!(untold.is_empty(), "of these no receipt tells: {untold:?}");
    for order in 1..=160 {
        let found = found(store, order).await;
        assert!(!matches!(found, Found::Order(_)), "{order}");
        let way = find(store, &format!("UK{order}")).await;
        assert!(!matches!(way, Found::Order(_)), "{order}");
    }
    let held = store.orders_of(&uk(), &jane(&[]), noon()).await.unwrap();
    assert!(held.is_empty(), "{held:?}");
}

pub(super) async fn receipts_are_bounded_and_newest_first(_: &Backend, store: &Store) {
    for receipt in 0..105 {
        store
            .push_receipt(&uk(), &receipt.to_string())
            .await
            .unwrap();
    }
    let all = store.receipts(&uk(), 1000).await.unwrap();
    assert_eq!(
        (all.len(), all[0].as_str(), all[99].as_str()),
        (100, "104", "5")
    );
    assert_eq!(store.receipts(&uk(), 2).await.unwrap(), all[..2]);
    assert!(store.receipts(&uk(), 0).await.unwrap().is_empty());
    assert!(store.receipts(&de(), 10).await.unwrap().is_empty());
}

pub(super) async fn a_removal_stands_until_the_shop_lets_us_in_later(_: &Backend, store: &Store) {
    assert_eq!(store.standing(&uk()).await.unwrap(), Standing::default());
    let hour = TimeDelta::hours(1);
    store.note_removed(&uk(), noon()).await.unwrap();
    store.note_installed(&uk(), noon() - hour).await.unwrap();
    let standing = store.standing(&uk()).await.unwrap();
    assert_eq!(standing.removed_since(), Some(noon()));
    assert_eq!(standing.sign_of_return(), None);
    store.note_sign(&uk(), noon() + hour).await.unwrap();
    let standing = store.standing(&uk()).await.unwrap();
    assert_eq!(standing.sign_of_return(), Some(noon() + hour));
    store.note_installed(&uk(), noon() + hour).await.unwrap();
    // The old word, delivered again.
    store.note_removed(&uk(), noon()).await.unwrap();
    assert_eq!(store.standing(&uk()).await.unwrap().removed_since(), None);
    assert_eq!(store.standing(&de()).await.unwrap(), Standing::default());
}
