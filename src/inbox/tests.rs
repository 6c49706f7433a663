use super::*;

fn delivery(body: &'static [u8]) -> Received {
    Received {
        site: "uk".parse().unwrap(),
        shop_domain: "example.myshopify.com".parse().unwrap(),
        topic: Topic::OrdersUpdated,
        triggered_at: None,
        received_at: DateTime::UNIX_EPOCH,
        body: Bytes::from_static(body),
    }
}

#[test]
fn deliveries_come_back_in_order_and_survive_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(dir.path(), DateTime::UNIX_EPOCH).unwrap();
    inbox.keep(&delivery(b"{\"id\":1}")).unwrap();
    inbox.keep(&delivery(b"\xff not utf-8")).unwrap();
    drop(inbox);
    let inbox = Inbox::open(dir.path(), DateTime::UNIX_EPOCH).unwrap();
    let (sequence, first) = inbox.oldest().unwrap().unwrap();
    assert_eq!(first, delivery(b"{\"id\":1}"));
    inbox.remove(sequence).unwrap();
    let (sequence, second) = inbox.oldest().unwrap().unwrap();
    assert_eq!(second, delivery(b"\xff not utf-8"));
    inbox.remove(sequence).unwrap();
    assert!(inbox.is_empty().unwrap());
}

#[test]
fn a_foreign_file_is_moved_aside_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("inbox.redb"), "somebody's notes").unwrap();
    let inbox = Inbox::open(dir.path(), DateTime::UNIX_EPOCH).unwrap();
    inbox.keep(&delivery(b"{}")).unwrap();
    let kept = std::fs::read(dir.path().join("inbox.redb.unreadable-0")).unwrap();
    assert_eq!(kept, b"somebody's notes");
}

#[test]
fn a_header_of_another_make_is_put_aside() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(dir.path(), DateTime::UNIX_EPOCH).unwrap();
    for header in [&b"{}"[..], b"\xff no text"] {
        assert_eq!(
            inbox.write_with_others(header.to_vec(), Bytes::from_static(b"x")),
            Ok(true)
        );
    }
    inbox.keep(&delivery(b"{}")).unwrap();
    assert_eq!(inbox.oldest().unwrap().unwrap().0, 2);
    assert_eq!(inbox.len().unwrap(), 1);
}

/// In place: the file that is open must be the one that is damaged.
fn scribble(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[8192..].fill(0xA5);
    let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    std::io::Write::write_all(&mut file, &bytes).unwrap();
}

#[test]
fn damage_costs_what_the_file_held_and_not_what_comes() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(dir.path(), DateTime::UNIX_EPOCH).unwrap();
    // More than redb keeps in memory.
    let large = Received {
        body: Bytes::from(vec![7; 400_000]),
        ..delivery(b"")
    };
    for _ in 0..20 {
        inbox.keep(&large).unwrap();
    }
    scribble(&dir.path().join("inbox.redb"));
    assert_eq!(inbox.oldest().unwrap(), None);
    inbox.keep(&delivery(b"{}")).unwrap();
    assert_eq!(inbox.oldest().unwrap().unwrap().1, delivery(b"{}"));
    assert!(dir.path().join("inbox.redb.unreadable-0").exists());
}

fn of_site(site: &str, body: &str) -> Received {
    Received {
        site: site.parse().unwrap(),
        body: Bytes::from(body.to_owned()),
        ..delivery(b"")
    }
}

fn lies_in_the_file(dir: &Path, planted: &str) -> bool {
    let bytes = std::fs::read(dir.join("inbox.redb")).unwrap();
    bytes
        .windows(planted.len())
        .any(|window| window == planted.as_bytes())
}

#[test]
fn what_is_forgotten_is_nowhere_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(dir.path(), DateTime::UNIX_EPOCH).unwrap();
    for site in ["uk", "de", "uk"] {
        inbox
            .keep(&of_site(site, &format!("planted-{site}")))
            .unwrap();
    }
    assert_eq!(
        inbox.write_with_others(b"no header".to_vec(), Bytes::from_static(b"planted-aside")),
        Ok(true)
    );
    assert_eq!(
        inbox.write_with_others(b"no header".to_vec(), Bytes::from_static(b"another")),
        Ok(true)
    );
    assert_eq!(inbox.next(Some(2)).unwrap(), None);
    assert!(lies_in_the_file(dir.path(), "planted-uk"));
    assert!(lies_in_the_file(dir.path(), "planted-aside"));
    let gone = inbox.forget(
        |delivery| delivery.site.as_str() == "uk",
        |body| body.ends_with(b"aside"),
    );
    assert_eq!(gone.unwrap(), 3);
    assert!(!lies_in_the_file(dir.path(), "planted-uk"));
    assert!(!lies_in_the_file(dir.path(), "planted-aside"));
    assert!(lies_in_the_file(dir.path(), "planted-de"));
    assert_eq!(inbox.oldest().unwrap().unwrap().1.site.as_str(), "de");
}

#[test]
fn what_was_drained_is_nowhere_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(dir.path(), DateTime::UNIX_EPOCH).unwrap();
    inbox.keep(&of_site("uk", "planted")).unwrap();
    let (sequence, _) = inbox.oldest().unwrap().unwrap();
    inbox.remove(sequence).unwrap();
    assert!(!lies_in_the_file(dir.path(), "planted"));
    inbox.keep(&delivery(b"{}")).unwrap();
    assert_eq!(inbox.oldest().unwrap().unwrap().1, delivery(b"{}"));
}

#[test]
fn it_is_full_by_bytes_as_well_as_by_number() {
    let dir = tempfile::tempdir().unwrap();
    let room = Room {
        deliveries: 3,
        bytes: 1000,
    };
    let open = || Inbox::with_room(dir.path(), room, DateTime::UNIX_EPOCH).unwrap();
    let inbox = open();
    let large = of_site("uk", &"x".repeat(400));
    inbox.keep(&large).unwrap();
    assert!(matches!(inbox.keep(&large), Err(InboxError::Full)));
    inbox.keep(&delivery(b"{}")).unwrap();
    inbox.keep(&delivery(b"{}")).unwrap();
    assert!(matches!(
        inbox.keep(&delivery(b"{}")),
        Err(InboxError::Full)
    ));
    drop(inbox);
    // Counted anew from what lies in the file.
    let inbox = open();
    let (sequence, _) = inbox.next(Some(0)).unwrap().unwrap();
    inbox.remove(sequence).unwrap();
    assert!(matches!(inbox.keep(&large), Err(InboxError::Full)));
    let (sequence, _) = inbox.oldest().unwrap().unwrap();
    inbox.remove(sequence).unwrap();
    inbox.keep(&large).unwrap();
}

#[test]
fn the_next_one_behind_a_place_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(dir.path(), DateTime::UNIX_EPOCH).unwrap();
    inbox.keep(&delivery(b"1")).unwrap();
    inbox.keep(&delivery(b"2")).unwrap();
    let (first, _) = inbox.next(None).unwrap().unwrap();
    let (second, delivery) = inbox.next(Some(first)).unwrap().unwrap();
    assert_eq!(&delivery.body[..], b"2");
    assert_eq!(inbox.next(Some(second)).unwrap(), None);
}

/// Fifty a second while Redis is away, on a disk that syncs twenty times a second.
#[test]
fn deliveries_that_come_together_are_all_kept() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(dir.path(), DateTime::UNIX_EPOCH).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..20 {
                    inbox.keep(&delivery(b"{}")).unwrap();
                }
            });
        }
    });
    assert_eq!(inbox.len().unwrap(), 320);
    assert!(lock(&inbox.0.waiting).is_empty());
}
