//! One shop: whether it lets us in, what it lets us do, in which version of the API, and what time it is there.

use chrono::TimeDelta;

use super::{Check, Finding};
use crate::site::{Access, Loss, MissingScope};

/// What a machine with a time service is off by at most.
const FINE: TimeDelta = TimeDelta::seconds(5);
/// Lifetimes run from our clock: beyond this, answers are fresher or staler than they say.
const BEARABLE: TimeDelta = TimeDelta::seconds(60);

/// What was found out about one shop.
#[derive(Debug, Clone)]
pub struct ShopFacts {
    /// Its site's code.
    pub site: String,
    /// The domain that is set.
    pub domain: String,
    /// What it told.
    pub asked: Asked,
    /// How far Shopify's clock is ahead of ours.
    pub skew: Option<TimeDelta>,
    /// Which version is asked for.
    pub api_version: String,
    /// Which is served instead, if one is.
    pub served_instead: Option<String>,
    /// What of our requests Shopify calls deprecated.
    pub deprecations: Vec<String>,
}

/// What became of asking the shop.
#[derive(Debug, Clone)]
pub enum Asked {
    /// It told.
    Told {
        /// This.
        access: Box<Access>,
        /// Whether by a token that was granted for a day.
        granted: bool,
    },
    /// It did not.
    Failed {
        /// Why.
        text: String,
        /// What to do about it, where that is known.
        advice: Option<&'static str>,
    },
}

/// How the shop is.
pub fn judge_shop(facts: &ShopFacts) -> Vec<Finding> {
    let mut found = match &facts.asked {
        Asked::Told { access, granted } => told(facts, access, *granted),
        Asked::Failed { text, advice } => {
            let fix = advice.unwrap_or("Try again; if it stays so, look at the service's log and at Shopify's status page.");
            vec![Finding::fault(Check::Token, text.as_str(), fix)]
        }
    };
    found.extend(facts.skew.map(clock));
    let site = |finding: Finding| finding.about(&facts.site);
    found.into_iter().map(site).collect()
}

fn told(facts: &ShopFacts, access: &Access, granted: bool) -> Vec<Finding> {
    let mut found = vec![token(facts, access, granted)];
    let missing = access.missing().iter().map(scope);
    found.extend(missing);
    if access.missing().is_empty() {
        found.push(Finding::ok(Check::Scopes, "all that are used"));
    }
    found.extend(version(facts, access));
    found
}

fn token(facts: &ShopFacts, access: &Access, granted: bool) -> Finding {
    let (domain, wanted) = (&access.shop.domain, &facts.domain);
    if !domain.eq_ignore_ascii_case(wanted) {
        let text = format!("the credentials open {domain}, and {wanted} is set");
        let fix = "Give each shop its own credentials, or set its own domain.";
        return Finding::fault(Check::Token, text, fix);
    }
    let kind = if granted {
        "granted for a day and renewed by itself"
    } else {
        "static"
    };
    Finding::ok(
        Check::Token,
        format!("{domain} lets the app in; its token is {kind}"),
    )
}

fn scope(missing: &MissingScope) -> Finding {
    let text = format!("{} is missing: {}", missing.scope, missing.costs);
    let fix =
        "Add it to the app in the Dev Dashboard, release that version, and approve it in the shop.";
    match missing.loss {
        Loss::Breaks => Finding::fault(Check::Scopes, text, fix),
        Loss::Limits => Finding::warning(Check::Scopes, text, fix),
    }
}

fn version(facts: &ShopFacts, access: &Access) -> Vec<Finding> {
    let (asked, check) = (&facts.api_version, Check::ApiVersion);
    let name = format!("SHOPIFY_{}_API_VERSION", facts.site.to_ascii_uppercase());
    let newest = access.versions.iter().max();
    let newest = newest.map_or("a version that is served", String::as_str);
    let fix = format!("Set {name} to {newest}, after a look at Shopify's changelog.");
    let mut found = Vec::new();
    if let Some(served) = &facts.served_instead {
        let text = format!("{asked} is asked for, and Shopify serves {served}");
        found.push(Finding::fault(check, text, fix));
    } else if !access.versions.is_empty() && !access.versions.contains(asked) {
        let text = format!("{asked} is not among the versions that Shopify lists");
        found.push(Finding::warning(check, text, fix));
    }
    for reason in &facts.deprecations {
        let text = format!("Shopify calls something that is asked for deprecated: {reason}");
        let fix = "Upgrade this program before the version that lacks it is the oldest.";
        found.push(Finding::warning(check, text, fix));
    }
    if found.is_empty() {
        found.push(Finding::ok(
            check,
            format!("{asked} is asked for and served"),
        ));
    }
    found
}

fn clock(skew: TimeDelta) -> Finding {
    let seconds = skew.num_seconds();
    let text = match seconds {
        0.. => format!("Shopify's clock is {seconds} s ahead of this machine's"),
        _ => format!("Shopify's clock is {} s behind this machine's", -seconds),
    };
    let fix = "Let a time service set this machine's clock (timedatectl set-ntp true).";
    if skew.abs() > BEARABLE {
        return Finding::fault(Check::Clock, text, fix);
    }
    if skew.abs() > FINE {
        return Finding::warning(Check::Clock, text, fix);
    }
    Finding::ok(Check::Clock, "agrees with Shopify's")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{State, worst};

    #[test]
    fn a_clock_is_fine_bearable_or_wrong_in_either_direction() {
        for (seconds, state) in [
            (0, State::Ok),
            (5, State::Ok),
            (6, State::Warning),
            (60, State::Warning),
            (61, State::Fault),
        ] {
            for seconds in [seconds, -seconds] {
                assert_eq!(clock(TimeDelta::seconds(seconds)).state, state, "{seconds}");
            }
        }
        assert!(clock(TimeDelta::seconds(-90)).text.contains("90 s behind"));
    }

    #[test]
    fn a_shop_that_does_not_tell_is_a_fault_with_the_errors_own_advice() {
        let facts = ShopFacts {
            site: "uk".to_owned(),
            domain: "shop.myshopify.com".to_owned(),
            asked: Asked::Failed {
                text: "refused".to_owned(),
                advice: Some("Install the app."),
            },
            skew: None,
            api_version: "2026-10".to_owned(),
            served_instead: None,
            deprecations: Vec::new(),
        };
        let found = judge_shop(&facts);
        assert_eq!(worst(&found), State::Fault);
        assert_eq!(
            (found[0].fix.as_deref(), found[0].about.as_deref()),
            (Some("Install the app."), Some("uk"))
        );
    }
}
