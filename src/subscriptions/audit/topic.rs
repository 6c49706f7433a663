//! The judgement of one topic that we need.

use chrono::TimeDelta;

use super::{Situation, found};
use crate::{
    shopify::WebhookSubscription,
    subscriptions::{Finding, Kind, Need, Repair, endpoint::has_our_path, needed::in_graphql},
    warm::{API_NAME, Voice},
};

/// How long it is believed that a topic came twice.
const DOUBLE_BELIEVED: TimeDelta = TimeDelta::hours(24);

/// One topic, with all that delivers it.
pub(super) struct Topic<'a> {
    need: &'a Need,
    /// Ours, the best first.
    ours: Vec<&'a WebhookSubscription>,
    /// Whether one without a name delivers with our path: it explains deliveries without a name.
    has_unnamed: bool,
    situation: &'a Situation<'a>,
}

impl<'a> Topic<'a> {
    pub(super) fn new(
        need: &'a Need,
        existing: &'a [WebhookSubscription],
        situation: &'a Situation<'a>,
    ) -> Self {
        let name = in_graphql(need.topic);
        let of_topic = || existing.iter().filter(|one| one.topic == name);
        let mut ours: Vec<_> = of_topic().filter(|one| situation.is_ours(one)).collect();
        // The one that needs the least is kept; of equals the oldest, whose id is the lowest.
        ours.sort_by_key(|one| (flaws(one, situation).len(), one.id.clone()));
        Self {
            need,
            ours,
            has_unnamed: of_topic()
                .any(|one| one.name.as_deref() != Some(API_NAME) && has_our_path(&one.uri)),
            situation,
        }
    }

    pub(super) fn has_ours(&self) -> bool {
        !self.ours.is_empty()
    }

    /// Whether the app's own configuration delivers it: by name that is certain.
    pub(super) fn is_app_owned(&self) -> bool {
        self.situation.has_section()
    }

    /// Whether somebody delivers it without a name: a section of another's making, or the shop's own settings. Not believed of a topic
    /// that had a subscription of ours, whose last deliveries these may be.
    fn comes_anyway(&self) -> bool {
        let Situation { voices, last, .. } = self.situation;
        let heard = voices.until(self.need.topic, Voice::Other);
        let had_ours =
            last.is_some_and(|last| last.subscribed.iter().any(|one| one == self.need.topic));
        !self.has_unnamed && !had_ours && self.situation.is_believed(heard)
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        let Some((kept, others)) = self.ours.split_first() else {
            return self.absent().into_iter().collect();
        };
        if self.is_app_owned() {
            let text =
                "the app's own configuration delivers it, and a subscription of ours does too";
            return self
                .ours
                .iter()
                .map(|one| self.superfluous(one, text))
                .collect();
        }
        let mut findings = self.flawed(kept);
        let text = "there are several subscriptions of ours to it, and each delivers";
        findings.extend(others.iter().map(|one| self.superfluous(one, text)));
        findings.extend(self.comes_twice(others.is_empty()));
        findings
    }

    fn absent(&self) -> Option<Finding> {
        if self.is_app_owned() || self.comes_anyway() {
            return self.comes_twice(true);
        }
        let Situation { last, endpoint, .. } = self.situation;
        let was_there =
            last.is_some_and(|last| last.subscribed.iter().any(|one| one == self.need.topic));
        let brings = self.need.brings;
        let (kind, text) = if was_there {
            let text = format!(
                "it was there at the last audit: Shopify removes one after eight failed deliveries in a row, unless somebody did it by hand. It brings {brings}"
            );
            (Kind::Removed, text)
        } else {
            (
                Kind::Missing,
                format!("nobody delivers it. It brings {brings}"),
            )
        };
        let repair = endpoint.map(|_| Repair::Create {
            topic: self.need.topic.to_owned(),
        });
        Some(found(kind, self.need.topic, None, text).by(repair))
    }

    /// What is wrong with the one that is kept: one change puts all of it right.
    fn flawed(&self, one: &WebhookSubscription) -> Vec<Finding> {
        let flaws = flaws(one, self.situation);
        let (id, topic) = (one.id.clone(), self.need.topic.to_owned());
        let by_pointing =
            |(kind, _): &(Kind, String)| matches!(kind, Kind::Elsewhere | Kind::Unnamed);
        let repair = if flaws.iter().all(by_pointing) {
            Repair::Point { id, topic }
        } else {
            Repair::Replace { id, topic }
        };
        let repair = self.situation.endpoint.map(|_| repair);
        let findings = flaws
            .into_iter()
            .map(|(kind, text)| found(kind, self.need.topic, Some(one), text).by(repair.clone()));
        findings.collect()
    }

    fn superfluous(&self, one: &WebhookSubscription, text: &str) -> Finding {
        let repair = self.situation.endpoint.map(|_| Repair::Delete {
            id: one.id.clone(),
            topic: self.need.topic.to_owned(),
        });
        found(Kind::Doubled, self.need.topic, Some(one), text.to_owned()).by(repair)
    }

    /// What came in twice though the API shows no double: a person must find the other.
    fn comes_twice(&self, not_explained: bool) -> Option<Finding> {
        let Situation {
            voices, last, now, ..
        } = *self.situation;
        let until = voices.until(self.need.topic, Voice::Twice)?;
        // What was noticed before the last audit was told then, and may be right by now.
        let is_news =
            last.is_none_or(|last| until > last.audited_at) && now - until < DOUBLE_BELIEVED;
        (not_explained && is_news).then(|| {
            let text = "this topic arrives twice: two subscriptions deliver it, of which the API shows one at most";
            found(Kind::Doubled, self.need.topic, None, text.to_owned())
        })
    }
}

/// What is wrong with a subscription of ours.
fn flaws(one: &WebhookSubscription, situation: &Situation<'_>) -> Vec<(Kind, String)> {
    let mut flaws = Vec::new();
    if let Some(endpoint) = situation.endpoint {
        if !endpoint.is(&one.uri) {
            let text = format!("it delivers to {}, not to {endpoint}", one.uri);
            flaws.push((Kind::Elsewhere, text));
        }
        if one.name.as_deref() != Some(API_NAME) {
            let text = format!(
                "it is not called {API_NAME}, so that nobody can tell whose deliveries come in"
            );
            flaws.push((Kind::Unnamed, text));
        }
    }
    if one
        .filter
        .as_deref()
        .is_some_and(|filter| !filter.is_empty())
    {
        flaws.push((Kind::Filtered, "a filter holds deliveries back".to_owned()));
    }
    if !one.include_fields.is_empty() {
        flaws.push((
            Kind::Trimmed,
            "only some fields are sent, and we need all".to_owned(),
        ));
    }
    if one.format != "JSON" {
        let text = format!("its bodies are {}, not JSON", one.format);
        flaws.push((Kind::NotJson, text));
    }
    if one.api_version.handle != situation.api_version {
        let (theirs, ours) = (&one.api_version.handle, situation.api_version);
        let text = format!("its bodies are written in API version {theirs}, not {ours}");
        flaws.push((Kind::OtherVersion, text));
    }
    flaws
}
