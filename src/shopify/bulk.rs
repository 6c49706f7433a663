//! Bulk operations: a query that Shopify runs by itself, and whose result is a file.
//!
//! The file is read by `download.rs`, line by line; `line.rs` makes orders of its lines.

mod download;
mod line;

use serde::Deserialize;
use serde_json::{Value, json};

pub use self::{
    download::{BadDownload, Download, Downloads},
    line::{BulkOrder, Owned, Role, assemble, owner},
};
use super::{Cost, Query};

/// The query inside: every connection by `edges`, no connection within a list, plain ids (PLATFORM 5).
const ORDERS: &str = include_str!("documents/bulk_orders.graphql");
/// A mutation, or a count.
const FLAT: Cost = Cost(10);

/// Begins an operation over the orders that a search finds.
#[derive(Debug, Clone)]
pub struct BulkRun {
    /// Shopify's search syntax, with every value quoted by `'`.
    pub search: String,
}

impl BulkRun {
    /// The query that Shopify is to run.
    fn inner(&self) -> String {
        let named = "query BulkOrders";
        let query = ORDERS.split_once(named).map_or(ORDERS, |(_, query)| query);
        query.trim().replace("<search>", &self.search)
    }
}

impl Query for BulkRun {
    const NAME: &'static str = "BulkRun";
    const DOCUMENT: &'static str = include_str!("documents/bulk_run.graphql");
    type Data = BulkRunData;

    fn variables(&self) -> Value {
        json!({ "query": self.inner() })
    }

    fn cost(&self) -> Cost {
        FLAT
    }
}

/// How an operation stands.
#[derive(Debug, Clone)]
pub struct BulkPoll(
    /// Its id, as Shopify gave it.
    pub String,
);

impl Query for BulkPoll {
    const NAME: &'static str = "BulkPoll";
    const DOCUMENT: &'static str = include_str!("documents/bulk_poll.graphql");
    type Data = BulkPollData;

    fn variables(&self) -> Value {
        json!({ "id": self.0 })
    }

    fn cost(&self) -> Cost {
        Cost(1)
    }
}

/// Ends an operation.
#[derive(Debug, Clone)]
pub struct BulkCancel(
    /// Its id, as Shopify gave it.
    pub String,
);

impl Query for BulkCancel {
    const NAME: &'static str = "BulkCancel";
    const DOCUMENT: &'static str = include_str!("documents/bulk_cancel.graphql");
    type Data = BulkCancelData;

    fn variables(&self) -> Value {
        json!({ "id": self.0 })
    }

    fn cost(&self) -> Cost {
        FLAT
    }
}

/// How many orders a search finds, however many.
#[derive(Debug, Clone)]
pub struct OrdersCount(
    /// Shopify's search syntax, with every value quoted.
    pub String,
);

impl Query for OrdersCount {
    const NAME: &'static str = "OrdersCount";
    const DOCUMENT: &'static str = include_str!("documents/orders_count.graphql");
    type Data = OrdersCountData;

    fn variables(&self) -> Value {
        json!({ "query": self.0 })
    }

    fn cost(&self) -> Cost {
        FLAT
    }
}

/// `bulkOperationRunQuery(…)`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BulkRunData {
    bulk_operation_run_query: Option<RunPayload>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RunPayload {
    bulk_operation: Option<BulkBegun>,
    #[serde(default)]
    user_errors: Vec<RunError>,
}

/// An operation that Shopify took.
#[derive(Debug, Clone, Deserialize)]
pub struct BulkBegun {
    /// What it is asked after by.
    pub id: String,
}

#[derive(Debug, Deserialize)]
struct RunError {
    code: Option<String>,
    #[serde(default)]
    message: String,
}

/// Why Shopify did not begin an operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotBegun {
    /// As many run as may, perhaps of another process with the same app.
    #[error("other bulk operations of this app run already")]
    Busy,
    /// The query is not to its liking: a bug of ours, or a version that no longer has a field.
    #[error("the bulk query was refused: {0}")]
    Refused(String),
}

impl BulkRunData {
    /// The operation, or why there is none.
    pub fn begun(self) -> Result<BulkBegun, NotBegun> {
        let nothing = || NotBegun::Refused("no reason given".to_owned());
        let payload = self.bulk_operation_run_query.ok_or_else(nothing)?;
        if let Some(begun) = payload.bulk_operation {
            return Ok(begun);
        }
        let error = payload.user_errors.into_iter().next().ok_or_else(nothing)?;
        Err(match error.code.as_deref() {
            Some("OPERATION_IN_PROGRESS" | "LIMIT_REACHED") => NotBegun::Busy,
            // Shopify's words are about our query, which holds dates and nobody's data.
            Some(_) | None => NotBegun::Refused(error.message),
        })
    }
}

/// `bulkOperation(id:)`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BulkPollData {
    /// The operation; none if Shopify no longer knows it.
    pub bulk_operation: Option<BulkOperation>,
}

/// How an operation stands.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BulkOperation {
    status: String,
    error_code: Option<String>,
    object_count: Option<String>,
    root_object_count: Option<String>,
    file_size: Option<String>,
    url: Option<String>,
    partial_data_url: Option<String>,
}

/// What an operation has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkState {
    /// It waits, runs, or is about to end.
    Open,
    /// All of it is in the file; without an address nothing was found.
    Completed(Option<BulkFile>),
    /// It failed, with what it had got so far.
    Failed {
        /// Shopify's word for why.
        code: String,
        /// What is there of it.
        partial: Option<BulkFile>,
    },
    /// Somebody cancelled it, or what it came to is no longer kept.
    Gone,
}

/// Where the result is, and how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkFile {
    /// A signed address, which is a secret as long as it is good.
    pub url: String,
    /// Lines in it, if Shopify says.
    pub objects: Option<u64>,
    /// Bytes in it, if Shopify says.
    pub bytes: Option<u64>,
}

impl BulkOperation {
    /// Objects written so far.
    pub fn objects(&self) -> u64 {
        number(self.object_count.as_deref()).unwrap_or_default()
    }

    /// Orders written so far.
    pub fn roots(&self) -> u64 {
        number(self.root_object_count.as_deref()).unwrap_or_default()
    }

    /// What it has come to. A word of the future is taken for one more way of not being done yet.
    pub fn state(&self) -> BulkState {
        match self.status.as_str() {
            "COMPLETED" => BulkState::Completed(self.file(self.url.as_ref())),
            "FAILED" => BulkState::Failed {
                code: self.error_code.clone().unwrap_or_else(|| "?".to_owned()),
                partial: self.file(self.partial_data_url.as_ref()),
            },
            "CANCELED" | "EXPIRED" => BulkState::Gone,
            _open => BulkState::Open,
        }
    }

    fn file(&self, url: Option<&String>) -> Option<BulkFile> {
        Some(BulkFile {
            url: url?.clone(),
            objects: number(self.object_count.as_deref()),
            bytes: number(self.file_size.as_deref()),
        })
    }
}

/// Counts are texts, since JavaScript has no such numbers.
fn number(text: Option<&str>) -> Option<u64> {
    text?.parse().ok()
}

/// `bulkOperationCancel(id:)`. Whatever it says, the operation is asked after no more.
#[derive(Debug, Deserialize)]
pub struct BulkCancelData {}

/// `ordersCount(query:)`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrdersCountData {
    orders_count: Option<Count>,
}

#[derive(Debug, Deserialize)]
struct Count {
    count: u64,
}

impl OrdersCountData {
    /// How many.
    pub fn count(&self) -> u64 {
        self.orders_count.as_ref().map_or(0, |count| count.count)
    }
}

/// The document that Shopify runs by itself, as it is judged.
pub(super) const INNER: (&str, &str) = ("BulkOrders", ORDERS);

#[cfg(test)]
mod tests;
