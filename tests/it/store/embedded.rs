//! What only the file has: it survives, it can be damaged, and time in it is ours to set.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use chrono::{DateTime, TimeDelta, Utc};
use shopify_warmer::{
    order::{OrderState, Tombstone},
    store::{Found, MergeOutcome, Store, StoreError, Wanted},
};

use super::{child_directory, id, millis, now, number, settings, uk, whole};

fn open(dir: &Path) -> Result<Store, StoreError> {
    Store::embedded(dir, settings(), now())
}

async fn merge_at(store: &Store, order: u64, at: DateTime<Utc>) -> MergeOutcome {
    store
        .merge(&uk(), whole(order, at).into(), at)
        .await
        .unwrap()
        .outcome
}

#[tokio::test]
async fn expired_is_absent_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let at = now();
    merge_at(&store, 1, at).await;
    store
        .remember_absent(&uk(), &Wanted::Number(number("UK404")), at)
        .await
        .unwrap();
    let found = store
        .order(&uk(), id(1), at + TimeDelta::hours(6))
        .await
        .unwrap();
    assert!(
        matches!(found, Found::Order(entry) if entry.tracking_ttl.is_none()),
        "its tracking is gone"
    );
    assert_eq!(
        store
            .find(&uk(), &number("UK404"), at + TimeDelta::seconds(60))
            .await
            .unwrap(),
        Found::Unknown
    );
    let later = at + TimeDelta::hours(48);
    assert_eq!(
        store.order(&uk(), id(1), later).await.unwrap(),
        Found::Unknown
    );
    assert_eq!(
        store.find(&uk(), &number("UK1"), later).await.unwrap(),
        Found::Unknown
    );
    // Set-if-absent takes the expired for absent too.
    store
        .remember_absent(&uk(), &Wanted::Number(number("UK1")), later)
        .await
        .unwrap();
    assert_eq!(
        store.find(&uk(), &number("UK1"), later).await.unwrap(),
        Found::Absent
    );
    assert_eq!(merge_at(&store, 1, later).await, MergeOutcome::Created);
}

#[tokio::test]
async fn a_tombstone_lasts_three_days() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let at = now();
    merge_at(&store, 1, at).await;
    store
        .merge(&uk(), OrderState::Gone(Tombstone { id: id(1), at }), at)
        .await
        .unwrap();
    assert_eq!(
        merge_at(&store, 1, at + TimeDelta::hours(71)).await,
        MergeOutcome::Tombstoned
    );
    assert_eq!(
        merge_at(&store, 1, at + TimeDelta::hours(73)).await,
        MergeOutcome::Created
    );
}

#[tokio::test]
async fn everything_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let at = now();
    let store = open(dir.path()).unwrap();
    merge_at(&store, 1, at).await;
    store.set_watermark(&uk(), at).await.unwrap();
    store.push_record(&uk(), "{}").await.unwrap();
    store.close().await;
    assert!(
        matches!(
            store.merge(&uk(), whole(2, at).into(), at).await,
            Err(StoreError::Unavailable { .. })
        ),
        "it is closed"
    );
    drop(store);
    let store = open(dir.path()).unwrap();
    assert!(matches!(
        store.order(&uk(), id(1), at).await.unwrap(),
        Found::Order(_)
    ));
    assert_eq!(
        store.watermark(&uk()).await.unwrap().map(millis),
        Some(millis(at))
    );
    assert_eq!(store.records(&uk(), 10).await.unwrap(), ["{}"]);
}

/// Not a test of its own: what the test below runs as a process that it kills.
#[tokio::test]
async fn child_that_writes_until_it_is_killed() {
    let Some(dir) = child_directory() else { return };
    let store = open(&dir).unwrap();
    for order in 1.. {
        merge_at(&store, order, now()).await;
        let mut out = std::io::stdout().lock();
        writeln!(out, "acknowledged {order}").unwrap();
        out.flush().unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "store::embedded::child_that_writes_until_it_is_killed",
            "--nocapture",
        ])
        .env("STORE_TEST_CHILD", dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let acknowledged = |line: String| {
        line.split("acknowledged ")
            .nth(1)
            .and_then(|order| order.trim().parse::<u64>().ok())
    };
    let mut last = 0;
    while last < 300 {
        last = lines.next().and_then(acknowledged).unwrap_or(last);
    }
    child.kill().unwrap();
    // Whatever it still had printed was acknowledged too.
    last = lines.filter_map(acknowledged).last().unwrap_or(last);
    child.wait().unwrap();
    let store = open(dir.path()).unwrap();
    for order in 1..=last {
        assert!(
            matches!(
                store.order(&uk(), id(order), now()).await.unwrap(),
                Found::Order(_)
            ),
            "order {order} of {last} is gone"
        );
    }
}

#[tokio::test]
async fn the_file_does_not_grow_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let size = || fs::metadata(dir.path().join("cache.redb")).unwrap().len();
    let mut at = now();
    let mut after_first_week = 0;
    for week in 0..6_u64 {
        let page = (0..400)
            .map(|order| whole(week * 400 + order + 1, at).into())
            .collect();
        for merged in store.merge_all(&uk(), page, at).await {
            merged.unwrap();
        }
        // Long after these have expired, a few writes sweep them out.
        at += TimeDelta::days(7);
        for order in 0..200 {
            store
                .remember_absent(&uk(), &Wanted::Id(id(1_000_000 + order)), at)
                .await
                .unwrap();
        }
        if week == 0 {
            after_first_week = size();
        }
    }
    assert!(
        size() <= after_first_week * 2,
        "{} grew to {}",
        after_first_week,
        size()
    );
}

#[tokio::test]
async fn a_second_process_is_told_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let _first = open(dir.path()).unwrap();
    let error = open(dir.path()).unwrap_err();
    assert!(
        matches!(error, StoreError::InUse { .. }) && error.to_string().contains("DATA_DIR"),
        "{error}"
    );
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn a_file_that_is_no_store_is_moved_aside_and_kept() {
    let sound = {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path()).unwrap();
        for order in 1..50 {
            merge_at(&store, order, now()).await;
        }
        store.close().await;
        drop(store);
        fs::read(dir.path().join("cache.redb")).unwrap()
    };
    let mut header = sound.clone();
    header[..64].fill(0xAA);
    let garbage: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    for (what, bytes) in [
        ("text", b"somebody's notes".to_vec()),
        ("garbage", garbage),
        ("a bad header", header),
        ("a cut file", sound[..sound.len() / 3].to_vec()),
    ] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("cache.redb"), &bytes).unwrap();
        let store = open(dir.path()).unwrap_or_else(|error| panic!("{what}: {error}"));
        merge_at(&store, 1, now()).await;
        let aside = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let aside: Vec<_> = aside
            .filter(|path| path.to_string_lossy().contains("unreadable"))
            .collect();
        assert_eq!(aside.len(), 1, "{what}");
        assert_eq!(fs::read(&aside[0]).unwrap().len(), bytes.len(), "{what}");
    }
}

#[tokio::test]
async fn damaged_pages_fail_one_call_and_never_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cache.redb");
    let store = open(dir.path()).unwrap();
    for order in 1..200 {
        merge_at(&store, order, now()).await;
    }
    store.close().await;
    drop(store);
    let mut bytes = fs::read(&path).unwrap();
    let mut random = fastrand::Rng::with_seed(3);
    for _ in 0..2000 {
        let at = random.usize(8192..bytes.len());
        bytes[at] ^= 1 << random.u8(0..8);
    }
    fs::write(&path, bytes).unwrap();
    // Opened or moved aside; read, refused or not there: anything but a panic that ends us.
    let store = open(dir.path()).unwrap();
    for order in 1..200 {
        match store.order(&uk(), id(order), now()).await {
            Ok(_) | Err(StoreError::Unavailable { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_directory_that_cannot_be_used_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = open(&file).unwrap_err();
    assert!(
        matches!(error, StoreError::Directory { .. }) && error.to_string().contains("DATA_DIR"),
        "{error}"
    );
    fs::create_dir(dir.path().join("cache.redb")).unwrap();
    let error = open(dir.path()).unwrap_err();
    assert!(error.to_string().contains("DATA_DIR"), "{error}");
}
