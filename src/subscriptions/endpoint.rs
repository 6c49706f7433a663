//! Where Shopify is to deliver: `PUBLIC_URL`, and our path below it.

use std::{fmt, net::IpAddr, str::FromStr};

use http::Uri;
use thiserror::Error;

/// Where webhooks are taken, below the public address.
pub const WEBHOOK_PATH: &str = "/webhooks/shopify";

/// The address that Shopify delivers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    base: String,
}

/// A text that is no public address.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum BadPublicUrl {
    /// No address at all.
    #[error("is no address: write one such as https://warmer.example.com")]
    NoAddress,
    /// Not HTTPS.
    #[error(
        "must begin with https://: Shopify delivers to nothing else (http:// is for a simulator on this machine)"
    )]
    NotHttps,
    /// A query, a fragment, a user.
    #[error("may hold a host, a port and a path only: write it such as https://warmer.example.com")]
    TooMuch,
    /// It names our own path.
    #[error("must not end with /webhooks/shopify: the service adds that itself")]
    WithOurPath,
    /// The shop's own host.
    #[error("is an address of Shopify's: Shopify refuses to deliver to itself")]
    Shopifys,
}

impl Endpoint {
    /// The full address: `https://warmer.example.com/webhooks/shopify`.
    pub fn uri(&self) -> String {
        format!("{}{WEBHOOK_PATH}", self.base)
    }

    /// The public address, without a slash at its end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Whether a subscription delivers here.
    pub fn is(&self, uri: &str) -> bool {
        uri == self.uri()
    }
}

/// Whether an address has our path: somebody's warmer, though perhaps not this one.
pub(super) fn has_our_path(uri: &str) -> bool {
    let without_query = uri.split(['?', '#']).next().unwrap_or_default();
    without_query.trim_end_matches('/').ends_with(WEBHOOK_PATH)
}

impl FromStr for Endpoint {
    type Err = BadPublicUrl;

    fn from_str(text: &str) -> Result<Self, BadPublicUrl> {
        let text = text.trim().trim_end_matches('/');
        if text.contains(['?', '#', '@', ' ']) {
            return Err(BadPublicUrl::TooMuch);
        }
        let uri: Uri = text.parse().or(Err(BadPublicUrl::NoAddress))?;
        let host = uri.host().filter(|host| !host.is_empty());
        let host = host.ok_or(BadPublicUrl::NoAddress)?.to_ascii_lowercase();
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if is_loopback(&host) => {}
            Some(_) => return Err(BadPublicUrl::NotHttps),
            None => return Err(BadPublicUrl::NoAddress),
        }
        if has_our_path(text) {
            return Err(BadPublicUrl::WithOurPath);
        }
        if host.ends_with(".myshopify.com")
            || host == "shopify.com"
            || host.ends_with(".shopify.com")
        {
            return Err(BadPublicUrl::Shopifys);
        }
        Ok(Self {
            base: text.to_owned(),
        })
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.uri())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_path_is_added() {
        for (text, uri) in [
            (
                "https://warmer.example.com",
                "https://warmer.example.com/webhooks/shopify",
            ),
            (
                "https://warmer.example.com/",
                "https://warmer.example.com/webhooks/shopify",
            ),
            (
                "https://example.com:8443/warmer/",
                "https://example.com:8443/warmer/webhooks/shopify",
            ),
            (
                "http://127.0.0.1:8080",
                "http://127.0.0.1:8080/webhooks/shopify",
            ),
            ("http://[::1]:8080", "http://[::1]:8080/webhooks/shopify"),
            ("http://localhost:1", "http://localhost:1/webhooks/shopify"),
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!(endpoint.uri(), uri);
            assert!(endpoint.is(uri) && !endpoint.is("https://warmer.example.com"));
        }
    }

    #[test]
    fn what_shopify_cannot_deliver_to_is_refused() {
        use BadPublicUrl::{NoAddress, NotHttps, Shopifys, TooMuch, WithOurPath};
        for (text, refused) in [
            ("", NoAddress),
            ("warmer.example.com", NoAddress),
            ("/webhooks/shopify", NoAddress),
            ("http://warmer.example.com", NotHttps),
            ("http://10.0.0.1", NotHttps),
            ("ftp://warmer.example.com", NotHttps),
            ("https://warmer.example.com/?a=b", TooMuch),
            ("https://user@warmer.example.com", TooMuch),
            ("https://warmer.example.com/webhooks/shopify", WithOurPath),
            ("https://my-shop.myshopify.com", Shopifys),
        ] {
            assert_eq!(text.parse::<Endpoint>(), Err(refused), "{text}");
        }
    }

    #[test]
    fn our_path_is_known_anywhere() {
        assert!(has_our_path("https://old.example.com/webhooks/shopify"));
        assert!(has_our_path(
            "https://old.example.com/x/webhooks/shopify/?k=1"
        ));
        assert!(!has_our_path(
            "https://old.example.com/webhooks/shopify-orders"
        ));
        assert!(!has_our_path("pubsub://project:topic"));
    }
}
