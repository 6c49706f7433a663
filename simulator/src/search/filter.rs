//! Whether an order is what a search asks for.

use chrono::{DateTime, Utc};

use super::SortKey;
use super::lexer::Comparator;
use super::time::When;
use super::words;
use crate::model::order::ShippingState;
use crate::model::{Address, Customer, FinancialStatus, Order};

/// A search, ready to be asked of orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    /// Bounds of one of the times.
    Time(SortKey, Bounds),
    Id(Bounds),
    /// Each word begins one of the name's: `UK22` finds `#UK22080`.
    Name(Vec<String>),
    /// The same for everything that a search without a field looks at.
    Text(Vec<String>),
    Email(String),
    Status(Status),
    Financial(FinancialStatus),
    Shipping(Vec<ShippingState>),
    Tag(String),
    Test(bool),
    Customer(u64),
    Confirmation(String),
    Sku(String),
    Source(String),
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Open,
    Closed,
    Cancelled,
    NotClosed,
}

/// Inclusive bounds of a sort key's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) min: i64,
    pub(crate) max: i64,
}

impl Bounds {
    pub(crate) const WIDE: Self = Self {
        min: i64::MIN,
        max: i64::MAX,
    };

    pub(super) fn of_times(comparator: Comparator, when: When) -> Self {
        let (from, to) = (when.from.timestamp(), when.to.timestamp());
        match comparator {
            Comparator::Equal => Self {
                min: from,
                max: to - 1,
            },
            Comparator::GreaterOrEqual
            | Comparator::Greater
            | Comparator::LessOrEqual
            | Comparator::Less => Self::of(comparator, from),
        }
    }

    pub(super) fn of(comparator: Comparator, value: i64) -> Self {
        let (min, max) = match comparator {
            Comparator::Equal => (value, value),
            Comparator::GreaterOrEqual => (value, i64::MAX),
            Comparator::Greater => (value.saturating_add(1), i64::MAX),
            Comparator::LessOrEqual => (i64::MIN, value),
            Comparator::Less => (i64::MIN, value.saturating_sub(1)),
        };
        Self { min, max }
    }

    fn and(self, other: Self) -> Self {
        Self {
            min: self.min.max(other.min),
            max: self.max.min(other.max),
        }
    }

    fn holds(self, value: i64) -> bool {
        (self.min..=self.max).contains(&value)
    }
}

impl Filter {
    pub(crate) fn matches(&self, order: &Order) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(order)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(order)),
            Self::Not(part) => !part.matches(order),
            Self::Time(key, bounds) => bounds.holds(key.of(order)),
            Self::Id(bounds) => bounds.holds(SortKey::Id.of(order)),
            Self::Name(wanted) => begins(wanted, &name_words(order)),
            Self::Text(wanted) => begins(wanted, &text_words(order)),
            Self::Email(email) => same(order.email.as_deref(), email),
            Self::Status(status) => status.matches(order),
            Self::Financial(status) => order.financial_status == *status,
            Self::Shipping(states) => states.contains(&order.shipping_state()),
            Self::Tag(tag) => order.tags.iter().any(|one| same(Some(one), tag)),
            Self::Test(test) => order.test == *test,
            Self::Customer(id) => order.customer.as_ref().is_some_and(|one| one.id == *id),
            Self::Confirmation(number) => same(Some(&order.confirmation_number()), number),
            Self::Sku(sku) => order
                .lines
                .iter()
                .any(|line| same(line.sku.as_deref(), sku)),
            Self::Source(source) => same(Some("web"), source),
            Self::Nothing => false,
        }
    }

    /// What every match has of `key`, so that the index need not look further.
    pub(crate) fn bounds(&self, key: SortKey) -> Bounds {
        if let Self::All(parts) = self {
            let bounds = parts.iter().map(|part| part.bounds(key));
            return bounds.fold(Bounds::WIDE, Bounds::and);
        }
        if let Self::Time(of, bounds) = self
            && of.same_values(key)
        {
            return *bounds;
        }
        if let Self::Id(bounds) = self
            && key == SortKey::Id
        {
            return *bounds;
        }
        Bounds::WIDE
    }

    /// A word with which the name of every match has a word that begins, if the filter says one.
    pub(crate) fn name_word(&self) -> Option<&str> {
        if let Self::All(parts) = self {
            return parts.iter().find_map(Self::name_word);
        }
        let Self::Name(words) = self else {
            return None;
        };
        let longest = words.iter().max_by_key(|word| word.len());
        longest.map(String::as_str)
    }

    /// The one id of every match, if the filter says one.
    pub(crate) fn only_id(&self) -> Option<i64> {
        let bounds = self.bounds(SortKey::Id);
        (bounds.min == bounds.max).then_some(bounds.min)
    }
}

impl Status {
    fn matches(self, order: &Order) -> bool {
        let (closed, cancelled) = (order.closed_at.is_some(), order.cancelled_at.is_some());
        match self {
            Self::Open => !closed && !cancelled,
            Self::Closed => closed,
            Self::Cancelled => cancelled,
            Self::NotClosed => !closed,
        }
    }
}

/// The words under which an order is found by name: those of the name, and the bare number.
pub(super) fn name_words(order: &Order) -> Vec<String> {
    words(&order.name)
        .chain(std::iter::once(order.number.to_string()))
        .collect()
}

fn text_words(order: &Order) -> Vec<String> {
    let mut found = name_words(order);
    let customer = order.customer.as_ref().map(Customer::display_name);
    let address = order.shipping_address.as_ref().map(Address::name);
    let texts = [order.email.clone(), customer, address];
    for text in texts.iter().flatten().chain(&order.tags) {
        found.extend(words(text));
    }
    found
}

fn begins(wanted: &[String], words: &[String]) -> bool {
    let found = |start: &String| words.iter().any(|word| word.starts_with(start.as_str()));
    wanted.iter().all(found)
}

fn same(value: Option<&str>, wanted: &str) -> bool {
    value.is_some_and(|value| value.to_lowercase() == wanted.to_lowercase())
}

impl SortKey {
    /// The value of this key of an order.
    pub(crate) fn of(self, order: &Order) -> i64 {
        let seconds = |at: DateTime<Utc>| at.timestamp();
        match self {
            Self::CreatedAt => seconds(order.created_at),
            Self::ProcessedAt => seconds(order.processed_at),
            Self::UpdatedAt => seconds(order.updated_at),
            Self::Id => i64::try_from(order.id).unwrap_or(i64::MAX),
            Self::Number => i64::try_from(order.number).unwrap_or(i64::MAX),
        }
    }

    /// Orders are processed when they are created here, so the two times share an index.
    pub(crate) fn same_values(self, other: Self) -> bool {
        let shared = |key| matches!(key, Self::CreatedAt | Self::ProcessedAt);
        self == other || (shared(self) && shared(other))
    }
}
