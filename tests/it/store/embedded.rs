//! What only the file has: it survives, it grows and shrinks, and time in it is ours to set.

mod damage;
mod disk;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use chrono::TimeDelta;
use redb::{ReadOnlyDatabase, ReadableDatabase as _, ReadableTableMetadata as _, TableDefinition};
use shopify_warmer::store::{Found, MergeOutcome, Store, StoreError, Subject, Wanted};

use super::news::{partial, whole};
use super::{
    de, deleted, entry, entry_at, find, found, id, merge, merge_at, noon, number, settings, uk,
};
use crate::harness::until;

/// Tells a child which directory is its own.
const CHILD_DIRECTORY: &str = "STORE_TEST_CHILD";

fn open(dir: &Path) -> Result<Store, StoreError> {
    Store::embedded(dir, settings())
}

fn file(dir: &Path) -> PathBuf {
    dir.join("cache.redb")
}

/// What was moved aside in the directory.
fn set_aside(dir: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    files
        .filter(|path| path.to_string_lossy().contains(".unreadable-"))
        .collect()
}

/// Runs a test of this program as a process of its own, to be killed or kept from the disk.
fn child(test: &str, dir: &Path) -> Child {
    let mut command = Command::new("sh");
    // A write beyond the limit of a file's size shall fail, as on a full disk, and not end the process.
    command.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]);
    command
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"]);
    command
        .env(CHILD_DIRECTORY, dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command.spawn().unwrap()
}

fn child_directory() -> Option<PathBuf> {
    let mut vars = std::env::vars_os();
    vars.find(|(name, _)| name == CHILD_DIRECTORY)
        .map(|(_, dir)| dir.into())
}

#[tokio::test]
async fn expired_is_absent_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    merge(&store, whole(1, noon())).await;
    let absent = Wanted::Number(number("UK404"));
    store.remember_absent(&uk(), &absent, noon()).await.unwrap();
    let hours = |hours| noon() + TimeDelta::hours(hours);
    let tick = TimeDelta::milliseconds(1);

    assert!(
        entry_at(&store, 1, hours(6) - tick)
            .await
            .tracking_ttl
            .is_some()
    );
    assert_eq!(entry_at(&store, 1, hours(6)).await.tracking_ttl, None);
    let minute = noon() + TimeDelta::seconds(60);
    for (now, seen) in [(minute - tick, Found::Absent), (minute, Found::Unknown)] {
        assert_eq!(
            store.find(&uk(), &number("UK404"), now).await.unwrap(),
            seen
        );
    }
    entry_at(&store, 1, hours(48) - tick).await;
    let later = hours(48);
    let by_id = store.order(&uk(), id(1), later).await.unwrap();
    let by_number = store.find(&uk(), &number("UK1"), later).await.unwrap();
    assert_eq!((by_id, by_number), (Found::Unknown, Found::Unknown));
    // News takes the expired for absent, and so does whoever sets only what is absent.
    assert_eq!(
        merge_at(&store, partial(1, 5, later), later).await,
        MergeOutcome::NotCached
    );
    let absent = Wanted::Number(number("UK1"));
    store.remember_absent(&uk(), &absent, later).await.unwrap();
    assert_eq!(
        store.find(&uk(), &number("UK1"), later).await.unwrap(),
        Found::Absent
    );
    assert_eq!(
        merge_at(&store, whole(1, later), later).await,
        MergeOutcome::Created
    );
}

#[tokio::test]
async fn a_tombstone_lasts_three_days() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    merge(&store, whole(1, noon())).await;
    merge(&store, deleted(1, noon())).await;
    for (later, outcome) in [
        (
            TimeDelta::hours(72) - TimeDelta::milliseconds(1),
            MergeOutcome::Tombstoned,
        ),
        (TimeDelta::hours(72), MergeOutcome::Created),
    ] {
        let later = noon() + later;
        assert_eq!(merge_at(&store, whole(1, later), later).await, outcome);
    }
}

#[tokio::test]
async fn everything_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    merge(&store, whole(1, noon())).await;
    merge(&store, partial(1, 7, noon())).await;
    merge(&store, deleted(2, noon())).await;
    store.set_watermark(&uk(), noon()).await.unwrap();
    store.push_record(&uk(), "{}").await.unwrap();
    let before = entry(&store, 1).await;
    let another = store.clone();
    store.close().await;
    store.close().await;
    // Closed for all clones, and free for the next.
    for error in [
        another
            .merge(&uk(), whole(3, noon()).into(), noon())
            .await
            .unwrap_err(),
        another.order(&uk(), id(1), noon()).await.unwrap_err(),
        another.ping().await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    }
    let store = open(dir.path()).unwrap();
    assert_eq!(entry(&store, 1).await, before);
    assert!(matches!(find(&store, "UK1").await, Found::Order(_)));
    assert_eq!(found(&store, 2).await, Found::Absent);
    assert_eq!(store.watermark(&uk()).await.unwrap(), Some(noon()));
    assert_eq!(store.records(&uk(), 10).await.unwrap(), ["{}"]);
    assert!(set_aside(dir.path()).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_do_not_notice_that_the_file_is_written_anew() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    for order in 1..=50 {
        merge(&store, whole(order, noon())).await;
    }
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (store, done) = (store.clone(), Arc::clone(&done));
        readers.spawn(async move {
            while !done.load(Ordering::Relaxed) {
                for order in 1..=50 {
                    let found = store.order(&uk(), id(order), noon()).await;
                    assert!(matches!(found, Ok(Found::Order(_))), "{found:?}");
                }
                tokio::task::yield_now().await;
            }
        });
    }
    for stranger in 1..=40 {
        let subject = Subject {
            orders: [id(1000 + stranger)].into(),
            customer: None,
            email: None,
        };
        let redacted = store.redact_customer(&uk(), &subject, noon(), noon()).await;
        redacted.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    readers.join_all().await;
}

#[tokio::test]
async fn the_last_handle_lets_the_file_go() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    merge(&store, whole(1, noon())).await;
    drop(store);
    let store = until("the file is free", || async { open(dir.path()).ok() }).await;
    entry(&store, 1).await;
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt as _;

    let dir = tempfile::tempdir().unwrap();
    let _store = open(dir.path()).unwrap();
    let mode = fs::metadata(file(dir.path())).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// How many values and how many expiries the file holds.
fn rows(dir: &Path) -> (u64, u64) {
    let database = ReadOnlyDatabase::open(file(dir)).unwrap();
    let read = database.begin_read().unwrap();
    let values: TableDefinition<'_, &str, (i64, &str)> = TableDefinition::new("entries");
    let expiries: TableDefinition<'_, (i64, &str), ()> = TableDefinition::new("expiries");
    (
        read.open_table(values).unwrap().len().unwrap(),
        read.open_table(expiries).unwrap().len().unwrap(),
    )
}

/// Writes until the writer has swept: it does so with one commit in 64, and goes on with each until nothing is left.
async fn sweep(store: &Store, now: chrono::DateTime<chrono::Utc>) {
    for _ in 0..70 {
        let absent = Wanted::Id(id(404));
        store.remember_absent(&uk(), &absent, now).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_expired_is_swept_out_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let page = (1..=600).map(|order| whole(order, noon()).into()).collect();
    for merged in store.merge_all(&uk(), page, noon()).await {
        merged.unwrap();
    }
    let later = noon() + TimeDelta::hours(48);
    // More than is swept in one step. The one that was written since stays.
    merge_at(&store, whole(1000, later), later).await;
    sweep(&store, later).await;
    store.close().await;
    assert_eq!(
        rows(dir.path()),
        (4, 4),
        "an order, its tracking, its way, and what sweeping wrote"
    );
}

/// A clock that was wrong for one write must not cost the cache for as long as the process lives.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_ahead_once_does_not_empty_the_cache_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let wrong = noon() + TimeDelta::days(365);
    merge_at(&store, whole(1, wrong), wrong).await;
    merge(&store, whole(2, noon())).await;
    sweep(&store, noon()).await;
    entry(&store, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_does_not_grow_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let size = || fs::metadata(file(dir.path())).unwrap().len();
    let mut now = noon();
    let mut after_a_week = 0;
    for week in 0..4_u64 {
        let orders = week * 400 + 1..=week * 400 + 400;
        let page = orders.map(|order| whole(order, now).into()).collect();
        for merged in store.merge_all(&uk(), page, now).await {
            merged.unwrap();
        }
        now += TimeDelta::days(7);
        sweep(&store, now).await;
        if week == 0 {
            after_a_week = size();
        }
    }
    assert!(
        size() <= after_a_week * 2,
        "{after_a_week} grew to {}",
        size()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_mostly_empty_shrinks_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    // Long records of two sites, of which one's are then driven out by short ones: the holes lie between the other's.
    for _ in 0..20 {
        for (site, length) in [(uk(), 2_000_000), (de(), 300_000)] {
            let record = "n".repeat(length);
            store.push_record(&site, &record).await.unwrap();
        }
    }
    for _ in 0..100 {
        store.push_record(&uk(), "{}").await.unwrap();
    }
    store.close().await;
    let large = fs::metadata(file(dir.path())).unwrap().len();
    let store = open(dir.path()).unwrap();
    assert_eq!(store.records(&de(), 100).await.unwrap().len(), 20);
    store.close().await;
    let small = fs::metadata(file(dir.path())).unwrap().len();
    assert!(
        large > 32_000_000 && small * 2 < large,
        "{large} bytes became {small}"
    );
}
