//! What came in, by topic.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use serde::Serialize;
use shopify_webhooks::Topic;
use utoipa::ToSchema;

use super::Applied;

/// Counts deliveries by topic since the start. Cheap to clone; clones count together.
#[derive(Debug, Clone, Default)]
pub struct Tally(
    /// Held for an increment only, never across an await.
    Arc<Mutex<BTreeMap<String, TopicCounts>>>,
);

/// One topic's counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct TopicCounts {
    /// Deliveries that were let in.
    pub received: u64,
    /// Those that changed something, or had something fetched.
    pub applied: u64,
    /// Those that said nothing new.
    pub unchanged: u64,
    /// Those that told what another subscription had told: the topic is subscribed twice.
    pub doubled: u64,
    /// Those refused: unsigned, wrongly signed, of an unknown shop.
    pub rejected: u64,
    /// When the last one came.
    pub last_at: Option<DateTime<Utc>>,
}

/// Any other name than a known topic's is somebody else's text: it is counted, not kept.
const OTHER: &str = "other";
const REFUSED: &str = "refused";

impl Tally {
    /// Counts a delivery that was let in.
    pub fn received(&self, topic: &Topic, applied: Option<Applied>, now: DateTime<Utc>) {
        self.update(name(topic), |counts| {
            counts.received += 1;
            counts.last_at = Some(now);
            match applied {
                Some(Applied::Applied) => counts.applied += 1,
                Some(Applied::Unchanged) => counts.unchanged += 1,
                Some(Applied::Ignored) | None => {}
            }
        });
    }

    /// Counts a delivery that told what another subscription had told.
    pub fn doubled(&self, topic: &Topic) {
        self.update(name(topic), |counts| counts.doubled += 1);
    }

    /// Counts a delivery that was refused. Its topic is nobody's word, so it is not believed.
    pub fn rejected(&self, now: DateTime<Utc>) {
        self.update(REFUSED, |counts| {
            counts.rejected += 1;
            counts.last_at = Some(now);
        });
    }

    /// All counts.
    pub fn all(&self) -> BTreeMap<String, TopicCounts> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn update(&self, topic: &str, change: impl FnOnce(&mut TopicCounts)) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(counts.entry(topic.to_owned()).or_default());
    }
}

fn name(topic: &Topic) -> &str {
    if matches!(topic, Topic::Other(_)) {
        OTHER
    } else {
        topic.as_str()
    }
}
