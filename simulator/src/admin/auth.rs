//! Access tokens: the one that never ends, and those of the client credentials grant.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// What Shopify says in `expires_in`: a day, less the second it took.
const TOKEN_SECONDS: u64 = 86_399;

/// How the client credentials grant answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Grant {
    /// With a token, if id and secret are right.
    #[default]
    Given,
    /// `shop_not_permitted`: app and shop belong to different organisations.
    ShopNotPermitted,
    /// The app is not installed.
    NotInstalled,
}

/// What becomes of an app's tokens when it is granted another. Shopify does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OldTokens {
    /// They stay good until they expire.
    #[default]
    LiveOn,
    /// They are refused from then on.
    DieAtOnce,
}

/// The tokens and credentials that are good.
#[derive(Debug)]
pub(crate) struct Tokens {
    /// A legacy app's token, which does not expire.
    pub(crate) fixed: Option<String>,
    pub(crate) credentials: Option<(String, String)>,
    pub(crate) grant: Grant,
    pub(crate) old: OldTokens,
    /// How long a token that is granted from now on is good.
    pub(crate) lifetime: Duration,
    /// How many were granted.
    pub(crate) granted: u64,
    issued: Vec<(String, DateTime<Utc>)>,
}

impl Tokens {
    pub(crate) fn new(fixed: String, credentials: Option<(String, String)>) -> Self {
        Self {
            fixed: Some(fixed),
            credentials,
            grant: Grant::Given,
            old: OldTokens::default(),
            lifetime: Duration::from_secs(TOKEN_SECONDS),
            granted: 0,
            issued: Vec::new(),
        }
    }

    pub(crate) fn accepts(&self, token: &str, now: DateTime<Utc>) -> bool {
        let fixed = self.fixed.as_deref() == Some(token);
        let mut issued = self.issued.iter();
        fixed || issued.any(|(known, until)| known == token && now < *until)
    }

    pub(crate) fn issue(&mut self, token: String, now: DateTime<Utc>) {
        let live_on = self.old == OldTokens::LiveOn;
        self.issued.retain(|(_, until)| live_on && now < *until);
        let lifetime = TimeDelta::from_std(self.lifetime).unwrap_or(TimeDelta::days(365));
        self.issued.push((token, now + lifetime));
        self.granted += 1;
    }

    /// Makes every token bad, as an uninstallation does.
    pub(crate) fn revoke(&mut self) {
        self.fixed = None;
        self.issued.clear();
    }
}
