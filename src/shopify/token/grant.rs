//! The client credentials grant (PLATFORM 3): one POST for a token of a day, and what each refusal means.

use std::time::Duration;

use http::{HeaderValue, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use super::header;
use crate::shopify::{AdminError, Author, Retry, body};

/// An answer is a token and a list of scopes, a refusal at most a page.
const LARGEST_ANSWER: usize = 256 * 1024;
/// What is assumed of a token that does not say how long it lasts.
const UNSAID_LIFE: u64 = 3600;
/// Shopify's error codes are short words.
const LONGEST_CODE: usize = 60;

/// Where a token is to be had, and by what.
#[derive(Debug)]
pub(super) struct Grant {
    endpoint: String,
    client_id: String,
    client_secret: SecretString,
}

/// A token just granted.
#[derive(Debug)]
pub(super) struct Fresh {
    pub(super) header: HeaderValue,
    pub(super) life: Duration,
}

/// Why no token was granted.
#[derive(Debug, Error)]
pub enum GrantError {
    /// Shopify says no.
    #[error("Shopify grants no access token: {0}")]
    Refused(GrantRefusal),
    /// The call failed as any call can.
    #[error("no access token could be had: {0}")]
    Failed(#[source] Box<AdminError>),
}

/// Shopify's no, which a person has to turn into a yes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GrantRefusal {
    /// App and shop belong to different organisations.
    #[error("the app and the shop are not in the same organisation (shop_not_permitted)")]
    ShopNotPermitted,
    /// Id and secret do not belong together, or to no app.
    #[error("the client id or secret is wrong (invalid_client)")]
    InvalidClient,
    /// The app is not installed in the shop.
    #[error("the app is not installed in this shop")]
    AppNotInstalled,
    /// Anything else.
    #[error("{code} ({status})")]
    Other {
        /// Shopify's word for it.
        code: String,
        /// The status.
        status: StatusCode,
    },
}

#[derive(Serialize)]
struct Asked<'a> {
    grant_type: &'static str,
    client_id: &'a str,
    client_secret: &'a str,
}

#[derive(Deserialize)]
struct Answered {
    #[serde(deserialize_with = "secret")]
    access_token: SecretString,
    expires_in: Option<u64>,
}

#[derive(Deserialize)]
struct Problem {
    error: String,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

impl Grant {
    pub(super) fn new(base_url: &str, client_id: &str, client_secret: &SecretString) -> Self {
        Self {
            endpoint: format!("{base_url}/admin/oauth/access_token"),
            client_id: client_id.to_owned(),
            client_secret: client_secret.clone(),
        }
    }

    /// Asks for a token.
    pub(super) async fn ask(&self, http: &reqwest::Client) -> Result<Fresh, GrantError> {
        let failed = |error| GrantError::Failed(Box::new(error));
        let request = http.post(&self.endpoint).json(&Asked {
            grant_type: "client_credentials",
            client_id: &self.client_id,
            client_secret: self.client_secret.expose_secret(),
        });
        let response = request.send().await;
        let response = response.map_err(|error| failed(AdminError::from_transport(error)))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = body::read(response, LARGEST_ANSWER).await.map_err(failed)?;
        match status {
            StatusCode::OK => fresh(&body).map_err(failed),
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(GrantError::Refused(refusal(status, &body)))
            }
            _other => Err(failed(AdminError::from_status(status, &headers))),
        }
    }
}

/// Nothing of a body that cannot be read is told: it may hold the token.
fn fresh(body: &[u8]) -> Result<Fresh, AdminError> {
    let unreadable = |author| AdminError::Malformed {
        what: "a grant without a token".to_owned(),
        author,
    };
    let answered: Answered =
        serde_json::from_slice(body).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => unreadable(Author::Shopify),
            serde_json::error::Category::Io
            | serde_json::error::Category::Syntax
            | serde_json::error::Category::Eof => unreadable(Author::Stranger),
        })?;
    Ok(Fresh {
        header: header(&answered.access_token).ok_or_else(|| unreadable(Author::Shopify))?,
        life: Duration::from_secs(answered.expires_in.unwrap_or(UNSAID_LIFE)),
    })
}

fn refusal(status: StatusCode, body: &[u8]) -> GrantRefusal {
    let code = code(body);
    match (code.as_deref(), status) {
        (Some("shop_not_permitted"), _) => GrantRefusal::ShopNotPermitted,
        (Some("invalid_client" | "application_cannot_be_found"), _)
        | (None, StatusCode::UNAUTHORIZED) => GrantRefusal::InvalidClient,
        (Some("app_not_installed"), _) | (None, StatusCode::BAD_REQUEST) => {
            GrantRefusal::AppNotInstalled
        }
        (code, status) => GrantRefusal::Other {
            code: code.unwrap_or("no code given").to_owned(),
            status,
        },
    }
}

/// The code of a refusal: from JSON, or from the page that says `Oauth error <code>: …`. Only what looks like a code is believed, so
/// that no text of a stranger gets into a log.
fn code(body: &[u8]) -> Option<String> {
    let is_of_a_code = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let told = serde_json::from_slice::<Problem>(body).map_or_else(
        |_no_json| {
            let page = String::from_utf8_lossy(body);
            let (_, after) = page.split_once("Oauth error ")?;
            Some(after.chars().take_while(|c| is_of_a_code(*c)).collect())
        },
        |problem| Some(problem.error),
    )?;
    let believed = !told.is_empty() && told.len() <= LONGEST_CODE && told.chars().all(is_of_a_code);
    believed.then_some(told)
}

impl GrantError {
    /// Shopify's no, if it is one.
    pub fn refusal(&self) -> Option<&GrantRefusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Failed(_) => None,
        }
    }

    /// What to do about it. There is no less of a token to ask for.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Refused(_) => Retry::Never,
            Self::Failed(error) => match error.retry() {
                Retry::AskForLess => Retry::Backoff,
                retry @ (Retry::Never | Retry::After(_) | Retry::Backoff) => retry,
            },
        }
    }

    /// Whether Shopify could not be reached or is not itself.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Refused(_) => false,
            Self::Failed(error) => error.is_outage(),
        }
    }

    /// The class's name, for counters and answers.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Refused(GrantRefusal::ShopNotPermitted) => "shop_not_permitted",
            Self::Refused(GrantRefusal::InvalidClient) => "invalid_client",
            Self::Refused(GrantRefusal::AppNotInstalled) => "app_not_installed",
            Self::Refused(GrantRefusal::Other { .. }) => "grant_refused",
            Self::Failed(error) => error.class(),
        }
    }

    /// What a person is to do.
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refusal) => Some(refusal.advice()),
            Self::Failed(error) => error.advice(),
        }
    }
}

impl GrantRefusal {
    /// What a person is to do.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::ShopNotPermitted => {
                "Client credentials work only for a shop of the app's own organisation: make the app in the Dev Dashboard of the organisation that owns the shop, or set the _ACCESS_TOKEN of an app of the shop's own."
            }
            Self::InvalidClient => {
                "Copy _CLIENT_ID and _CLIENT_SECRET again from the app's settings in the Dev Dashboard; if the secret was rotated, set the new one and keep the old one in _WEBHOOK_SECRET for an hour."
            }
            Self::AppNotInstalled => {
                "Install the app in the shop (Dev Dashboard, the app, Install app) and check _SHOP_DOMAIN; the service goes on by itself within a minute."
            }
            Self::Other { .. } => {
                "Check that the app has a released version, is installed in the shop, and that _CLIENT_ID and _CLIENT_SECRET are its own."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(status: u16, body: &str) -> &'static str {
        let status = StatusCode::from_u16(status).unwrap();
        GrantError::Refused(refusal(status, body.as_bytes())).class()
    }

    #[test]
    fn refusals_are_told_apart_in_json_and_on_a_page() {
        for (body, expected) in [
            (
                r#"{"error":"shop_not_permitted","error_description":"…"}"#,
                "shop_not_permitted",
            ),
            (
                "<p>Oauth error shop_not_permitted: Client credentials cannot be performed on this shop.</p>",
                "shop_not_permitted",
            ),
            (r#"{"error":"invalid_client"}"#, "invalid_client"),
            (
                r#"{"error":"application_cannot_be_found"}"#,
                "invalid_client",
            ),
            (r#"{"error":"app_not_installed"}"#, "app_not_installed"),
            ("<html>", "app_not_installed"),
            ("", "app_not_installed"),
            (r#"{"error":"invalid_scope"}"#, "grant_refused"),
            (
                r#"{"error":"<b>jane@example.com</b>"}"#,
                "app_not_installed",
            ),
        ] {
            assert_eq!(class(400, body), expected, "{body}");
        }
        assert_eq!(class(401, "<html>"), "invalid_client");
        assert_eq!(class(403, ""), "grant_refused");
    }

    #[test]
    fn what_cannot_be_read_is_not_repeated() {
        for body in [
            r#"{"access_token":7,"x":"shpat_hidden"}"#,
            "shpat_hidden",
            "",
        ] {
            let error = fresh(body.as_bytes()).unwrap_err();
            assert!(
                !format!("{error} {error:?}").contains("hidden"),
                "{error:?}"
            );
        }
        let fresh =
            fresh(br#"{"access_token":"shpat_hidden","scope":"","expires_in":60}"#).unwrap();
        assert_eq!(fresh.life, Duration::from_secs(60));
        assert!(!format!("{fresh:?}").contains("hidden"), "{fresh:?}");
    }

    #[test]
    fn there_is_no_less_of_a_token_to_ask_for() {
        let failed = GrantError::Failed(Box::new(AdminError::TimedOut));
        assert_eq!(failed.retry(), Retry::Backoff);
        assert!(failed.is_outage());
        let refused = GrantError::Refused(GrantRefusal::InvalidClient);
        assert_eq!(
            (refused.retry(), refused.is_outage()),
            (Retry::Never, false)
        );
    }
}
