//! What news does to what is cached.

use chrono::TimeDelta;
use shopify_warmer::store::{Found, MergeOutcome, Store};

use super::super::{
    Backend, deleted, entry, find, found, id, merge, merge_at, near,
    news::{partial, whole},
    noon, uk,
};

const HOUR: u64 = 3600;

fn hours(hours: i64) -> TimeDelta {
    TimeDelta::hours(hours)
}

pub(super) async fn news_has_its_outcome(_: &Backend, store: &Store) {
    let at = noon();
    let first = whole(1, at - TimeDelta::seconds(10));
    assert_eq!(merge(store, first.clone()).await, MergeOutcome::Created);
    assert_eq!(merge(store, first.clone()).await, MergeOutcome::Unchanged);
    assert_eq!(
        merge(store, first.clone().observed(at)).await,
        MergeOutcome::Confirmed
    );
    let changed = first.noted("hello").updated(at).observed(at);
    assert_eq!(merge(store, changed.clone()).await, MergeOutcome::Changed);
    assert_eq!(merge(store, partial(1, 5, at)).await, MergeOutcome::Changed);
    assert_eq!(
        merge(store, partial(1, 5, at)).await,
        MergeOutcome::Unchanged
    );
    assert_eq!(merge(store, deleted(1, at)).await, MergeOutcome::Deleted);
    assert_eq!(merge(store, changed).await, MergeOutcome::Tombstoned);
}

pub(super) async fn an_older_body_changes_nothing(_: &Backend, store: &Store) {
    let (new, old) = (noon(), noon() - hours(1));
    merge(store, whole(1, new).updated(new).noted("new")).await;
    let before = entry(store, 1).await.order;
    let late = whole(1, old).updated(old).noted("old");
    assert_eq!(merge(store, late).await, MergeOutcome::Unchanged);
    // Shopify's times have whole seconds: of two bodies of one second, the one that was seen later is the newer.
    let same_second = whole(1, old).updated(new).noted("old");
    assert_eq!(merge(store, same_second).await, MergeOutcome::Unchanged);
    assert_eq!(entry(store, 1).await.order, before);
}

pub(super) async fn partial_news_writes_nothing_about_an_unknown_order(_: &Backend, store: &Store) {
    let news = partial(1, 5, noon()).into();
    let merged = store.merge(&uk(), news, noon()).await.unwrap();
    assert_eq!(
        (merged.outcome, merged.order),
        (MergeOutcome::NotCached, None)
    );
    assert_eq!(found(store, 1).await, Found::Unknown);
    let coverage = store.coverage(&uk(), noon() - hours(48), noon()).await;
    assert_eq!(coverage.unwrap().window, 0);
}

pub(super) async fn partial_news_changes_values_and_keeps_the_deadline(_: &Backend, store: &Store) {
    merge(store, whole(1, noon() - hours(2))).await;
    merge(store, partial(1, 5, noon())).await;
    let cached = entry(store, 1).await;
    assert_eq!(cached.order.fulfillments.len(), 1);
    assert!(near(cached.order_ttl, 46 * HOUR), "{cached:?}");
    assert!(near(cached.tracking_ttl.unwrap(), 4 * HOUR), "{cached:?}");
    // Where the tracking has expired, partial news does not bring it back either.
    merge(store, whole(2, noon() - hours(7))).await;
    merge(store, partial(2, 5, noon())).await;
    let cached = entry(store, 2).await;
    assert_eq!(cached.order.fulfillments.len(), 1);
    assert_eq!(cached.tracking_ttl, None);
}

pub(super) async fn lifetimes_run_from_the_observation(_: &Backend, store: &Store) {
    for (order, age, order_left, tracking_left) in
        [(1, 0, 48, Some(6)), (2, 3, 45, Some(3)), (3, 7, 41, None)]
    {
        merge(store, whole(order, noon() - hours(age))).await;
        let cached = entry(store, order).await;
        assert!(near(cached.order_ttl, order_left * HOUR), "{cached:?}");
        match (cached.tracking_ttl, tracking_left) {
            (Some(left), Some(wanted)) => assert!(near(left, wanted * HOUR), "{cached:?}"),
            (left, wanted) => assert_eq!((left, wanted), (None, None)),
        }
    }
    // A body of before that comes late takes nothing away and renews nothing.
    merge(store, whole(1, noon() - hours(5))).await;
    assert!(near(entry(store, 1).await.order_ttl, 48 * HOUR));
    // A later look at the same order renews both.
    merge(store, whole(3, noon())).await;
    let renewed = entry(store, 3).await;
    assert!(near(renewed.order_ttl, 48 * HOUR), "{renewed:?}");
    assert!(near(renewed.tracking_ttl.unwrap(), 6 * HOUR), "{renewed:?}");
}

pub(super) async fn what_is_too_old_is_not_cached(_: &Backend, store: &Store) {
    let old = noon() - hours(48);
    assert_eq!(merge(store, whole(1, old)).await, MergeOutcome::Expired);
    assert_eq!(found(store, 1).await, Found::Unknown);
    assert_eq!(find(store, "UK1").await, Found::Unknown);
}

pub(super) async fn an_observation_from_the_future_renews_no_more_than_now(
    _: &Backend,
    store: &Store,
) {
    merge(store, whole(1, noon() + hours(10))).await;
    let cached = entry(store, 1).await;
    assert!(near(cached.order_ttl, 48 * HOUR), "{cached:?}");
    assert!(near(cached.tracking_ttl.unwrap(), 6 * HOUR), "{cached:?}");
    // Nor does a date at the end of time break anything.
    let end = chrono::DateTime::<chrono::Utc>::MAX_UTC;
    merge(store, whole(2, noon()).observed(end)).await;
    assert!(near(entry(store, 2).await.order_ttl, 48 * HOUR));
    assert_eq!(merge(store, deleted(2, end)).await, MergeOutcome::Deleted);
    assert_eq!(found(store, 2).await, Found::Absent);
}

pub(super) async fn a_tombstone_outranks_what_comes_late(_: &Backend, store: &Store) {
    merge(store, whole(1, noon())).await;
    merge(store, deleted(1, noon())).await;
    let late = noon() + hours(1);
    let redelivered = whole(1, late).updated(late);
    assert_eq!(
        merge_at(store, redelivered, late).await,
        MergeOutcome::Tombstoned
    );
    assert_eq!(
        merge_at(store, partial(1, 5, late), late).await,
        MergeOutcome::Tombstoned
    );
    assert_eq!(found(store, 1).await, Found::Absent);
    assert_eq!(find(store, "UK1").await, Found::Unknown);
}

pub(super) async fn a_deletion_of_an_unknown_order_is_remembered(_: &Backend, store: &Store) {
    assert_eq!(
        merge(store, deleted(1, noon())).await,
        MergeOutcome::Deleted
    );
    assert_eq!(
        merge(store, whole(1, noon())).await,
        MergeOutcome::Tombstoned
    );
    assert_eq!(
        merge(store, deleted(1, noon())).await,
        MergeOutcome::Deleted,
        "said twice"
    );
}

pub(super) async fn a_name_that_is_no_number_is_found_by_id(_: &Backend, store: &Store) {
    merge(store, whole(1, noon()).named("Entwurf (1) *")).await;
    assert_eq!(
        entry(store, 1).await.order.head.unwrap().value.name,
        "Entwurf (1) *"
    );
    assert_eq!(
        merge(store, deleted(1, noon())).await,
        MergeOutcome::Deleted
    );
    let missing = store.order(&uk(), id(1), noon()).await.unwrap();
    assert_eq!(missing, Found::Absent);
}
