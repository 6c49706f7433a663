//! When each site was last heard of: what tells a shop without news from one whose webhooks do not come through.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use shopify_webhooks::Topic;
use tracing::debug;

use super::{
    doubles::{Doubles, Repeated},
    voice::Voice,
};
use crate::{site::SiteCode, store::Store, tasks::Tasks};

/// Nobody needs to know it more exactly, and the store is not to be written for each delivery.
const GRAIN: TimeDelta = TimeDelta::seconds(30);
/// The same of each topic and whose subscription delivers it: that is judged by the hour.
const VOICE_GRAIN: TimeDelta = TimeDelta::minutes(10);

/// When each voice of each site was last noted.
type Noted = HashMap<(SiteCode, String), DateTime<Utc>>;

/// What of a delivery tells whose subscription brought it. Headers are not signed: a wrong one can mislead an audit for two days at
/// most, and never a cached order.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// Its topic.
    pub topic: &'a Topic,
    /// The subscription's name.
    pub name: Option<&'a str>,
    /// What happened in the shop.
    pub event_id: Option<&'a str>,
    /// The delivery's own id.
    pub webhook_id: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// Notes when webhooks came in, for all replicas to see. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hearing {
    store: Store,
    tasks: Tasks,
    /// Held for a look-up, never across an await.
    noted: Arc<Mutex<HashMap<SiteCode, DateTime<Utc>>>>,
    /// The same of voices; as many as there are known topics, times four. Held for a look-up, never across an await.
    voices: Arc<Mutex<Noted>>,
    doubles: Doubles,
}

impl Hearing {
    /// Notes into `store`, on `tasks`.
    pub fn new(store: Store, tasks: Tasks) -> Self {
        Self {
            store,
            tasks,
            noted: Arc::default(),
            voices: Arc::default(),
            doubles: Doubles::default(),
        }
    }

    /// A delivery of this site came in. Returns whether another subscription had told the same.
    pub fn heard(&self, site: &SiteCode, arrival: &Arrival<'_>, now: DateTime<Utc>) -> Repeated {
        self.note_site(site, now);
        if matches!(arrival.topic, Topic::Other(_)) {
            return Repeated::Not;
        }
        let topic = arrival.topic.as_str();
        self.note_voice(site, Voice::of(arrival.name).of_topic(topic), now);
        let repeated = self.doubles.look(site, arrival, now);
        if repeated == Repeated::Steadily {
            self.note_voice(site, Voice::Twice.of_topic(topic), now);
        }
        repeated
    }

    fn note_voice(&self, site: &SiteCode, voice: String, now: DateTime<Utc>) {
        let mut voices = self.voices.lock().unwrap_or_else(PoisonError::into_inner);
        let last = voices.entry((site.clone(), voice.clone())).or_default();
        if (now - *last).abs() < VOICE_GRAIN {
            return;
        }
        *last = now;
        drop(voices);
        let (store, site) = (self.store.clone(), site.clone());
        self.tasks.spawn(async move {
            if let Err(error) = store.note_voice(&site, &voice, now).await {
                debug!(%site, "could not note whose subscription delivers: {error}");
            }
        });
    }

    fn note_site(&self, site: &SiteCode, now: DateTime<Utc>) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let last = noted.entry(site.clone()).or_default();
        // A clock that was set back must not silence the shop for as long.
        if (now - *last).abs() < GRAIN {
            return;
        }
        *last = now;
        drop(noted);
        let (store, site) = (self.store.clone(), site.clone());
        self.tasks.spawn(async move {
            if let Err(error) = store.note_heard(&site, now).await {
                debug!(%site, "could not note that a webhook came in: {error}");
            }
        });
    }
}
