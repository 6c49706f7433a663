//! When each site was last heard of: what tells a shop without news from one whose webhooks do not come through.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use tracing::debug;

use crate::{site::SiteCode, store::Store, tasks::Tasks};

/// Nobody needs to know it more exactly, and the store is not to be written for each delivery.
const GRAIN: TimeDelta = TimeDelta::seconds(30);

/// Notes when webhooks came in, for all replicas to see. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hearing {
    store: Store,
    tasks: Tasks,
    /// Held for a look-up, never across an await.
    noted: Arc<Mutex<HashMap<SiteCode, DateTime<Utc>>>>,
}

impl Hearing {
    /// Notes into `store`, on `tasks`.
    pub fn new(store: Store, tasks: Tasks) -> Self {
        Self {
            store,
            tasks,
            noted: Arc::default(),
        }
    }

    /// A delivery of this site came in.
    pub fn heard(&self, site: &SiteCode, now: DateTime<Utc>) {
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
