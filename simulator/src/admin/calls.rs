//! The log of API calls.

use std::sync::Mutex;
use std::time::Instant;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::locked::lock;

/// How many calls the log keeps.
const MAX_CALLS: usize = 100_000;

/// One call of the Admin API.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Call {
    /// The operation's name; empty if it has none or could not be read.
    pub operation: String,
    /// Its variables.
    pub variables: Value,
    /// What the document would cost at most, if it was valid.
    pub requested_cost: Option<u32>,
    /// What it did cost, if it was executed.
    pub actual_cost: Option<u32>,
    /// The answer's status; `None` while it runs, and for answers that never came.
    pub status: Option<u16>,
    /// `extensions.code` of the answer's first error.
    pub error: Option<String>,
    /// When it came, by the simulator's clock.
    pub at: DateTime<Utc>,
    /// When it came, by the machine's.
    pub instant: Instant,
}

/// Every call since the start, or since it was cleared.
#[derive(Debug, Default)]
pub(crate) struct CallLog {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    calls: Vec<Call>,
    /// Entries carry the generation they were made in, so that clearing does not confuse calls that still run.
    generation: u64,
    current: usize,
    highest: usize,
}

/// A call that runs. Dropping it ends it, also when the caller left.
#[derive(Debug)]
pub(crate) struct Running<'a> {
    log: &'a CallLog,
    generation: u64,
    at: usize,
}

impl CallLog {
    pub(crate) fn begin(
        &self,
        operation: &str,
        variables: Value,
        at: DateTime<Utc>,
    ) -> Running<'_> {
        let mut state = lock(&self.state);
        state.current += 1;
        state.highest = state.highest.max(state.current);
        if state.calls.len() >= MAX_CALLS {
            state.clear();
        }
        state.calls.push(Call {
            operation: operation.to_owned(),
            variables,
            requested_cost: None,
            actual_cost: None,
            status: None,
            error: None,
            at,
            instant: Instant::now(),
        });
        Running {
            log: self,
            generation: state.generation,
            at: state.calls.len() - 1,
        }
    }

    pub(crate) fn all(&self) -> Vec<Call> {
        lock(&self.state).calls.clone()
    }

    pub(crate) fn highest_concurrency(&self) -> usize {
        lock(&self.state).highest
    }

    /// Forgets the calls; those that run still count as running.
    pub(crate) fn clear(&self) {
        let mut state = lock(&self.state);
        state.clear();
        state.highest = state.current;
    }
}

impl State {
    fn clear(&mut self) {
        self.calls.clear();
        self.generation += 1;
    }
}

impl Running<'_> {
    pub(crate) fn note(&self, write: impl FnOnce(&mut Call)) {
        let mut state = lock(&self.log.state);
        if state.generation == self.generation
            && let Some(call) = state.calls.get_mut(self.at)
        {
            write(call);
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        lock(&self.log.state).current -= 1;
    }
}
