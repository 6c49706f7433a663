//! Whether a call that failed is tried again, and after what pause.

use std::time::Duration;

use tokio::time::Instant;

use super::Priority;
use crate::{
    budget::USERS_PATIENCE,
    shopify::{AdminError, Retry},
};

/// The longest that warming waits for Shopify over one call; a longer pause is the sweep's to decide.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The tries of one call.
#[derive(Debug)]
pub(super) struct Patience {
    priority: Priority,
    retries: u32,
    tries: u32,
    /// When Shopify was first found dead; none while it answers.
    dead_since: Option<Instant>,
}

impl Patience {
    pub(super) fn new(priority: Priority, retries: u32) -> Self {
        Self {
            priority,
            retries,
            tries: 0,
            dead_since: None,
        }
    }

    pub(super) fn tries(&self) -> u32 {
        self.tries
    }

    /// Until when warming waits for Shopify to come back.
    pub(super) fn deadline(&mut self, now: Instant) -> Instant {
        *self.dead_since.get_or_insert(now) + LONGEST_PAUSE
    }

    /// The pause before the next try; none if there is to be none.
    ///
    /// A user's call is tried as often as it is set, and never after a pause longer than a user waits. Warming outlives a short
    /// outage: while Shopify is dead it goes on until [`LONGEST_PAUSE`] is over, however many tries that takes.
    pub(super) fn pause(&mut self, error: &AdminError, now: Instant) -> Option<Duration> {
        if !self.has_tries_left(error, now) {
            return None;
        }
        let pause = match error.retry() {
            Retry::Never => return None,
            Retry::After(wait) if wait > self.longest_pause() => return None,
            Retry::After(wait) => pause_the_budget_leaves(error, wait),
            Retry::Backoff | Retry::AskForLess => backoff(self.tries),
        };
        self.tries += 1;
        Some(pause)
    }

    fn has_tries_left(&mut self, error: &AdminError, now: Instant) -> bool {
        if !error.is_outage() {
            self.dead_since = None;
            return self.tries < self.retries;
        }
        match self.priority {
            Priority::Foreground => self.tries < self.retries,
            Priority::Background => {
                let in_time = now < self.deadline(now);
                self.tries < self.retries || (self.retries > 0 && in_time)
            }
        }
    }

    fn longest_pause(&self) -> Duration {
        match self.priority {
            Priority::Foreground => USERS_PATIENCE,
            Priority::Background => LONGEST_PAUSE,
        }
    }
}

/// The budget makes the next try wait for the quiet that Shopify asked for; how long the bucket takes to admit this query
/// only Shopify's answer tells, since its price may be above what we reckon.
fn pause_the_budget_leaves(error: &AdminError, wait: Duration) -> Duration {
    if matches!(error, AdminError::Throttled { .. }) {
        wait + jitter(wait)
    } else {
        Duration::ZERO
    }
}

/// 0.5 s, 1 s, 2 s …, each up to half as long again so that replicas do not march in step.
pub fn backoff(tries: u32) -> Duration {
    let pause = Duration::from_millis(500) * 2u32.saturating_pow(tries.min(7));
    pause + jitter(pause)
}

pub(super) fn jitter(pause: Duration) -> Duration {
    pause
        .mul_f64(fastrand::f64() / 2.0)
        .min(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn outage() -> AdminError {
        AdminError::Upstream {
            status: StatusCode::SERVICE_UNAVAILABLE,
            retry_after: None,
        }
    }

    /// How often, and for how long, a call is tried while it always fails the same way.
    async fn tried(priority: Priority, retries: u32, error: AdminError) -> (u32, Duration) {
        let (mut patience, start) = (Patience::new(priority, retries), Instant::now());
        while let Some(pause) = patience.pause(&error, Instant::now()) {
            tokio::time::sleep(pause).await;
        }
        (patience.tries(), start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_user_gets_his_tries_and_warming_a_minute_of_an_outage() {
        let (tries, took) = tried(Priority::Foreground, 3, outage()).await;
        assert!(tries == 3 && took < Duration::from_secs(6), "{took:?}");
        let (tries, took) = tried(Priority::Background, 3, outage()).await;
        assert!(tries > 5 && took > LONGEST_PAUSE, "{tries} in {took:?}");
        assert_eq!(tried(Priority::Background, 0, outage()).await.0, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_have_their_number_of_tries_whoever_asks() {
        for priority in [Priority::Foreground, Priority::Background] {
            let throttled = AdminError::Throttled { report: None };
            assert_eq!(tried(priority, 3, throttled).await.0, 3);
            assert_eq!(tried(priority, 3, AdminError::Unauthorized).await.0, 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_he_would() {
        let quiet = |seconds| AdminError::RateLimited {
            retry_after: Some(Duration::from_secs(seconds)),
        };
        for (priority, seconds, tries) in [
            (Priority::Foreground, 10, 3),
            (Priority::Foreground, 11, 0),
            (Priority::Background, 60, 3),
            (Priority::Background, 61, 0),
        ] {
            assert_eq!(tried(priority, 3, quiet(seconds)).await.0, tries);
        }
    }
}
