//! The way from a number to its order, and that there is none.

use chrono::TimeDelta;
use shopify_warmer::store::{Found, MergeOutcome, Store, Wanted};

use super::super::{
    Backend, de, deleted, entry, find, found, id, merge, news::whole, noon, number, uk,
};

fn is_order(found: &Found, wanted: u64) -> bool {
    matches!(found, Found::Order(entry) if entry.order.id == id(wanted))
}

pub(super) async fn a_number_leads_to_its_order_and_no_other(_: &Backend, store: &Store) {
    for order in [1, 10, 100] {
        merge(store, whole(order, noon())).await;
    }
    assert!(is_order(&find(store, "UK10").await, 10));
    assert!(is_order(&find(store, " #uk 10").await, 10));
    for neighbour in ["UK", "UK1000", "10", "UK2"] {
        assert_eq!(find(store, neighbour).await, Found::Unknown, "{neighbour}");
    }
    let elsewhere = store.find(&de(), &number("UK10"), noon()).await.unwrap();
    assert_eq!(elsewhere, Found::Unknown, "another site's");
}

pub(super) async fn an_order_that_changed_its_number_is_found_by_the_new_one(
    _: &Backend,
    store: &Store,
) {
    merge(store, whole(1, noon())).await;
    let later = noon() + TimeDelta::seconds(1);
    merge(store, whole(1, later).named("#UK2").updated(later)).await;
    assert_eq!(find(store, "UK1").await, Found::Unknown);
    assert!(is_order(&find(store, "UK2").await, 1));
    // Another order may have the old number.
    merge(store, whole(3, noon()).named("#UK1")).await;
    assert!(is_order(&find(store, "UK1").await, 3));
    assert!(is_order(&find(store, "UK2").await, 1));
}

pub(super) async fn absence_is_outranked_and_never_outranks(_: &Backend, store: &Store) {
    let both = [Wanted::Number(number("UK1")), Wanted::Id(id(1))];
    for wanted in &both {
        store.remember_absent(&uk(), wanted, noon()).await.unwrap();
    }
    assert_eq!(find(store, "UK1").await, Found::Absent);
    assert_eq!(found(store, 1).await, Found::Absent);
    assert_eq!(merge(store, whole(1, noon())).await, MergeOutcome::Created);
    for wanted in &both {
        store.remember_absent(&uk(), wanted, noon()).await.unwrap();
    }
    assert!(is_order(&find(store, "UK1").await, 1));
    assert!(is_order(&found(store, 1).await, 1));
}

/// Else each question for the old number would go to Shopify until its key expires.
pub(super) async fn a_number_that_leads_nowhere_any_more_can_be_absent(_: &Backend, store: &Store) {
    let absent = |text: &'static str| async move {
        let wanted = Wanted::Number(number(text));
        store.remember_absent(&uk(), &wanted, noon()).await.unwrap();
        find(store, text).await
    };
    merge(store, whole(1, noon())).await;
    let later = noon() + TimeDelta::seconds(1);
    merge(store, whole(1, later).named("#UK2").updated(later)).await;
    assert_eq!(absent("UK1").await, Found::Absent);
    assert!(is_order(&absent("UK2").await, 1));
    merge(store, deleted(1, noon())).await;
    assert_eq!(absent("UK2").await, Found::Absent);
}

pub(super) async fn what_is_forgotten_may_come_back(_: &Backend, store: &Store) {
    merge(store, whole(1, noon())).await;
    store.forget(&uk(), id(1), noon()).await.unwrap();
    assert_eq!(found(store, 1).await, Found::Absent);
    assert_eq!(find(store, "UK1").await, Found::Unknown);
    let since = noon() - TimeDelta::days(7);
    let coverage = store.coverage(&uk(), since, noon()).await.unwrap();
    assert_eq!(coverage.window, 0);
    assert_eq!(merge(store, whole(1, noon())).await, MergeOutcome::Created);
    assert!(is_order(&find(store, "UK1").await, 1));
    assert_eq!(entry(store, 1).await.order.id, id(1));
}
