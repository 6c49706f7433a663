//! What the running service has heard of a site's webhooks: whether they come, what they are signed with, in which version.

use super::{Check, Finding};

/// What the service has heard of one site.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// The site's code.
    pub site: String,
    /// When the last webhook came, in words; none if none ever came.
    pub last_at: Option<String>,
    /// Which secrets sign; none where the service does not tell.
    pub secrets: Option<SecretsHeard>,
    /// Topics that come in another version than is set, each with that version.
    pub other_versions: Vec<(String, String)>,
    /// The last audit of the subscriptions; none where there was none.
    pub audit: Option<Audit>,
}

/// What the service's audit of a shop's subscriptions found.
#[derive(Debug, Clone, Default)]
pub struct Audit {
    /// Why the shop could not be audited.
    pub error: Option<String>,
    /// What is wrong and not put right yet.
    pub open: Vec<OpenFinding>,
}

/// One thing that is wrong with the subscriptions.
#[derive(Debug, Clone, Default)]
pub struct OpenFinding {
    /// Whether webhooks are lost or come twice because of it.
    pub is_fault: bool,
    /// What is wrong.
    pub text: String,
    /// What to do about it.
    pub fix: String,
}

/// Which secrets have signed since the service started, by their places in the list.
#[derive(Debug, Clone, Default)]
pub struct SecretsHeard {
    /// How many deliveries each has signed.
    pub matched: Vec<u64>,
    /// The place, from 1, of the one that signed last.
    pub last: Option<usize>,
}

/// How a site's webhooks are, and how many of all sites' were refused since the start.
pub fn judge_heard(heard: &[Heard], refused: u64) -> Vec<Finding> {
    let mut found: Vec<_> = heard.iter().flat_map(of_site).collect();
    if refused > 0 {
        let text = format!(
            "{refused} deliveries were refused since the service started: not signed with a known secret"
        );
        let fix = "Some are strangers, and each run of this command sends one. Many: set _WEBHOOK_SECRET to the client secret of the app that owns the subscriptions (and the one that the admin's notification page shows, for webhooks made there).";
        found.push(Finding::warning(Check::Secrets, text, fix));
    }
    found
}

/// What an audit of a site's subscriptions found.
pub fn judge_audit(site: &str, audit: &Audit) -> Vec<Finding> {
    let found = audited(audit).into_iter();
    found.map(|finding| finding.about(site)).collect()
}

/// That nobody could tell what came in lately, which alone tells what the app's own configuration delivers.
pub fn nobody_heard() -> Finding {
    let text = "neither a service nor the store tells what came in lately: a topic that only shopify.app.toml subscribes to looks as if nobody did";
    let fix = "Start the service, change an order in the shop, and ask again.";
    Finding::warning(Check::Subscriptions, text, fix)
}

fn of_site(heard: &Heard) -> Vec<Finding> {
    let mut found = vec![comes(heard)];
    found.extend(heard.audit.iter().flat_map(audited));
    found.extend(heard.secrets.as_ref().map(secrets));
    for (topic, version) in &heard.other_versions {
        let text = format!("{topic} is written in {version}, another version than is set");
        let fix = "Set the same version at the subscription, or in the app's configuration, as in _API_VERSION.";
        found.push(Finding::warning(Check::ApiVersion, text, fix));
    }
    let site = |finding: Finding| finding.about(&heard.site);
    found.into_iter().map(site).collect()
}

fn audited(audit: &Audit) -> Vec<Finding> {
    let check = Check::Subscriptions;
    if let Some(error) = &audit.error {
        let text = format!("the shop does not tell what is subscribed: {error}");
        let fix = "`shopify-warmer webhooks list` asks again.";
        return vec![Finding::warning(check, text, fix)];
    }
    if audit.open.is_empty() {
        return vec![Finding::ok(check, "every topic is subscribed, once")];
    }
    let finding = |open: &OpenFinding| {
        if open.is_fault {
            Finding::fault(check, &open.text, &open.fix)
        } else {
            Finding::warning(check, &open.text, &open.fix)
        }
    };
    audit.open.iter().map(finding).collect()
}

fn comes(heard: &Heard) -> Finding {
    if let Some(at) = &heard.last_at {
        let text = format!("the last webhook came at {at}");
        return Finding::ok(Check::Subscriptions, text);
    }
    let text = "no webhook has ever come: the cache lives from sweeps alone";
    let fix = "Change an order in the shop; if nothing comes, `shopify-warmer webhooks list` says what is subscribed.";
    Finding::warning(Check::Subscriptions, text, fix)
}

fn secrets(heard: &SecretsHeard) -> Finding {
    let (of, last) = (heard.matched.len(), heard.last);
    let Some(last) = last else {
        let text = format!("none of {of} has signed anything since the service started");
        return Finding::ok(Check::Secrets, text);
    };
    let unused = heard.matched.iter().filter(|count| **count == 0).count();
    if unused == 0 {
        let text = format!("number {last} of {of} signed the last webhook");
        return Finding::ok(Check::Secrets, text);
    }
    let text = format!(
        "number {last} of {of} signed the last webhook, and {unused} signed none since the service started"
    );
    let fix = "An hour after a rotation the old secret may go from _WEBHOOK_SECRET; one that signs nothing only lets more in.";
    Finding::warning(Check::Secrets, text, fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{State, worst};

    fn good() -> Heard {
        Heard {
            site: "uk".to_owned(),
            last_at: Some("2026-11-22T12:00:00Z".to_owned()),
            secrets: Some(signed(&[7], Some(1))),
            ..Heard::default()
        }
    }

    fn signed(matched: &[u64], last: Option<usize>) -> SecretsHeard {
        let matched = matched.to_vec();
        SecretsHeard { matched, last }
    }

    fn missing() -> OpenFinding {
        OpenFinding {
            is_fault: true,
            text: "orders/create is not subscribed".to_owned(),
            fix: "Subscribe.".to_owned(),
        }
    }

    /// That what is heard is judged so, in these words.
    #[track_caller]
    fn judged(heard: Heard, state: State, words: &str) {
        let found = judge_heard(&[heard], 0);
        assert_eq!(worst(&found), state, "{found:?}");
        let has = |finding: &Finding| finding.text.contains(words);
        assert!(found.iter().any(has), "{found:?}");
        let about = |finding: &Finding| finding.about.as_deref() == Some("uk");
        assert!(found.iter().all(about), "{found:?}");
    }

    #[test]
    fn what_comes_and_what_signs_it_is_judged() {
        let with = |secrets| Heard {
            secrets: Some(secrets),
            ..good()
        };
        judged(good(), State::Ok, "number 1 of 1");
        let second = with(signed(&[0, 9], Some(2)));
        judged(second, State::Warning, "number 2 of 2");
        judged(with(signed(&[0, 0], None)), State::Ok, "none of 2");
        let silent = Heard {
            last_at: None,
            ..good()
        };
        judged(silent, State::Warning, "no webhook");
        let other = Heard {
            other_versions: vec![("orders/create".to_owned(), "2026-01".to_owned())],
            ..good()
        };
        judged(other, State::Warning, "2026-01");
        assert_eq!(worst(&judge_heard(&[good()], 3)), State::Warning);
    }

    #[test]
    fn what_the_audit_found_is_judged_by_its_weight() {
        let with = |audit| Heard {
            audit: Some(audit),
            ..good()
        };
        let found = |open| Audit {
            open: vec![open],
            error: None,
        };
        judged(with(Audit::default()), State::Ok, "every topic");
        judged(with(found(missing())), State::Fault, "not subscribed");
        let note = OpenFinding {
            is_fault: false,
            ..missing()
        };
        judged(with(found(note)), State::Warning, "not subscribed");
        let failed = Audit {
            error: Some("no scope".to_owned()),
            open: Vec::new(),
        };
        judged(with(failed), State::Warning, "no scope");
    }
}
