//! Every way a call can fail, and what to do about each (PLATFORM 4.2).

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, StatusCode};
use thiserror::Error;

use super::{CostReport, GrantError};

/// Why a call brought nothing back. Texts hold no token and no customer data.
#[derive(Debug, Error)]
pub enum AdminError {
    /// THROTTLED inside a 200: the bucket is too empty.
    #[error("throttled: the cost bucket is too empty")]
    Throttled {
        /// What the bucket said, if it did.
        report: Option<CostReport>,
    },
    /// A single query above Shopify's limit of 1,000 points.
    #[error("the query costs {cost} points, more than the {limit} one query may")]
    TooDear {
        /// What it would cost.
        cost: u64,
        /// What is allowed.
        limit: u64,
    },
    /// The whole answer was denied: a scope is missing.
    #[error("access denied to {path}: grant the app the scope it needs")]
    AccessDenied {
        /// The field that was denied.
        path: String,
    },
    /// GraphQL refused the query: a bug of ours, or a version that no longer has a field.
    #[error("the query was refused: {codes}")]
    Refused {
        /// Shopify's error codes; its messages may repeat what a user typed.
        codes: String,
    },
    /// A search filter was ignored, so the answer holds everything instead of what was asked for.
    #[error("the search ignored the filter {field}")]
    FilterIgnored {
        /// The filter's name.
        field: String,
    },
    /// `INTERNAL_SERVER_ERROR` or `TIMEOUT` inside a 200.
    #[error("Shopify failed inside ({code})")]
    Internal {
        /// Shopify's error code.
        code: String,
    },
    /// 400.
    #[error("bad request (400)")]
    BadRequest,
    /// 401: the token is wrong, revoked or expired.
    #[error("the access token is not accepted (401)")]
    Unauthorized,
    /// Not sent: no access token is granted.
    #[error("{0}")]
    NoToken(#[source] Arc<GrantError>),
    /// 402: the shop has not paid.
    #[error("the shop is frozen for want of payment (402)")]
    Frozen,
    /// 403.
    #[error("the app may not do this (403): check its scopes")]
    Forbidden,
    /// 404: no such shop, or not at this address.
    #[error("no such shop (404): check its domain")]
    NoSuchShop,
    /// 423: locked for abuse or fraud.
    #[error("the shop is locked (423)")]
    Locked,
    /// 429.
    #[error("rate limited (429)")]
    RateLimited {
        /// What `Retry-After` said: a decimal number of seconds.
        retry_after: Option<Duration>,
    },
    /// 430: Shopify's security took us for an attack.
    #[error("rejected by Shopify's security (430)")]
    SecurityRejected,
    /// 500, 502, 503, 504, 530, 540 and other answers of a server in trouble.
    #[error("Shopify is in trouble ({status})")]
    Upstream {
        /// The status.
        status: StatusCode,
        /// What `Retry-After` said.
        retry_after: Option<Duration>,
    },
    /// Any other status.
    #[error("unexpected status {0}")]
    UnexpectedStatus(StatusCode),
    /// No answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// No connection, or one that broke.
    #[error("the connection failed")]
    Connection(#[source] reqwest::Error),
    /// A 200 that is not what it should be: HTML, half a JSON, a wrong shape.
    #[error("the answer is not readable: {what}")]
    Malformed {
        /// What is wrong with it, without its content.
        what: String,
        /// Who may have written it.
        author: Author,
    },
    /// Not sent: the calls before it failed, and Shopify is left alone for a while.
    #[error("Shopify has not answered for a while and is not asked now")]
    CircuitOpen {
        /// When it is asked again, at the earliest.
        retry_after: Duration,
    },
}

/// Whose words an answer that cannot be read are, as far as they show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// Shopify's API: JSON, only of another shape than asked for.
    Shopify,
    /// Something on the way: HTML, nothing at all, or what a broken connection left.
    Stranger,
}

/// Whether to try again, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It will not get better by itself.
    Never,
    /// After this long.
    After(Duration),
    /// With growing pauses.
    Backoff,
    /// With growing pauses, and asking for less.
    AskForLess,
}

impl AdminError {
    /// What to do about it.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Throttled { report } => {
                Retry::After(report.map_or(Duration::from_secs(1), |report| report.wait()))
            }
            Self::RateLimited { retry_after } => {
                Retry::After(retry_after.unwrap_or(Duration::from_secs(1)))
            }
            Self::Upstream {
                retry_after: Some(wait),
                ..
            } => Retry::After(*wait),
            Self::Upstream {
                status,
                retry_after: None,
            } if *status == StatusCode::GATEWAY_TIMEOUT => Retry::AskForLess,
            Self::Internal { .. } | Self::TimedOut | Self::TooDear { .. } => Retry::AskForLess,
            Self::Upstream { .. } | Self::Connection(_) | Self::Malformed { .. } => Retry::Backoff,
            // Shopify asks nothing of us after a 430, but hammering is what caused it.
            Self::SecurityRejected => Retry::After(Duration::from_secs(60)),
            Self::CircuitOpen { retry_after } => Retry::After(*retry_after),
            Self::NoToken(error) => error.retry(),
            Self::AccessDenied { .. }
            | Self::Refused { .. }
            | Self::FilterIgnored { .. }
            | Self::BadRequest
            | Self::Unauthorized
            | Self::Frozen
            | Self::Forbidden
            | Self::NoSuchShop
            | Self::Locked
            | Self::UnexpectedStatus(_) => Retry::Never,
        }
    }

    /// Whether Shopify could not be reached or is not itself (PLATFORM 4.2: 5xx, timeouts, broken connections, pages of HTML).
    /// Everything else, refusals included, is an answer: whoever answers is alive.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Upstream { .. } | Self::TimedOut | Self::Connection(_) => true,
            Self::Malformed { author, .. } => *author == Author::Stranger,
            Self::NoToken(error) => error.is_outage(),
            Self::Throttled { .. }
            | Self::TooDear { .. }
            | Self::AccessDenied { .. }
            | Self::Refused { .. }
            | Self::FilterIgnored { .. }
            | Self::Internal { .. }
            | Self::BadRequest
            | Self::Unauthorized
            | Self::Frozen
            | Self::Forbidden
            | Self::NoSuchShop
            | Self::Locked
            | Self::RateLimited { .. }
            | Self::SecurityRejected
            | Self::UnexpectedStatus(_)
            | Self::CircuitOpen { .. } => false,
        }
    }

    /// The class's name, for counters and answers.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Throttled { .. } => "throttled",
            Self::TooDear { .. } => "too_dear",
            Self::AccessDenied { .. } => "access_denied",
            Self::Refused { .. } => "refused",
            Self::FilterIgnored { .. } => "filter_ignored",
            Self::Internal { .. } => "internal",
            Self::BadRequest => "bad_request",
            Self::Unauthorized => "unauthorized",
            Self::NoToken(error) => error.class(),
            Self::Frozen => "frozen",
            Self::Forbidden => "forbidden",
            Self::NoSuchShop => "no_such_shop",
            Self::Locked => "locked",
            Self::RateLimited { .. } => "rate_limited",
            Self::SecurityRejected => "security_rejected",
            Self::Upstream { .. } => "upstream",
            Self::UnexpectedStatus(_) => "unexpected_status",
            Self::TimedOut => "timed_out",
            Self::Connection(_) => "connection",
            Self::Malformed { .. } => "malformed",
            Self::CircuitOpen { .. } => "circuit_open",
        }
    }

    /// What a person is to do about it, where it takes a person.
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::NoToken(error) => error.advice(),
            Self::Unauthorized => Some(
                "The access token was revoked, or the app was uninstalled: install the app again; a static token shows once then, copy it into _ACCESS_TOKEN and restart.",
            ),
            Self::AccessDenied { .. } | Self::Forbidden => Some(
                "Add the scope that is missing to the app, release that version, and approve it in the shop; access.missing of the status names it.",
            ),
            Self::Frozen => Some("The shop's owner has to pay Shopify's bill; nothing else helps."),
            Self::NoSuchShop => {
                Some("Check _SHOP_DOMAIN: it is the permanent …myshopify.com domain.")
            }
            Self::Locked => {
                Some("Shopify has locked the shop: its owner has to ask Shopify's support.")
            }
            Self::SecurityRejected => Some(
                "Shopify takes this address for an attacker: check what else calls Shopify from it.",
            ),
            Self::Upstream { .. }
            | Self::TimedOut
            | Self::Connection(_)
            | Self::CircuitOpen { .. } => Some(
                "Shopify does not answer: look at its status page and at this machine's network; the cache goes on answering, and calls go on by themselves.",
            ),
            Self::Malformed { author, .. } => match author {
                Author::Stranger => Some(
                    "Something else than Shopify answers: look for a proxy or a firewall on the way.",
                ),
                Author::Shopify => None,
            },
            Self::Throttled { .. }
            | Self::TooDear { .. }
            | Self::Refused { .. }
            | Self::FilterIgnored { .. }
            | Self::Internal { .. }
            | Self::BadRequest
            | Self::RateLimited { .. }
            | Self::UnexpectedStatus(_) => None,
        }
    }

    /// Whether it is the token, or that there is none, which Shopify refused: no call can succeed until that is mended.
    pub fn refuses_the_token(&self) -> bool {
        match self {
            Self::Unauthorized => true,
            Self::NoToken(error) => error.refusal().is_some(),
            Self::Throttled { .. }
            | Self::TooDear { .. }
            | Self::AccessDenied { .. }
            | Self::Refused { .. }
            | Self::FilterIgnored { .. }
            | Self::Internal { .. }
            | Self::BadRequest
            | Self::Frozen
            | Self::Forbidden
            | Self::NoSuchShop
            | Self::Locked
            | Self::RateLimited { .. }
            | Self::SecurityRejected
            | Self::Upstream { .. }
            | Self::UnexpectedStatus(_)
            | Self::TimedOut
            | Self::Connection(_)
            | Self::Malformed { .. }
            | Self::CircuitOpen { .. } => false,
        }
    }

    /// Whether a scope may be missing: what the app may do has to be read again.
    pub fn denies_access(&self) -> bool {
        matches!(self, Self::AccessDenied { .. } | Self::Forbidden)
    }

    pub(super) fn from_status(status: StatusCode, headers: &HeaderMap) -> Self {
        match status.as_u16() {
            400 => Self::BadRequest,
            401 => Self::Unauthorized,
            402 => Self::Frozen,
            403 => Self::Forbidden,
            404 => Self::NoSuchShop,
            423 => Self::Locked,
            429 => Self::RateLimited {
                retry_after: retry_after(headers),
            },
            430 => Self::SecurityRejected,
            500.. => Self::Upstream {
                status,
                retry_after: retry_after(headers),
            },
            _other => Self::UnexpectedStatus(status),
        }
    }

    pub(super) fn from_transport(error: reqwest::Error) -> Self {
        // The address says which shop, which is ours to log, but it stays out of errors that travel further.
        let error = error.without_url();
        if error.is_timeout() {
            Self::TimedOut
        } else {
            Self::Connection(error)
        }
    }
}

/// `Retry-After` as Shopify sends it: a decimal such as `4.0`. An hour is the most we believe.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers
        .get(http::header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Duration::try_from_secs_f64(seconds.min(3600.0)).ok()
}

#[cfg(test)]
mod tests;
