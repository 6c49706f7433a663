//! What only the API tells of an order as a whole.

use serde::{Deserialize, Serialize};

/// States for which payloads have no word. One facet, versioned like the head.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Standing {
    /// Why nothing ships yet, where Shopify says more than that it has not: `on_hold`, `scheduled`, `in_progress` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<String>,
    /// How far its return is: `return_requested`, `returned` …; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returns: Option<String>,
}
