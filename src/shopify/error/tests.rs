//! Each class of PLATFORM 4.2 has its answer.

use super::*;

fn headers(retry_after: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(
        http::header::RETRY_AFTER,
        http::HeaderValue::from_static(retry_after),
    )])
}

#[test]
fn retry_after_is_a_decimal() {
    let error = AdminError::from_status(StatusCode::TOO_MANY_REQUESTS, &headers("4.5"));
    assert_eq!(error.retry(), Retry::After(Duration::from_millis(4500)));
    let error = AdminError::from_status(StatusCode::SERVICE_UNAVAILABLE, &headers("2.0"));
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(2)));
    let error = AdminError::from_status(StatusCode::TOO_MANY_REQUESTS, &headers("86400.0"));
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(3600)));
    for nonsense in ["", "-1", "soon", "NaN", "inf "] {
        let error = AdminError::from_status(StatusCode::TOO_MANY_REQUESTS, &headers(nonsense));
        assert!(
            matches!(error.retry(), Retry::After(wait) if wait >= Duration::from_secs(1)),
            "{nonsense}"
        );
    }
}

#[test]
fn every_status_of_the_platform_has_its_class() {
    let classes = [
        (400, "bad_request", Retry::Never),
        (401, "unauthorized", Retry::Never),
        (402, "frozen", Retry::Never),
        (403, "forbidden", Retry::Never),
        (404, "no_such_shop", Retry::Never),
        (423, "locked", Retry::Never),
        (429, "rate_limited", Retry::After(Duration::from_secs(1))),
        (
            430,
            "security_rejected",
            Retry::After(Duration::from_secs(60)),
        ),
        (500, "upstream", Retry::Backoff),
        (502, "upstream", Retry::Backoff),
        (503, "upstream", Retry::Backoff),
        (504, "upstream", Retry::AskForLess),
        (530, "upstream", Retry::Backoff),
        (540, "upstream", Retry::Backoff),
        (302, "unexpected_status", Retry::Never),
    ];
    for (status, class, retry) in classes {
        let error =
            AdminError::from_status(StatusCode::from_u16(status).unwrap(), &HeaderMap::new());
        assert_eq!((error.class(), error.retry()), (class, retry), "{status}");
        assert_eq!(error.is_outage(), status >= 500, "{status}");
    }
}
