//! What is true of every order, what the service was told of it, and what it has answered.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;

use crate::state::State;

/// How far back the window reaches.
pub(crate) const WINDOW: TimeDelta = TimeDelta::days(7);
/// After this much time an order whose webhooks were delivered is answered from the cache.
pub(crate) const FIRST_SECOND: TimeDelta = TimeDelta::seconds(1);

/// Every order there ever was.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    orders: BTreeMap<u64, Known>,
    by_age: BTreeSet<(DateTime<Utc>, u64)>,
    /// Changed, and not looked at since.
    changed: BTreeSet<u64>,
}

/// One order.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) truth: State,
    pub(crate) changed_at: DateTime<Utc>,
    pub(crate) deleted: bool,
    /// Since when some webhook about it has not come; until the cache is seen to know what it said.
    pub(crate) untold_since: Option<DateTime<Utc>>,
    /// The newest of all answers, and the newest time one was confirmed.
    pub(crate) served: Option<(State, Option<DateTime<Utc>>)>,
    /// How many events each of its parcels has had.
    pub(crate) events: BTreeMap<u64, usize>,
}

impl Known {
    pub(crate) fn in_window(&self, now: DateTime<Utc>) -> bool {
        self.created_at >= now - WINDOW
    }

    /// Whether its webhooks have all come, and a second ago.
    pub(crate) fn is_told(&self, now: DateTime<Utc>) -> bool {
        self.untold_since.is_none() && now - self.changed_at > FIRST_SECOND
    }
}

impl Ledger {
    /// Notes an order, and that it is to be looked at.
    pub(crate) fn put(&mut self, known: Known) {
        self.changed.insert(known.id);
        self.by_age.insert((known.created_at, known.id));
        self.orders.insert(known.id, known);
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Known> {
        self.orders.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut Known> {
        self.orders.get_mut(&id)
    }

    /// An order that is about to change, and is to be looked at once it has.
    pub(crate) fn change(&mut self, id: u64) -> Option<&mut Known> {
        self.changed.insert(id);
        self.orders.get_mut(&id)
    }

    /// Those that changed since this was last asked, as far as the service was told a second ago.
    pub(crate) fn take_changed(&mut self, now: DateTime<Utc>) -> Vec<Known> {
        let orders = &self.orders;
        let told = |id: &u64| orders.get(id).is_some_and(|known| known.is_told(now));
        let (told, untold) = self.changed.iter().copied().partition(told);
        self.changed = untold;
        let told: BTreeSet<u64> = told;
        let told = told.iter().filter_map(|id| orders.get(id));
        told.cloned().collect()
    }

    /// A webhook about an order was lost, or is late.
    pub(crate) fn note_untold(&mut self, id: u64, now: DateTime<Utc>) {
        if let Some(known) = self.orders.get_mut(&id) {
            known.untold_since.get_or_insert(now);
        }
    }

    /// Any order placed between these times.
    pub(crate) fn any_between(
        &self,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        rng: &mut Rng,
    ) -> Option<&Known> {
        let ids: Vec<u64> = self
            .by_age
            .range((from, 0)..(to, 0))
            .map(|(_, id)| *id)
            .collect();
        let id = ids.get(rng.usize(..ids.len().max(1)))?;
        self.orders.get(id)
    }

    pub(crate) fn window(&self, now: DateTime<Utc>) -> impl Iterator<Item = &Known> {
        self.by_age
            .range((now - WINDOW, 0)..)
            .filter_map(|(_, id)| self.orders.get(id))
    }

    pub(crate) fn untold(&self) -> Vec<u64> {
        let untold = self.orders.values();
        untold
            .filter(|known| known.untold_since.is_some())
            .map(|known| known.id)
            .collect()
    }
}
