//! `orders(query:)`: Shopify's search syntax, with its traps, and the index that it runs on.

mod filter;
mod index;
mod lexer;
mod parse;
mod time;

use serde_json::{Value, json};

pub(crate) use filter::Filter;
pub(crate) use index::{Ask, Found, Index, SortKey};
pub(crate) use parse::parse;

/// A query as Shopify understood it.
#[derive(Debug)]
pub(crate) struct Search {
    pub(crate) filter: Filter,
    pub(crate) parsed: Value,
    pub(crate) warnings: Vec<Warning>,
    /// Fields that Shopify searches by and this simulator does not: refused, since ignoring them would mislead.
    pub(crate) unsupported: Vec<String>,
}

/// A part of a query that Shopify ignores, and says so only in `extensions.search`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Warning {
    pub(crate) field: String,
    pub(crate) message: &'static str,
    pub(crate) code: &'static str,
}

impl Search {
    /// The entry of `extensions.search`, when there is something to warn of.
    pub(crate) fn extension(&self, path: &str, query: &str) -> Option<Value> {
        if self.warnings.is_empty() {
            return None;
        }
        let warnings: Vec<Value> = self
            .warnings
            .iter()
            .map(|warning| json!({ "field": warning.field, "message": warning.message, "code": warning.code }))
            .collect();
        Some(json!({ "path": [path], "query": query, "parsed": self.parsed, "warnings": warnings }))
    }
}

/// The words of a text, as the index cuts them: letters and digits, in lower case.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}
