//! Whether the shop still has the app: two times that only move on, so that replicas agree and a redelivery changes nothing.

use chrono::{DateTime, Utc};

use super::{Store, StoreError, on_either, read};
use crate::site::SiteCode;

const REMOVED: &str = "removed";
const INSTALLED: &str = "installed";
const SIGN: &str = "sign";

/// How the app stands with a shop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// When the shop last removed the app, by Shopify's word.
    pub removed_at: Option<DateTime<Utc>>,
    /// When the shop was last seen to let us in.
    pub installed_at: Option<DateTime<Utc>>,
    /// The newest delivery that only an installed app gets.
    pub sign_at: Option<DateTime<Utc>>,
}

impl Standing {
    /// Since when the app is removed; none while it is installed.
    pub fn removed_since(&self) -> Option<DateTime<Utc>> {
        self.removed_at
            .filter(|removed_at| self.installed_at < Some(*removed_at))
    }

    /// A sign that it is installed again, though nobody has tried.
    pub fn sign_of_return(&self) -> Option<DateTime<Utc>> {
        let removed_since = self.removed_since()?;
        self.sign_at.filter(|sign_at| *sign_at > removed_since)
    }
}

impl Store {
    /// How the app stands with a shop.
    pub async fn standing(&self, site: &SiteCode) -> Result<Standing, StoreError> {
        let time = |millis: Option<i64>| millis.and_then(DateTime::from_timestamp_millis);
        Ok(Standing {
            removed_at: time(read!(self, mark(site, REMOVED))?),
            installed_at: time(read!(self, mark(site, INSTALLED))?),
            sign_at: time(read!(self, mark(site, SIGN))?),
        })
    }

    /// The shop removed the app then.
    pub async fn note_removed(&self, site: &SiteCode, at: DateTime<Utc>) -> Result<(), StoreError> {
        on_either!(self, store => store.raise_mark(site, REMOVED, at.timestamp_millis()).await)
    }

    /// The shop let us in then.
    pub async fn note_installed(
        &self,
        site: &SiteCode,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        on_either!(self, store => store.raise_mark(site, INSTALLED, at.timestamp_millis()).await)
    }

    /// Shopify sent then what only an installed app gets.
    pub async fn note_sign(&self, site: &SiteCode, at: DateTime<Utc>) -> Result<(), StoreError> {
        on_either!(self, store => store.raise_mark(site, SIGN, at.timestamp_millis()).await)
    }
}
