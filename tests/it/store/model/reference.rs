//! The model: maps, and the contract's rules in as few words as they can be said.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use shopify_warmer::{
    order::{Order, OrderId, OrderState},
    store::{Found, MergeOutcome, RefreshAsk, RefreshEntry, Settled},
};

use super::super::id;

type Time = DateTime<Utc>;

const ORDER: TimeDelta = TimeDelta::hours(48);
const TRACKING: TimeDelta = TimeDelta::hours(6);
const TOMBSTONE: TimeDelta = TimeDelta::hours(72);
const LAG: TimeDelta = TimeDelta::minutes(10);
const NOT_FOUND: TimeDelta = TimeDelta::seconds(60);

/// What a lookup sees.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Seen {
    /// The order, and what is left of it and of its tracking.
    Order(Box<Order>, Duration, Option<Duration>),
    Absent,
    Unknown,
}

impl From<Found> for Seen {
    fn from(found: Found) -> Self {
        match found {
            Found::Order(entry) => {
                Self::Order(Box::new(entry.order), entry.order_ttl, entry.tracking_ttl)
            }
            Found::Absent => Self::Absent,
            Found::Unknown => Self::Unknown,
        }
    }
}

impl Seen {
    pub(super) fn is_like(&self, other: &Self, slack: Duration) -> bool {
        let near = |a: Duration, b: Duration| a.abs_diff(b) <= slack;
        match (self, other) {
            (Self::Order(a, a_left, a_fresh), Self::Order(b, b_left, b_fresh)) => {
                let (a_fresh, b_fresh) = (a_fresh.unwrap_or_default(), b_fresh.unwrap_or_default());
                a == b && near(*a_left, *b_left) && near(a_fresh, b_fresh)
            }
            (a, b) => a == b,
        }
    }
}

#[derive(Debug)]
struct Cached {
    order: Order,
    until: Time,
    fresh_until: Time,
}

/// A customer's orders: all of them, or those of the last minutes alone.
#[derive(Debug, Default)]
pub(super) struct List {
    is_complete: bool,
    more: bool,
    orders: BTreeSet<u64>,
    until: Option<Time>,
}

#[derive(Debug)]
pub(super) struct Model {
    pub(super) now: Time,
    orders: BTreeMap<u64, Cached>,
    tombstones: BTreeMap<u64, Time>,
    absent_ids: BTreeMap<u64, Time>,
    /// To which order a number leads (`None`: there is none), and until when.
    ways: BTreeMap<String, (Option<u64>, Time)>,
    /// When the tracking of each order of the window expires.
    window: BTreeMap<u64, Time>,
    pub(super) refreshes: BTreeMap<u64, RefreshEntry>,
    pub(super) lists: BTreeMap<String, List>,
    pub(super) watermark: Option<Time>,
    pub(super) records: VecDeque<String>,
}

impl Model {
    pub(super) fn at(now: Time) -> Self {
        Self {
            now,
            orders: BTreeMap::new(),
            tombstones: BTreeMap::new(),
            absent_ids: BTreeMap::new(),
            ways: BTreeMap::new(),
            window: BTreeMap::new(),
            refreshes: BTreeMap::new(),
            lists: BTreeMap::new(),
            watermark: None,
            records: VecDeque::new(),
        }
    }

    fn cached(&self, order: u64) -> Option<&Cached> {
        self.orders
            .get(&order)
            .filter(|cached| cached.until > self.now)
    }

    pub(super) fn order(&self, order: u64) -> Option<&Order> {
        self.cached(order).map(|cached| &cached.order)
    }

    fn is_set(&self, marks: &BTreeMap<u64, Time>, order: u64) -> bool {
        marks.get(&order).is_some_and(|until| *until > self.now)
    }

    pub(super) fn merge(&mut self, order: u64, news: &OrderState) -> MergeOutcome {
        self.lists.retain(|_, list| list.until > Some(self.now));
        let OrderState::Present(news) = news else {
            self.remove(order);
            self.refreshes.remove(&order);
            self.tombstones.insert(order, self.now + TOMBSTONE);
            return MergeOutcome::Deleted;
        };
        if self.is_set(&self.tombstones, order) {
            return MergeOutcome::Tombstoned;
        }
        let known = self.order(order).cloned();
        let mut merged = known.clone().unwrap_or_else(|| Order::unknown(id(order)));
        merged.merge(Order::clone(news));
        if !merged.is_whole() {
            return MergeOutcome::NotCached;
        }
        if self.as_of(&merged) + ORDER <= self.now {
            return MergeOutcome::Expired;
        }
        let outcome = match &known {
            None => MergeOutcome::Created,
            Some(known) if *known == merged => {
                self.note(order, customer(known), &merged);
                return MergeOutcome::Unchanged;
            }
            Some(known) if !known.says_the_same(&merged) => MergeOutcome::Changed,
            Some(known) if known.as_of < merged.as_of => MergeOutcome::Confirmed,
            Some(_) => MergeOutcome::Unchanged,
        };
        self.note(order, known.as_ref().and_then(customer), &merged);
        self.put(order, merged);
        outcome
    }

    fn note(&mut self, order: u64, was: Option<String>, merged: &Order) {
        let is = customer(merged);
        if let Some(was) = was.filter(|was| Some(was) != is.as_ref()) {
            self.leave(&was, order);
        }
        let recent = merged.head.as_ref().unwrap().version.updated_at > self.now - LAG;
        let Some(is) = is.filter(|is| recent || self.lists.contains_key(is)) else {
            return;
        };
        let list = self.lists.entry(is).or_default();
        list.orders.insert(order);
        if recent {
            list.until = list.until.max(Some(self.now + LAG));
        }
    }

    pub(super) fn leave(&mut self, who: &str, order: u64) {
        if let Some(list) = self.lists.get_mut(who) {
            list.orders.remove(&order);
        }
    }

    pub(super) fn list(&mut self, who: &str, orders: &[u64], more: bool, as_of: Time) {
        self.lists.retain(|_, list| list.until > Some(self.now));
        let lives = if orders.is_empty() { NOT_FOUND } else { ORDER };
        if as_of + lives <= self.now {
            return;
        }
        let list = self.lists.entry(who.to_owned()).or_default();
        (list.is_complete, list.more) = (true, more);
        list.orders.extend(orders);
        list.until = list.until.max(Some(as_of + lives));
    }

    pub(super) fn listed(&self, who: &str) -> Option<(BTreeSet<u64>, bool, Duration)> {
        let list = self.lists.get(who).filter(|list| list.is_complete)?;
        let left = (list.until? - self.now).to_std().ok();
        let left = left.filter(|left| !left.is_zero())?;
        Some((list.orders.clone(), list.more, left))
    }

    fn as_of(&self, order: &Order) -> Time {
        order.as_of.unwrap().at.min(self.now)
    }

    fn put(&mut self, id: u64, order: Order) {
        let as_of = self.as_of(&order);
        let (until, fresh_until) = (as_of + ORDER, as_of + TRACKING);
        self.ways.insert(name(&order), (Some(id), until));
        self.window.insert(id, fresh_until);
        self.absent_ids.remove(&id);
        let cached = Cached {
            order,
            until,
            fresh_until,
        };
        self.orders.insert(id, cached);
    }

    fn remove(&mut self, order: u64) {
        if let Some(who) = self.order(order).and_then(customer) {
            self.leave(&who, order);
        }
        if let Some(name) = self.order(order).map(name) {
            self.ways
                .retain(|known, (to, _)| *known != name || *to != Some(order));
        }
        self.orders.remove(&order);
        self.window.remove(&order);
    }

    pub(super) fn forget(&mut self, order: u64) {
        self.remove(order);
        self.absent_ids.insert(order, self.now + NOT_FOUND);
    }

    pub(super) fn found(&self, order: u64) -> Seen {
        if let Some(cached) = self.cached(order) {
            let left = |until: Time| {
                (until - self.now)
                    .to_std()
                    .ok()
                    .filter(|left| !left.is_zero())
            };
            let fresh = left(cached.fresh_until);
            return Seen::Order(
                Box::new(cached.order.clone()),
                left(cached.until).unwrap(),
                fresh,
            );
        }
        if self.is_set(&self.tombstones, order) || self.is_set(&self.absent_ids, order) {
            return Seen::Absent;
        }
        Seen::Unknown
    }

    fn is_numbered(&self, order: u64, number: &str) -> bool {
        self.order(order).map(name).as_deref() == Some(number)
    }

    pub(super) fn find(&self, number: &str) -> Seen {
        match self.ways.get(number) {
            Some((None, until)) if *until > self.now => Seen::Absent,
            Some((Some(order), until)) if *until > self.now => match self.found(*order) {
                Seen::Order(..) if !self.is_numbered(*order, number) => Seen::Unknown,
                seen @ (Seen::Order(..) | Seen::Absent | Seen::Unknown) => seen,
            },
            Some(_) | None => Seen::Unknown,
        }
    }

    pub(super) fn number_is_absent(&mut self, number: &str) {
        let stays = match self.ways.get(number) {
            Some((None, until)) => *until > self.now,
            Some((Some(order), _)) => self.is_numbered(*order, number),
            None => false,
        };
        if !stays {
            let way = (None, self.now + NOT_FOUND);
            self.ways.insert(number.to_owned(), way);
        }
    }

    pub(super) fn id_is_absent(&mut self, order: u64) {
        if !self.is_set(&self.absent_ids, order) {
            self.absent_ids.insert(order, self.now + NOT_FOUND);
        }
    }

    /// How many orders are in the window, and how many of them are warm.
    pub(super) fn coverage(&self) -> (u64, u64) {
        let warm = self.window.values().filter(|until| **until > self.now);
        (
            self.window.len().try_into().unwrap(),
            warm.count().try_into().unwrap(),
        )
    }

    pub(super) fn expiring(&self, before: Time) -> Vec<OrderId> {
        let soon = self.window.iter().filter(|(_, until)| **until < before);
        let mut soon: Vec<_> = soon.map(|(order, until)| (*until, id(*order))).collect();
        soon.sort();
        soon.into_iter().map(|(_, order)| order).collect()
    }

    pub(super) fn due(&self) -> Vec<RefreshEntry> {
        let due = self.refreshes.values();
        let mut due: Vec<_> = due
            .filter(|entry| entry.due_at <= self.now)
            .copied()
            .collect();
        due.sort_by_key(|entry| (entry.due_at, entry.order));
        due
    }

    pub(super) fn ask(&mut self, ask: RefreshAsk) {
        let entry = self.refreshes.entry(ask.order.get());
        let entry = entry.or_insert(RefreshEntry {
            order: ask.order,
            wanted: ask.wanted,
            needs: ask.needs,
            due_at: ask.due_at,
            attempts: 0,
            asked: 0,
        });
        entry.asked += 1;
        entry.due_at = entry.due_at.min(ask.due_at);
        entry.needs = entry.needs.max(ask.needs);
        if ask.wanted > entry.wanted {
            (entry.wanted, entry.attempts) = (ask.wanted, 0);
        }
    }

    pub(super) fn settle(&mut self, seen: &RefreshEntry, settled: &Settled) {
        let order = seen.order.get();
        let Some(entry) = self.refreshes.get_mut(&order) else {
            return;
        };
        if entry.asked != seen.asked {
            return;
        }
        match settled {
            Settled::Done | Settled::Dead(_) => {
                self.refreshes.remove(&order);
            }
            Settled::Again { due_at } => {
                entry.due_at = *due_at;
                entry.attempts += 1;
            }
        }
    }

    pub(super) fn records(&self, limit: usize) -> Vec<String> {
        self.records.iter().take(limit).cloned().collect()
    }

    /// Tombstones and records stay.
    pub(super) fn purge(&mut self) {
        let (tombstones, records) = (
            std::mem::take(&mut self.tombstones),
            std::mem::take(&mut self.records),
        );
        *self = Self {
            tombstones,
            records,
            ..Self::at(self.now)
        };
    }
}

fn customer(order: &Order) -> Option<String> {
    order.head.as_ref().unwrap().value.email.clone()
}

fn name(order: &Order) -> String {
    order.head.as_ref().unwrap().value.name.clone()
}
