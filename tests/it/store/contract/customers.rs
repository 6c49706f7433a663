//! Which orders an address has.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use shopify_warmer::store::{CustomerFound, CustomerOrders, Found, Store};

use super::super::{
    Backend, de, deleted, email, id, merge, merge_at, near,
    news::{News, whole},
    noon, uk,
};

const JANE: &str = "Jane@Example.com";

async fn listed(store: &Store, who: &str) -> Option<Vec<u64>> {
    listed_at(store, who, noon()).await
}

async fn listed_at(store: &Store, who: &str, now: DateTime<Utc>) -> Option<Vec<u64>> {
    match store.customer(&uk(), &email(who), now).await.unwrap() {
        CustomerOrders::Listed { orders, .. } => {
            let mut orders: Vec<_> = orders.iter().map(|order| order.get()).collect();
            orders.sort_unstable();
            Some(orders)
        }
        CustomerOrders::Unknown => None,
    }
}

async fn list(store: &Store, who: &str, orders: &[u64]) {
    let orders: Vec<_> = orders.iter().copied().map(id).collect();
    let found = CustomerFound {
        orders: &orders,
        more: false,
        as_of: noon(),
    };
    store
        .list_customer(&uk(), &email(who), &found, noon())
        .await
        .unwrap();
}

/// An order placed just now.
fn placed(order: u64, who: &str) -> News {
    whole(order, noon()).updated(noon()).emailed(Some(who))
}

pub(super) async fn a_list_is_what_a_search_found_and_news_adds_to_it(_: &Backend, store: &Store) {
    assert_eq!(listed(store, JANE).await, None);
    list(store, JANE, &[1, 2]).await;
    assert_eq!(listed(store, "JANE@example.com").await, Some(vec![1, 2]));
    assert_eq!(listed(store, "jane@example.org").await, None);
    merge(store, whole(3, noon()).emailed(Some("jane@EXAMPLE.com"))).await;
    merge(store, whole(3, noon()).emailed(Some("jane@EXAMPLE.com"))).await;
    merge(store, whole(4, noon()).emailed(Some("john@example.com"))).await;
    merge(store, whole(5, noon()).emailed(None)).await;
    assert_eq!(listed(store, JANE).await, Some(vec![1, 2, 3]));
    list(store, JANE, &[1, 2]).await;
    assert_eq!(
        listed(store, JANE).await,
        Some(vec![1, 2, 3]),
        "a search that lags behind takes nothing away"
    );
}

pub(super) async fn an_order_leaves_with_its_address_and_with_itself(_: &Backend, store: &Store) {
    list(store, JANE, &[]).await;
    list(store, "john@example.com", &[]).await;
    for order in 1..=4 {
        merge(store, placed(order, JANE)).await;
    }
    assert_eq!(listed(store, JANE).await, Some(vec![1, 2, 3, 4]));
    let moved = placed(2, "john@example.com").updated(noon() + TimeDelta::seconds(1));
    merge(store, moved).await;
    assert_eq!(listed(store, JANE).await, Some(vec![1, 3, 4]));
    assert_eq!(listed(store, "john@example.com").await, Some(vec![2]));
    merge(store, deleted(1, noon())).await;
    assert_eq!(listed(store, JANE).await, Some(vec![3, 4]));
    store.forget(&uk(), id(4), noon()).await.unwrap();
    assert_eq!(listed(store, JANE).await, Some(vec![3]));
    let (uk, jane) = (uk(), email(JANE));
    store
        .leave_customer(&uk, &jane, id(3), noon())
        .await
        .unwrap();
    assert_eq!(listed(store, JANE).await, Some(vec![]));
}

pub(super) async fn no_list_and_news_alone_tell_nothing(_: &Backend, store: &Store) {
    // Long ago, as a sweep reads them: the search knows it.
    merge(store, whole(1, noon()).emailed(Some(JANE))).await;
    // Just now, as a webhook tells: the search may not show it for minutes.
    merge(store, placed(2, JANE)).await;
    merge(store, placed(3, JANE)).await;
    assert_eq!(listed(store, JANE).await, None);
    list(store, JANE, &[1]).await;
    assert_eq!(listed(store, JANE).await, Some(vec![1, 2, 3]));
}

pub(super) async fn that_a_customer_has_none_is_remembered_shortly(_: &Backend, store: &Store) {
    list(store, JANE, &[]).await;
    let (jane, uk) = (email(JANE), uk());
    let CustomerOrders::Listed { left, .. } = store.customer(&uk, &jane, noon()).await.unwrap()
    else {
        panic!("it is listed")
    };
    assert!(near(left, 60), "{left:?}");
    merge(store, placed(1, JANE)).await;
    let CustomerOrders::Listed { left, .. } = store.customer(&uk, &jane, noon()).await.unwrap()
    else {
        panic!("it is listed")
    };
    assert!(
        near(left, 600),
        "as long as a search may not show it: {left:?}"
    );
    assert_eq!(listed(store, JANE).await, Some(vec![1]));
}

pub(super) async fn lists_live_as_long_as_orders_and_go_with_their_site(
    _: &Backend,
    store: &Store,
) {
    let (jane, uk) = (email(JANE), uk());
    let found = CustomerFound {
        orders: &[id(1)],
        more: true,
        as_of: noon() - TimeDelta::hours(1),
    };
    for site in [&uk, &de()] {
        store
            .list_customer(site, &jane, &found, noon())
            .await
            .unwrap();
    }
    match store.customer(&uk, &jane, noon()).await.unwrap() {
        CustomerOrders::Listed { more, left, .. } => {
            assert!(more && near(left, 47 * 3600), "{left:?}");
        }
        CustomerOrders::Unknown => panic!("it is listed"),
    }
    let long_ago = CustomerFound {
        as_of: noon() - TimeDelta::days(3),
        ..found
    };
    let john = email("john@example.com");
    store
        .list_customer(&uk, &john, &long_ago, noon())
        .await
        .unwrap();
    assert_eq!(listed(store, "john@example.com").await, None);
    store.purge_site(&uk).await.unwrap();
    assert_eq!(listed(store, JANE).await, None);
    let elsewhere = store.customer(&de(), &jane, noon()).await.unwrap();
    assert!(matches!(elsewhere, CustomerOrders::Listed { .. }));
}

pub(super) async fn a_list_is_kept_under_every_secret(_: &Backend, store: &Store) {
    list(store, JANE, &[1]).await;
    let hashes = store.customer_hashes(&uk(), &email(JANE));
    assert_eq!(hashes.len(), 2);
    assert_ne!(hashes[0], hashes[1]);
    // Who reads by the old secret finds it until it is forgotten there.
    store.forget_customer(&uk(), &hashes[1]).await.unwrap();
    assert_eq!(listed(store, JANE).await, Some(vec![1]));
}

pub(super) async fn a_customer_is_forgotten_by_the_hash(_: &Backend, store: &Store) {
    list(store, JANE, &[1]).await;
    list(store, "john@example.com", &[2]).await;
    for hash in store.customer_hashes(&uk(), &email(JANE)) {
        store.forget_customer(&uk(), &hash).await.unwrap();
        store.forget_customer(&uk(), &hash).await.unwrap();
    }
    assert_eq!(listed(store, JANE).await, None);
    assert_eq!(listed(store, "john@example.com").await, Some(vec![2]));
}

pub(super) async fn many_orders_are_read_at_once(_: &Backend, store: &Store) {
    for order in 1..=100 {
        merge_at(store, whole(order, noon()), noon()).await;
    }
    merge(store, deleted(7, noon())).await;
    let ids: Vec<_> = (1..=101).map(id).collect();
    let found = store.orders(&uk(), &ids, noon()).await.unwrap();
    for (order, found) in (1..).zip(&found) {
        match (order, found) {
            (7, Found::Absent) | (101, Found::Unknown) => {}
            (_, Found::Order(entry)) => {
                assert_eq!(entry.order.id, id(order));
                assert!(entry.order_ttl > Duration::ZERO);
            }
            (_, other @ (Found::Absent | Found::Unknown)) => panic!("{order}: {other:?}"),
        }
    }
    assert_eq!(found.len(), 101);
}
