//! Who may ask.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap,
        header::{AUTHORIZATION, HOST},
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use super::answer::ApiError;

/// The tokens. A gate without a token of its own is open; the configuration allows that on loopback addresses only.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Opens everything.
    pub admin: Option<SecretString>,
    /// Opens lookups.
    pub lookup: Option<SecretString>,
}

/// What a route needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// Reading customers' orders.
    Lookup,
    /// Seeing and steering the warming.
    Manage,
}

impl Access {
    fn lets_in(&self, gate: Gate, headers: &HeaderMap) -> bool {
        let own = match gate {
            Gate::Lookup => &self.lookup,
            Gate::Manage => &self.admin,
        };
        if own.is_none() {
            return is_local(headers);
        }
        let shown = shown(headers);
        // Both are always compared, so that the time taken does not tell which token came close.
        let admin = is(self.admin.as_ref(), shown);
        let lookup = is(self.lookup.as_ref(), shown);
        admin || (gate == Gate::Lookup && lookup)
    }
}

/// Whether a request visibly comes from this machine and through no proxy. A gate without a token listens on loopback only, but a
/// proxy in front of it would carry strangers in, and so would a web page that has its own name point to this machine.
fn is_local(headers: &HeaderMap) -> bool {
    let proxied = [
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-real-ip",
        "via",
    ];
    if proxied.iter().any(|name| headers.contains_key(*name)) {
        return false;
    }
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let name = host.rsplit_once(':').map_or(
        host,
        |(name, port)| if port.ends_with(']') { host } else { name },
    );
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn is(token: Option<&SecretString>, shown: Option<&[u8]>) -> bool {
    match (token, shown) {
        (Some(token), Some(shown)) => token.expose_secret().as_bytes().ct_eq(shown).into(),
        (None, _) | (_, None) => false,
    }
}

/// Lets a request pass that shows the right token.
pub(super) async fn check(
    State((access, gate)): State<(Access, Gate)>,
    request: Request,
    next: Next,
) -> Response {
    if access.lets_in(gate, request.headers()) {
        return next.run(request).await;
    }
    ApiError::unauthorized().into_response()
}

/// The token of `Authorization: Bearer` or `X-API-Key`.
fn shown(headers: &HeaderMap) -> Option<&[u8]> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| {
        let (scheme, token) = value.as_bytes().split_at_checked(7)?;
        scheme
            .eq_ignore_ascii_case(b"bearer ")
            .then(|| token.trim_ascii())
    });
    bearer.or_else(|| {
        headers
            .get("x-api-key")
            .map(|value| value.as_bytes().trim_ascii())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(admin: Option<&str>, lookup: Option<&str>) -> Access {
        Access {
            admin: admin.map(SecretString::from),
            lookup: lookup.map(SecretString::from),
        }
    }

    fn headers<const N: usize>(pairs: [(&'static str, &'static str); N]) -> HeaderMap {
        let pair = |(name, value)| {
            let name = axum::http::HeaderName::from_static(name);
            (name, axum::http::HeaderValue::from_static(value))
        };
        pairs.into_iter().map(pair).collect()
    }

    #[test]
    fn each_token_opens_its_gate_and_admin_opens_both() {
        let access = access(Some("admin"), Some("lookup"));
        let key = |key| headers([("x-api-key", key), ("host", "localhost")]);
        assert!(access.lets_in(Gate::Manage, &key("admin")));
        assert!(access.lets_in(Gate::Lookup, &key("admin")));
        assert!(access.lets_in(Gate::Lookup, &key("lookup")));
        assert!(!access.lets_in(Gate::Manage, &key("lookup")));
        for wrong in ["", "Admin", "admin1", "admi"] {
            let wrong = key(wrong);
            assert!(
                !access.lets_in(Gate::Manage, &wrong) && !access.lets_in(Gate::Lookup, &wrong),
                "{wrong:?}"
            );
        }
        assert!(!access.lets_in(Gate::Manage, &headers([("host", "localhost")])));
    }

    #[test]
    fn a_gate_without_a_token_is_open_to_this_machine_alone() {
        let open = access(None, None);
        for host in [
            "127.0.0.1:8080",
            "localhost:8080",
            "localhost",
            "[::1]:8080",
            "[::1]",
            "127.1.2.3",
        ] {
            assert!(
                open.lets_in(Gate::Manage, &headers([("host", host)])),
                "{host}"
            );
        }
        for host in [
            "",
            "warmer.example.com",
            "evil.example:8080",
            "10.0.0.1:8080",
            "localhost.evil.example",
        ] {
            assert!(
                !open.lets_in(Gate::Lookup, &headers([("host", host)])),
                "{host}"
            );
        }
        for proxy in ["x-forwarded-for", "forwarded", "via", "x-real-ip"] {
            assert!(
                !open.lets_in(
                    Gate::Lookup,
                    &headers([("host", "localhost"), (proxy, "1.2.3.4")])
                ),
                "{proxy}"
            );
        }
    }

    #[test]
    fn tokens_are_not_shown() {
        assert!(!format!("{:?}", access(Some("hidden"), Some("hidden"))).contains("hidden"));
    }

    #[test]
    fn both_headers_are_read() {
        assert_eq!(
            shown(&headers([("authorization", "bearer x ")])),
            Some(&b"x"[..])
        );
        assert_eq!(shown(&headers([("x-api-key", "x")])), Some(&b"x"[..]));
        assert_eq!(shown(&headers([("authorization", "Basic x")])), None);
    }
}
