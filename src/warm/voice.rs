//! Who delivered a topic: the app's own configuration, a subscription of ours made through the API, or somebody else's.
//!
//! The API does not show the app's own subscriptions, but each delivery carries the name of its subscription. So what comes in says
//! what exists.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The name of the subscription in our `shopify.app.toml` section.
///
/// It stands for the whole section: who hears it for one topic knows that all of its topics are subscribed. Another list of topics needs
/// another name.
pub const SECTION_NAME: &str = "warmer-v1";
/// The name of the subscriptions that we make through the API.
pub const API_NAME: &str = "warmer-api";

/// Whose subscription delivered.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Voice {
    /// The app's own configuration, as `webhooks toml` prints it.
    App,
    /// Ours, made through the API.
    Api,
    /// One without a name, or with a name that is none of ours.
    Other,
    /// Two at once: the same news came twice.
    Twice,
}

/// Until when each topic was heard from whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Voices(BTreeMap<(String, Voice), DateTime<Utc>>);

/// A topic that was heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Heard {
    /// The topic.
    #[schema(examples("orders/updated"))]
    pub topic: String,
    /// From whom.
    pub voice: Voice,
    /// Until when, to ten minutes.
    pub until: DateTime<Utc>,
}

impl Voice {
    const ALL: [Self; 4] = [Self::App, Self::Api, Self::Other, Self::Twice];

    /// By the name that came with the delivery.
    pub fn of(name: Option<&str>) -> Self {
        match name {
            Some(SECTION_NAME) => Self::App,
            Some(API_NAME) => Self::Api,
            Some(_) | None => Self::Other,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Api => "api",
            Self::Other => "other",
            Self::Twice => "twice",
        }
    }

    /// How the store calls it: `orders/updated app`.
    pub(super) fn of_topic(self, topic: &str) -> String {
        format!("{topic} {}", self.as_str())
    }
}

impl Voices {
    /// From the store's words; those of another version are passed over.
    pub fn read(stored: BTreeMap<String, DateTime<Utc>>) -> Self {
        let voice = |(text, until): (String, DateTime<Utc>)| {
            let (topic, name) = text.split_once(' ')?;
            let voice = Voice::ALL
                .into_iter()
                .find(|voice| voice.as_str() == name)?;
            Some(((topic.to_owned(), voice), until))
        };
        Self(stored.into_iter().filter_map(voice).collect())
    }

    /// From what a running service tells.
    pub fn told(heard: impl IntoIterator<Item = Heard>) -> Self {
        let voices = heard.into_iter();
        Self(
            voices
                .map(|heard| ((heard.topic, heard.voice), heard.until))
                .collect(),
        )
    }

    /// All of them, by topic.
    pub fn all(&self) -> Vec<Heard> {
        let heard = self.0.iter().map(|((topic, voice), until)| Heard {
            topic: topic.clone(),
            voice: *voice,
            until: *until,
        });
        heard.collect()
    }

    /// Until when a topic was heard from somebody.
    pub fn until(&self, topic: &str, voice: Voice) -> Option<DateTime<Utc>> {
        self.0.get(&(topic.to_owned(), voice)).copied()
    }

    /// Until when somebody was heard at all.
    pub fn last_of(&self, voice: Voice) -> Option<DateTime<Utc>> {
        let of_it = self.0.iter().filter(|((_, one), _)| *one == voice);
        of_it.map(|(_, until)| *until).max()
    }
}
