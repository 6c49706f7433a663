//! One thing that was looked at, and what came of it.

use std::fmt;

use serde::Serialize;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// Whose: a variable, a site, a server; none where there is only one.
    pub about: Option<String>,
    /// How it is.
    pub state: State,
    /// What that means. Holds no secret and no personal data.
    pub text: String,
    /// What to do about it, unless it is well.
    pub fix: Option<String>,
}

/// What is looked at, in the order it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The variables.
    Settings,
    /// The running service, if one does.
    Service,
    /// Redis, or the file.
    Store,
    /// This machine's clock against Shopify's.
    Clock,
    /// The way into a shop.
    Token,
    /// What the app may do there.
    Scopes,
    /// Which version of the API is spoken.
    ApiVersion,
    /// Which webhooks Shopify sends.
    Subscriptions,
    /// What webhooks are signed with.
    Secrets,
    /// The way from Shopify to this service.
    PublicUrl,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As it should be.
    Ok,
    /// It works, and something about it should be known.
    Warning,
    /// Something that the service promises does not work.
    Fault,
}

impl Finding {
    /// It is well.
    pub fn ok(check: Check, text: impl Into<String>) -> Self {
        Self {
            check,
            about: None,
            state: State::Ok,
            text: text.into(),
            fix: None,
        }
    }

    /// Something should be known.
    pub fn warning(check: Check, text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            state: State::Warning,
            fix: Some(fix.into()),
            ..Self::ok(check, text)
        }
    }

    /// Something does not work.
    pub fn fault(check: Check, text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            state: State::Fault,
            ..Self::warning(check, text, fix)
        }
    }

    /// The same, of this one.
    #[must_use]
    pub fn about(self, whose: impl Into<String>) -> Self {
        Self {
            about: Some(whose.into()),
            ..self
        }
    }
}

/// The worst of all; well, if there is none.
pub fn worst(findings: &[Finding]) -> State {
    let states = findings.iter().map(|finding| finding.state);
    states.max().unwrap_or(State::Ok)
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Settings => "settings",
            Self::Service => "service",
            Self::Store => "store",
            Self::Clock => "clock",
            Self::Token => "token",
            Self::Scopes => "scopes",
            Self::ApiVersion => "api version",
            Self::Subscriptions => "subscriptions",
            Self::Secrets => "secrets",
            Self::PublicUrl => "public url",
        })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Fault => "fault",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_counts() {
        let ok = Finding::ok(Check::Store, "x");
        let warning = Finding::warning(Check::Store, "x", "y");
        let fault = Finding::fault(Check::Store, "x", "y");
        assert_eq!(worst(&[]), State::Ok);
        assert_eq!(worst(&[ok.clone(), warning.clone()]), State::Warning);
        assert_eq!(worst(&[warning, fault, ok]), State::Fault);
    }
}
