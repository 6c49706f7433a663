//! What is wrong, what was told of it, and when something is to be told.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{
    Cause,
    format::{Message, State},
};
use crate::site::SiteCode;

/// An alert that is raised and not cleared yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ActiveAlert {
    /// What it is about.
    pub cause: Cause,
    /// Whose; the whole service's if none.
    pub site: Option<SiteCode>,
    /// What was said last.
    pub text: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

pub(super) type Key = (Cause, Option<SiteCode>);

#[derive(Debug)]
pub(super) struct Book {
    cool_down: Duration,
    entries: BTreeMap<Key, Entry>,
}

/// What is known of one cause of one site. It outlives the alert, to remember when it was last told.
#[derive(Debug, Default)]
struct Entry {
    active: Option<Active>,
    last_told: Option<DateTime<Utc>>,
}

#[derive(Debug)]
struct Active {
    text: String,
    since: DateTime<Utc>,
    /// Whether anybody has been told: only then is its end told too.
    told: bool,
}

impl Book {
    pub(super) fn new(cool_down: Duration) -> Self {
        let entries = BTreeMap::new();
        Self { cool_down, entries }
    }

    /// Notes that something is wrong; what to tell, if anything.
    pub(super) fn raise(&mut self, key: &Key, text: String, now: DateTime<Utc>) -> Option<Message> {
        let entry = self.entries.entry(key.clone()).or_default();
        let active = entry.active.get_or_insert_with(|| Active {
            text: String::new(),
            since: now,
            told: false,
        });
        active.text = text;
        entry.tell(key, self.cool_down, now)
    }

    /// Notes that it is well again.
    pub(super) fn clear(&mut self, key: &Key, now: DateTime<Utc>) -> Option<Message> {
        let active = self.entries.get_mut(key)?.active.take()?;
        active.told.then(|| Message {
            cause: key.0,
            site: key.1.clone(),
            state: State::Cleared,
            text: active.text,
            at: now,
        })
    }

    /// What was raised again within a cool-down and is still wrong when that is over: nobody may be left with "cleared".
    pub(super) fn overdue(&mut self, now: DateTime<Utc>) -> Vec<Message> {
        let untold = self
            .entries
            .iter_mut()
            .filter(|(_, entry)| entry.active.as_ref().is_some_and(|active| !active.told));
        untold
            .filter_map(|(key, entry)| entry.tell(key, self.cool_down, now))
            .collect()
    }

    pub(super) fn active(&self) -> Vec<ActiveAlert> {
        let active = self.entries.iter().filter_map(|((cause, site), entry)| {
            let active = entry.active.as_ref()?;
            Some(ActiveAlert {
                cause: *cause,
                site: site.clone(),
                text: active.text.clone(),
                since: active.since,
            })
        });
        active.collect()
    }
}

impl Entry {
    fn tell(
        &mut self,
        (cause, site): &Key,
        cool_down: Duration,
        now: DateTime<Utc>,
    ) -> Option<Message> {
        let active = self.active.as_mut()?;
        if self.last_told.is_some_and(|last| {
            // A clock that was set back must not silence anything.
            (now - last).to_std().is_ok_and(|passed| passed < cool_down)
        }) {
            return None;
        }
        active.told = true;
        self.last_told = Some(now);
        Some(Message {
            cause: *cause,
            site: site.clone(),
            state: State::Raised,
            text: active.text.clone(),
            at: now,
        })
    }
}
