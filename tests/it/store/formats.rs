//! Upgrade and rollback: what another version of this program has stored is read or fetched anew, and never a crash.

use std::{fs, os::unix::fs::FileExt as _};

use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use serde_json::{Value, json};
use shopify_warmer::store::{Found, MergeOutcome, Store};

use super::{Backend, entry, find, found, merge, news::whole, noon, number, settings, uk};

const KEY: &str = "shopify:{uk:5551}:order";
const ENTRIES: TableDefinition<'_, &str, (i64, &str)> = TableDefinition::new("entries");

/// What versions before and after this one may have written under an order's key: another number, another shape under the same number,
/// no number yet, no order at all.
fn other_forms(now: &str) -> Vec<(&'static str, String)> {
    let change = |change: fn(&mut Value)| {
        let mut value: Value = serde_json::from_str(now).unwrap();
        change(&mut value);
        value.to_string()
    };
    vec![
        (
            "a later format",
            change(|value| value["_meta"]["format"] = json!(2)),
        ),
        (
            "an earlier format",
            change(|value| value["_meta"]["format"] = json!(0)),
        ),
        (
            "a format that is a word",
            change(|value| value["_meta"]["format"] = json!("3b")),
        ),
        (
            "no format yet",
            change(|value| drop(value.as_object_mut().unwrap().remove("_meta"))),
        ),
        (
            "facets of another shape",
            change(|value| value["_meta"]["facets"]["head"] = json!([1, 2])),
        ),
        ("no JSON", "MessagePack, some day".to_owned()),
        ("nothing", String::new()),
    ]
}

/// A value with more in it than this version knows, as a later version of the same format may write it.
fn with_more(now: &str) -> String {
    let mut value: Value = serde_json::from_str(now).unwrap();
    value["added_later"] = json!({ "x": 1 });
    value["_meta"]["also_later"] = json!(true);
    value.to_string()
}

impl Backend {
    /// The stored value of the order, as the backend has it.
    async fn stored(&self) -> String {
        match self {
            Self::Redis(server) => server.cli(&["GET", KEY]).await,
            Self::Redises(_) => panic!("not of several servers"),
            Self::Embedded(dir) => {
                let database = Database::open(dir.path().join("cache.redb")).unwrap();
                let entries = database.begin_read().unwrap().open_table(ENTRIES).unwrap();
                entries.get(KEY).unwrap().unwrap().value().1.to_owned()
            }
        }
    }

    /// Puts another value in its place, with the same lifetime.
    async fn put(&self, value: &str) {
        match self {
            Self::Redis(server) => server.cli(&["SET", KEY, value, "KEEPTTL"]).await,
            Self::Redises(_) => panic!("not of several servers"),
            Self::Embedded(dir) => {
                let database = Database::open(dir.path().join("cache.redb")).unwrap();
                let write = database.begin_write().unwrap();
                {
                    let mut entries = write.open_table(ENTRIES).unwrap();
                    let expires_at = entries.get(KEY).unwrap().unwrap().value().0;
                    entries.insert(KEY, (expires_at, value)).unwrap();
                }
                write.commit().unwrap();
            }
        }
    }
}

async fn values_of_other_formats_are_fetched_anew(backend: Backend) {
    let store = backend.open();
    merge(&store, whole(5551, noon()).named("#UK22080")).await;
    store.close().await;
    drop(store);
    let now = backend.stored().await;
    for (what, value) in other_forms(&now) {
        backend.put(&value).await;
        let store = backend.open();
        assert_eq!(
            found(&store, 5551).await,
            Found::Unknown,
            "{what}: as if it were not cached"
        );
        assert_eq!(find(&store, "UK22080").await, Found::Unknown, "{what}");
        let refetched = merge(&store, whole(5551, noon()).named("#UK22080")).await;
        assert_eq!(refetched, MergeOutcome::Created, "{what}: and written over");
        entry(&store, 5551).await;
        assert!(
            matches!(find(&store, "UK22080").await, Found::Order(_)),
            "{what}"
        );
        store.close().await;
        drop(store);
        assert_eq!(backend.stored().await, now, "{what}");
    }
    backend.put(&with_more(&now)).await;
    let store = backend.open();
    assert!(
        matches!(found(&store, 5551).await, Found::Order(_)),
        "what was added is passed over"
    );
    store.close().await;
}

#[tokio::test]
async fn values_of_other_formats_are_fetched_anew_from_redis() {
    values_of_other_formats_are_fetched_anew(Backend::redis().await).await;
}

#[tokio::test]
async fn values_of_other_formats_are_fetched_anew_from_the_file() {
    values_of_other_formats_are_fetched_anew(Backend::embedded()).await;
}

/// A file of redb's own later format, and one whose table holds other types.
#[tokio::test]
async fn a_file_of_another_format_is_moved_aside_and_kept() {
    let ways: [fn(&std::path::Path); 2] = [newer_redb, other_tables];
    for newer in ways {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("cache.redb");
        newer(&file);
        let before = fs::read(&file).unwrap();
        let store = Store::embedded(dir.path(), settings()).unwrap();
        merge(&store, whole(5551, noon()).named("#UK22080")).await;
        assert!(store.find(&uk(), &number("UK22080"), noon()).await.is_ok());
        store.close().await;
        let aside = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let aside: Vec<_> = aside
            .filter(|path| path.to_string_lossy().contains(".unreadable-"))
            .collect();
        assert_eq!(aside.len(), 1, "{aside:?}");
        assert_eq!(fs::read(&aside[0]).unwrap().len(), before.len());
    }
}

/// The first byte of either header slot is the version of redb's file format.
fn newer_redb(path: &std::path::Path) {
    drop(Database::create(path).unwrap());
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    for slot in [64, 192] {
        file.write_at(&[99], slot).unwrap();
    }
}

fn other_tables(path: &std::path::Path) {
    const OTHER: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("entries");
    let database = Database::create(path).unwrap();
    let write = database.begin_write().unwrap();
    write
        .open_table(OTHER)
        .unwrap()
        .insert(1, &b"later"[..])
        .unwrap();
    write.commit().unwrap();
}
