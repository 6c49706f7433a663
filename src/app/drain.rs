//! Applies what the inbox holds, oldest first, as soon as the store takes it. One that fails does not hold up those behind it: what
//! deliveries say is merged, so it does not matter in which order they come.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error};

use crate::{alert::Cause, http::AppState, inbox, tasks::Beat, warm::Received};

/// How often a non-empty inbox is tried.
const INTERVAL: Duration = Duration::from_millis(500);
/// A store that is away for less heals by itself before anybody could look.
const PATIENCE: Duration = Duration::from_secs(60);

/// Drains the inbox until `cancel`.
pub(super) async fn run(state: &AppState, cancel: &CancellationToken, beat: &Beat) {
    let mut pass = Pass::default();
    while !cancel.is_cancelled() {
        tokio::select! {
            () = cancel.cancelled() => return,
            () = pass.step(state, beat) => {}
        }
    }
}

/// A way through the inbox.
#[derive(Debug, Default)]
struct Pass {
    /// The last that was passed over; none at the beginning.
    behind: Option<u64>,
    stuck_since: Option<Instant>,
}

/// What came of looking into the inbox.
enum Drained {
    /// A delivery is safe in the store now.
    One,
    /// The store answers, but does not take this one.
    PassedOver(u64),
    /// There is none, or none that was not passed over.
    NoMore,
    /// The store, or the disk, does not do it yet.
    NotYet,
}

impl Pass {
    async fn step(&mut self, state: &AppState, beat: &Beat) {
        beat.works();
        let drained = self.drain_one(state).await;
        beat.rests();
        match drained {
            Drained::One if self.behind.is_none() => self.stuck_since = None,
            Drained::One => {}
            Drained::PassedOver(sequence) => self.behind = Some(sequence),
            Drained::NoMore if self.behind.is_none() => {
                self.stuck_since = None;
                state.alerts.clear(Cause::InboxWaiting, None);
                state.inbox.has_kept().await;
            }
            Drained::NoMore | Drained::NotYet => {
                self.behind = None;
                self.complain(state);
                tokio::time::sleep(INTERVAL).await;
            }
        }
    }

    fn complain(&mut self, state: &AppState) {
        let since = *self.stuck_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= PATIENCE {
            let text = "the store, or its replicas, have not taken the oldest webhook of the inbox for a minute";
            state.alerts.raise(Cause::InboxWaiting, None, text);
        }
    }

    async fn drain_one(&self, state: &AppState) -> Drained {
        let (inbox, behind) = (state.inbox.clone(), self.behind);
        let next = tokio::task::spawn_blocking(move || inbox.next(behind)).await;
        let (sequence, delivery) = match next {
            Ok(Ok(Some(next))) => next,
            Ok(Ok(None)) => return Drained::NoMore,
            Ok(Err(error)) => {
                error!("the inbox cannot be read: {error}");
                return Drained::NotYet;
            }
            Err(panicked) => {
                error!("reading the inbox panicked: {panicked}");
                return Drained::NotYet;
            }
        };
        if !is_taken(state, &delivery).await {
            return match state.store.ping().await {
                Ok(()) => Drained::PassedOver(sequence),
                Err(_the_store_is_away) => Drained::NotYet,
            };
        }
        let inbox = state.inbox.clone();
        let removed = tokio::task::spawn_blocking(move || inbox.remove(sequence)).await;
        match removed {
            Ok(Ok(())) => Drained::One,
            Ok(Err(_)) | Err(_) => Drained::NotYet,
        }
    }
}

/// A panic over one delivery must not end the draining of all others.
async fn is_taken(state: &AppState, delivery: &Received) -> bool {
    let places = (&state.store, &state.inbox);
    let taken = inbox::take(places, delivery, state.clock.now());
    match AssertUnwindSafe(taken).catch_unwind().await {
        Ok(Ok(_)) => true,
        Ok(Err(error)) => {
            debug!(site = %delivery.site, "the store does not take a delivery of the inbox yet: {error}");
            false
        }
        Err(_panic) => {
            error!(site = %delivery.site, "applying a delivery of the inbox panicked, please report this");
            false
        }
    }
}
