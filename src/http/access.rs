//! Who may ask.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header::AUTHORIZATION},
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
    fn lets_in(&self, gate: Gate, shown: Option<&[u8]>) -> bool {
        let own = match gate {
            Gate::Lookup => &self.lookup,
            Gate::Manage => &self.admin,
        };
        if own.is_none() {
            return true;
        }
        // Both are always compared, so that the time taken does not tell which token came close.
        let admin = is(self.admin.as_ref(), shown);
        let lookup = is(self.lookup.as_ref(), shown);
        admin || (gate == Gate::Lookup && lookup)
    }
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
    if access.lets_in(gate, shown(request.headers())) {
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

    #[test]
    fn each_token_opens_its_gate_and_admin_opens_both() {
        let access = access(Some("admin"), Some("lookup"));
        assert!(access.lets_in(Gate::Manage, Some(b"admin")));
        assert!(access.lets_in(Gate::Lookup, Some(b"admin")));
        assert!(access.lets_in(Gate::Lookup, Some(b"lookup")));
        assert!(!access.lets_in(Gate::Manage, Some(b"lookup")));
        for wrong in [
            None,
            Some(&b""[..]),
            Some(b"Admin"),
            Some(b"admin "),
            Some(b"admi"),
        ] {
            assert!(
                !access.lets_in(Gate::Manage, wrong) && !access.lets_in(Gate::Lookup, wrong),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn a_gate_without_a_token_is_open() {
        assert!(access(None, None).lets_in(Gate::Manage, None));
        assert!(access(Some("admin"), None).lets_in(Gate::Lookup, None));
        assert!(!access(Some("admin"), None).lets_in(Gate::Manage, None));
    }

    #[test]
    fn tokens_are_not_shown() {
        assert!(!format!("{:?}", access(Some("hidden"), Some("hidden"))).contains("hidden"));
    }

    #[test]
    fn both_headers_are_read() {
        let header = |name, value| {
            HeaderMap::from_iter([(name, axum::http::HeaderValue::from_static(value))])
        };
        assert_eq!(shown(&header(AUTHORIZATION, "bearer x ")), Some(&b"x"[..]));
        assert_eq!(
            shown(&header(
                axum::http::HeaderName::from_static("x-api-key"),
                "x"
            )),
            Some(&b"x"[..])
        );
        assert_eq!(shown(&header(AUTHORIZATION, "Basic x")), None);
    }
}
