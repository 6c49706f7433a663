//! Access tokens: the one that never ends, and those of the client credentials grant.

use chrono::{DateTime, TimeDelta, Utc};

/// What Shopify says in `expires_in`: a day, less the second it took.
pub(crate) const TOKEN_SECONDS: i64 = 86_399;

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

/// The tokens and credentials that are good.
#[derive(Debug)]
pub(crate) struct Tokens {
    /// A legacy app's token, which does not expire.
    pub(crate) fixed: Option<String>,
    pub(crate) credentials: Option<(String, String)>,
    pub(crate) grant: Grant,
    issued: Vec<(String, DateTime<Utc>)>,
    /// The legacy token of an app that was removed.
    removed: Option<String>,
}

impl Tokens {
    pub(crate) fn new(fixed: String, credentials: Option<(String, String)>) -> Self {
        Self {
            fixed: Some(fixed),
            credentials,
            grant: Grant::Given,
            issued: Vec::new(),
            removed: None,
        }
    }

    pub(crate) fn accepts(&self, token: &str, now: DateTime<Utc>) -> bool {
        let fixed = self.fixed.as_deref() == Some(token);
        let mut issued = self.issued.iter();
        fixed || issued.any(|(known, until)| known == token && now < *until)
    }

    pub(crate) fn issue(&mut self, token: String, now: DateTime<Utc>) {
        self.issued.retain(|(_, until)| now < *until);
        let until = now + TimeDelta::seconds(TOKEN_SECONDS);
        self.issued.push((token, until));
    }

    /// Every token is dead, and none is granted.
    pub(crate) fn uninstall(&mut self) {
        self.removed = self.fixed.clone().or(self.removed.take());
        self.revoke();
        self.grant = Grant::NotInstalled;
    }

    /// As before it was removed.
    pub(crate) fn reinstall(&mut self) {
        self.fixed = self.removed.take().or(self.fixed.take());
        self.grant = Grant::Given;
    }

    /// Makes every token bad, as an uninstallation does.
    pub(crate) fn revoke(&mut self) {
        self.fixed = None;
        self.issued.clear();
    }
}
