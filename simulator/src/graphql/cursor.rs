//! Cursors: base64 of `{"last_id", "last_value"}`, and of what they were made for.

use std::hash::{DefaultHasher, Hasher as _};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

/// A place in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    pub(super) last_id: u64,
    pub(super) last_value: i64,
    /// Which list: a cursor is good for the same query only, and this says so where Shopify's would go wrong silently.
    list: u64,
}

/// Stands for a list: whatever `of` is, its cursors fit it alone.
pub(super) fn list_of(of: impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

impl Cursor {
    pub(super) fn encode(list: u64, last_value: i64, last_id: u64) -> String {
        let cursor = Self {
            last_id,
            last_value,
            list,
        };
        BASE64_STANDARD.encode(serde_json::to_vec(&cursor).unwrap_or_default())
    }

    /// `None` for what is no cursor of this list.
    pub(super) fn decode(text: &str, list: u64) -> Option<Self> {
        let bytes = BASE64_STANDARD.decode(text).ok()?;
        let cursor: Self = serde_json::from_slice(&bytes).ok()?;
        (cursor.list == list).then_some(cursor)
    }
}
