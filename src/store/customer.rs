//! Which orders an e-mail address has: a list behind a keyed hash, so that nobody who sees the keys learns an address from them.
//!
//! A list is complete once a search at Shopify has made it; news of orders only adds to it. Shopify's search lags behind, so news of the
//! last minutes is noted even without a list: the search that makes one may not show it yet.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::{Merged, Store, StoreError, decision};
use crate::{
    order::{Email, Order, OrderId},
    site::SiteCode,
};

/// How long Shopify's search may not show an order that a webhook has told of.
pub(super) const SEARCH_LAG: Duration = Duration::from_secs(600);
/// What the hash is for: the same secret signs webhooks, and must never say the same here as there.
const PURPOSE: &[u8] = b"shopify-warmer: customers' keys, 1";
/// Bytes of the hash that a key holds: no two customers of any shop share them.
const HASH_BYTES: usize = 16;

/// What customers' addresses are hashed with, by site. Derived from the secrets of the site's webhooks, which every replica has and the
/// store has not; a new secret costs each customer one search.
#[derive(Clone, Default)]
pub struct CustomerKeys(Arc<BTreeMap<SiteCode, Vec<Hmac<Sha256>>>>);

/// An address as it stands in keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CustomerHash(String);

/// What the cache knows of a customer's orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomerOrders {
    /// These are listed.
    Listed {
        /// The orders, in no order.
        orders: Vec<OrderId>,
        /// Whether there are more than a list holds.
        more: bool,
        /// What is left of the list.
        left: Duration,
    },
    /// Whoever wants to know must ask Shopify.
    Unknown,
}

/// What a search by e-mail found.
#[derive(Debug, Clone, Copy)]
pub struct CustomerFound<'a> {
    /// The orders.
    pub orders: &'a [OrderId],
    /// Whether there are more than these.
    pub more: bool,
    /// When the search began.
    pub as_of: DateTime<Utc>,
}

/// A list as it is stored. The orders come last: Redis' scripts add to them at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listed {
    complete: bool,
    more: bool,
    orders: Vec<String>,
}

/// What a merge means for the lists of customers.
#[derive(Debug)]
pub(super) struct CustomerNews {
    pub(super) left: Option<Email>,
    pub(super) joined: Option<Email>,
    /// How long it is to be noted even where there is no list.
    pub(super) noted_for: Option<Duration>,
}

impl CustomerKeys {
    /// Keys derived from the secrets of each site, the current one first. Lists are read by the first and kept under all, so that
    /// replicas agree while a secret is rotated.
    pub fn of<'a>(sites: impl IntoIterator<Item = (&'a SiteCode, &'a [SecretString])>) -> Self {
        let sites = sites.into_iter().map(|(site, secrets)| {
            let keys = secrets.iter().filter_map(|secret| {
                let derived = hmac(secret.expose_secret().as_bytes())?.chain_update(PURPOSE);
                hmac(&derived.finalize().into_bytes())
            });
            (site.clone(), keys.collect())
        });
        Self(Arc::new(sites.collect()))
    }

    /// The hashes of an address at a site, the current one first; none where the site has no secret, and then no lists are kept.
    pub fn hashes(&self, site: &SiteCode, email: &Email) -> Vec<CustomerHash> {
        let keys = self.0.get(site).into_iter().flatten();
        keys.map(|key| CustomerHash::of(key, email)).collect()
    }
}

impl fmt::Debug for CustomerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn hmac(key: &[u8]) -> Option<Hmac<Sha256>> {
    // A key of any length will do.
    Hmac::<Sha256>::new_from_slice(key).ok()
}

impl CustomerHash {
    fn of(key: &Hmac<Sha256>, email: &Email) -> Self {
        let hash = key.clone().chain_update(email.as_str()).finalize();
        let bytes = hash.into_bytes();
        let digits = bytes.iter().take(HASH_BYTES);
        let digits = digits.flat_map(|byte| [byte >> 4, byte & 15]);
        Self(
            digits
                .filter_map(|digit| char::from_digit(digit.into(), 16))
                .collect(),
        )
    }
}

impl fmt::Display for CustomerHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Listed {
    /// A list that a search has made.
    pub(super) fn complete(orders: &[OrderId], more: bool) -> Self {
        Self {
            complete: true,
            more,
            orders: orders.iter().map(OrderId::to_string).collect(),
        }
    }

    /// An order that is noted where there is no list.
    pub(super) fn note(order: OrderId) -> Self {
        Self {
            complete: false,
            ..Self::complete(&[order], false)
        }
    }

    /// What cannot be read is no list.
    pub(super) fn decode(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(super) fn encode(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether the order was not there yet.
    pub(super) fn add(&mut self, order: OrderId) -> bool {
        let order = order.to_string();
        let is_new = !self.orders.contains(&order);
        if is_new {
            self.orders.push(order);
        }
        is_new
    }

    /// Takes over what another list has.
    pub(super) fn add_all(&mut self, other: Self) {
        for order in other.orders {
            if !self.orders.contains(&order) {
                self.orders.push(order);
            }
        }
    }

    /// Whether the order was there.
    pub(super) fn remove(&mut self, order: OrderId) -> bool {
        let (before, order) = (self.orders.len(), order.to_string());
        self.orders.retain(|listed| *listed != order);
        self.orders.len() < before
    }

    /// What it tells a reader.
    pub(super) fn told(self, left: Duration) -> CustomerOrders {
        if !self.complete {
            return CustomerOrders::Unknown;
        }
        let orders = self.orders.iter().filter_map(|id| id.parse().ok());
        CustomerOrders::Listed {
            orders: orders.collect(),
            more: self.more,
            left,
        }
    }
}

/// Whose order it is.
pub(super) fn customer_of(order: &Order) -> Option<Email> {
    order.head.as_ref()?.value.customer()
}

impl CustomerNews {
    /// What became of an order that was `was`'s.
    pub(super) fn of(was: Option<Email>, merged: &Merged, now: DateTime<Utc>) -> Self {
        let order = merged.order.as_ref();
        let joined = order.and_then(customer_of);
        let lag = TimeDelta::from_std(SEARCH_LAG).unwrap_or_default();
        let updated_at = order.and_then(|order| Some(order.head.as_ref()?.version.updated_at));
        let is_recent = updated_at.is_some_and(|at| at > now - lag);
        Self {
            left: was.filter(|was| Some(was) != joined.as_ref()),
            joined,
            noted_for: is_recent.then_some(SEARCH_LAG),
        }
    }

    /// That it is nobody's any more.
    pub(super) fn gone(was: Option<Email>) -> Self {
        Self {
            left: was,
            joined: None,
            noted_for: None,
        }
    }
}

impl Store {
    /// The orders of an e-mail address, as far as they are listed. An order may have another address or be gone since: look at it.
    pub async fn customer(
        &self,
        site: &SiteCode,
        email: &Email,
        now: DateTime<Utc>,
    ) -> Result<CustomerOrders, StoreError> {
        match self {
            Self::Redis(store) => store.customer(site, email, now).await,
            Self::Embedded(store) => store.customer(site, email, now),
        }
    }

    /// Lists the orders of an e-mail address as a search that began at `as_of` found them; `more` if it had more than a list takes. News
    /// that came meanwhile stays in the list. That there are none is remembered as shortly as that a number does not exist.
    pub async fn list_customer(
        &self,
        site: &SiteCode,
        email: &Email,
        found: &CustomerFound<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let lives = if found.orders.is_empty() {
            self.ttls().not_found
        } else {
            self.ttls().order
        };
        let Some(left) = decision::left(decision::after(found.as_of.min(now), lives), now) else {
            return Ok(());
        };
        let list = (Listed::complete(found.orders, found.more), left);
        match self {
            Self::Redis(store) => store.list_customer(site, email, list, now).await,
            Self::Embedded(store) => store.list_customer(site, email, list, now).await,
        }
    }

    /// Takes an order out of an address's list: it is gone, or has another address.
    pub async fn leave_customer(
        &self,
        site: &SiteCode,
        email: &Email,
        id: OrderId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let news = CustomerNews::gone(Some(email.clone()));
        match self {
            Self::Redis(store) => store.note_customer(site, id, &news, now).await,
            Self::Embedded(store) => store.note_customer(site, id, news, now).await,
        }
    }

    /// The hashes by which an address is known at a site, the current one first.
    pub fn customer_hashes(&self, site: &SiteCode, email: &Email) -> Vec<CustomerHash> {
        match self {
            Self::Redis(store) => store.customers().hashes(site, email),
            Self::Embedded(store) => store.customers().hashes(site, email),
        }
    }

    /// Deletes what is listed of a customer. His orders are others' to delete.
    pub async fn forget_customer(
        &self,
        site: &SiteCode,
        customer: &CustomerHash,
    ) -> Result<(), StoreError> {
        match self {
            Self::Redis(store) => store.forget_customer(site, customer).await,
            Self::Embedded(store) => store.forget_customer(site, customer).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(secrets: &[&str]) -> (CustomerKeys, SiteCode) {
        let site: SiteCode = "uk".parse().unwrap();
        let secrets: Vec<_> = secrets
            .iter()
            .map(|secret| SecretString::from(*secret))
            .collect();
        (CustomerKeys::of([(&site, secrets.as_slice())]), site)
    }

    #[test]
    fn the_hash_is_the_same_in_every_process_and_another_for_every_secret() {
        let jane = Email::parse("Jane@Example.com").unwrap();
        let hashes = |secrets: &[&str]| {
            let (keys, site) = keys(secrets);
            keys.hashes(&site, &jane)
                .iter()
                .map(CustomerHash::to_string)
                .collect::<Vec<_>>()
        };
        // Pinned: a change would make every customer cold on an upgrade.
        assert_eq!(hashes(&["secret"]), ["49af9ed7102e7fe673be980a8a31e9a6"]);
        assert_eq!(hashes(&["new", "secret"])[1..], hashes(&["secret"]));
        assert_ne!(hashes(&["new"]), hashes(&["secret"]));
        assert!(hashes(&[]).is_empty());
        let (keys, _) = keys(&["secret"]);
        assert!(keys.hashes(&"de".parse().unwrap(), &jane).is_empty());
        assert_eq!(format!("{keys:?}"), r#"{SiteCode("uk")}"#);
    }

    #[test]
    fn the_stored_form_is_pinned() {
        let one = OrderId::new(820_982_911_946_154_508).unwrap();
        let mut listed = Listed::complete(&[one], false);
        let text = r#"{"complete":true,"more":false,"orders":["820982911946154508"]}"#;
        assert_eq!(listed.encode(), text);
        assert_eq!(Listed::decode(text), Some(listed.clone()));
        assert!(!listed.add(one) && listed.remove(one) && !listed.remove(one));
        assert_eq!(
            listed.encode(),
            r#"{"complete":true,"more":false,"orders":[]}"#
        );
        for text in ["", "-", "[]", "{}", "\u{0}"] {
            assert_eq!(Listed::decode(text), None, "{text:?}");
        }
    }
}
