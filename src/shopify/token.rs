//! The access token that calls show: a fixed one, or one that is granted, renewed in good time, and replaced once it is refused.
//!
//! A granted token is in this memory only. Whoever needs another while one is being granted waits for that one: there is one call of
//! the grant, however many need it.

mod grant;
mod held;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use arc_swap::ArcSwapOption;
use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{sync::Mutex, time::Instant};

use self::{
    grant::Grant,
    held::{Attempt, Held},
};
pub use self::{
    grant::{GrantError, GrantRefusal},
    held::{TokenKind, TokenStatus},
};
use super::{AdminError, BadSettings, Credentials};

/// A site's token. Cheap to clone; clones share it.
#[derive(Debug, Clone)]
pub(super) enum Tokens {
    Fixed(Token),
    Granted(Arc<Granted>),
}

/// A token as it is shown.
#[derive(Debug, Clone)]
pub(super) struct Token {
    /// Marked as sensitive, so that nothing prints it.
    pub(super) header: HeaderValue,
    /// Which of the tokens of this process it is.
    number: u64,
}

/// Tokens by the client credentials grant.
#[derive(Debug)]
pub(super) struct Granted {
    grant: Grant,
    held: ArcSwapOption<Held>,
    /// Held while a token is being granted, so that it is asked for once.
    flight: Mutex<()>,
    /// What came of the last attempt, where it failed.
    failed: ArcSwapOption<Attempt>,
    attempts: AtomicU64,
    /// Tokens that were granted.
    count: AtomicU64,
}

impl Tokens {
    pub(super) fn new(credentials: &Credentials, base_url: &str) -> Result<Self, BadSettings> {
        match credentials {
            Credentials::Static(token) => {
                let header = header(token).ok_or(BadSettings::Token)?;
                Ok(Self::Fixed(Token { header, number: 0 }))
            }
            Credentials::ClientCredentials {
                client_id,
                client_secret,
            } => Ok(Self::Granted(Arc::new(Granted {
                grant: Grant::new(base_url, client_id, client_secret),
                held: ArcSwapOption::empty(),
                flight: Mutex::new(()),
                failed: ArcSwapOption::empty(),
                attempts: AtomicU64::new(0),
                count: AtomicU64::new(0),
            }))),
        }
    }

    /// The token to show now. It is only waited for where there is none, or none that is still good.
    pub(super) async fn current(
        &self,
        http: &reqwest::Client,
        now: DateTime<Utc>,
    ) -> Result<Token, AdminError> {
        match self {
            Self::Fixed(token) => Ok(token.clone()),
            Self::Granted(granted) => match granted.good_at(now) {
                Some(held) => Ok(held.token.clone()),
                None => {
                    granted
                        .obtain(http, now, |held| now < held.expires_at)
                        .await
                }
            },
        }
    }

    /// The token to show instead of one that was refused (401), if there can be another.
    pub(super) async fn instead_of(
        &self,
        refused: &Token,
        http: &reqwest::Client,
        now: DateTime<Utc>,
    ) -> Result<Option<Token>, AdminError> {
        let Self::Granted(granted) = self else {
            return Ok(None);
        };
        if let Some(held) = granted.held.load_full()
            && held.token.number == refused.number
        {
            held.was_refused();
            if held.is_hopeless() {
                return Ok(None);
            }
        }
        let other = |held: &Held| held.token.number != refused.number;
        granted.obtain(http, now, other).await.map(Some)
    }

    /// Shopify let a call in with it.
    pub(super) fn worked(&self, token: &Token) {
        if let Self::Granted(granted) = self
            && let Some(held) = granted.held.load().as_ref()
            && held.token.number == token.number
        {
            held.worked();
        }
    }

    /// How long until the token is to be renewed; none if it never is.
    pub(super) fn due_in(&self, now: DateTime<Utc>) -> Option<std::time::Duration> {
        let Self::Granted(granted) = self else {
            return None;
        };
        let renew_at = granted.held.load().as_ref().map(|held| held.renew_at);
        let left = renew_at.map_or_else(TimeDelta::zero, |at| at - now);
        Some(left.to_std().unwrap_or_default())
    }

    /// Renews the token if that is due; the old one serves meanwhile.
    pub(super) async fn renew(
        &self,
        http: &reqwest::Client,
        now: DateTime<Utc>,
    ) -> Result<(), AdminError> {
        let Self::Granted(granted) = self else {
            return Ok(());
        };
        let renewed = granted.obtain(http, now, |held| now < held.renew_at).await;
        renewed.map(|_token| ())
    }

    /// What there is to see of it.
    pub(super) fn status(&self) -> TokenStatus {
        match self {
            Self::Fixed(_) => TokenStatus::fixed(),
            Self::Granted(granted) => TokenStatus {
                kind: TokenKind::ClientCredentials,
                granted_at: granted.held.load().as_ref().map(|held| held.granted_at),
                expires_at: granted.held.load().as_ref().map(|held| held.expires_at),
                granted: granted.count.load(Ordering::Relaxed),
                trouble: granted.trouble().map(|error| error.class()),
            },
        }
    }

    /// Why no token is granted, where Shopify refuses it; a Shopify that is down refuses nothing.
    pub(super) fn refusal(&self) -> Option<GrantRefusal> {
        let Self::Granted(granted) = self else {
            return None;
        };
        granted.trouble()?.refusal().cloned()
    }
}

impl Granted {
    fn good_at(&self, now: DateTime<Utc>) -> Option<Arc<Held>> {
        self.held.load_full().filter(|held| now < held.expires_at)
    }

    fn trouble(&self) -> Option<Arc<GrantError>> {
        let failed = self.failed.load();
        failed.as_ref().map(|attempt| Arc::clone(&attempt.error))
    }

    /// A token that will `do`: the one that is there by the time it is our turn, else a new one.
    async fn obtain(
        &self,
        http: &reqwest::Client,
        now: DateTime<Utc>,
        will_do: impl Fn(&Held) -> bool,
    ) -> Result<Token, AdminError> {
        let begun = self.attempts.load(Ordering::Acquire);
        let _flight = self.flight.lock().await;
        if let Some(held) = self.held.load_full()
            && will_do(&held)
        {
            return Ok(held.token.clone());
        }
        if let Some(failed) = self.failed.load_full()
            && (failed.number > begun || Instant::now() < failed.rest_until)
        {
            // The attempt that we waited for, or one so recent that another would only repeat it.
            return Err(AdminError::NoToken(Arc::clone(&failed.error)));
        }
        let number = self.attempts.fetch_add(1, Ordering::AcqRel) + 1;
        match self.grant.ask(http).await {
            Ok(fresh) => {
                let held = Held::new(fresh, number, self.held.load().as_deref(), now);
                let token = held.token.clone();
                self.held.store(Some(Arc::new(held)));
                self.failed.store(None);
                self.count.fetch_add(1, Ordering::Relaxed);
                Ok(token)
            }
            Err(error) => {
                let attempt = Attempt::failed(number, error);
                let error = Arc::clone(&attempt.error);
                self.failed.store(Some(Arc::new(attempt)));
                Err(AdminError::NoToken(error))
            }
        }
    }
}

/// The token as a header, if one can hold it.
fn header(token: &SecretString) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(token.expose_secret()).ok()?;
    header.set_sensitive(true);
    Some(header)
}
