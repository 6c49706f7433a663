//! Many writers at once.

use chrono::TimeDelta;
use shopify_warmer::{
    order::{Order, OrderState},
    store::{Found, MergeOutcome, Store, StoreError},
};
use tokio::task::JoinSet;

use super::super::{
    Backend, deleted, entry, found, merge,
    news::{partial, whole},
    noon, uk,
};

/// News that each of the writers has: five parcels of his own.
const PARCELS: u64 = 5;

pub(super) async fn sixteen_writers_lose_nothing(backend: &Backend, store: &Store) {
    let first = whole(1, noon() - TimeDelta::hours(1));
    merge(store, first.clone()).await;
    let mut expected = Order::from(first);
    let mut work = JoinSet::new();
    for (writer, store) in (0_u64..).zip(backend.writers(store)) {
        let parcels = (0..PARCELS).map(|round| partial(1, writer * 100 + round, noon()));
        let mine: Vec<_> = parcels
            .chain([whole(1, noon()).noted(&writer.to_string())])
            .collect();
        for news in &mine {
            expected.merge(Order::from(news.clone()));
        }
        work.spawn(async move {
            for news in mine {
                store.merge(&uk(), news.into(), noon()).await.unwrap();
            }
        });
    }
    work.join_all().await;
    assert_eq!(entry(store, 1).await.order, expected);
    assert_eq!(expected.fulfillments.len(), 80);
}

/// Whoever comes first, a deletion is final, and nothing that leads to the order is left behind.
pub(super) async fn deletion_wins_against_sixteen_writers(backend: &Backend, store: &Store) {
    for round in 1..=10_u64 {
        let mut work = JoinSet::new();
        for (store, writer) in backend.writers(store).into_iter().zip(0_u32..) {
            let news: OrderState = if writer == 7 {
                deleted(round, noon())
            } else {
                whole(round, noon()).noted(&writer.to_string()).into()
            };
            work.spawn(async move { store.merge(&uk(), news, noon()).await.unwrap() });
        }
        work.join_all().await;
        assert_eq!(found(store, round).await, Found::Absent);
    }
    let since = noon() - TimeDelta::days(7);
    let coverage = store.coverage(&uk(), since, noon()).await.unwrap();
    assert_eq!(coverage.window, 0);
}

pub(super) async fn a_page_is_merged_in_order_and_a_bad_one_stops_nothing(
    _: &Backend,
    store: &Store,
) {
    let mut page: Vec<OrderState> = (1..=100).map(|order| whole(order, noon()).into()).collect();
    page.insert(50, partial(999, 5, noon()).into());
    let merged = store.merge_all(&uk(), page, noon()).await;
    let outcomes: Result<Vec<_>, StoreError> = merged
        .into_iter()
        .map(|merged| merged.map(|merged| merged.outcome))
        .collect();
    let mut expected = vec![MergeOutcome::Created; 100];
    expected.insert(50, MergeOutcome::NotCached);
    assert_eq!(outcomes.unwrap(), expected);
}
