//! One contract, told of both stores.

mod embedded;
mod news;
mod redis;

use std::{path::PathBuf, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use shopify_warmer::{
    order::{Order, OrderId, OrderNumber, OrderState, Tombstone},
    site::SiteCode,
    store::{
        Entry, Found, MergeOutcome, Needs, RefreshAsk, Settled, Store, StoreSettings, Ttls, Wanted,
        Window,
    },
};
use tempfile::TempDir;

use self::news::{partial, whole};
use crate::{harness::now, redis_server::RedisServer};

fn uk() -> SiteCode {
    "uk".parse().unwrap()
}

fn de() -> SiteCode {
    "de".parse().unwrap()
}

fn id(number: u64) -> OrderId {
    OrderId::new(number).unwrap()
}

fn number(text: &str) -> OrderNumber {
    OrderNumber::parse(text).unwrap()
}

fn settings() -> StoreSettings {
    StoreSettings {
        prefix: "shopify".to_owned(),
        ttls: Ttls::default(),
    }
}

/// A store of a test's own.
enum Backend {
    Redis(RedisServer),
    Embedded(TempDir),
}

impl Backend {
    async fn redis() -> Self {
        Self::Redis(RedisServer::start().await)
    }

    fn embedded() -> Self {
        Self::Embedded(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Store {
        match self {
            Self::Redis(server) => Store::redis(&server.url().into(), settings()).unwrap(),
            Self::Embedded(dir) => Store::embedded(dir.path(), settings(), now()).unwrap(),
        }
    }

    /// What 16 writers hold: connections of their own to Redis; a file has one process.
    fn writers(&self, store: &Store) -> Vec<Store> {
        match self {
            Self::Redis(_) => (0..16).map(|_| self.open()).collect(),
            Self::Embedded(_) => vec![store.clone(); 16],
        }
    }
}

/// Runs each test of the contract on both stores.
macro_rules! contract {
    ($($name:ident)+) => {
        mod on_redis {
            $(#[tokio::test]
            async fn $name() {
                let backend = super::Backend::redis().await;
                let store = backend.open();
                super::$name(&backend, &store).await;
            })+
        }

        mod on_embedded {
            $(#[tokio::test]
            async fn $name() {
                let backend = super::Backend::embedded();
                let store = backend.open();
                super::$name(&backend, &store).await;
            })+
        }
    };
}

contract! {
    news_has_its_outcome
    an_older_body_changes_nothing
    partial_news_changes_values_and_keeps_the_deadline
    lifetimes_run_from_the_observation
    a_tombstone_outranks_what_comes_late
    absence_is_outranked_and_never_outranks
    a_number_leads_to_its_order_or_nowhere
    what_expires_soonest_comes_first
    the_refresh_set_coalesces_and_settles
    the_watermark_never_goes_back
    history_is_bounded_and_newest_first
    a_purge_takes_one_site_alone
    sixteen_writers_lose_nothing
    a_page_is_merged_in_order_and_a_bad_one_stops_nothing
    whatever_comes_the_store_agrees_with_the_merge
}

async fn merge(store: &Store, news: impl Into<OrderState>) -> MergeOutcome {
    store
        .merge(&uk(), news.into(), now())
        .await
        .unwrap()
        .outcome
}

async fn entry(store: &Store, order: u64) -> Entry {
    match store.order(&uk(), id(order), now()).await.unwrap() {
        Found::Order(entry) => *entry,
        other @ (Found::Absent | Found::Unknown) => unreachable!("{other:?}"),
    }
}

fn near(left: Duration, wanted: u64) -> bool {
    left <= Duration::from_secs(wanted)
        && left + Duration::from_secs(10) > Duration::from_secs(wanted)
}

async fn news_has_its_outcome(_: &Backend, store: &Store) {
    let at = now();
    assert_eq!(store.order(&uk(), id(1), at).await.unwrap(), Found::Unknown);
    assert_eq!(
        merge(store, partial(1, 5, at)).await,
        MergeOutcome::NotCached
    );
    assert_eq!(
        store.order(&uk(), id(1), at).await.unwrap(),
        Found::Unknown,
        "partial news of an unknown order writes nothing"
    );
    let first = whole(1, at - TimeDelta::seconds(10));
    assert_eq!(merge(store, first.clone()).await, MergeOutcome::Created);
    assert_eq!(merge(store, first.clone()).await, MergeOutcome::Unchanged);
    assert_eq!(
        merge(store, first.clone().observed(at)).await,
        MergeOutcome::Confirmed
    );
    assert_eq!(
        merge(store, first.noted("hello").updated(at).observed(at)).await,
        MergeOutcome::Changed
    );
    assert_eq!(merge(store, partial(1, 5, at)).await, MergeOutcome::Changed);
    assert_eq!(
        merge(store, partial(1, 5, at)).await,
        MergeOutcome::Unchanged
    );
    assert_eq!(
        merge(store, whole(2, at - TimeDelta::hours(48))).await,
        MergeOutcome::Expired
    );
    assert_eq!(store.order(&uk(), id(2), at).await.unwrap(), Found::Unknown);
    let gone = OrderState::Gone(Tombstone { id: id(1), at });
    assert_eq!(merge(store, gone).await, MergeOutcome::Deleted);
    assert_eq!(merge(store, whole(1, at)).await, MergeOutcome::Tombstoned);
}

async fn an_older_body_changes_nothing(_: &Backend, store: &Store) {
    let at = now();
    merge(store, whole(1, at).updated(at).noted("new")).await;
    let before = entry(store, 1).await.order;
    let old = whole(1, at - TimeDelta::hours(1))
        .noted("old")
        .updated(at - TimeDelta::hours(1));
    assert_eq!(merge(store, old).await, MergeOutcome::Unchanged);
    assert_eq!(entry(store, 1).await.order, before);
}

async fn partial_news_changes_values_and_keeps_the_deadline(_: &Backend, store: &Store) {
    let at = now();
    merge(store, whole(1, at - TimeDelta::hours(2))).await;
    merge(store, partial(1, 5, at)).await;
    let entry = entry(store, 1).await;
    assert_eq!(entry.order.fulfillments.len(), 1);
    assert!(near(entry.order_ttl, 46 * 3600), "{entry:?}");
    assert!(near(entry.tracking_ttl.unwrap(), 4 * 3600), "{entry:?}");
}

async fn lifetimes_run_from_the_observation(_: &Backend, store: &Store) {
    let at = now();
    merge(store, whole(1, at)).await;
    let fresh = entry(store, 1).await;
    assert!(
        near(fresh.order_ttl, 48 * 3600) && near(fresh.tracking_ttl.unwrap(), 6 * 3600),
        "{fresh:?}"
    );
    merge(store, whole(2, at - TimeDelta::hours(7))).await;
    let stale = entry(store, 2).await;
    assert!(
        near(stale.order_ttl, 41 * 3600) && stale.tracking_ttl.is_none(),
        "{stale:?}"
    );
    // A clock that runs ahead renews no more than now.
    merge(store, whole(3, at + TimeDelta::hours(10))).await;
    assert!(near(entry(store, 3).await.order_ttl, 48 * 3600));
}

async fn a_tombstone_outranks_what_comes_late(_: &Backend, store: &Store) {
    let at = now();
    merge(store, whole(1, at).named("#UK1")).await;
    merge(store, OrderState::Gone(Tombstone { id: id(1), at })).await;
    let late = whole(1, at + TimeDelta::hours(1))
        .named("#UK1")
        .updated(at + TimeDelta::hours(1));
    assert_eq!(merge(store, late).await, MergeOutcome::Tombstoned);
    assert_eq!(store.order(&uk(), id(1), at).await.unwrap(), Found::Absent);
    assert_eq!(
        store.find(&uk(), &number("UK1"), at).await.unwrap(),
        Found::Unknown
    );
    let since = at - TimeDelta::days(7);
    assert_eq!(store.coverage(&uk(), since, at).await.unwrap().window, 0);
}

async fn absence_is_outranked_and_never_outranks(_: &Backend, store: &Store) {
    let at = now();
    for wanted in [Wanted::Number(number("UK1")), Wanted::Id(id(1))] {
        store.remember_absent(&uk(), &wanted, at).await.unwrap();
    }
    assert_eq!(
        store.find(&uk(), &number("UK1"), at).await.unwrap(),
        Found::Absent
    );
    assert_eq!(store.order(&uk(), id(1), at).await.unwrap(), Found::Absent);
    assert_eq!(
        merge(store, whole(1, at).named("#UK1")).await,
        MergeOutcome::Created
    );
    for wanted in [Wanted::Number(number("UK1")), Wanted::Id(id(1))] {
        store.remember_absent(&uk(), &wanted, at).await.unwrap();
    }
    assert!(matches!(
        store.find(&uk(), &number("UK1"), at).await.unwrap(),
        Found::Order(_)
    ));
    assert!(matches!(
        store.order(&uk(), id(1), at).await.unwrap(),
        Found::Order(_)
    ));
}

async fn a_number_leads_to_its_order_or_nowhere(_: &Backend, store: &Store) {
    let at = now();
    merge(store, whole(1, at).named("#UK1")).await;
    let later = at + TimeDelta::seconds(1);
    merge(store, whole(1, later).named("#UK2").updated(later)).await;
    assert_eq!(
        store.find(&uk(), &number("UK1"), at).await.unwrap(),
        Found::Unknown,
        "its number is another now"
    );
    assert!(matches!(
        store.find(&uk(), &number("UK2"), at).await.unwrap(),
        Found::Order(_)
    ));
    assert_eq!(
        store.find(&de(), &number("UK2"), at).await.unwrap(),
        Found::Unknown,
        "another site's"
    );
}

async fn what_expires_soonest_comes_first(_: &Backend, store: &Store) {
    let at = now();
    for (order, hours) in [(1, 1), (2, 5), (3, 3), (4, 7)] {
        merge(
            store,
            whole(order, at - TimeDelta::hours(hours)).created(at - TimeDelta::days(1)),
        )
        .await;
    }
    merge(
        store,
        whole(5, at - TimeDelta::hours(5)).created(at - TimeDelta::days(8)),
    )
    .await;
    let window = Window {
        created_since: at - TimeDelta::days(7),
        expires_before: at + TimeDelta::hours(4),
    };
    let ids = |ids: &[u64]| ids.iter().map(|order| id(*order)).collect::<Vec<_>>();
    assert_eq!(
        store.expiring(&uk(), &window, 10).await.unwrap(),
        ids(&[4, 2, 3])
    );
    assert_eq!(
        store.expiring(&uk(), &window, 2).await.unwrap(),
        ids(&[4, 2])
    );
    let coverage = store
        .coverage(&uk(), window.created_since, at)
        .await
        .unwrap();
    assert_eq!((coverage.window, coverage.warm), (4, 3));
}

#[expect(
    clippy::too_many_lines,
    reason = "one story, told from its beginning to its end"
)]
async fn the_refresh_set_coalesces_and_settles(_: &Backend, store: &Store) {
    let at = DateTime::from_timestamp_millis(now().timestamp_millis()).unwrap();
    let seconds = TimeDelta::seconds;
    let ask = |order, wanted, needs, due_at| RefreshAsk {
        order: id(order),
        wanted,
        needs,
        due_at,
    };
    let asks = [
        ask(1, None, Needs::WholeOrder, at),
        ask(2, Some(at - seconds(5)), Needs::WholeOrder, at - seconds(1)),
        ask(2, Some(at - seconds(9)), Needs::Read, at - seconds(2)),
        ask(3, None, Needs::WholeOrder, at + seconds(60)),
    ];
    store.ask_refresh(&uk(), &asks).await.unwrap();
    assert_eq!(
        (
            store.refresh_len(&uk()).await.unwrap(),
            store.refresh_len(&de()).await.unwrap()
        ),
        (3, 0)
    );
    let due = store.refreshes_due(&uk(), at, 10).await.unwrap();
    let [two, one] = due.as_slice() else {
        panic!("{due:?}")
    };
    assert_eq!(
        (two.order, two.wanted, two.needs, two.due_at),
        (id(2), Some(at - seconds(5)), Needs::Read, at - seconds(2))
    );
    assert_eq!(
        (one.order, one.wanted, one.needs, one.attempts),
        (id(1), None, Needs::WholeOrder, 0)
    );
    assert_eq!(store.refreshes_due(&uk(), at, 1).await.unwrap(), [*two]);

    store
        .settle_refresh(
            &uk(),
            one,
            Settled::Again {
                due_at: at + seconds(2),
            },
        )
        .await
        .unwrap();
    assert_eq!(store.refreshes_due(&uk(), at, 10).await.unwrap(), [*two]);
    let again = store
        .refreshes_due(&uk(), at + seconds(2), 10)
        .await
        .unwrap();
    assert_eq!((again[1].order, again[1].attempts), (id(1), 1));

    // Newer news asks while the order is being fetched: what was fetched does not answer it.
    store
        .ask_refresh(&uk(), &[ask(2, Some(at), Needs::WholeOrder, at)])
        .await
        .unwrap();
    store
        .settle_refresh(&uk(), two, Settled::Done)
        .await
        .unwrap();
    let left = store.refreshes_due(&uk(), at, 10).await.unwrap();
    assert_eq!(
        (left[0].order, left[0].wanted, left[0].needs),
        (id(2), Some(at), Needs::Read)
    );
    store
        .settle_refresh(&uk(), &left[0], Settled::Done)
        .await
        .unwrap();
    assert_eq!(store.refresh_len(&uk()).await.unwrap(), 2);
}

async fn the_watermark_never_goes_back(_: &Backend, store: &Store) {
    let at = DateTime::from_timestamp_millis(now().timestamp_millis()).unwrap();
    assert_eq!(store.watermark(&uk()).await.unwrap(), None);
    store.set_watermark(&uk(), at).await.unwrap();
    store
        .set_watermark(&uk(), at - TimeDelta::hours(1))
        .await
        .unwrap();
    assert_eq!(store.watermark(&uk()).await.unwrap(), Some(at));
    assert_eq!(store.watermark(&de()).await.unwrap(), None);
}

async fn history_is_bounded_and_newest_first(_: &Backend, store: &Store) {
    for record in 0..120 {
        store
            .push_record(&uk(), &format!("{{\"n\":{record}}}"))
            .await
            .unwrap();
    }
    let all = store.records(&uk(), 1000).await.unwrap();
    assert_eq!(
        (all.len(), all[0].as_str(), all[99].as_str()),
        (100, "{\"n\":119}", "{\"n\":20}")
    );
    assert_eq!(store.records(&uk(), 2).await.unwrap().len(), 2);
    assert!(store.records(&uk(), 0).await.unwrap().is_empty());
    assert!(store.records(&de(), 10).await.unwrap().is_empty());
}

async fn a_purge_takes_one_site_alone(_: &Backend, store: &Store) {
    let at = now();
    for site in [uk(), de()] {
        for order in 1..=20 {
            let news = whole(order, at).named(&format!("#X{order}"));
            store.merge(&site, news.into(), at).await.unwrap();
        }
        let ask = RefreshAsk {
            order: id(1),
            wanted: None,
            needs: Needs::Read,
            due_at: at,
        };
        store.ask_refresh(&site, &[ask]).await.unwrap();
        store.push_record(&site, "{}").await.unwrap();
    }
    let gone = OrderState::Gone(Tombstone { id: id(20), at });
    store.merge(&uk(), gone, at).await.unwrap();
    assert_eq!(
        store.purge_site(&uk()).await.unwrap(),
        57,
        "order, tracking and search of nineteen"
    );
    assert_eq!(
        merge(store, whole(20, at)).await,
        MergeOutcome::Tombstoned,
        "tombstones stay"
    );
    let since = at - TimeDelta::days(7);
    assert_eq!(store.order(&uk(), id(1), at).await.unwrap(), Found::Unknown);
    assert_eq!(
        store.find(&uk(), &number("X1"), at).await.unwrap(),
        Found::Unknown
    );
    assert_eq!(
        (
            store.coverage(&uk(), since, at).await.unwrap().window,
            store.refresh_len(&uk()).await.unwrap()
        ),
        (0, 0)
    );
    assert_eq!(
        store.records(&uk(), 10).await.unwrap().len(),
        1,
        "records hold nobody's data"
    );
    assert!(matches!(
        store.find(&de(), &number("X1"), at).await.unwrap(),
        Found::Order(_)
    ));
    assert_eq!(
        (
            store.coverage(&de(), since, at).await.unwrap().window,
            store.refresh_len(&de()).await.unwrap()
        ),
        (20, 1)
    );
}

async fn sixteen_writers_lose_nothing(backend: &Backend, store: &Store) {
    let at = now();
    let first = whole(1, at - TimeDelta::hours(1));
    merge(store, first.clone()).await;
    let mut expected = Order::from(first);
    let mut work = Vec::new();
    for (writer, store) in (0_u64..).zip(backend.writers(store)) {
        let mut mine = Vec::new();
        for round in 0..10 {
            let news = partial(
                1,
                writer * 100 + round,
                at + TimeDelta::milliseconds(i64::try_from(round).unwrap()),
            );
            expected.merge(Order::from(news.clone()));
            mine.push(news);
        }
        work.push(async move {
            for news in mine {
                store.merge(&uk(), news.into(), at).await.unwrap();
            }
        });
    }
    join_all(work).await;
    assert_eq!(entry(store, 1).await.order, expected);
    assert_eq!(expected.fulfillments.len(), 160);
}

async fn a_page_is_merged_in_order_and_a_bad_one_stops_nothing(_: &Backend, store: &Store) {
    let at = now();
    let mut page: Vec<OrderState> = (1..=150).map(|order| whole(order, at).into()).collect();
    page.push(partial(999, 5, at).into());
    let merged = store.merge_all(&uk(), page, at).await;
    let outcomes: Vec<_> = merged
        .into_iter()
        .map(|merged| merged.unwrap().outcome)
        .collect();
    assert_eq!(outcomes.len(), 151);
    assert!(
        outcomes[..150]
            .iter()
            .all(|outcome| *outcome == MergeOutcome::Created)
    );
    assert_eq!(outcomes[150], MergeOutcome::NotCached);
}

/// Random news of a few orders, against the merge itself as the model.
async fn whatever_comes_the_store_agrees_with_the_merge(_: &Backend, store: &Store) {
    let at = now();
    let mut random = fastrand::Rng::with_seed(7);
    let mut model: std::collections::BTreeMap<u64, OrderState> = std::collections::BTreeMap::new();
    for step in 0..400 {
        let order = random.u64(1..6);
        let age = TimeDelta::minutes(random.i64(0..600));
        let news: OrderState = match random.u8(0..20) {
            0 => OrderState::Gone(Tombstone {
                id: id(order),
                at: at - age,
            }),
            1..=9 => whole(order, at - age)
                .updated(at - age)
                .noted(&random.u8(0..3).to_string())
                .into(),
            _partial => partial(order, random.u64(1..4), at - age).into(),
        };
        let known = model.remove(&order);
        let is_cached = matches!(&known, Some(OrderState::Present(_)));
        let whole_news = matches!(&news, OrderState::Present(order) if order.is_whole());
        let next = match known {
            Some(known) => Some(known.merge(news.clone())),
            None if whole_news || matches!(news, OrderState::Gone(_)) => Some(news.clone()),
            None => None,
        };
        let outcome = store.merge(&uk(), news, at).await.unwrap().outcome;
        match (&next, store.order(&uk(), id(order), at).await.unwrap()) {
            (Some(OrderState::Present(wanted)), Found::Order(entry)) => {
                assert_eq!(entry.order, **wanted, "step {step}");
            }
            (Some(OrderState::Gone(_)), Found::Absent) | (None, Found::Unknown) => {}
            (wanted, found) => panic!(
                "step {step}: {outcome:?}, cached before: {is_cached}: {wanted:?} but {found:?}"
            ),
        }
        model.extend(next.map(|next| (order, next)));
    }
}

fn child_directory() -> Option<PathBuf> {
    std::env::vars_os()
        .find(|(name, _)| name == "STORE_TEST_CHILD")
        .map(|(_, value)| value.into())
}

fn millis(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis()
}
