//! The settings: what is wrong with them, and what of them is no mistake but should be known.

use super::{Check, Finding};

/// A token of fewer characters can be tried out.
const SHORT: usize = 16;

/// What the settings say, as far as there is something to say of it.
#[derive(Debug, Clone, Default)]
pub struct SettingsFacts {
    /// The codes of the shops.
    pub sites: Vec<String>,
    /// Those whose Admin API is somewhere else than at Shopify.
    pub elsewhere: Vec<String>,
    /// How `ADMIN_TOKEN` and `LOOKUP_TOKEN` look.
    pub tokens: Vec<(&'static str, TokenLook)>,
    /// Whether the service is meant to be reached from outside.
    pub is_public: bool,
    /// Whether it sweeps by itself.
    pub sweeps: bool,
    /// Whether alerts are posted.
    pub posts_alerts: bool,
}

/// How a token looks; never the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenLook {
    /// It is not set.
    Unset,
    /// It is set, and so many characters long.
    Set(usize),
}

/// All that is wrong, by variable; the service does not start with any of it.
pub fn judge_faults<'a>(faults: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<Finding> {
    let fix = "Set it right in the environment or in .env; .env.example describes each variable.";
    let fault =
        |(name, advice): (&str, &str)| Finding::fault(Check::Settings, advice, fix).about(name);
    faults.map(fault).collect()
}

/// What should be known of settings that the service starts with.
pub fn judge_settings(facts: &SettingsFacts) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, look) in &facts.tokens {
        found.extend(token(facts, look).map(|finding| finding.about(*name)));
    }
    for site in &facts.elsewhere {
        let text = format!("the Admin API of {site} is somewhere else than at Shopify");
        let fix = "Right for a simulator; for a real shop, take the variable away.";
        let name = format!("SHOPIFY_{}_ADMIN_URL", site.to_ascii_uppercase());
        found.push(Finding::warning(Check::Settings, text, fix).about(name));
    }
    if !facts.sweeps {
        let text = "the service does not sweep by itself: what webhooks miss stays missing";
        let fix = "Set WARMUP_ENABLED=true, unless something else starts the sweeps.";
        found.push(Finding::warning(Check::Settings, text, fix).about("WARMUP_ENABLED"));
    }
    if !facts.posts_alerts {
        let text = "alerts are in the log, in /metrics and in the status only: nobody is told";
        let fix = "Set it to the address of a chat's bot, or have something watch /metrics.";
        found.push(Finding::warning(Check::Settings, text, fix).about("ALERT_WEBHOOK_URL"));
    }
    if found.is_empty() {
        let text = format!("complete, for {}", facts.sites.join(", "));
        found.push(Finding::ok(Check::Settings, text));
    }
    found
}

/// Behind a proxy each request seems to come from this machine, which an open route lets in.
fn token(facts: &SettingsFacts, look: &TokenLook) -> Option<Finding> {
    let fix = "Set a long random text, such as `openssl rand -hex 32` makes.";
    match look {
        TokenLook::Unset if facts.is_public => {
            let text =
                "is not set, and PUBLIC_URL is: strangers reach these routes through the proxy";
            Some(Finding::fault(Check::Settings, text, fix))
        }
        TokenLook::Unset => {
            let text =
                "is not set: the routes are open to everything on this machine, a proxy included";
            Some(Finding::warning(Check::Settings, text, fix))
        }
        TokenLook::Set(length) if *length < SHORT => {
            let text = "is so short that it can be tried out";
            Some(Finding::warning(Check::Settings, text, fix))
        }
        TokenLook::Set(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    fn good() -> SettingsFacts {
        SettingsFacts {
            sites: vec!["uk".to_owned()],
            tokens: vec![("ADMIN_TOKEN", TokenLook::Set(64))],
            is_public: true,
            sweeps: true,
            posts_alerts: true,
            ..SettingsFacts::default()
        }
    }

    fn judged(change: impl FnOnce(&mut SettingsFacts)) -> Vec<(State, Option<String>)> {
        let mut facts = good();
        change(&mut facts);
        let told = judge_settings(&facts).into_iter();
        told.map(|finding| (finding.state, finding.about)).collect()
    }

    #[test]
    fn each_finding_has_its_setting() {
        assert_eq!(judged(|_| ()), [(State::Ok, None)]);
        let unset = judged(|facts| facts.tokens = vec![("LOOKUP_TOKEN", TokenLook::Unset)]);
        assert_eq!(unset, [(State::Fault, Some("LOOKUP_TOKEN".to_owned()))]);
        let inside = judged(|facts| {
            facts.tokens = vec![("LOOKUP_TOKEN", TokenLook::Unset)];
            facts.is_public = false;
        });
        assert_eq!(inside, [(State::Warning, Some("LOOKUP_TOKEN".to_owned()))]);
        let short = judged(|facts| facts.tokens = vec![("ADMIN_TOKEN", TokenLook::Set(8))]);
        assert_eq!(short, [(State::Warning, Some("ADMIN_TOKEN".to_owned()))]);
        let elsewhere = judged(|facts| facts.elsewhere = vec!["uk".to_owned()]);
        assert_eq!(
            elsewhere,
            [(State::Warning, Some("SHOPIFY_UK_ADMIN_URL".to_owned()))]
        );
        let still = judged(|facts| facts.sweeps = false);
        assert_eq!(still, [(State::Warning, Some("WARMUP_ENABLED".to_owned()))]);
        let silent = judged(|facts| facts.posts_alerts = false);
        assert_eq!(
            silent,
            [(State::Warning, Some("ALERT_WEBHOOK_URL".to_owned()))]
        );
    }

    #[test]
    fn faults_are_told_all_and_by_their_variable() {
        let faults = [("REDIS_URL", "is no address"), ("DATA_DIR", "is none")];
        let told = judge_faults(faults.into_iter());
        let names: Vec<_> = told
            .iter()
            .map(|finding| finding.about.as_deref())
            .collect();
        assert_eq!(names, [Some("REDIS_URL"), Some("DATA_DIR")]);
        assert!(
            told.iter()
                .all(|finding| finding.state == State::Fault && finding.fix.is_some())
        );
    }
}
