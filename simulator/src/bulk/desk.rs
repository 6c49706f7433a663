//! Every operation, and how it stands.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};

use chrono::{DateTime, TimeDelta, Utc};
use tempfile::TempPath;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{BulkLayout, BulkPace};
use crate::delivery::sign;
use crate::graphql::Inner;
use crate::locked::lock;

/// How many run at the same time, for one app in one shop.
const MOST_AT_ONCE: usize = 5;
/// How long a result is kept.
const KEPT: TimeDelta = TimeDelta::days(7);

/// How an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Created,
    Running,
    Canceling,
    Canceled,
    Completed,
    Failed(&'static str),
    Expired,
}

impl Status {
    pub(crate) fn graphql(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Running => "RUNNING",
            Self::Canceling => "CANCELING",
            Self::Canceled => "CANCELED",
            Self::Completed => "COMPLETED",
            Self::Failed(_) => "FAILED",
            Self::Expired => "EXPIRED",
        }
    }

    pub(crate) fn error(self) -> Option<&'static str> {
        match self {
            Self::Failed(code) => Some(code),
            Self::Created
            | Self::Running
            | Self::Canceling
            | Self::Canceled
            | Self::Completed
            | Self::Expired => None,
        }
    }

    fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::Running | Self::Canceling)
    }
}

/// One operation.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) id: u64,
    pub(crate) version: String,
    pub(crate) inner: Arc<Inner>,
    pub(crate) status: Status,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) completed_at: Option<DateTime<Utc>>,
    pub(crate) objects: u64,
    pub(crate) roots: u64,
    pub(crate) size: u64,
    /// What it came to, whole or in part; none where nothing was found.
    pub(crate) file: Option<Arc<TempPath>>,
    pub(crate) canceled: CancellationToken,
}

impl Operation {
    fn expires_at(&self) -> Option<DateTime<Utc>> {
        Some(self.completed_at? + KEPT)
    }

    /// How it stands at `now`: a result that is past its time is gone.
    pub(crate) fn status_at(&self, now: DateTime<Utc>) -> Status {
        let over = self.expires_at().is_some_and(|until| until <= now);
        if over { Status::Expired } else { self.status }
    }
}

/// Five run already.
#[derive(Debug)]
pub(crate) struct TooMany(pub(crate) Vec<u64>);

/// There is no such operation.
#[derive(Debug)]
pub(crate) struct UnknownOperation;

/// Where operations are asked for and looked up.
#[derive(Debug)]
pub(crate) struct Desk {
    state: Mutex<State>,
    /// Rung when there is something to run.
    pub(crate) created: Notify,
    address: OnceLock<SocketAddr>,
    secret: String,
}

#[derive(Debug, Default)]
struct State {
    operations: BTreeMap<u64, Operation>,
    waiting: Vec<u64>,
    pace: BulkPace,
    layout: BulkLayout,
}

impl Desk {
    pub(crate) fn new(secret: &str) -> Self {
        Self {
            state: Mutex::default(),
            created: Notify::new(),
            address: OnceLock::new(),
            secret: format!("storage-{secret}"),
        }
    }

    pub(crate) fn listens_at(&self, address: SocketAddr) {
        self.address.get_or_init(|| address);
    }

    pub(crate) fn set_pace(&self, pace: BulkPace) {
        lock(&self.state).pace = pace;
    }

    pub(crate) fn set_layout(&self, layout: BulkLayout) {
        lock(&self.state).layout = layout;
    }

    pub(super) fn pace(&self) -> BulkPace {
        lock(&self.state).pace
    }

    pub(super) fn layout(&self) -> BulkLayout {
        lock(&self.state).layout
    }

    /// Begins an operation, unless five run already.
    pub(crate) fn begin(
        &self,
        id: u64,
        (inner, version): (Inner, &str),
        now: DateTime<Utc>,
    ) -> Result<Operation, TooMany> {
        let mut state = lock(&self.state);
        let open = state.operations.values().filter(|one| one.status.is_open());
        let open: Vec<u64> = open.map(|one| one.id).collect();
        if open.len() >= MOST_AT_ONCE {
            return Err(TooMany(open));
        }
        let operation = Operation {
            id,
            version: version.to_owned(),
            inner: Arc::new(inner),
            status: Status::Created,
            created_at: now,
            completed_at: None,
            objects: 0,
            roots: 0,
            size: 0,
            file: None,
            canceled: CancellationToken::new(),
        };
        state.operations.insert(id, operation.clone());
        state.waiting.push(id);
        drop(state);
        self.created.notify_one();
        Ok(operation)
    }

    /// Asks a running operation to end; one that has ended stays as it is.
    pub(crate) fn cancel(&self, id: u64) -> Result<Operation, UnknownOperation> {
        let mut state = lock(&self.state);
        let operation = state.operations.get_mut(&id).ok_or(UnknownOperation)?;
        if operation.status.is_open() {
            operation.status = Status::Canceling;
            operation.canceled.cancel();
        }
        Ok(operation.clone())
    }

    pub(crate) fn get(&self, id: u64) -> Option<Operation> {
        lock(&self.state).operations.get(&id).cloned()
    }

    /// All of them, the newest first.
    pub(crate) fn all(&self) -> Vec<Operation> {
        let state = lock(&self.state);
        state.operations.values().rev().cloned().collect()
    }

    pub(super) fn take_waiting(&self) -> Vec<u64> {
        std::mem::take(&mut lock(&self.state).waiting)
    }

    pub(super) fn change(&self, id: u64, change: impl FnOnce(&mut Operation)) {
        if let Some(operation) = lock(&self.state).operations.get_mut(&id) {
            change(operation);
        }
    }

    /// Where its file is, for whoever has the whole address. Nobody is asked for a token there.
    pub(crate) fn url(&self, operation: &Operation, now: DateTime<Utc>) -> Option<String> {
        let expires_at = operation.expires_at().filter(|until| now < *until)?;
        operation.file.as_ref()?;
        let (address, id) = (self.address.get()?, operation.id);
        let expires = expires_at.timestamp();
        let signature = self.signature(id, expires);
        Some(format!(
            "http://{address}/_storage/bulk-{id}.jsonl?Expires={expires}&Signature={signature}"
        ))
    }

    pub(super) fn signature(&self, id: u64, expires: i64) -> String {
        let signed = sign(&self.secret, format!("{id}:{expires}").as_bytes());
        signed.chars().filter(char::is_ascii_alphanumeric).collect()
    }
}
