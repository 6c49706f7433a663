//! `kill -9`, foreign files, damaged ones, and places that cannot be used.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
};

use shopify_warmer::store::{Found, Store, StoreError};
use tokio::task::JoinSet;

use super::{
    super::{entry, found, id, merge, news::whole, noon, number, uk},
    child, child_directory, file, open, set_aside,
};
use crate::harness::until;

/// Not a test of its own: what the test below runs as a process that it kills.
#[tokio::test(flavor = "multi_thread")]
async fn child_that_writes_until_it_is_killed() {
    let Some(dir) = child_directory() else { return };
    let store = open(&dir).unwrap();
    let mut writers = JoinSet::new();
    for writer in 1..=16_u64 {
        let store = store.clone();
        writers.spawn(async move {
            for order in (writer..).step_by(16) {
                merge(&store, whole(order, noon())).await;
                let mut out = std::io::stdout().lock();
                writeln!(out, "acknowledged {order}").unwrap();
            }
        });
    }
    writers.join_all().await;
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let test = "store::embedded::damage::child_that_writes_until_it_is_killed";
    let mut child = child(test, dir.path());
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = Vec::new();
    for line in lines.map_while(Result::ok) {
        let order = line.split("acknowledged ").nth(1);
        acknowledged.extend(order.and_then(|order| order.parse::<u64>().ok()));
        if acknowledged.len() == 1000 {
            // While it lives, the file is its own.
            let refused = open(dir.path()).unwrap_err();
            assert!(matches!(refused, StoreError::InUse { .. }), "{refused:?}");
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(acknowledged.len() >= 1000, "{}", acknowledged.len());
    let store = open(dir.path()).unwrap();
    assert!(set_aside(dir.path()).is_empty());
    for order in acknowledged {
        entry(&store, order).await;
        let number = number(&format!("UK{order}"));
        let found = store.find(&uk(), &number, noon()).await.unwrap();
        assert!(matches!(found, Found::Order(_)), "{number} is {found:?}");
    }
}

#[tokio::test]
async fn a_file_in_use_is_refused_with_advice() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path()).unwrap();
    let refused = open(dir.path()).unwrap_err();
    assert!(matches!(refused, StoreError::InUse { .. }), "{refused:?}");
    assert!(refused.to_string().contains("DATA_DIR"), "{refused}");
    assert!(!refused.is_retryable());
    assert!(set_aside(dir.path()).is_empty());
    merge(&first, whole(1, noon())).await;
}

/// The bytes of a sound file with `orders` in it.
async fn sound(orders: u64) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    fill(&store, orders).await;
    store.close().await;
    fs::read(file(dir.path())).unwrap()
}

async fn fill(store: &Store, orders: u64) {
    let page = (1..=orders).map(|order| whole(order, noon()).into());
    for merged in store.merge_all(&uk(), page.collect(), noon()).await {
        merged.unwrap();
    }
}

async fn is_usable(store: &Store, what: &str) {
    merge(store, whole(1_000_000, noon())).await;
    let found = found(store, 1_000_000).await;
    assert!(matches!(found, Found::Order(_)), "{what}: {found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_store_is_moved_aside_and_kept() {
    let sound = sound(50).await;
    let changed = |change: fn(&mut Vec<u8>)| {
        let mut bytes = sound.clone();
        change(&mut bytes);
        bytes
    };
    for (what, bytes) in [
        ("text", b"somebody's notes".to_vec()),
        ("garbage", (0..=255).cycle().take(100_000).collect()),
        ("a bad header", changed(|bytes| bytes[..64].fill(0xAA))),
        (
            "a cut file",
            changed(|bytes| bytes.truncate(bytes.len() / 3)),
        ),
        (
            "an odd end",
            changed(|bytes| bytes.truncate(bytes.len() - 1)),
        ),
        ("overwritten", changed(|bytes| bytes[8192..].fill(0xA5))),
    ] {
        let dir = tempfile::tempdir().unwrap();
        // Twice in one millisecond: what was kept first is still there.
        for time in 1..=2 {
            fs::write(file(dir.path()), &bytes).unwrap();
            let store = open(dir.path()).unwrap_or_else(|error| panic!("{what}: {error}"));
            is_usable(&store, what).await;
            store.close().await;
            let aside = set_aside(dir.path());
            assert_eq!(aside.len(), time, "{what}");
            for aside in aside {
                assert_eq!(fs::read(&aside).unwrap(), bytes, "{what}");
            }
        }
    }
}

/// A single bit, wherever it is, is found at the start: an order that is not as it was told must not be served.
#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_is_found_at_the_start() {
    let sound = sound(40).await;
    let mut random = fastrand::Rng::with_seed(3);
    for _ in 0..40 {
        let (at, bit) = (random.usize(0..sound.len()), random.u8(0..8));
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << bit;
        let dir = tempfile::tempdir().unwrap();
        fs::write(file(dir.path()), &bytes).unwrap();
        let what = format!("bit {bit} of byte {at}");
        let store = open(dir.path()).unwrap_or_else(|error| panic!("{what}: {error}"));
        let moved = !set_aside(dir.path()).is_empty();
        for order in 1..=40 {
            match store.order(&uk(), id(order), noon()).await.unwrap() {
                Found::Order(entry) => {
                    assert_eq!(entry.order, whole(order, noon()).into(), "{what}");
                }
                missing @ (Found::Absent | Found::Unknown) => {
                    assert!(moved, "{what}: {missing:?}");
                }
            }
        }
        is_usable(&store, &what).await;
    }
}

/// Damage that comes while the service runs costs some calls, and then the cache is there again, if empty.
#[tokio::test(flavor = "multi_thread")]
async fn damage_under_a_running_service_does_not_end_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    // More than redb keeps in memory.
    let record = "n".repeat(2_000_000);
    for _ in 0..50 {
        store.push_record(&uk(), &record).await.unwrap();
    }
    scribble(&file(dir.path()));
    let read = store.records(&uk(), 100).await;
    assert!(
        matches!(read, Err(StoreError::Unavailable { .. })),
        "it was met"
    );
    until("it works again", || async {
        store.records(&uk(), 100).await.ok()
    })
    .await;
    is_usable(&store, "after the damage").await;
    store.ping().await.unwrap();
    assert_eq!(set_aside(dir.path()).len(), 1);
}

fn scribble(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    bytes[8192..].fill(0xA5);
    // In place: the file that is open must be the one that is damaged.
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all(&bytes).unwrap();
}

#[test]
fn a_place_that_cannot_be_used_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    // A directory where the store's own file should be, last.
    fs::create_dir(dir.path().join("cache.redb")).unwrap();
    for place in [
        file.as_path(),
        &file.join("below"),
        Path::new("/proc/nowhere"),
        dir.path(),
    ] {
        let refused = open(place).unwrap_err();
        assert!(
            matches!(refused, StoreError::Directory { .. }),
            "{}: {refused:?}",
            place.display()
        );
        assert!(refused.to_string().contains("set DATA_DIR"), "{refused}");
        assert!(!refused.is_retryable());
    }
    assert!(set_aside(dir.path()).is_empty());
}
