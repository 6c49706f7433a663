//! Bulk operations: their rules, their run, and the file they come to.

mod desk;
mod download;
mod export;
mod run;

use std::time::Duration;

pub(crate) use desk::{Desk, Operation, Status, TooMany, UnknownOperation};
pub(crate) use download::download;
pub(crate) use run::run;

/// How long an operation takes, by the simulator's clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BulkPace {
    /// As `CREATED`, before it runs.
    pub queued: Duration,
    /// As `RUNNING`, at least.
    pub running: Duration,
}

/// Where in the file children stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum BulkLayout {
    /// Somewhere after their parents, which is all that Shopify promises without `groupObjects`.
    #[default]
    ChildrenLater,
    /// Anywhere: some before their parents, some at the end of the file.
    ChildrenAnywhere,
}

/// What becomes of an operation instead of its success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BulkFault {
    /// `FAILED` with `INTERNAL_SERVER_ERROR` after so many objects, which `partialDataUrl` has; none where that is 0.
    FailAfter(u64),
    /// `FAILED` with `TIMEOUT` and nothing to show.
    Timeout,
    /// `FAILED` with `ACCESS_DENIED`.
    AccessDenied,
    /// `CANCELED`, by somebody else.
    Canceled,
    /// `EXPIRED`: it was never looked at in time.
    Expired,
}

/// What becomes of a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DownloadFault {
    /// It ends in an orderly way after so many bytes.
    Truncated(u64),
    /// The connection is reset after so many bytes.
    Reset(u64),
    /// Nothing more comes after so many bytes.
    Hang(u64),
    /// Each piece takes this long.
    Slow(Duration),
    /// The signature is past its time: 403.
    Expired,
    /// `Range` is not heard: the whole file comes.
    NoRanges,
    /// This status code.
    Status(u16),
}
