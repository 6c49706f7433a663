//! A window too large for pages: Shopify runs one query by itself, and its file is taken in.
//!
//! `operation.rs` begins it, asks after it and ends it; `fetch.rs` downloads; `spool.rs` joins lines on disk; `import.rs` merges,
//! and reads by id what the file does not tell. Each step is written down, so that another warmer goes on with the same operation.

mod fetch;
mod import;
mod operation;
mod spool;

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tracing::warn;

use self::{import::Taken, operation::Ending, spool::Extent};
use super::{
    Interrupted, Sweep,
    checkpoint::{Pages, Position, Sizing},
    full::quoted,
};
use crate::order::OrderId;

/// Operations that one sweep begins at most; what they leave is read page by page.
const MOST_OPERATIONS: u32 = 3;

/// How large shops are read.
#[derive(Debug, Clone)]
pub struct BulkSettings {
    /// A window of more orders than this is read by a bulk operation (`WARMUP_BULK_THRESHOLD`).
    pub threshold: u64,
    /// Where its file lies while it is taken in; it holds customers' data.
    pub spool: PathBuf,
    /// How often it is asked after, and how long it is waited for.
    pub patience: BulkPatience,
}

/// How often an operation is asked after, and how long it is waited for.
#[derive(Debug, Clone, Copy)]
pub struct BulkPatience {
    /// Before it is asked after a second time; then twice as long each time.
    pub first: Duration,
    /// Between two questions at most.
    pub longest: Duration,
    /// How long other operations of the same app are waited for.
    pub others: Duration,
    /// How long a download may stand still.
    pub idle: Duration,
}

impl Default for BulkPatience {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(2),
            longest: Duration::from_secs(10),
            others: Duration::from_secs(300),
            idle: Duration::from_secs(30),
        }
    }
}

impl BulkSettings {
    /// Removes what a process that was killed left: nobody can go on with it, and it is personal.
    pub fn clear(&self) {
        match std::fs::remove_dir_all(&self.spool) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                warn!(directory = %self.spool.display(), "what a bulk operation left here could not be removed: {error}");
            }
        }
    }
}

/// A part of the window, and how far it is taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Import {
    /// Orders placed since then.
    since: DateTime<Utc>,
    /// And until then.
    until: Option<DateTime<Utc>>,
    /// What was placed in that last second and is read already.
    #[serde(default)]
    known: BTreeSet<OrderId>,
    /// Operations begun so far.
    begun: u32,
    operation: Option<Operation>,
    step: Step,
}

/// An operation at Shopify.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Operation {
    id: String,
    /// Nothing in its file was observed before.
    asked_at: DateTime<Utc>,
    /// Objects it had written when it was last asked after.
    objects: u64,
}

/// How far an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    /// Shopify works.
    Waiting,
    /// Its file is being merged, share by share.
    Merging {
        /// Into how many shares it is cut.
        of: u32,
        /// How many of them are merged.
        done: u32,
    },
    /// What the file does not tell is read by id, the newest orders first.
    Details {
        /// Only orders below this are left.
        below: Option<OrderId>,
    },
}

impl Import {
    /// The part of the window that is left, the newest of it having been read: `known` are those read of its last second.
    pub(super) fn of(
        since: DateTime<Utc>,
        until: Option<DateTime<Utc>>,
        known: BTreeSet<OrderId>,
    ) -> Self {
        Self {
            since,
            until,
            known,
            begun: 0,
            operation: None,
            step: Step::Waiting,
        }
    }

    fn search(&self) -> String {
        let since = format!("created_at:>='{}'", quoted(self.since));
        match self.until {
            Some(until) => format!("{since} created_at:<='{}'", quoted(until)),
            None => since,
        }
    }

    /// The same orders, page by page.
    fn pages(&self, first: u32) -> Pages {
        Pages {
            since: self.since,
            until: self.until,
            after: None,
            first,
            sizing: Sizing::Known,
        }
    }

    /// Leaves out what was read, as far as the file shows in which order it was.
    fn narrow(&mut self, extent: &Extent) {
        match *extent {
            Extent::NewestFirst { oldest } => self.until = Some(oldest),
            Extent::OldestFirst { newest } => self.since = newest,
            Extent::Empty | Extent::Unordered => {}
        }
    }

    fn drop_operation(&mut self) {
        self.operation = None;
        self.step = Step::Waiting;
    }
}

/// Takes a part of the window in. Returns what is to be read page by page, if anything is.
pub(super) async fn run(
    sweep: &mut Sweep<'_>,
    mut import: Import,
) -> Result<Option<Pages>, Interrupted> {
    let done = work(sweep, &mut import).await;
    if let Err(Interrupted::Stopped | Interrupted::Cut(_) | Interrupted::Memory { .. }) = &done
        && import.step == Step::Waiting
        && let Some(operation) = import.operation.take()
    {
        operation::cancel(sweep, operation.id).await;
        // Whoever goes on begins another, which is not one more that failed.
        import.begun = import.begun.saturating_sub(1);
        sweep.at.position = Position::Bulk(import);
    }
    done
}

async fn work(sweep: &mut Sweep<'_>, import: &mut Import) -> Result<Option<Pages>, Interrupted> {
    while import.operation.is_some() || import.begun < MOST_OPERATIONS {
        let operation = match &import.operation {
            Some(operation) => operation.clone(),
            None => match operation::begin(sweep, import).await? {
                Some(operation) => operation,
                None => break,
            },
        };
        match operation::ended(sweep, import, &operation).await? {
            Ending::Nothing => return Ok(None),
            Ending::Failed => break,
            Ending::Gone => {}
            Ending::File(result) => {
                match import::take_in(sweep, import, &operation, &result).await? {
                    Taken::Whole => return Ok(None),
                    Taken::Part(extent) => import.narrow(&extent),
                    Taken::Nothing => {}
                    Taken::NoRoom => break,
                }
            }
        }
        import.drop_operation();
    }
    warn!(site = %sweep.site.code, task = %sweep.at.plan.task, "what the bulk operation left is read page by page");
    Ok(Some(import.pages(sweep.at.plan.page_size)))
}
