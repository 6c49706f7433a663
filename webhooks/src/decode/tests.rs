use chrono::{DateTime, Utc};
use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::Event;
use crate::payload::Order;

/// Something personal, and something that looks like the end of one of serde's messages.
const SECRET: &str = "jane@example.com, expected u64 at line 1 column 1";

#[derive(Debug, Deserialize)]
struct Probe {
    #[expect(dead_code, reason = "only its type matters")]
    id: u64,
    #[expect(dead_code, reason = "only its type matters")]
    at: Option<DateTime<Utc>>,
    #[expect(dead_code, reason = "only its type matters")]
    lines: Option<Vec<Probe>>,
}

fn failure(body: &str) -> Failure {
    read::<Probe>(body.as_bytes()).unwrap_err()
}

#[test]
fn an_id_that_is_no_integer_is_an_error() {
    let cases = [
        ("\"1\"", "string"),
        ("1.0", "floating point"),
        ("1e3", "floating point"),
        ("-1", "integer"),
        ("-0", "floating point"),
        ("18446744073709551616", "floating point"),
        ("true", "boolean"),
        ("null", "null"),
        ("{}", "map"),
        ("[1]", "sequence"),
    ];
    for (id, found) in cases {
        let failure = failure(&format!("{{\"id\":{id}}}"));
        assert_eq!(failure.path, "id");
        let (found, expected) = (found.to_owned(), "u64".to_owned());
        assert_eq!(failure.fault, Fault::Wrong { found, expected }, "{id}");
    }
    for id in [0, 820_982_911_946_154_508, u64::MAX] {
        assert!(read::<Probe>(format!("{{\"id\":{id}}}").as_bytes()).is_ok());
    }
}

#[test]
fn names_the_place() {
    let failure = failure(r#"{"id":1,"lines":[{"id":1},{"id":2,"lines":[{"id":"3"}]}]}"#);
    assert_eq!(failure.path, "lines[1].lines[0].id");
}

#[test]
fn names_what_is_missing_or_twice() {
    let missing = failure(r#"{"id":1,"lines":[{}]}"#);
    assert_eq!(missing.path, "lines[0]");
    assert_eq!(missing.fault, Fault::Missing("id".to_owned()));
    let twice = failure(r#"{"id":1,"id":2}"#);
    assert_eq!(twice.fault, Fault::Repeated("id".to_owned()));
}

#[test]
fn tells_what_is_not_json_from_what_is_cut_short() {
    assert_eq!(failure("").fault, Fault::Truncated);
    assert_eq!(failure("{\"id\":1").fault, Fault::Truncated);
    let syntax = |body: &[u8]| read::<Probe>(body).unwrap_err().fault;
    for body in [
        &b"{\"id\":1}x"[..],
        b"id=1",
        b"\xff",
        b"{\"id\":1,\"x\":\"\x01\"}",
    ] {
        assert!(
            matches!(syntax(body), Fault::Syntax { .. }),
            "{body:?}: {:?}",
            syntax(body)
        );
    }
    // A text that is kept must be UTF-8.
    let failure = read::<Order>(b"{\"id\":1,\"name\":\"#\xff\"}").unwrap_err();
    assert!(matches!(failure.fault, Fault::Syntax { line: 1, .. }));
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    let deep = format!("{}{}", "{\"lines\":[".repeat(100_000), "]}".repeat(100_000));
    assert!(read::<Probe>(deep.as_bytes()).is_err());
    let ignored = format!(
        "{{\"id\":1,\"x\":{}{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(read::<Probe>(ignored.as_bytes()).is_ok());
}

#[test]
fn no_value_of_the_body_is_told() {
    let text = serde_json::to_string(SECRET).unwrap();
    for body in [
        format!("{{\"id\":{text}}}"),
        format!("{{\"id\":1,\"at\":{text}}}"),
        format!("{{\"id\":1,\"lines\":{text}}}"),
        format!("{{\"id\":1,\"lines\":[{text}]}}"),
        format!("{{{text}:!}}"),
        format!("{{\"id\":1,{text}:{{{text}:!}}}}"),
        text.clone(),
        format!("{text}{text}"),
    ] {
        let shown = format!("{:?}", failure(&body));
        assert!(!shown.contains("jane"), "{body}: {shown}");
    }
}

#[test]
fn a_key_is_shown_only_if_it_looks_like_a_field() {
    for key in ["line_items", "id", "address1"] {
        assert!(is_field_name(key), "{key}");
    }
    for key in [
        "",
        "Jane",
        "jane@example.com",
        "1",
        "_",
        "jane doe",
        "ü",
        &"a".repeat(49),
    ] {
        assert!(!is_field_name(key), "{key}");
    }
}

proptest! {
    #[test]
    fn no_body_makes_any_topic_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        for topic in Topic::known() {
            let _read: Result<_, _> = Event::decode(topic, &body);
            let _id: Option<u64> = crate::order_id_of(topic, &body);
        }
    }

    #[test]
    fn a_wrong_value_is_never_told(secret in "[A-Z]{12,40}[ -~]{0,20}") {
        let value = serde_json::to_string(&secret).unwrap();
        let text = format!("{:?}", failure(&format!("{{\"id\":{value}}}")));
        prop_assert!(!text.contains(&secret[..12]), "{}", text);
    }
}
