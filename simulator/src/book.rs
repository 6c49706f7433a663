//! Every order the shop has or had, in each of its states.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::Order;
use crate::search::{Ask, Found, Index};

/// How many states of an order are remembered: enough for any lag, little enough for long-lived demos.
const MAX_STATES: usize = 64;

/// The shop's orders.
#[derive(Debug, Default)]
pub(crate) struct Book {
    records: HashMap<u64, Vec<State>>,
    /// Which order a fulfilment belongs to.
    fulfillments: HashMap<u64, u64>,
    /// What unfiltered lists read: always up to date.
    live: Index,
    /// What searches read: behind by `search_lag`.
    searched: Index,
    /// Changes that the search has not seen yet, oldest first.
    unseen: VecDeque<(DateTime<Utc>, u64, Option<Arc<Order>>)>,
    pub(crate) search_lag: TimeDelta,
    pub(crate) replica_lag: TimeDelta,
}

/// An order from `at` on; `None` once it was deleted.
#[derive(Debug)]
struct State {
    at: DateTime<Utc>,
    order: Option<Arc<Order>>,
}

impl Book {
    /// The order as it is.
    pub(crate) fn get(&self, id: u64) -> Option<&Arc<Order>> {
        self.records.get(&id)?.last()?.order.as_ref()
    }

    /// The order as a read by id sees it at `now`, which is `replica_lag` late.
    pub(crate) fn read(&self, id: u64, now: DateTime<Utc>) -> Option<&Arc<Order>> {
        let seen = now - self.replica_lag;
        let states = self.records.get(&id)?;
        let state = states.iter().rev().find(|state| state.at <= seen)?;
        state.order.as_ref()
    }

    pub(crate) fn order_of(&self, fulfillment: u64) -> Option<u64> {
        self.fulfillments.get(&fulfillment).copied()
    }

    pub(crate) fn newest_first(&self) -> Vec<u64> {
        self.live.newest_first().collect()
    }

    pub(crate) fn newest(&self, count: usize) -> Vec<u64> {
        self.live.newest_first().take(count).collect()
    }

    /// Writes a new state of an order.
    pub(crate) fn put(&mut self, now: DateTime<Utc>, order: Order) -> Arc<Order> {
        for fulfillment in &order.fulfillments {
            self.fulfillments.insert(fulfillment.id, order.id);
        }
        let order = Arc::new(order);
        self.live.put(Arc::clone(&order));
        self.note(now, order.id, Some(Arc::clone(&order)));
        order
    }

    /// Deletes an order.
    pub(crate) fn remove(&mut self, now: DateTime<Utc>, id: u64) {
        self.live.remove(id);
        self.note(now, id, None);
    }

    fn note(&mut self, now: DateTime<Utc>, id: u64, order: Option<Arc<Order>>) {
        let states = self.records.entry(id).or_default();
        if states.len() >= MAX_STATES {
            states.remove(0);
        }
        let at = now;
        let state = order.clone();
        states.push(State { at, order: state });
        self.unseen.push_back((now, id, order));
    }

    /// Orders that were there when the simulator started are in the search from the start.
    pub(crate) fn index_everything(&mut self) {
        let seen = DateTime::<Utc>::MAX_UTC;
        self.catch_up(seen);
    }

    fn catch_up(&mut self, seen: DateTime<Utc>) {
        while self.unseen.front().is_some_and(|(at, ..)| *at <= seen) {
            match self.unseen.pop_front() {
                Some((_, _, Some(order))) => self.searched.put(order),
                Some((_, id, None)) => self.searched.remove(id),
                None => return,
            }
        }
    }

    /// A page of the unfiltered list.
    pub(crate) fn list(&self, ask: &Ask<'_>) -> Found {
        self.live.find(ask)
    }

    /// A page of a search, which sees the orders as they were `search_lag` before `now`.
    pub(crate) fn search(&mut self, ask: &Ask<'_>, now: DateTime<Utc>) -> Found {
        self.catch_up(now - self.search_lag);
        self.searched.find(ask)
    }
}
