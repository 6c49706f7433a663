//! The names of the contract (DESIGN 6). What stands in braces is Redis Cluster's hash tag: it keeps one order in one slot.

use super::CustomerHash;
use crate::{
    order::{OrderId, OrderNumber},
    site::SiteCode,
};

/// Makes keys below one prefix.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    pub(super) fn new(prefix: String) -> Self {
        Self { prefix }
    }

    /// What all keys begin with.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn order(&self, site: &SiteCode, id: OrderId) -> String {
        self.of_order(site, id, "order")
    }

    pub(super) fn tracking(&self, site: &SiteCode, id: OrderId) -> String {
        self.of_order(site, id, "tracking")
    }

    pub(super) fn tombstone(&self, site: &SiteCode, id: OrderId) -> String {
        self.of_order(site, id, "tombstone")
    }

    /// Whether a key is of a tombstone.
    pub(super) fn is_tombstone(key: &str) -> bool {
        key.ends_with(":tombstone")
    }

    /// That no order has this id.
    pub(super) fn absent(&self, site: &SiteCode, id: OrderId) -> String {
        self.of_order(site, id, "absent")
    }

    pub(super) fn search(&self, site: &SiteCode, number: &OrderNumber) -> String {
        format!("{}:{site}:search:{number}", self.prefix)
    }

    /// The orders of an e-mail address.
    pub(super) fn customer(&self, site: &SiteCode, customer: &CustomerHash) -> String {
        format!("{}:{site}:customer:{customer}", self.prefix)
    }

    /// One of the warmer's own: `window`, `expiry`, `refresh`, `refresh:asks`, `watermark`, `voices`, `history`.
    pub(super) fn of_site(&self, site: &SiteCode, name: &str) -> String {
        format!("{}:{{{site}}}:{name}", self.prefix)
    }

    /// What is remembered of a customer who was redacted.
    pub(super) fn redacted(&self, site: &SiteCode, mark: &str) -> String {
        self.of_site(site, &format!("redacted:{mark}"))
    }

    /// The ids of the orders that went because of a demand for redaction, made at `at` in epoch milliseconds.
    pub(super) fn erased(&self, site: &SiteCode, name: &str, at: i64) -> String {
        self.of_site(site, &format!("erased:{name}:{at}"))
    }

    /// What all of a site's orders are called.
    pub(super) fn is_order(key: &str) -> bool {
        key.ends_with(":order")
    }

    /// What all of a site's order keys begin with, and all its search keys.
    pub(super) fn beginnings(&self, site: &SiteCode) -> [String; 2] {
        [
            format!("{}:{{{site}:", self.prefix),
            format!("{}:{site}:", self.prefix),
        ]
    }

    fn of_order(&self, site: &SiteCode, id: OrderId, part: &str) -> String {
        format!("{}:{{{site}:{id}}}:{part}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_contracts() {
        let (keys, uk) = (Keys::new("shopify".to_owned()), "uk".parse().unwrap());
        let id = OrderId::new(5551).unwrap();
        assert_eq!(keys.order(&uk, id), "shopify:{uk:5551}:order");
        assert_eq!(keys.tracking(&uk, id), "shopify:{uk:5551}:tracking");
        assert_eq!(
            keys.search(&uk, &OrderNumber::parse("#uk22080").unwrap()),
            "shopify:uk:search:UK22080"
        );
        assert_eq!(keys.of_site(&uk, "refresh"), "shopify:{uk}:refresh");
        assert!(keys.order(&uk, id).starts_with(&keys.beginnings(&uk)[0]));
    }
}
