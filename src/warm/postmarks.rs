//! What deliveries say beside their bodies: which secret signed them, and which API version wrote them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use shopify_webhooks::{Delivery, SecretPosition, Topic, WebhookSecrets};
use tracing::info;
use utoipa::ToSchema;

use crate::{
    alert::{Alerts, Cause},
    site::{Site, SiteCode, Sites},
};

/// A topic that is silent for so long says nothing of how deliveries are written today.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::days(2);

/// Notes them, for each site. Cheap to clone; clones share the notes.
#[derive(Debug, Clone)]
pub struct Postmarks(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    alerts: Alerts,
    /// Held for a look-up, never across an await.
    sites: BTreeMap<SiteCode, Mutex<Noted>>,
}

/// One site's.
#[derive(Debug)]
struct Noted {
    expected: String,
    last: Option<(SecretPosition, DateTime<Utc>)>,
    matched: Vec<u64>,
    others: BTreeMap<String, OtherVersion>,
}

/// Which of a site's webhook secrets sign; never their values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SecretUse {
    /// How many are set.
    pub of: usize,
    /// The place in the list, from 1, of the one that signed the last delivery; null before the first.
    pub last: Option<usize>,
    /// When that came.
    pub last_at: Option<DateTime<Utc>>,
    /// How many deliveries each has signed since the start, in the order of the list.
    pub matched: Vec<u64>,
}

/// A topic whose last delivery was written in another API version than the site is set to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OtherVersion {
    /// The topic; `other` for one that is not known here.
    pub topic: String,
    /// The version.
    #[schema(examples("2026-01"))]
    pub version: String,
    /// When it came.
    pub at: DateTime<Utc>,
}

impl Postmarks {
    /// No notes yet.
    pub fn new(sites: &Sites, alerts: Alerts) -> Self {
        let noted = |site: &Arc<Site>| {
            let secrets = sites.secrets().get(&site.shop_domain);
            let noted = Noted {
                expected: site.calls.api_version().to_owned(),
                last: None,
                matched: vec![0; secrets.map_or(0, WebhookSecrets::count)],
                others: BTreeMap::new(),
            };
            (site.code.clone(), Mutex::new(noted))
        };
        let sites = sites.iter().map(noted).collect();
        Self(Arc::new(Inner { alerts, sites }))
    }

    /// Notes a delivery that was let in.
    pub fn note(&self, site: &SiteCode, delivery: &Delivery, now: DateTime<Utc>) {
        let Some(noted) = self.0.sites.get(site) else {
            return;
        };
        let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.note_secret(site, delivery.secret, now);
        let headers = &delivery.headers;
        let version = headers
            .api_version
            .as_deref()
            .filter(|text| is_version(text));
        if version.is_some_and(|version| noted.note_version(&headers.topic, version, now)) {
            match noted.complaint() {
                Some(text) => self.0.alerts.raise(Cause::WebhookVersion, Some(site), text),
                None => self.0.alerts.clear(Cause::WebhookVersion, Some(site)),
            }
        }
    }

    /// Which of the site's secrets sign.
    pub fn secrets(&self, site: &SiteCode) -> Option<SecretUse> {
        let noted = self.0.sites.get(site)?;
        let noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
        Some(SecretUse {
            of: noted.matched.len(),
            last: noted.last.map(|(position, _)| position.number()),
            last_at: noted.last.map(|(_, at)| at),
            matched: noted.matched.clone(),
        })
    }

    /// The topics that come in another version than the site is set to.
    pub fn other_versions(&self, site: &SiteCode) -> Vec<OtherVersion> {
        let Some(noted) = self.0.sites.get(site) else {
            return Vec::new();
        };
        let noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.others.values().cloned().collect()
    }
}

impl Noted {
    /// During a rotation one sees in the log when Shopify begins to sign with the new secret.
    fn note_secret(&mut self, site: &SiteCode, position: SecretPosition, now: DateTime<Utc>) {
        let before = self.last.replace((position, now));
        if let Some(count) = self.matched.get_mut(position.0) {
            *count += 1;
        }
        if before.is_some_and(|(before, _)| before != position) {
            let (number, of) = (position.number(), self.matched.len());
            info!(%site, "webhooks are signed with secret {number} of {of} now");
        }
    }

    /// Notes the version of a delivery; whether that changes what there is to say.
    fn note_version(&mut self, topic: &Topic, version: &str, now: DateTime<Utc>) -> bool {
        let said_before = self.complaint();
        let topic = name(topic);
        if version == self.expected {
            self.others.remove(topic);
        } else {
            let other = OtherVersion {
                topic: topic.to_owned(),
                version: version.to_owned(),
                at: now,
            };
            self.others.insert(topic.to_owned(), other);
        }
        self.others
            .retain(|_, other| now - other.at < FORGOTTEN_AFTER);
        said_before != self.complaint()
    }

    fn complaint(&self) -> Option<String> {
        let first = self.others.values().next()?;
        let (topic, version, expected) = (&first.topic, &first.version, &self.expected);
        let text = format!("{topic} comes in version {version}, and {expected} is set");
        Some(match self.others.len() {
            1 => text,
            some => format!("{text}; {some} topics in all come in another version"),
        })
    }
}

/// The header is not signed: only what looks like a version is believed, and repeated.
fn is_version(text: &str) -> bool {
    let digits =
        |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    text == "unstable"
        || text
            .split_once('-')
            .is_some_and(|(year, month)| digits(year, 4) && digits(month, 2))
}

/// A topic as it is shown: any other than a known one is somebody else's text.
fn name(topic: &Topic) -> &str {
    if matches!(topic, Topic::Other(_)) {
        "other"
    } else {
        topic.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted() -> Noted {
        Noted {
            expected: "2026-10".to_owned(),
            last: None,
            matched: vec![0; 2],
            others: BTreeMap::new(),
        }
    }

    #[test]
    fn a_topic_in_another_version_is_news_once_and_its_end_too() {
        let (mut noted, now) = (noted(), DateTime::UNIX_EPOCH);
        let create = Topic::OrdersCreate;
        assert!(!noted.note_version(&create, "2026-10", now));
        assert!(noted.note_version(&create, "2026-01", now));
        assert!(!noted.note_version(&create, "2026-01", now));
        assert!(!noted.note_version(&Topic::OrdersUpdated, "2026-10", now));
        assert!(noted.note_version(&create, "2026-10", now));
        assert_eq!(noted.complaint(), None);
    }

    #[test]
    fn a_topic_that_fell_silent_is_forgotten() {
        let (mut noted, now) = (noted(), DateTime::UNIX_EPOCH);
        assert!(noted.note_version(&Topic::RefundsCreate, "2026-01", now));
        let later = now + FORGOTTEN_AFTER;
        assert!(noted.note_version(&Topic::OrdersUpdated, "2026-10", later));
        assert_eq!(noted.complaint(), None);
    }

    #[test]
    fn strangers_topics_and_texts_are_not_kept() {
        let (mut noted, now) = (noted(), DateTime::UNIX_EPOCH);
        for number in 0..100 {
            let topic = Topic::parse(&format!("jane@example.com/{number}"));
            noted.note_version(&topic, "2026-01", now);
        }
        assert_eq!(noted.others.len(), 1);
        for text in ["", "jane", "2026-1", "2026-10 ", "20261-0", "<b>"] {
            assert!(!is_version(text), "{text}");
        }
        assert!(is_version("2026-10") && is_version("unstable"));
    }
}
