//! The circuit breaker of one site: while Shopify is down nobody waits for it to say so again.
//!
//! `circuit.rs` decides, by numbers and instants alone; here is the lock, and the waiting of warming calls.

mod circuit;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::{sync::Notify, time::Instant};

pub use self::circuit::BreakerState;
use self::circuit::{Circuit, Ticket};
use super::Priority;
use crate::shopify::AdminError;

/// A site's breaker. Cheap to clone; clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Breaker(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Held for a comparison, never across an await.
    circuit: Mutex<Circuit>,
    /// Rung whenever a call has ended, so that who waits looks again.
    changed: Notify,
}

/// A call that may go out. Say how it ended; one that is dropped without a word leaves the way free for another.
#[derive(Debug)]
#[must_use]
pub(super) struct Pass {
    breaker: Breaker,
    ticket: Option<Ticket>,
}

impl Breaker {
    /// Lets a call out, if Shopify is up or this is the call that finds out.
    pub(super) fn admit(&self, priority: Priority) -> Result<Pass, AdminError> {
        match self.circuit().admit(priority, Instant::now()) {
            Ok(ticket) => Ok(Pass {
                breaker: self.clone(),
                ticket: Some(ticket),
            }),
            Err(retry_after) => Err(AdminError::CircuitOpen { retry_after }),
        }
    }

    /// Whether a call would be let out now: to be asked before it spends anything.
    pub(super) fn check(&self, priority: Priority) -> Result<(), AdminError> {
        match self.circuit().refusal(priority, Instant::now()) {
            None => Ok(()),
            Some(retry_after) => Err(AdminError::CircuitOpen { retry_after }),
        }
    }

    /// Waits until a warming call would be let out, at most until `deadline`.
    pub(super) async fn wait(&self, deadline: Instant) -> Result<(), AdminError> {
        loop {
            // Registered before the look, or a call ending in between would not wake us.
            let changed = self.0.changed.notified();
            let now = Instant::now();
            let Some(retry_after) = self.circuit().refusal(Priority::Background, now) else {
                return Ok(());
            };
            if now >= deadline {
                return Err(AdminError::CircuitOpen { retry_after });
            }
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep_until(deadline.min(now + retry_after)) => {}
            }
        }
    }

    pub(super) fn state(&self) -> BreakerState {
        self.circuit().state(Instant::now())
    }

    fn circuit(&self) -> MutexGuard<'_, Circuit> {
        self.0
            .circuit
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, end: impl FnOnce(&mut Circuit)) {
        end(&mut self.circuit());
        self.0.changed.notify_waiters();
    }
}

impl Pass {
    /// The call came to this.
    pub(super) fn ended<T>(mut self, result: &Result<T, AdminError>) {
        let Some(ticket) = self.ticket.take() else {
            return;
        };
        match result {
            Err(error) if error.is_outage() => self
                .breaker
                .end(|circuit| circuit.failed(ticket, Instant::now())),
            Ok(_) | Err(_) => self.breaker.end(Circuit::answered),
        }
    }

    /// The call failed, but it asked for so much that this may be why (PLATFORM 4.2: "on 504 send smaller queries"). Heavy pages
    /// must not cut users' light calls off; as a probe it has found no life.
    pub(super) fn doubtful(mut self) {
        if let Some(ticket @ Ticket::Probe(_)) = self.ticket.take() {
            self.breaker
                .end(|circuit| circuit.failed(ticket, Instant::now()));
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.breaker.end(|circuit| circuit.left(ticket));
        }
    }
}

#[cfg(test)]
mod tests;
