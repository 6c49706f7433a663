//! Orders by each key that a list can be sorted by, and by the words of their names.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::Filter;
use super::filter::name_words;
use crate::model::Order;

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SortKey {
    CreatedAt,
    ProcessedAt,
    UpdatedAt,
    Id,
    Number,
}

/// A key's value and the order's id: one place in a sorted list, as a cursor names it.
pub(crate) type Place = (i64, u64);

/// Which orders are wanted.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) filter: &'a Filter,
    pub(crate) sort: SortKey,
    pub(crate) reverse: bool,
    pub(crate) after: Option<Place>,
    pub(crate) first: usize,
    /// Older orders are not this app's to see.
    pub(crate) created_since: Option<i64>,
}

/// Their places, in order.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) places: Vec<Place>,
    pub(crate) has_next: bool,
}

/// Orders in the state that a list or a search sees.
#[derive(Debug, Default)]
pub(crate) struct Index {
    orders: HashMap<u64, Arc<Order>>,
    by_created: BTreeSet<Place>,
    by_updated: BTreeSet<Place>,
    by_id: BTreeSet<Place>,
    by_number: BTreeSet<Place>,
    names: BTreeSet<(String, u64)>,
}

impl Index {
    pub(crate) fn put(&mut self, order: Arc<Order>) {
        self.remove(order.id);
        for word in name_words(&order) {
            self.names.insert((word, order.id));
        }
        for (set, key) in self.sets() {
            set.insert((key.of(&order), order.id));
        }
        self.orders.insert(order.id, order);
    }

    pub(crate) fn remove(&mut self, id: u64) {
        let Some(order) = self.orders.remove(&id) else {
            return;
        };
        for word in name_words(&order) {
            self.names.remove(&(word, id));
        }
        for (set, key) in self.sets() {
            set.remove(&(key.of(&order), id));
        }
    }

    pub(crate) fn newest_first(&self) -> impl Iterator<Item = u64> + '_ {
        self.by_created.iter().rev().map(|(_, id)| *id)
    }

    /// One page.
    pub(crate) fn find(&self, ask: &Ask<'_>) -> Found {
        let wanted = |place: &Place| self.wanted(ask, place.1);
        let mut found: Vec<Place> = match self.candidates(ask) {
            Some(mut few) => {
                few.retain(|place| beyond(ask, *place) && wanted(place));
                few.sort_unstable();
                if ask.reverse {
                    few.reverse();
                }
                few.truncate(ask.first + 1);
                few
            }
            None => self.walk(ask, wanted),
        };
        let has_next = found.len() > ask.first;
        found.truncate(ask.first);
        Found {
            places: found,
            has_next,
        }
    }

    /// Reads on from the cursor, in order, until the page is full.
    fn walk(&self, ask: &Ask<'_>, wanted: impl Fn(&Place) -> bool) -> Vec<Place> {
        let Some(range) = range(ask) else {
            return Vec::new();
        };
        let places = self.set(ask.sort).range(range);
        let take = ask.first + 1;
        let kept = |place: &&Place| beyond(ask, **place) && wanted(place);
        if ask.reverse {
            places.rev().filter(kept).take(take).copied().collect()
        } else {
            places.filter(kept).take(take).copied().collect()
        }
    }

    /// The few that a filter by name or id can mean.
    fn candidates(&self, ask: &Ask<'_>) -> Option<Vec<Place>> {
        let place = |id: u64| Some((ask.sort.of(self.orders.get(&id)?), id));
        if let Some(id) = ask.filter.only_id() {
            let id = u64::try_from(id).ok();
            return Some(id.and_then(place).into_iter().collect());
        }
        let start = ask.filter.name_word()?;
        let ids: BTreeSet<u64> = self
            .names
            .range((start.to_owned(), 0)..)
            .take_while(|(word, _)| word.starts_with(start))
            .map(|(_, id)| *id)
            .collect();
        Some(ids.into_iter().filter_map(place).collect())
    }

    fn wanted(&self, ask: &Ask<'_>, id: u64) -> bool {
        self.orders.get(&id).is_some_and(|order| {
            let since = ask.created_since.unwrap_or(i64::MIN);
            SortKey::CreatedAt.of(order) >= since && ask.filter.matches(order)
        })
    }

    fn set(&self, key: SortKey) -> &BTreeSet<Place> {
        match key {
            SortKey::CreatedAt | SortKey::ProcessedAt => &self.by_created,
            SortKey::UpdatedAt => &self.by_updated,
            SortKey::Id => &self.by_id,
            SortKey::Number => &self.by_number,
        }
    }

    fn sets(&mut self) -> [(&mut BTreeSet<Place>, SortKey); 4] {
        [
            (&mut self.by_created, SortKey::CreatedAt),
            (&mut self.by_updated, SortKey::UpdatedAt),
            (&mut self.by_id, SortKey::Id),
            (&mut self.by_number, SortKey::Number),
        ]
    }
}

/// Whether a place comes after the cursor.
fn beyond(ask: &Ask<'_>, place: Place) -> bool {
    match ask.after {
        None => true,
        Some(after) if ask.reverse => place < after,
        Some(after) => place > after,
    }
}

/// The places that can hold a match: the filter's bounds on the sort key, cut at the cursor.
fn range(ask: &Ask<'_>) -> Option<RangeInclusive<Place>> {
    let bounds = ask.filter.bounds(ask.sort);
    let (mut from, mut to) = ((bounds.min, u64::MIN), (bounds.max, u64::MAX));
    if let Some(after) = ask.after {
        if ask.reverse {
            to = to.min(after);
        } else {
            from = from.max(after);
        }
    }
    (from <= to).then_some(from..=to)
}
