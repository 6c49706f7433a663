//! Versions, facets, and who observed what when.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How new a facet's value is: Shopify's `updated_at` of that resource first, then when it was observed.
///
/// Shopify's times have whole seconds, so ties are real; among equals the later observation is the newer one
/// (`X-Shopify-Triggered-At` for a webhook, the start of the read for the API).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version {
    /// `updated_at` of the resource the facet describes.
    #[serde(rename = "u")]
    pub updated_at: DateTime<Utc>,
    /// When it was seen in that state.
    #[serde(rename = "o")]
    pub observed_at: DateTime<Utc>,
}

/// A value with its version. The greater of two facets is the one to keep.
///
/// The derived order compares the version first and the value last, so that even two different values of one version have
/// a winner that does not depend on who came first: merging stays commutative.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Facet<T> {
    /// How new the value is.
    #[serde(rename = "ver")]
    pub version: Version,
    /// What was said.
    #[serde(rename = "val")]
    pub value: T,
}

impl<T: Ord> Facet<T> {
    /// Keeps the newer of the two.
    pub fn merge(&mut self, other: Self) {
        if other > *self {
            *self = other;
        }
    }
}

/// Through which mouth something was learnt.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A delivery from Shopify.
    Webhook,
    /// A full or incremental sweep.
    Sweep,
    /// The refresh set.
    Refresh,
    /// A lookup that found nothing in the cache.
    Lookup,
}

/// When the *whole* order was last confirmed by Shopify, and through which mouth. Freshness runs from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Observation {
    /// The moment Shopify showed the order in this state.
    pub at: DateTime<Utc>,
    /// Who saw it.
    pub source: Source,
}
