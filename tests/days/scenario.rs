//! What a run is like: days, load and faults, as data.

use chrono::TimeDelta;

/// How much there is to do.
struct Size {
    days: u32,
    orders_a_day: u32,
    lookups_a_day: u32,
}

/// The design size where the build is optimised; else what takes some seconds, enough for every fault of a scenario.
const SIZE: Size = if cfg!(debug_assertions) {
    Size {
        days: 2,
        orders_a_day: 20,
        lookups_a_day: 200,
    }
} else {
    Size {
        days: 4,
        orders_a_day: 200,
        lookups_a_day: 500,
    }
};

/// Days; faults beyond it are not planned.
const LONGEST_RUN: i64 = 60;

/// One run. The same seed makes the same days.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) seed: u64,
    pub(crate) days: u32,
    pub(crate) replicas: usize,
    pub(crate) orders_a_day: u32,
    pub(crate) lookups_a_day: u32,
    pub(crate) road: Road,
    /// Shopify answers nothing but 503.
    pub(crate) outages: Vec<Span>,
    /// Shopify answers mostly 429, or `THROTTLED`.
    pub(crate) storms: Vec<Span>,
    /// A replica's wall clock is wrong; its timers are not.
    pub(crate) clock_jumps: Vec<(Span, TimeDelta)>,
    /// The service is stopped and started again.
    pub(crate) restarts: Vec<Span>,
    /// The replica that warms is killed, and starts again.
    pub(crate) kills: Vec<Span>,
    pub(crate) store: Kind,
    pub(crate) lag: Lag,
    pub(crate) event_bump: shopify_simulator::EventBump,
}

/// What the cache is kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A file; several replicas share it, as they would not in real life, where one process has it.
    Embedded,
    /// A redis-server whose clock is the simulation's.
    Redis,
}

/// What happens to webhooks on their way, as shares of all of them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Road {
    pub(crate) lost: f64,
    pub(crate) doubled: f64,
    /// Some seconds later, behind others of its order.
    pub(crate) reordered: f64,
    /// Minutes to a day later.
    pub(crate) late: f64,
}

/// How far the API is behind its own webhooks.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Lag {
    /// What a search finds.
    pub(crate) search: std::time::Duration,
    /// What a read shows.
    pub(crate) replica: std::time::Duration,
}

/// A part of the run, from its start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) from: TimeDelta,
    pub(crate) lasts: TimeDelta,
}

impl Span {
    /// From an hour of a day of the run (the first is 0) on, in minutes; and again every four days for as long as a run may last.
    pub(crate) fn every_four_days(
        day: i64,
        hour: i64,
        lasts_minutes: i64,
    ) -> impl Iterator<Item = Self> {
        (0..LONGEST_RUN).step_by(4).map(move |weekday| Self {
            from: TimeDelta::days(weekday + day) + TimeDelta::hours(hour),
            lasts: TimeDelta::minutes(lasts_minutes),
        })
    }

    /// The same, some seconds later.
    pub(crate) fn after_seconds(self, seconds: i64) -> Self {
        Self {
            from: self.from + TimeDelta::seconds(seconds),
            ..self
        }
    }

    pub(crate) fn until(self) -> TimeDelta {
        self.from + self.lasts
    }
}

impl Scenario {
    /// The shop of the design size, with nothing going wrong. `DAYS_SEED` and `DAYS` change seed and length.
    pub(crate) fn calm(name: &'static str, seed: u64) -> Self {
        Self {
            name,
            seed: variable("DAYS_SEED").unwrap_or(seed),
            days: variable("DAYS").unwrap_or(SIZE.days),
            replicas: 1,
            orders_a_day: SIZE.orders_a_day,
            lookups_a_day: SIZE.lookups_a_day,
            road: Road::default(),
            outages: Vec::new(),
            storms: Vec::new(),
            clock_jumps: Vec::new(),
            restarts: Vec::new(),
            kills: Vec::new(),
            store: Kind::Embedded,
            lag: Lag::default(),
            event_bump: shopify_simulator::EventBump::default(),
        }
    }

    pub(crate) fn length(&self) -> TimeDelta {
        TimeDelta::days(i64::from(self.days))
    }

    /// The command that repeats this run.
    pub(crate) fn command(&self) -> String {
        format!(
            "make simulate-days SEED={} DAYS={} ONLY={}",
            self.seed, self.days, self.name
        )
    }
}

/// A setting of this test alone.
#[expect(
    clippy::disallowed_methods,
    reason = "the service reads its environment in config.rs; this is the test's own"
)]
fn variable<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    let Ok(value) = text.parse() else {
        panic!("{name} is no number: {text}");
    };
    Some(value)
}

/// Which log lines of the service to show, if any.
#[expect(
    clippy::disallowed_methods,
    reason = "the service reads its environment in config.rs; this is the test's own"
)]
pub(crate) fn log_filter() -> Option<String> {
    std::env::var("DAYS_LOG").ok()
}
