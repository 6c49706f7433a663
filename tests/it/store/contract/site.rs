//! What is kept for a site as a whole.

use chrono::TimeDelta;
use shopify_warmer::store::{Coverage, Found, MergeOutcome, Needs, RefreshAsk, Store, Wanted};

use super::super::{Backend, de, deleted, find, found, id, merge, news::whole, noon, number, uk};

pub(super) async fn the_watermark_never_goes_back(_: &Backend, store: &Store) {
    let at = noon() + TimeDelta::milliseconds(1);
    assert_eq!(store.watermark(&uk()).await.unwrap(), None);
    for earlier in [0, 1, 3600] {
        let at = at - TimeDelta::seconds(earlier);
        store.set_watermark(&uk(), at).await.unwrap();
    }
    assert_eq!(store.watermark(&uk()).await.unwrap(), Some(at));
    store
        .set_watermark(&uk(), at + TimeDelta::milliseconds(1))
        .await
        .unwrap();
    assert!(store.watermark(&uk()).await.unwrap() > Some(at));
    assert_eq!(store.watermark(&de()).await.unwrap(), None);
}

pub(super) async fn history_is_bounded_and_newest_first(_: &Backend, store: &Store) {
    for record in 0..105 {
        let record = format!("{{\"n\":{record}}}");
        store.push_record(&uk(), &record).await.unwrap();
    }
    let all = store.records(&uk(), 1000).await.unwrap();
    assert_eq!(
        (all.len(), all[0].as_str(), all[99].as_str()),
        (100, "{\"n\":104}", "{\"n\":5}")
    );
    assert_eq!(store.records(&uk(), 2).await.unwrap(), all[..2]);
    assert!(store.records(&uk(), 0).await.unwrap().is_empty());
    assert!(store.records(&de(), 10).await.unwrap().is_empty());
}

/// Twenty orders, one of them deleted, an absence of each kind, one that waits, a record.
async fn fill(store: &Store) {
    for site in [uk(), de()] {
        let page = (1..=20).map(|order| whole(order, noon()).into()).collect();
        for merged in store.merge_all(&site, page, noon()).await {
            merged.unwrap();
        }
        let gone = store.merge(&site, deleted(20, noon()), noon()).await;
        gone.unwrap();
        for wanted in [Wanted::Number(number("UK404")), Wanted::Id(id(404))] {
            store.remember_absent(&site, &wanted, noon()).await.unwrap();
        }
        let ask = RefreshAsk {
            order: id(1),
            wanted: None,
            needs: Needs::Read,
            due_at: noon(),
        };
        store.ask_refresh(&site, &[ask]).await.unwrap();
        store.set_watermark(&site, noon()).await.unwrap();
        store.push_record(&site, "{}").await.unwrap();
    }
}

pub(super) async fn a_purge_takes_one_site_alone(_: &Backend, store: &Store) {
    fill(store).await;
    assert_eq!(
        store.purge_site(&uk()).await.unwrap(),
        19 * 3 + 2,
        "order, tracking and search of nineteen, and two absences"
    );
    let since = noon() - TimeDelta::days(7);
    let coverage = async |site| store.coverage(&site, since, noon()).await.unwrap();
    assert_eq!(found(store, 1).await, Found::Unknown);
    assert_eq!(find(store, "UK1").await, Found::Unknown);
    assert_eq!(find(store, "UK404").await, Found::Unknown);
    assert_eq!(coverage(uk()).await, Coverage::default());
    assert_eq!(store.refresh_len(&uk()).await.unwrap(), 0);
    assert_eq!(store.watermark(&uk()).await.unwrap(), None);
    assert_eq!(
        store.records(&uk(), 10).await.unwrap().len(),
        1,
        "records hold nobody's data"
    );
    assert_eq!(
        merge(store, whole(20, noon())).await,
        MergeOutcome::Tombstoned,
        "a late redelivery must not bring a deleted order back"
    );
    assert_eq!(merge(store, whole(1, noon())).await, MergeOutcome::Created);

    let elsewhere = store.find(&de(), &number("UK1"), noon()).await.unwrap();
    assert!(matches!(elsewhere, Found::Order(_)));
    assert_eq!(coverage(de()).await.window, 19);
    assert_eq!(store.refresh_len(&de()).await.unwrap(), 1);
    assert_eq!(store.watermark(&de()).await.unwrap(), Some(noon()));
}

pub(super) async fn it_answers_when_asked_whether_it_does(_: &Backend, store: &Store) {
    store.ping().await.unwrap();
}

pub(super) async fn voices_are_kept_apart_and_never_go_back(_: &Backend, store: &Store) {
    assert!(store.voices(&uk()).await.unwrap().is_empty());
    let later = noon() + TimeDelta::milliseconds(1);
    for at in [later, noon()] {
        store
            .note_voice(&uk(), "orders/updated app", at)
            .await
            .unwrap();
    }
    store
        .note_voice(&uk(), "orders/create other", noon())
        .await
        .unwrap();
    let voices: Vec<_> = store.voices(&uk()).await.unwrap().into_iter().collect();
    assert_eq!(
        voices,
        [
            ("orders/create other".to_owned(), noon()),
            ("orders/updated app".to_owned(), later)
        ]
    );
    assert!(store.voices(&de()).await.unwrap().is_empty());
}
