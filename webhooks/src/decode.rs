//! From bytes to a payload, and what to say when that fails.
//!
//! Serde's messages quote what they found (`invalid type: string "jane@example.com"`), and a body is full of personal data.
//! So of a message only serde's own words survive, and of a path only what looks like a field name of Shopify's.

use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};
use thiserror::Error;

use crate::Topic;

/// No field name of Shopify's is as long.
const LONGEST_FIELD: usize = 48;

/// Why a body is not what its topic claims. It names the place in the body and never a value from it.
///
/// The delivery was signed, so it is genuine: Shopify changed something, or the body belongs to another topic. Sending it
/// again does not help, so answer 200, count it, and fetch what [`order_id_of`](crate::order_id_of) names.
///
/// ```
/// use shopify_webhooks::{Event, Fault, Topic};
///
/// let error = Event::decode(&Topic::OrdersEdited, br#"{"order_edit":{"order_id":"jane@example.com"}}"#).unwrap_err();
/// assert_eq!(error.path(), "order_edit.order_id");
/// assert_eq!(error.fault(), &Fault::Wrong { found: "string".into(), expected: "u64".into() });
/// assert_eq!(error.to_string(), "orders/edited: order_edit.order_id is of type string, expected u64");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{topic}: {path} {fault}")]
pub struct DecodeError {
    topic: Topic,
    path: String,
    fault: Fault,
}

impl DecodeError {
    pub(crate) fn new(topic: &Topic, failure: Failure) -> Self {
        Self {
            topic: topic.clone(),
            path: failure.path,
            fault: failure.fault,
        }
    }

    /// The topic that was claimed.
    ///
    /// ```
    /// # use shopify_webhooks::{Event, Topic};
    /// let error = Event::decode(&Topic::OrdersDelete, b"[]").unwrap_err();
    /// assert_eq!(error.topic(), &Topic::OrdersDelete);
    /// ```
    pub fn topic(&self) -> &Topic {
        &self.topic
    }

    /// Where in the body, like `line_items[0].id`; `body` for the whole of it.
    ///
    /// ```
    /// # use shopify_webhooks::{Event, Topic};
    /// let error = Event::decode(&Topic::OrdersDelete, b"[]").unwrap_err();
    /// assert_eq!(error.path(), "body");
    /// ```
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong there.
    ///
    /// ```
    /// # use shopify_webhooks::{Event, Fault, Topic};
    /// let error = Event::decode(&Topic::OrdersDelete, b"{}").unwrap_err();
    /// assert_eq!(error.fault(), &Fault::Missing("id".into()));
    /// ```
    pub fn fault(&self) -> &Fault {
        &self.fault
    }
}

/// What is wrong with a body at one place.
///
/// ```
/// use shopify_webhooks::{Event, Fault, Topic};
///
/// let replayed = br##"{"id":1,"name":"#1001","total_price":"9.99"}"##;
/// let error = Event::decode(&Topic::OrdersDelete, replayed).unwrap_err();
/// assert_eq!(error.fault(), &Fault::OtherTopic);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Fault {
    /// It is not JSON there, or not UTF-8.
    #[error("is not JSON at line {line}, column {column}")]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// The JSON ends too early.
    #[error("ends too early")]
    Truncated,
    /// A required field is not there.
    #[error("lacks `{0}`")]
    Missing(String),
    /// A field is there twice.
    #[error("has `{0}` twice")]
    Repeated(String),
    /// It has another type than it should.
    #[error("is of type {found}, expected {expected}")]
    Wrong {
        /// The type that is there.
        found: String,
        /// What should be there.
        expected: String,
    },
    /// The body is one of another topic, by its fields or by its global id: the unsigned topic does not belong to it.
    #[error("belongs to another topic")]
    OtherTopic,
    /// The signed body names another shop than the unsigned header.
    #[error("names another shop than the header")]
    OtherShop,
    /// It cannot be read as what it should be, a time for instance.
    #[error("cannot be read")]
    Unreadable,
}

/// A fault and its place, before it is known what topic it happened to.
#[derive(Debug)]
pub(crate) struct Failure {
    path: String,
    fault: Fault,
}

impl From<Fault> for Failure {
    /// A fault of the body as a whole.
    fn from(fault: Fault) -> Self {
        Self {
            path: "body".to_owned(),
            fault,
        }
    }
}

/// Reads a body. Keeping track of the path costs time, so that is done only when it is known that there is something to tell.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| located::<T>(body).unwrap_or(error.into()))
}

fn located<T: DeserializeOwned>(body: &[u8]) -> Option<Failure> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let error = serde_path_to_error::deserialize::<_, T>(&mut json).err()?;
    Some(Failure {
        path: shown(error.path()),
        fault: fault(error.inner()),
    })
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        fault(&error).into()
    }
}

/// Of the path, what cannot be personal data: indices, and keys that look like a field name.
fn shown(path: &Path) -> String {
    let mut text = String::from("body");
    for segment in path {
        match segment {
            Segment::Seq { index } => text.extend(["[", &index.to_string(), "]"]),
            Segment::Map { key } => push(&mut text, key),
            Segment::Enum { variant } => push(&mut text, variant),
            Segment::Unknown => push(&mut text, "?"),
        }
    }
    match text.strip_prefix("body.") {
        Some(inside) => inside.to_owned(),
        None => text,
    }
}

fn push(text: &mut String, key: &str) {
    text.push('.');
    text.push_str(if is_field_name(key) { key } else { "?" });
}

fn is_field_name(key: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    key.len() <= LONGEST_FIELD
        && key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.chars().all(is_word)
}

/// Of the message, serde's own words.
fn fault(error: &serde_json::Error) -> Fault {
    match error.classify() {
        Category::Eof => Fault::Truncated,
        Category::Syntax | Category::Io => Fault::Syntax {
            line: error.line(),
            column: error.column(),
        },
        Category::Data => data_fault(&error.to_string()),
    }
}

fn data_fault(message: &str) -> Fault {
    let field = |message: &str| {
        let (name, _) = message.split_once('`')?;
        is_field_name(name).then(|| name.to_owned())
    };
    if let Some(rest) = message.strip_prefix("missing field `") {
        return field(rest).map_or(Fault::Unreadable, Fault::Missing);
    }
    if let Some(rest) = message.strip_prefix("duplicate field `") {
        return field(rest).map_or(Fault::Unreadable, Fault::Repeated);
    }
    wrong(message).unwrap_or(Fault::Unreadable)
}

/// Reads `invalid type: string "jane@example.com", expected u64 at line 1 column 7` without its middle.
fn wrong(message: &str) -> Option<Fault> {
    let found = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))?;
    let found = found.split(['"', '`', ',']).next()?.trim_end();
    // The last one is serde's: what follows it is the expectation, whose words are in the code.
    let (_, expected) = message.rsplit_once(", expected ")?;
    let (expected, _) = expected.rsplit_once(" at line ")?;
    Some(Fault::Wrong {
        found: found.to_owned(),
        expected: expected.to_owned(),
    })
}

#[cfg(test)]
mod tests;
