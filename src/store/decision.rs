//! What news does to what is cached: a pure function, shared by both stores.

use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    MergeOutcome, Merged, Ttls,
    customer::{CustomerNews, customer_of},
    stored,
};
use crate::{
    order::{Email, Order, OrderNumber, OrderState},
    site::SiteCode,
};

/// What is cached of an order.
#[derive(Debug, Clone)]
pub(super) enum Known {
    Nothing,
    Order(Box<Order>),
    Tombstone,
}

/// What to write, and what to tell the caller.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) merged: Merged,
    pub(super) step: Step,
}

#[derive(Debug)]
pub(super) enum Step {
    /// Nothing.
    Keep,
    /// The order's values are as they should be, but an earlier writer may have failed before it wrote the indices.
    Index(Index),
    /// Write the order.
    Put {
        order_json: String,
        tracking_json: String,
        index: Index,
    },
    /// Delete it and remember that. The number is its way in the cache.
    Bury { number: Option<OrderNumber> },
}

/// What is written beside an order, so that it is found by number and by age.
#[derive(Debug, Clone)]
pub(super) struct Index {
    pub(super) number: Option<OrderNumber>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) order_left: Duration,
    pub(super) search_left: Option<Duration>,
    /// None if its tracking has expired already.
    pub(super) tracking_left: Option<Duration>,
    pub(super) tracking_expires_at: DateTime<Utc>,
}

impl Known {
    /// Whose it is.
    pub(super) fn customer(&self) -> Option<Email> {
        match self {
            Self::Order(order) => customer_of(order),
            Self::Nothing | Self::Tombstone => None,
        }
    }
}

impl Decision {
    /// What it means for the lists of customers; `was`: whose the order was.
    pub(super) fn customer_news(&self, was: Option<Email>, now: DateTime<Utc>) -> CustomerNews {
        match self.step {
            Step::Keep => CustomerNews::gone(None),
            Step::Index(_) | Step::Put { .. } => CustomerNews::of(was, &self.merged, now),
            Step::Bury { .. } => CustomerNews::gone(was),
        }
    }
}

/// Decides what `news` does to what is `known`.
pub(super) fn decide(
    site: &SiteCode,
    known: Known,
    news: OrderState,
    now: DateTime<Utc>,
    ttls: &Ttls,
) -> Decision {
    let news = match (news, &known) {
        (OrderState::Gone(_), _) => return bury(&known),
        (OrderState::Present(_), Known::Tombstone) => return keep(MergeOutcome::Tombstoned, None),
        (OrderState::Present(news), Known::Nothing | Known::Order(_)) => news,
    };
    let before = match known {
        Known::Order(order) => Some(*order),
        Known::Nothing | Known::Tombstone => None,
    };
    let mut after = before.clone().unwrap_or_else(|| Order::unknown(news.id));
    after.merge(*news);
    let Some(index) = index(&after, now, ttls) else {
        let outcome = if after.is_whole() {
            MergeOutcome::Expired
        } else {
            MergeOutcome::NotCached
        };
        return keep(outcome, before);
    };
    if before.as_ref() == Some(&after) {
        return Decision {
            merged: Merged {
                outcome: MergeOutcome::Unchanged,
                order: before,
                announcements: BTreeSet::new(),
            },
            step: Step::Index(index),
        };
    }
    let outcome = compare(before.as_ref(), &after);
    let announcements = after.announcements_since(before.as_ref());
    let Some((order_json, tracking_json)) = stored::encode(&after, site) else {
        return keep(MergeOutcome::NotCached, before);
    };
    Decision {
        merged: Merged {
            outcome,
            order: Some(after),
            announcements,
        },
        step: Step::Put {
            order_json,
            tracking_json,
            index,
        },
    }
}

fn keep(outcome: MergeOutcome, order: Option<Order>) -> Decision {
    Decision {
        merged: Merged {
            outcome,
            order,
            announcements: BTreeSet::new(),
        },
        step: Step::Keep,
    }
}

/// However long ago it was deleted: from now on, redeliveries of what was said before may still come.
fn bury(known: &Known) -> Decision {
    let number = match known {
        Known::Order(order) => number_of(order),
        Known::Nothing | Known::Tombstone => None,
    };
    Decision {
        merged: Merged {
            outcome: MergeOutcome::Deleted,
            order: None,
            announcements: BTreeSet::new(),
        },
        step: Step::Bury { number },
    }
}

fn compare(before: Option<&Order>, after: &Order) -> MergeOutcome {
    match before {
        None => MergeOutcome::Created,
        Some(before) if !before.says_the_same(after) => MergeOutcome::Changed,
        Some(before) if before.as_of < after.as_of => MergeOutcome::Confirmed,
        Some(_only_versions_moved) => MergeOutcome::Unchanged,
    }
}

/// `None` for what cannot be served: a part of an order, or one of whose lifetime nothing is left.
fn index(order: &Order, now: DateTime<Utc>, ttls: &Ttls) -> Option<Index> {
    let head = order.head.as_ref()?;
    // A clock that runs ahead must not make anything live longer.
    let as_of = order.as_of?.at.min(now);
    let tracking_expires_at = after(as_of, ttls.tracking);
    Some(Index {
        number: number_of(order),
        created_at: head.value.created_at,
        order_left: left(after(as_of, ttls.order), now)?,
        search_left: left(after(as_of, ttls.search), now),
        tracking_left: left(tracking_expires_at, now),
        tracking_expires_at,
    })
}

/// A name that is no order number (a shop may call a draft anything) has no way by number; its id still finds it.
pub(super) fn number_of(order: &Order) -> Option<OrderNumber> {
    order
        .head
        .as_ref()
        .and_then(|head| OrderNumber::parse(&head.value.name).ok())
}

/// A lifetime that somebody set to a million years ends when time does.
pub(super) fn after(at: DateTime<Utc>, lifetime: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(lifetime)
        .ok()
        .and_then(|lifetime| at.checked_add_signed(lifetime))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// What is left until `deadline`, in whole milliseconds; `None` if nothing is.
pub(super) fn left(deadline: DateTime<Utc>, now: DateTime<Utc>) -> Option<Duration> {
    let millis = (deadline - now).num_milliseconds();
    u64::try_from(millis)
        .ok()
        .filter(|millis| *millis > 0)
        .map(Duration::from_millis)
}
