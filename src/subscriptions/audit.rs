//! What we need beside what there is: a pure judgement.

mod topic;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use self::topic::Topic;
use super::{
    Endpoint, Finding, Kind, NEEDED, Repair, Weight, endpoint::has_our_path, needed::from_graphql,
};
use crate::{
    shopify::WebhookSubscription,
    warm::{API_NAME, Voice, Voices},
};

/// How long a voice that was heard is believed where we can subscribe ourselves: longer, and a topic that nobody delivers any more
/// would stay without one; shorter, and a quiet weekend would double a topic.
const BELIEVED: TimeDelta = TimeDelta::hours(48);
/// The same where we can only complain: a quiet shop is no reason to.
const BELIEVED_WITHOUT_REPAIR: TimeDelta = TimeDelta::days(30);
/// A shop that has nothing and was never heard of may have an app of its own that has had nothing to tell yet.
const BENEFIT_OF_THE_DOUBT: TimeDelta = TimeDelta::hours(1);
/// Somebody else's subscriptions that are listed.
const MOST_FOREIGN: usize = 20;

/// What the judgement depends on, beside the subscriptions.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// Where Shopify is to deliver, where that is set.
    pub endpoint: Option<&'a Endpoint>,
    /// The site's API version.
    pub api_version: &'a str,
    /// What came in lately, from whom.
    pub voices: &'a Voices,
    /// What the last audit found.
    pub last: Option<&'a Audited>,
    /// Who asks.
    pub asker: Asker,
    /// The time.
    pub now: DateTime<Utc>,
}

/// Who asks for an audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// The service, which looks again soon, and does not complain before it knows.
    Service,
    /// A person, who wants to know how it looks now.
    Person,
}

/// What an audit found. Kept in the store, so that the next one knows what was there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audited {
    /// When.
    pub audited_at: DateTime<Utc>,
    /// When the first audit of the site was.
    pub first_at: DateTime<Utc>,
    /// What it found, in the order of the topics we need.
    pub findings: Vec<Finding>,
    /// Topics that the app's own configuration delivers, as far as what came in tells.
    pub app_owned: Vec<String>,
    /// Topics that had a subscription of ours when it ended.
    pub subscribed: Vec<String>,
    /// Whether it is too early to complain: an app with subscriptions of its own that has had nothing to tell yet looks like one
    /// without any.
    pub in_doubt: bool,
    /// Why the shop could not be audited.
    pub error: Option<String>,
}

impl Audited {
    /// An audit that could not be made. What was known stays known.
    pub fn failed(error: String, last: Option<&Self>, now: DateTime<Utc>) -> Self {
        let nothing = Self {
            audited_at: now,
            first_at: now,
            findings: Vec::new(),
            app_owned: Vec::new(),
            subscribed: Vec::new(),
            in_doubt: false,
            error: None,
        };
        Self {
            error: Some(error),
            ..last.cloned().unwrap_or(nothing)
        }
    }

    /// Whether every topic arrives, once.
    pub fn ok(&self) -> bool {
        self.error.is_none() && !self.findings.iter().any(Finding::is_open_fault)
    }

    /// When it is worth looking again before the next sweep: what was just made may double what comes in by then, and what was in
    /// doubt is clear by then.
    pub fn look_again_at(&self) -> Option<DateTime<Utc>> {
        let changed = self.findings.iter().any(|finding| finding.repaired);
        (changed || self.in_doubt).then(|| self.audited_at + BENEFIT_OF_THE_DOUBT)
    }

    /// The changes that put it right, each once.
    pub fn repairs(&self) -> Vec<Repair> {
        let mut repairs: Vec<Repair> = Vec::new();
        for repair in self.findings.iter().filter_map(|one| one.repair.as_ref()) {
            if !repairs.contains(repair) {
                repairs.push(repair.clone());
            }
        }
        repairs
    }

    /// The open faults in one sentence; none if there are none.
    pub fn trouble(&self, of: impl Fn(Kind) -> bool) -> Option<String> {
        let open = self.findings.iter().filter(|one| one.is_open_fault());
        let open: Vec<_> = open
            .filter(|finding| of(finding.kind))
            .map(|finding| format!("{} {}", finding.topic, finding.kind.as_str()))
            .collect();
        (!open.is_empty()).then(|| open.join(", "))
    }
}

/// Says what is wrong with the subscriptions there are, and with those there are not.
pub fn judge(existing: &[WebhookSubscription], situation: &Situation<'_>) -> Audited {
    let now = situation.now;
    let mut findings = Vec::new();
    let (mut app_owned, mut subscribed) = (Vec::new(), Vec::new());
    for need in NEEDED {
        let topic = Topic::new(need, existing, situation);
        if topic.is_app_owned() {
            app_owned.push(need.topic.to_owned());
        }
        if topic.has_ours() {
            subscribed.push(need.topic.to_owned());
        }
        findings.extend(topic.findings());
    }
    findings.extend(beside(existing, situation));
    let first_at = situation.last.map_or(now, |last| last.first_at);
    let nothing_known = subscribed.is_empty() && !was_heard(situation);
    let in_doubt = nothing_known
        && situation.endpoint.is_none()
        && situation.asker == Asker::Service
        && now - first_at < BENEFIT_OF_THE_DOUBT;
    if in_doubt {
        for finding in &mut findings {
            finding.weight = Weight::Note;
        }
    }
    Audited {
        audited_at: now,
        first_at,
        in_doubt,
        findings,
        app_owned,
        subscribed,
        error: None,
    }
}

impl Situation<'_> {
    /// Whether a subscription is ours to change: it has our name, or delivers here.
    fn is_ours(&self, one: &WebhookSubscription) -> bool {
        one.name.as_deref() == Some(API_NAME)
            || match self.endpoint {
                Some(endpoint) => endpoint.is(&one.uri),
                // Without knowing where we are, our path is all there is to go by.
                None => has_our_path(&one.uri),
            }
    }

    fn believed(&self) -> TimeDelta {
        if self.endpoint.is_some() {
            BELIEVED
        } else {
            BELIEVED_WITHOUT_REPAIR
        }
    }

    fn is_believed(&self, heard: Option<DateTime<Utc>>) -> bool {
        heard.is_some_and(|until| self.now - until < self.believed())
    }

    /// Whether the app's own configuration delivers: one topic stands for all of its section.
    fn has_section(&self) -> bool {
        self.is_believed(self.voices.last_of(Voice::App))
    }
}

fn was_heard(situation: &Situation<'_>) -> bool {
    [Voice::App, Voice::Api, Voice::Other]
        .into_iter()
        .any(|voice| situation.is_believed(situation.voices.last_of(voice)))
}

/// What is subscribed beside the topics we need, and by others.
fn beside<'a>(
    existing: &'a [WebhookSubscription],
    situation: &'a Situation<'_>,
) -> impl Iterator<Item = Finding> + 'a {
    let mut foreign = 0;
    existing.iter().filter_map(move |one| {
        let topic = from_graphql(&one.topic);
        let needed = NEEDED.iter().any(|need| need.topic == topic);
        match (situation.is_ours(one), needed) {
            (true, true) => None,
            (true, false) => (one.name.as_deref() == Some(API_NAME)).then(|| unneeded(one, &topic)),
            (false, _) => {
                foreign += 1;
                (foreign <= MOST_FOREIGN).then(|| strangers(one, &topic))
            }
        }
    })
}

fn unneeded(one: &WebhookSubscription, topic: &str) -> Finding {
    let repair = Repair::Delete {
        id: one.id.clone(),
        topic: topic.to_owned(),
    };
    let text = "an earlier version of this service subscribed to it".to_owned();
    found(Kind::Unneeded, topic, Some(one), text).by(Some(repair))
}

fn strangers(one: &WebhookSubscription, topic: &str) -> Finding {
    if has_our_path(&one.uri) {
        let text = "it has our path at another address: an older setup, or another instance of this service";
        // Without our name nobody can tell which, so it is not touched.
        return Finding {
            weight: Weight::Note,
            fix: "if nothing uses it, `shopify-warmer webhooks delete --all-ours` ends it"
                .to_owned(),
            ..found(Kind::Elsewhere, topic, Some(one), text.to_owned())
        };
    }
    let text = "it belongs to another program of the same app";
    found(Kind::Foreign, topic, Some(one), text.to_owned())
}

fn found(kind: Kind, topic: &str, one: Option<&WebhookSubscription>, text: String) -> Finding {
    Finding {
        kind,
        weight: kind.weight(),
        topic: topic.to_owned(),
        subscription_id: one.map(|one| one.id.clone()),
        uri: one.map(|one| one.uri.clone()),
        text,
        fix: kind.fix().to_owned(),
        repaired: false,
        repair: None,
    }
}

impl Finding {
    fn by(self, repair: Option<Repair>) -> Self {
        Self { repair, ..self }
    }
}

#[cfg(test)]
mod tests;
