use http::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;

const TAG: &str = "UFwgrGBPZilFtmKh8TqcovA78LGYb1BdWu9I4Q2oyRg=";

const REQUIRED: [(&str, &str); 3] = [
    (TOPIC, "orders/updated"),
    (SIGNATURE, TAG),
    (SHOP_DOMAIN, "Example.myshopify.com"),
];

const OPTIONAL: [(&str, &str); 5] = [
    (API_VERSION, "2026-10"),
    (WEBHOOK_ID, "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"),
    (EVENT_ID, "98880550-7158-44d4-b7cd-2c97c8a091b5"),
    (TRIGGERED_AT, "2026-03-30T14:30:00.123456789Z"),
    (NAME, "warmer-v1"),
];

fn map<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(
            HeaderName::try_from(name).unwrap(),
            HeaderValue::try_from(value).unwrap(),
        );
    }
    map
}

fn full() -> HeaderMap {
    map(REQUIRED.into_iter().chain(OPTIONAL))
}

fn assert_full(headers: &Headers) {
    assert_eq!(headers.topic, Topic::OrdersUpdated);
    assert_eq!(headers.signature.to_string(), TAG);
    assert_eq!(headers.shop_domain.as_str(), "example.myshopify.com");
    assert_eq!(headers.api_version.as_deref(), Some("2026-10"));
    assert_eq!(headers.name.as_deref(), Some("warmer-v1"));
    let webhook_id = headers.webhook_id.as_ref().map(WebhookId::as_str);
    assert_eq!(webhook_id, Some("b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"));
    let event_id = headers.event_id.as_ref().map(EventId::as_str);
    assert_eq!(event_id, Some("98880550-7158-44d4-b7cd-2c97c8a091b5"));
    let nanos = headers.triggered_at.and_then(|at| at.timestamp_nanos_opt());
    assert_eq!(nanos, Some(1_774_881_000_123_456_789));
}

#[test]
fn reads_every_header_under_both_names() {
    assert_full(&Headers::parse(&full()).unwrap());
    let bare = REQUIRED.into_iter().chain(OPTIONAL);
    let bare = map(bare.map(|(name, value)| (super::bare(name), value)));
    assert_full(&Headers::parse(&bare).unwrap());
}

#[test]
fn reads_the_required_alone() {
    let headers = Headers::parse(&map(REQUIRED)).unwrap();
    assert!(headers.api_version.is_none() && headers.webhook_id.is_none());
    assert!(headers.event_id.is_none() && headers.triggered_at.is_none());
}

#[test]
fn a_required_header_must_be_there_once_and_be_valid() {
    for (name, value) in REQUIRED {
        let mut headers = full();
        headers.append(name, value.parse().unwrap());
        let error = Headers::parse(&headers).unwrap_err();
        assert_eq!(error, HeaderError::Repeated(name), "even with one value");

        for bad in [&b""[..], b"\xff", "ä".as_bytes(), b"\t"] {
            let mut headers = full();
            headers.insert(name, HeaderValue::from_bytes(bad).unwrap());
            let error = Headers::parse(&headers).unwrap_err();
            assert_eq!(error, HeaderError::Invalid(name), "{bad:?}");
        }

        let mut headers = full();
        headers.remove(name);
        let error = Headers::parse(&headers).unwrap_err();
        assert_eq!(error, HeaderError::Missing(name));
    }
}

#[test]
fn both_names_of_a_required_header_must_agree() {
    for (name, value) in REQUIRED {
        let mut headers = full();
        headers.insert(super::bare(name), value.parse().unwrap());
        assert_full(&Headers::parse(&headers).unwrap());

        headers.insert(super::bare(name), "other".parse().unwrap());
        let error = Headers::parse(&headers).unwrap_err();
        assert_eq!(error, HeaderError::Conflicting(name));
    }
}

#[test]
fn a_shop_domain_that_is_none_is_invalid() {
    let mut headers = full();
    headers.insert(SHOP_DOMAIN, "example.com".parse().unwrap());
    let error = Headers::parse(&headers).unwrap_err();
    assert_eq!(error, HeaderError::Invalid(SHOP_DOMAIN));
}

#[test]
fn an_optional_header_never_refuses_a_delivery() {
    for (name, value) in OPTIONAL {
        let mut repeated = full();
        repeated.append(name, value.parse().unwrap());
        let mut conflicting = full();
        conflicting.insert(super::bare(name), "other".parse().unwrap());
        let mut unreadable = full();
        unreadable.insert(name, HeaderValue::from_bytes(b"\xff").unwrap());
        for headers in [repeated, conflicting, unreadable] {
            let headers = Headers::parse(&headers).unwrap();
            let read = [
                headers.api_version,
                headers.webhook_id.map(|id| id.to_string()),
                headers.event_id.map(|id| id.to_string()),
                headers.triggered_at.map(|at| at.to_string()),
                headers.name,
            ];
            assert_eq!(read.iter().flatten().count(), 4, "{name}: {read:?}");
        }
    }
}

#[test]
fn a_time_that_is_none_is_none() {
    for text in [
        "yesterday",
        "1774881000",
        "2026-03-30 14:30",
        "2026-03-30T14:30:00",
    ] {
        let mut headers = full();
        headers.insert(TRIGGERED_AT, text.parse().unwrap());
        assert_eq!(
            Headers::parse(&headers).unwrap().triggered_at,
            None,
            "{text}"
        );
    }
}

proptest! {
    #[test]
    fn the_case_of_a_name_does_not_matter(upper in prop::collection::vec(any::<bool>(), 32)) {
        let recased = |name: &str| -> String {
            let letters = name.chars().zip(upper.iter().cycle());
            letters.map(|(c, up)| if *up { c.to_ascii_uppercase() } else { c }).collect()
        };
        let pairs: Vec<_> = REQUIRED.into_iter().chain(OPTIONAL)
            .map(|(name, value)| (recased(name), value))
            .collect();
        assert_full(&Headers::parse(&map(pairs.iter().map(|(n, v)| (n.as_str(), *v)))).unwrap());
    }

    #[test]
    fn no_value_makes_the_parser_panic(value in prop::collection::vec(any::<u8>(), 0..40), which in 0..8_usize) {
        let Ok(value) = HeaderValue::from_bytes(&value) else { return Ok(()) };
        let mut headers = full();
        let (name, _) = REQUIRED.into_iter().chain(OPTIONAL).nth(which).unwrap();
        headers.insert(name, value);
        let _read: Result<_, _> = Headers::parse(&headers);
    }
}
