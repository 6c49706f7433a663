//! The window: what is in it, what is warm, what has to be fetched next.

use chrono::TimeDelta;
use futures_util::StreamExt as _;
use shopify_warmer::{
    order::OrderId,
    store::{Coverage, Store, Window},
};

use super::super::{Backend, de, deleted, id, merge, news::whole, noon, uk};

fn hours(hours: i64) -> TimeDelta {
    TimeDelta::hours(hours)
}

fn window(expires_before_h: i64) -> Window {
    Window {
        created_since: noon() - TimeDelta::days(7),
        expires_before: noon() + hours(expires_before_h),
    }
}

async fn expiring(store: &Store, window: &Window, limit: usize) -> Vec<OrderId> {
    store.expiring(&uk(), window, limit).await.unwrap()
}

fn ids<const N: usize>(ids: [u64; N]) -> [OrderId; N] {
    ids.map(id)
}

/// Order 4's tracking has expired, 2's and 3's will in one and three hours, 1's in five. Order 5 is too old for the window.
async fn five(store: &Store) {
    for (order, age) in [(1, 1), (2, 5), (3, 3), (4, 7)] {
        let news = whole(order, noon() - hours(age));
        merge(store, news.created(noon() - TimeDelta::days(1))).await;
    }
    let old = whole(5, noon() - hours(5));
    merge(store, old.created(noon() - TimeDelta::days(8))).await;
}

pub(super) async fn what_expires_soonest_comes_first(_: &Backend, store: &Store) {
    five(store).await;
    assert_eq!(expiring(store, &window(4), 10).await, ids([4, 2, 3]));
    assert_eq!(expiring(store, &window(4), 2).await, ids([4, 2]));
    assert_eq!(expiring(store, &window(4), 0).await, ids([]));
    assert_eq!(expiring(store, &window(-2), 10).await, ids([]));
    // A look at an order puts it last.
    merge(store, whole(4, noon()).created(noon())).await;
    assert_eq!(expiring(store, &window(7), 10).await, ids([2, 3, 1, 4]));
    // An order placed at the very beginning of the window is in it.
    let edge = Window {
        created_since: noon(),
        ..window(7)
    };
    assert_eq!(expiring(store, &edge, 10).await, ids([4]));
}

pub(super) async fn coverage_counts_what_is_warm(_: &Backend, store: &Store) {
    five(store).await;
    let coverage = |days, hours| async move {
        let (since, now) = (noon() - TimeDelta::days(days), noon() + hours);
        store.coverage(&uk(), since, now).await.unwrap()
    };
    let warm_of = |warm, window| Coverage { window, warm };
    assert_eq!(coverage(7, hours(0)).await, warm_of(3, 4));
    assert_eq!(coverage(7, hours(2)).await, warm_of(2, 4));
    assert_eq!(coverage(7, hours(6)).await, warm_of(0, 4));
    assert_eq!(coverage(9, hours(0)).await, warm_of(4, 5));
    let elsewhere = store.coverage(&de(), noon() - hours(48), noon()).await;
    assert_eq!(elsewhere.unwrap(), Coverage::default());
}

pub(super) async fn a_deleted_order_leaves_the_window(_: &Backend, store: &Store) {
    five(store).await;
    merge(store, deleted(2, noon())).await;
    assert_eq!(expiring(store, &window(4), 10).await, ids([4, 3]));
    merge(store, whole(2, noon())).await;
    assert_eq!(expiring(store, &window(4), 10).await, ids([4, 3]));
}

/// Longer than a page of any store, all of it placed in one second, and as much again that is too old.
pub(super) async fn a_long_window_is_counted_whole(_: &Backend, store: &Store) {
    let merges = (1..=2400_u64).map(|order| async move {
        let age = TimeDelta::days(if order % 2 == 0 { 8 } else { 1 });
        merge(store, whole(order, noon()).created(noon() - age)).await
    });
    futures_util::stream::iter(merges)
        .buffer_unordered(64)
        .for_each(|_| async {})
        .await;
    let since = noon() - TimeDelta::days(7);
    let coverage = store.coverage(&uk(), since, noon()).await.unwrap();
    assert_eq!((coverage.window, coverage.warm), (1200, 1200));
    let all = expiring(store, &window(7), 5000).await;
    let placed: Vec<_> = (1..=2400).step_by(2).map(id).collect();
    assert_eq!(all, placed);
}
