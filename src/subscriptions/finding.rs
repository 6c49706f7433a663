//! What an audit finds, in words, each with its fix.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What kind of thing was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FindingKind)]
pub enum Kind {
    /// The topic is not subscribed.
    Missing,
    /// It was subscribed at the last audit and is not any more.
    Removed,
    /// The topic is delivered twice.
    Doubled,
    /// A subscription of ours delivers to another address.
    Elsewhere,
    /// Its bodies are written in another API version than the site's.
    OtherVersion,
    /// A filter holds deliveries back.
    Filtered,
    /// Only some fields are sent.
    Trimmed,
    /// Its bodies are not JSON.
    NotJson,
    /// It delivers here without our name, so that nobody can tell whose deliveries come in.
    Unnamed,
    /// It has our name, and a topic that we do not need.
    Unneeded,
    /// Somebody else's: left alone.
    Foreign,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// Webhooks are lost or come twice.
    Fault,
    /// Good to know.
    Note,
}

/// What was found of a topic or a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// What kind of thing it is.
    pub kind: Kind,
    /// How much it matters.
    pub weight: Weight,
    /// The topic; in GraphQL's words where it is none of ours.
    #[schema(examples("orders/updated"))]
    pub topic: String,
    /// The subscription, if there is one.
    pub subscription_id: Option<String>,
    /// Where that delivers.
    pub uri: Option<String>,
    /// What is wrong.
    pub text: String,
    /// What to do about it.
    pub fix: String,
    /// Whether it has been put right since.
    pub repaired: bool,
    /// What puts it right.
    #[serde(skip)]
    pub repair: Option<Repair>,
}

/// A change at the shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Repair {
    /// Subscribe to a topic.
    Create {
        /// Which.
        topic: String,
    },
    /// Point a subscription here, under our name.
    Point {
        /// Which.
        id: String,
        /// Its topic.
        topic: String,
    },
    /// End a subscription and subscribe anew: what it lacks cannot be changed.
    Replace {
        /// Which.
        id: String,
        /// Its topic.
        topic: String,
    },
    /// End a subscription.
    Delete {
        /// Which.
        id: String,
        /// Its topic.
        topic: String,
    },
}

impl Finding {
    /// Whether something is wrong, and still is.
    pub fn is_open_fault(&self) -> bool {
        self.weight == Weight::Fault && !self.repaired
    }
}

impl Kind {
    /// Its name: `other_version`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Removed => "removed",
            Self::Doubled => "doubled",
            Self::Elsewhere => "elsewhere",
            Self::OtherVersion => "other_version",
            Self::Filtered => "filtered",
            Self::Trimmed => "trimmed",
            Self::NotJson => "not_json",
            Self::Unnamed => "unnamed",
            Self::Unneeded => "unneeded",
            Self::Foreign => "foreign",
        }
    }

    pub(super) fn weight(self) -> Weight {
        match self {
            Self::Missing
            | Self::Removed
            | Self::Doubled
            | Self::Elsewhere
            | Self::OtherVersion
            | Self::Filtered
            | Self::Trimmed
            | Self::NotJson => Weight::Fault,
            Self::Unnamed | Self::Unneeded | Self::Foreign => Weight::Note,
        }
    }

    /// What to do about it where the service does not do it by itself.
    pub(super) fn fix(self) -> &'static str {
        match self {
            Self::Missing | Self::Removed => {
                "run `shopify-warmer webhooks sync` with PUBLIC_URL set, or release the app with the section that `shopify-warmer webhooks toml` prints"
            }
            Self::Doubled => {
                "keep one of the two: `shopify-warmer webhooks delete` ends ours; the other is in shopify.app.toml or in the shop's Settings > Notifications > Webhooks"
            }
            Self::Elsewhere
            | Self::OtherVersion
            | Self::Filtered
            | Self::Trimmed
            | Self::NotJson
            | Self::Unnamed => "run `shopify-warmer webhooks sync` with PUBLIC_URL set",
            Self::Unneeded => "run `shopify-warmer webhooks sync`, which ends it",
            Self::Foreign => "nothing: it is left alone",
        }
    }
}

impl Repair {
    /// The topic it is about.
    pub fn topic(&self) -> &str {
        match self {
            Self::Create { topic }
            | Self::Point { topic, .. }
            | Self::Replace { topic, .. }
            | Self::Delete { topic, .. } => topic,
        }
    }

    /// What it does, for a person.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Point { .. } => "point here",
            Self::Replace { .. } => "replace",
            Self::Delete { .. } => "delete",
        }
    }
}
