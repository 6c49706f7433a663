//! A disk that is full, and then is not any more. A limit of the file's size, on a process of its own, stands for it.

use std::{
    io::{BufRead as _, BufReader, Lines, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command},
};

use bytes::Bytes;
use shopify_warmer::{inbox::Inbox, store::Found, warm::Received};

use super::{
    super::{id, news::whole, noon, uk},
    child_directory, open, set_aside,
};

/// So large may the child's files become while its disk is full.
const FULL_AT: &str = "--fsize=4000000:unlimited";
const NOT_FULL: &str = "--fsize=unlimited:unlimited";

fn delivery(order: u64) -> Received {
    Received {
        site: uk(),
        shop_domain: "example.myshopify.com".parse().unwrap(),
        topic: shopify_webhooks::Topic::OrdersUpdated,
        triggered_at: None,
        received_at: noon(),
        body: Bytes::from(vec![u8::try_from(order % 256).unwrap(); 100_000]),
    }
}

/// Not a test of its own: what the test below runs as a process that it can keep from its disk.
#[tokio::test(flavor = "multi_thread")]
async fn child_that_writes_what_it_is_told() {
    let Some(dir) = child_directory() else { return };
    let (store, inbox) = (open(&dir).unwrap(), Inbox::open(&dir, noon()).unwrap());
    for line in std::io::stdin().lines() {
        let order = line.unwrap().parse().unwrap();
        let news = whole(order, noon()).noted(&"n".repeat(100_000));
        let stored = store.merge(&uk(), news.into(), noon()).await;
        let pinged = store.ping().await;
        let kept = inbox.keep(&delivery(order));
        let told = [
            stored.map_or_else(|error| error.to_string(), |_| OK.to_owned()),
            pinged.map_or_else(|error| error.to_string(), |()| OK.to_owned()),
            kept.map_or_else(|error| error.to_string(), |()| OK.to_owned()),
        ];
        println!("told {}", told.join("|"));
    }
    store.close().await;
}

const OK: &str = "ok";

struct Writer {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

/// What became of a write to the store, of a ping, and of a delivery to the inbox.
#[derive(Debug)]
struct Told {
    store: String,
    ping: String,
    inbox: String,
}

impl Writer {
    fn start(dir: &Path) -> Self {
        let test = "store::embedded::disk::child_that_writes_what_it_is_told";
        let mut child = super::child(test, dir);
        Self {
            stdin: child.stdin.take().unwrap(),
            lines: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
        }
    }

    fn write(&mut self, order: u64) -> Told {
        writeln!(self.stdin, "{order}").unwrap();
        let told = self.lines.find_map(|line| {
            let line = line.unwrap();
            let (_, told) = line.split_once("told ")?;
            Some(told.split('|').map(str::to_owned).collect::<Vec<_>>())
        });
        let [store, ping, inbox] = told.expect("the child lives").try_into().unwrap();
        Told { store, ping, inbox }
    }

    fn limit(&self, limit: &str) {
        let id = self.child.id().to_string();
        let set = Command::new("prlimit").args(["--pid", &id, limit]).status();
        assert!(set.expect("prlimit, of util-linux").success());
    }
}

#[tokio::test]
async fn a_disk_that_was_full_is_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::start(dir.path());
    let (mut stored, mut kept) = (Vec::new(), Vec::new());
    let mut write = |writer: &mut Writer, order: u64| {
        let told = writer.write(order);
        stored.extend((told.store == OK).then_some(order));
        kept.extend((told.inbox == OK).then_some(order));
        told
    };
    write(&mut writer, 1);
    writer.limit(FULL_AT);
    let full = (2..200)
        .map(|order| write(&mut writer, order))
        .find(|told| told.store != OK && told.inbox != OK)
        .expect("the disk is full");
    for told in [&full.store, &full.inbox] {
        assert!(told.contains("File too large"), "{full:?}");
    }
    // As long as it is full, every call says so, promptly.
    for order in 200..205 {
        let told = write(&mut writer, order);
        assert!(told.store.contains("File too large"), "{told:?}");
    }
    writer.limit(NOT_FULL);
    let healed = write(&mut writer, 300);
    assert_eq!([&healed.store, &healed.ping, &healed.inbox], [OK; 3]);

    drop(writer.stdin);
    assert!(writer.child.wait().unwrap().success());
    assert!(set_aside(dir.path()).is_empty());
    let store = open(dir.path()).unwrap();
    for order in stored {
        let found = store.order(&uk(), id(order), noon()).await.unwrap();
        assert!(matches!(found, Found::Order(_)), "order {order}: {found:?}");
    }
    let inbox = Inbox::open(dir.path(), noon()).unwrap();
    for order in kept {
        let (place, received) = inbox.oldest().unwrap().unwrap();
        assert_eq!(received, delivery(order));
        inbox.remove(place).unwrap();
    }
    assert!(inbox.is_empty().unwrap());
}
