//! Notices news that comes twice because two subscriptions deliver it.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

use super::Arrival;
use crate::site::SiteCode;

/// Deliveries that are remembered: what a busy hour brings. The second of two comes within seconds.
const REMEMBERED: usize = 4096;
/// One repetition under another id may be Shopify's own; as many as this within an hour are two subscriptions.
const NO_CHANCE: u32 = 3;

/// Remembers deliveries within bounds. Cheap to clone; clones remember together.
#[derive(Debug, Clone, Default)]
pub(super) struct Doubles {
    /// Held for a look-up, never across an await.
    memory: Arc<Mutex<Memory>>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Memory {
    /// What was told → under which delivery id it was told first.
    first: HashMap<u64, u64>,
    oldest_first: VecDeque<u64>,
    counts: HashMap<(SiteCode, String), Count>,
}

/// How often a topic came twice, since when.
#[derive(Debug, Clone, Copy)]
struct Count {
    since: DateTime<Utc>,
    times: u32,
}

/// What a delivery is beside those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeated {
    /// Nothing of the kind was seen.
    Not,
    /// Another subscription told the same; perhaps by chance.
    Once,
    /// That has happened too often to be chance.
    Steadily,
}

impl Doubles {
    /// The same event, topic and body under another delivery id. A retry has the id of the first try.
    pub(super) fn look(
        &self,
        site: &SiteCode,
        arrival: &Arrival<'_>,
        now: DateTime<Utc>,
    ) -> Repeated {
        let (Some(event), Some(id)) = (arrival.event_id, arrival.webhook_id) else {
            return Repeated::Not;
        };
        // One event can tell a topic of several orders, so the body belongs to what was told.
        let told = self
            .hasher
            .hash_one((site, arrival.topic.as_str(), event, arrival.body));
        let id = self.hasher.hash_one(id);
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        match memory.first.get(&told) {
            Some(first) if *first == id => Repeated::Not,
            Some(_another) => memory.count(site, arrival.topic.as_str(), now),
            None => {
                memory.remember(told, id);
                Repeated::Not
            }
        }
    }
}

impl Memory {
    fn remember(&mut self, told: u64, id: u64) {
        self.first.insert(told, id);
        self.oldest_first.push_back(told);
        if self.oldest_first.len() > REMEMBERED
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.first.remove(&oldest);
        }
    }

    fn count(&mut self, site: &SiteCode, topic: &str, now: DateTime<Utc>) -> Repeated {
        let anew = Count {
            since: now,
            times: 0,
        };
        let count = self
            .counts
            .entry((site.clone(), topic.to_owned()))
            .or_insert(anew);
        if now - count.since > TimeDelta::hours(1) {
            *count = anew;
        }
        count.times = count.times.saturating_add(1);
        if count.times >= NO_CHANCE {
            Repeated::Steadily
        } else {
            Repeated::Once
        }
    }
}

#[cfg(test)]
mod tests {
    use shopify_webhooks::Topic;

    use super::*;

    fn look(doubles: &Doubles, (event, id): (&str, &str), body: &[u8]) -> Repeated {
        let arrival = Arrival {
            topic: &Topic::OrdersUpdated,
            name: None,
            event_id: Some(event),
            webhook_id: Some(id),
            body,
        };
        doubles.look(&"uk".parse().unwrap(), &arrival, DateTime::UNIX_EPOCH)
    }

    #[test]
    fn a_retry_and_another_order_of_one_event_are_no_doubles() {
        let doubles = Doubles::default();
        assert_eq!(look(&doubles, ("e", "1"), b"a"), Repeated::Not);
        assert_eq!(look(&doubles, ("e", "1"), b"a"), Repeated::Not, "a retry");
        assert_eq!(look(&doubles, ("e", "2"), b"b"), Repeated::Not, "another");
        assert_eq!(look(&doubles, ("f", "3"), b"a"), Repeated::Not, "again");
        assert_eq!(look(&doubles, ("e", "4"), b"a"), Repeated::Once);
        assert_eq!(look(&doubles, ("f", "5"), b"a"), Repeated::Once);
        assert_eq!(look(&doubles, ("e", "6"), b"b"), Repeated::Steadily);
    }

    #[test]
    fn its_memory_has_a_bound() {
        let doubles = Doubles::default();
        for event in 0..=REMEMBERED {
            look(&doubles, (&event.to_string(), "1"), b"a");
        }
        assert_eq!(look(&doubles, ("0", "2"), b"a"), Repeated::Not, "forgotten");
        assert_eq!(look(&doubles, ("7", "2"), b"a"), Repeated::Once);
        assert_eq!(doubles.memory.lock().unwrap().first.len(), REMEMBERED);
    }
}
