//! The refresh set: orders that are waiting to be fetched.

use chrono::{DateTime, Utc};

use super::DeadLetter;
use crate::order::OrderId;

/// A request to fetch an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshAsk {
    /// Which.
    pub order: OrderId,
    /// How new the answer must be to hold what was announced; any will do if none.
    pub wanted: Option<DateTime<Utc>>,
    /// What would answer it.
    pub needs: Needs,
    /// When to fetch it; the earliest goes first.
    pub due_at: DateTime<Utc>,
}

/// What answers a request to fetch an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// A full payload that comes meanwhile will do as well as a read.
    WholeOrder,
    /// Only a read: it asks for something that no payload of an order tells.
    Read,
}

/// An order waiting to be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshEntry {
    /// Which.
    pub order: OrderId,
    /// How new the answer must be, to the millisecond.
    pub wanted: Option<DateTime<Utc>>,
    /// What would answer it.
    pub needs: Needs,
    /// When it is due.
    pub due_at: DateTime<Utc>,
    /// How often it was fetched in vain.
    pub attempts: u32,
    /// How often it was asked for: what was asked after a fetch began is not answered by it.
    pub asked: u64,
}

/// What to do with an entry of the refresh set once it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It is fetched. (It stays if it was asked for again meanwhile.)
    Done,
    /// It must be fetched again.
    Again {
        /// When.
        due_at: DateTime<Utc>,
    },
    /// It was tried often enough: it is kept as a dead letter until it is asked for, and fetched, again.
    Dead(DeadLetter),
}
