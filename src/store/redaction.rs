//! What must go for good: a customer's data, or all of a shop's. What was said before a redaction is refused afterwards, whoever
//! says it again.
//!
//! Three memories do it, each kept for `TOMBSTONE_TTL`: a tombstone for each order that went; one of the customer, under a short
//! hash, which refuses their orders from before the redaction that were not cached then; one of the site, which refuses whatever
//! was observed before it. An order that a redacted customer places later is let in. As long is noted which orders went because of
//! a demand, so that its receipt tells of all of them, even if its first attempt was cut off or a writer took its own order back.

use std::{collections::BTreeSet, fmt};

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use super::{MergeOutcome, Merged, Store, StoreError, on_either, read};
use crate::{
    order::{Order, OrderId, OrderState, Source},
    site::SiteCode,
};

/// Receipts kept for each site.
pub(super) const MOST_RECEIPTS: usize = 100;

/// Whose data it is. `Debug` shows no address.
#[derive(Clone, PartialEq, Eq)]
pub struct Subject {
    /// Orders that Shopify named.
    pub orders: BTreeSet<OrderId>,
    /// The customer's id.
    pub customer: Option<u64>,
    /// Their e-mail address.
    pub email: Option<String>,
}

/// What went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redacted {
    /// The orders that were cached, those included that went because of the same demand before: by an attempt that was cut off, or by
    /// a writer.
    pub orders: BTreeSet<OrderId>,
    /// Keys besides theirs that led to them.
    pub ways: u64,
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("orders", &self.orders)
            .finish_non_exhaustive()
    }
}

impl Subject {
    /// Whether an order is theirs.
    pub fn owns(&self, order: &Order) -> bool {
        self.orders.contains(&order.id)
            || (self.customer.is_some() && self.customer == order.customer)
            || self.email.as_deref().is_some_and(|email| {
                email_of(order).is_some_and(|other| is_same_email(email, other))
            })
    }

    /// What a receipt may call the customer: a short hash of their id.
    pub fn pseudonym(&self, site: &SiteCode) -> Option<String> {
        self.customer.map(|id| mark(site, "id", &id.to_string()))
    }

    /// The names a memory of them is kept under.
    pub(super) fn marks(&self, site: &SiteCode) -> Vec<String> {
        marks(site, self.customer, self.email.as_deref())
    }

    /// The names under which is noted what went because of a demand: the customer's, or else that of the orders it names.
    pub(super) fn demand(&self, site: &SiteCode) -> Vec<String> {
        let marks = self.marks(site);
        if marks.is_empty() {
            return vec![mark(site, "orders", &format!("{:?}", self.orders))];
        }
        marks
    }
}

/// Whether two spellings are one address.
fn is_same_email(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

/// News of an order, as far as a redaction may concern it.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    said_at: Option<DateTime<Utc>>,
    created_at: Option<DateTime<Utc>>,
    /// Under which names its customer would be remembered.
    pub(super) marks: Vec<String>,
}

/// What is remembered that may refuse it: up to when the site's past is forgotten, and when those of its customer's names that were
/// redacted were. Epoch milliseconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    pub(super) forgotten_until: Option<i64>,
    pub(super) redacted_at: Vec<(String, i64)>,
}

impl Claim {
    /// None for a deletion, which nothing refuses.
    pub(super) fn of(site: &SiteCode, news: &OrderState) -> Option<Self> {
        let OrderState::Present(order) = news else {
            return None;
        };
        Some(Self {
            said_at: said_at(order),
            created_at: order.head.as_ref().map(|head| head.value.created_at),
            marks: marks(site, order.customer, email_of(order)),
        })
    }

    pub(super) fn is_refused(&self, memory: &Memory) -> bool {
        memory
            .forgotten_until
            .is_some_and(|until| before(self.said_at, until))
            || self.refusing(memory).next().is_some()
    }

    /// The redactions of its customer that refuse it: under which name, and when.
    pub(super) fn refusing<'a>(
        &'a self,
        memory: &'a Memory,
    ) -> impl Iterator<Item = (&'a str, i64)> {
        let redacted = memory.redacted_at.iter();
        redacted
            .map(|(mark, at)| (mark.as_str(), *at))
            .filter(|(_, at)| before(self.created_at, *at))
    }
}

fn before(at: Option<DateTime<Utc>>, millis: i64) -> bool {
    at.is_some_and(|at| at.timestamp_millis() <= millis)
}

/// When it was surely not later said. A delivery's own time stands in a header that nobody signed; its body's is signed.
fn said_at(order: &Order) -> Option<DateTime<Utc>> {
    let observed_at = order.observed_at();
    match order.as_of.map(|as_of| as_of.source) {
        Some(Source::Webhook) => observed_at.min(order.newest()),
        Some(Source::Sweep | Source::Refresh | Source::Lookup) | None => observed_at,
    }
}

fn email_of(order: &Order) -> Option<&str> {
    order.head.as_ref()?.value.email.as_deref()
}

fn marks(site: &SiteCode, customer: Option<u64>, email: Option<&str>) -> Vec<String> {
    let id = customer.map(|id| mark(site, "id", &id.to_string()));
    let email = email.map(|email| mark(site, "email", &email.trim().to_lowercase()));
    id.into_iter().chain(email).collect()
}

/// Thirty-two bits of a hash: enough to tell a shop's customers apart, and too few to prove who somebody was.
fn mark(site: &SiteCode, what: &str, value: &str) -> String {
    let digest = Sha256::digest(format!("{site}\n{what}\n{value}"));
    digest.iter().take(4).fold(String::new(), |mut hex, byte| {
        use fmt::Write as _;
        // Writing into a text does not fail.
        write!(hex, "{byte:02x}").ok();
        hex
    })
}

impl Merged {
    /// Of news that was written while it was being redacted, and taken back.
    pub(super) fn refused() -> Self {
        Self {
            outcome: MergeOutcome::Tombstoned,
            order: None,
            announcements: BTreeSet::new(),
        }
    }
}

impl Store {
    /// Takes away all that is cached of a customer, and refuses what was said of them before `at`, for as long as anything is
    /// redelivered.
    pub async fn redact_customer(
        &self,
        site: &SiteCode,
        subject: &Subject,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Redacted, StoreError> {
        match self {
            Self::Redis(store) => store.redact_customer(site, subject, at, now).await,
            Self::Embedded(store) => store.redact_customer(site, subject, at, now).await,
        }
    }

    /// Takes away all that is cached of a site, and refuses what was observed before `at`. Returns how many entries went.
    pub async fn redact_site(
        &self,
        site: &SiteCode,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        on_either!(self, store => store.forget_until(site, at, now).await)?;
        let gone = self.purge_site(site).await?;
        match self {
            Self::Redis(_) => {}
            Self::Embedded(store) => store.rewrite().await,
        }
        Ok(gone)
    }

    /// The cached orders of a customer.
    pub async fn orders_of(
        &self,
        site: &SiteCode,
        subject: &Subject,
        now: DateTime<Utc>,
    ) -> Result<BTreeSet<OrderId>, StoreError> {
        read!(self, orders_of(site, subject, now))
    }

    /// Whether an order is remembered as deleted or redacted.
    pub async fn is_buried(
        &self,
        site: &SiteCode,
        id: OrderId,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        read!(self, is_buried(site, id, now))
    }

    /// Keeps the receipt of a redaction, which holds no personal data; the oldest beyond 100 goes.
    pub async fn push_receipt(&self, site: &SiteCode, receipt: &str) -> Result<(), StoreError> {
        on_either!(self, store => store.push_receipt(site, receipt).await)
    }

    /// A site's receipts, newest first.
    pub async fn receipts(&self, site: &SiteCode, limit: usize) -> Result<Vec<String>, StoreError> {
        read!(self, receipts(site, limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_named_by_a_mark() {
        let uk = "uk".parse().unwrap();
        let (a, b) = (
            marks(&uk, Some(7), Some(" Jane@Example.com ")),
            marks(&uk, Some(7), Some("jane@example.com")),
        );
        assert_eq!(a, b);
        assert!(a.iter().all(|mark| mark.len() == 8), "{a:?}");
        assert_ne!(
            a,
            marks(&"de".parse().unwrap(), Some(7), Some("jane@example.com"))
        );
    }

    #[test]
    fn debug_shows_no_address() {
        let subject = Subject {
            orders: BTreeSet::new(),
            customer: Some(7),
            email: Some("jane@example.com".to_owned()),
        };
        assert!(!format!("{subject:?}").contains("jane"));
    }
}
