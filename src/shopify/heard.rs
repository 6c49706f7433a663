//! What answers say beside their data, in their headers: the version that was served, what of it is deprecated, and Shopify's time.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, header::DATE};

/// A reason is a sentence with the fields it is about.
const LONGEST_REASON: usize = 500;
/// A document has a few deprecated fields at most; whoever sends more reasons is not listened to.
const MOST_REASONS: usize = 20;
/// Stands for a skew that was never seen: no clock is off by so much.
const NEVER: i64 = i64::MIN;

/// What a shop's answers said. Cheap to clone; clones share it.
#[derive(Debug, Clone)]
pub(super) struct Heard(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    asked: String,
    /// The version that answered last, where it is not the one that was asked for.
    served_instead: ArcSwapOption<String>,
    /// Held for a look-up, never across an await.
    deprecations: Mutex<BTreeSet<String>>,
    skew_ms: AtomicI64,
}

/// Whether there is something new to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    Some,
    None,
}

impl Heard {
    /// Nothing yet, of a shop that is asked for this version.
    pub(super) fn new(asked: &str) -> Self {
        Self(Arc::new(Inner {
            asked: asked.to_owned(),
            served_instead: ArcSwapOption::empty(),
            deprecations: Mutex::default(),
            skew_ms: AtomicI64::new(NEVER),
        }))
    }

    /// The version that is asked for.
    pub(super) fn asked(&self) -> &str {
        &self.0.asked
    }

    /// The version Shopify serves instead, if it does.
    pub(super) fn served_instead(&self) -> Option<String> {
        self.0.served_instead.load().as_deref().cloned()
    }

    /// Why Shopify calls what we ask for deprecated; each reason once.
    pub(super) fn deprecations(&self) -> Vec<String> {
        let deprecations = self.0.deprecations.lock();
        let deprecations = deprecations.unwrap_or_else(PoisonError::into_inner);
        deprecations.iter().cloned().collect()
    }

    /// How far Shopify's clock was ahead of ours at its last answer, to about a second.
    pub(super) fn skew(&self) -> Option<TimeDelta> {
        let millis = self.0.skew_ms.load(Ordering::Relaxed);
        (millis != NEVER).then(|| TimeDelta::milliseconds(millis))
    }

    /// Takes the headers of an answer to a call that began at `asked_at` and took `took`.
    pub(super) fn note(
        &self,
        headers: &HeaderMap,
        asked_at: DateTime<Utc>,
        took: Duration,
    ) -> News {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(skew) = text(DATE.as_str()).and_then(|date| skew(date, asked_at, took)) {
            let millis = skew.num_milliseconds();
            self.0.skew_ms.store(millis, Ordering::Relaxed);
        }
        let served = text("x-shopify-api-version").map(|served| self.note_version(served));
        let reason = text("x-shopify-api-deprecated-reason");
        let deprecated = reason.is_some_and(|reason| self.note_deprecation(reason));
        if served == Some(News::Some) || deprecated {
            News::Some
        } else {
            News::None
        }
    }

    /// Shopify serves a version that is gone as the oldest one it still has, and says so only in this header.
    fn note_version(&self, served: &str) -> News {
        let asked = &self.0.asked;
        let instead = self.0.served_instead.load();
        let before = instead.as_deref().unwrap_or(asked);
        if served == before {
            return News::None;
        }
        if served == asked {
            self.0.served_instead.store(None);
        } else {
            let served = Arc::new(served.to_owned());
            self.0.served_instead.store(Some(served));
        }
        News::Some
    }

    /// Whether the reason is given for the first time.
    fn note_deprecation(&self, reason: &str) -> bool {
        let reason: String = reason.chars().take(LONGEST_REASON).collect();
        let mut known = self
            .0
            .deprecations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        known.len() < MOST_REASONS && known.insert(reason)
    }
}

/// The `Date` of an answer has whole seconds and was written about halfway: it stands for the middle of both.
fn skew(date: &str, asked_at: DateTime<Utc>, took: Duration) -> Option<TimeDelta> {
    let date = DateTime::parse_from_rfc2822(date).ok()?.to_utc();
    let halfway = TimeDelta::from_std(took / 2).ok()?;
    Some(date + TimeDelta::milliseconds(500) - (asked_at + halfway))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn noon() -> DateTime<Utc> {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    fn note(heard: &Heard, name: &'static str, value: &str) -> News {
        let name = HeaderName::from_static(name);
        let headers = HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())]);
        heard.note(&headers, noon(), Duration::from_secs(2))
    }

    #[test]
    fn falling_forward_is_news_once_and_its_end_too() {
        let heard = Heard::new("2025-10");
        let version = |served| note(&heard, "x-shopify-api-version", served);
        assert_eq!(version("2025-10"), News::None);
        assert_eq!(version("2026-01"), News::Some);
        assert_eq!(version("2026-01"), News::None);
        assert_eq!(heard.served_instead().as_deref(), Some("2026-01"));
        assert_eq!(version("2026-04"), News::Some);
        assert_eq!(version("2025-10"), News::Some);
        assert_eq!(heard.served_instead(), None);
    }

    #[test]
    fn a_reason_is_kept_once_and_not_without_end() {
        let heard = Heard::new("2026-10");
        let reason = |text: &str| note(&heard, "x-shopify-api-deprecated-reason", text);
        assert_eq!(reason("Order.a"), News::Some);
        assert_eq!(reason("Order.a"), News::None);
        for number in 0..100 {
            reason(&format!("{number}{}", "x".repeat(600)));
        }
        let kept = heard.deprecations();
        assert_eq!(kept.len(), MOST_REASONS);
        assert!(kept.iter().all(|reason| reason.len() <= LONGEST_REASON));
    }

    #[test]
    fn shopifys_clock_is_compared_in_the_middle_of_the_call() {
        let heard = Heard::new("2026-10");
        assert_eq!(heard.skew(), None);
        note(&heard, "date", "Sun, 22 Nov 2026 12:05:01 GMT");
        assert_eq!(heard.skew(), Some(TimeDelta::milliseconds(300_500)));
        note(&heard, "date", "soon");
        assert_eq!(heard.skew(), Some(TimeDelta::milliseconds(300_500)));
    }
}
