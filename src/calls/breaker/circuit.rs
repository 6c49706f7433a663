//! When calls to a dead upstream stop and start again: a pure thing of counts and instants.

use std::time::Duration;

use tokio::time::Instant;

use crate::calls::Priority;

/// Failures in a row that open it: one more than a call with its three tries makes, so that one unlucky call does not.
const FAILURES: u32 = 5;
/// How long it stays open at first; doubled by each probe that fails.
const FIRST_QUIET: Duration = Duration::from_secs(5);
/// How long it stays open at most: by then a user may well have asked again.
const LONGEST_QUIET: Duration = Duration::from_secs(60);
/// After what time to ask again while a probe is out. A probe that hangs takes longer, one that is answered rings.
const PROBE_TAKES: Duration = Duration::from_secs(1);

/// Whether calls go out, for the status page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// They do.
    Closed,
    /// They fail at once.
    Open,
    /// The next one goes out and finds out, or is out.
    HalfOpen,
}

/// The circuit of one site.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    /// In a row, while closed.
    failures: u32,
    broken: Option<Broken>,
    /// How many probes there were: each has its number.
    probes: u64,
}

#[derive(Debug, Clone, Copy)]
struct Broken {
    until: Instant,
    quiet: Duration,
    probe: Option<Probe>,
}

#[derive(Debug, Clone, Copy)]
struct Probe {
    number: u64,
    priority: Priority,
}

/// What a call went out as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ticket {
    Ordinary,
    Probe(u64),
}

impl Circuit {
    /// Why a call may not go out now, as the time after which to ask again. A user does not wait for warming's probe: his call
    /// takes its place.
    pub(super) fn refusal(&self, priority: Priority, now: Instant) -> Option<Duration> {
        let broken = self.broken?;
        if now < broken.until {
            return Some(broken.until - now);
        }
        match (broken.probe, priority) {
            (None, _) => None,
            (Some(probe), Priority::Foreground) if probe.priority == Priority::Background => None,
            (Some(_), Priority::Foreground | Priority::Background) => Some(PROBE_TAKES),
        }
    }

    /// Lets a call out, or says after what time to ask again.
    pub(super) fn admit(&mut self, priority: Priority, now: Instant) -> Result<Ticket, Duration> {
        if let Some(wait) = self.refusal(priority, now) {
            return Err(wait);
        }
        let Some(broken) = &mut self.broken else {
            return Ok(Ticket::Ordinary);
        };
        self.probes += 1;
        let number = self.probes;
        broken.probe = Some(Probe { number, priority });
        Ok(Ticket::Probe(number))
    }

    /// Shopify answered, whatever it said.
    pub(super) fn answered(&mut self) {
        self.failures = 0;
        self.broken = None;
    }

    /// Shopify did not answer. While open only the probe counts: the others went out before it was known.
    pub(super) fn failed(&mut self, ticket: Ticket, now: Instant) {
        let quiet = match self.broken {
            None => {
                self.failures += 1;
                if self.failures < FAILURES {
                    return;
                }
                FIRST_QUIET
            }
            Some(broken) if broken.is_probed_by(ticket) => (broken.quiet * 2).min(LONGEST_QUIET),
            Some(_) => return,
        };
        self.failures = 0;
        self.broken = Some(Broken {
            until: now + quiet,
            quiet,
            probe: None,
        });
    }

    /// Nobody waited for the answer.
    pub(super) fn left(&mut self, ticket: Ticket) {
        if let Some(broken) = &mut self.broken
            && broken.is_probed_by(ticket)
        {
            broken.probe = None;
        }
    }

    pub(super) fn state(&self, now: Instant) -> BreakerState {
        match self.broken {
            None => BreakerState::Closed,
            Some(broken) if now < broken.until => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }
}

impl Broken {
    fn is_probed_by(&self, ticket: Ticket) -> bool {
        match (self.probe, ticket) {
            (Some(probe), Ticket::Probe(number)) => probe.number == number,
            (None, _) | (Some(_), Ticket::Ordinary) => false,
        }
    }
}
