//! What is measured over the days, and the table it is printed as.

use std::{fmt, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};

/// Counts and extremes.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) orders: u64,
    pub(crate) webhooks: u64,
    pub(crate) lost: u64,
    pub(crate) lookups: u64,
    /// Of orders in the window, a second old or more, since the cache was first filled.
    pub(crate) of_window: Share,
    /// Of those, orders all of whose webhooks had come.
    pub(crate) of_told: Share,
    /// Hits whose tracking had expired.
    pub(crate) stale: u64,
    pub(crate) not_answered: u64,
    /// Of an order's tracking when it was served, while Shopify answered.
    pub(crate) worst_age: TimeDelta,
    /// How long orders were not as they should be after a webhook was lost or late.
    pub(crate) gaps: Vec<TimeDelta>,
    /// Lookups that had to ask Shopify.
    pub(crate) misses: Vec<Miss>,
    pub(crate) waited_for_warming: TimeDelta,
    pub(crate) sweeps: u64,
    pub(crate) sweeps_failed: u64,
    pub(crate) slots_skipped: u64,
    pub(crate) sweep_calls: u64,
    pub(crate) longest_sweep: TimeDelta,
    pub(crate) lookup_calls: u64,
    pub(crate) calls: u64,
    pub(crate) most_calls_a_minute: usize,
    pub(crate) days: f64,
    /// Whether the window was filled, so that promises of coverage hold.
    pub(crate) is_covered: bool,
}

/// A lookup that had to ask Shopify: when it began, and what its call must name.
#[derive(Debug, Clone)]
pub(crate) struct Miss {
    pub(crate) at: DateTime<Utc>,
    pub(crate) names: String,
}

/// How many of how many.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Share {
    pub(crate) hits: u64,
    pub(crate) all: u64,
}

impl Share {
    pub(crate) fn count(&mut self, is_hit: bool) {
        self.all += 1;
        self.hits += u64::from(is_hit);
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per_cent = 100.0 * float(self.hits) / float(self.all.max(1));
        write!(f, "{per_cent:.2} % ({} of {})", self.hits, self.all)
    }
}

impl Figures {
    /// The table, in Markdown.
    pub(crate) fn table(&self, took: Duration) -> String {
        let a_day = |count: u64| format!("{:.0}", float(count) / self.days.max(0.01));
        let refreshes = self
            .calls
            .saturating_sub(self.sweep_calls + self.lookup_calls);
        let stale = Share {
            hits: self.stale,
            all: self.of_window.hits,
        };
        let worst_gap = self.gaps.iter().max().copied().unwrap_or_default();
        let rows = [
            ("orders placed", self.orders.to_string()),
            (
                "webhooks (lost)",
                format!("{} ({})", self.webhooks, self.lost),
            ),
            ("lookups", self.lookups.to_string()),
            ("hit rate: orders of the window", self.of_window.to_string()),
            (
                "hit rate: all webhooks delivered, after the first second",
                self.of_told.to_string(),
            ),
            ("stale rate", stale.to_string()),
            ("lookups not answered", self.not_answered.to_string()),
            ("worst age of served tracking", hours(self.worst_age)),
            (
                "worst time to coverage after a lost webhook",
                format!("{} ({} gaps)", hours(worst_gap), self.gaps.len()),
            ),
            (
                "sweeps (failed; slots skipped), the longest",
                format!(
                    "{} ({}; {}), {} s",
                    self.sweeps,
                    self.sweeps_failed,
                    self.slots_skipped,
                    self.longest_sweep.num_seconds()
                ),
            ),
            ("API calls a day", a_day(self.calls)),
            ("… for sweeps", a_day(self.sweep_calls)),
            ("… for refreshes", a_day(refreshes)),
            ("… for users", a_day(self.lookup_calls)),
            (
                "most background calls in a minute",
                self.most_calls_a_minute.to_string(),
            ),
            (
                "users' wait for warming",
                format!("{} ms", self.waited_for_warming.num_milliseconds()),
            ),
            ("days", format!("{:.1}", self.days)),
            ("took", format!("{:.1} s", took.as_secs_f64())),
        ];
        let width = rows
            .iter()
            .map(|(what, _)| what.chars().count())
            .max()
            .unwrap_or_default();
        let lines = rows.map(|(what, value)| format!("| {what:<width$} | {value:>28} |\n"));
        lines.concat()
    }
}

fn hours(span: TimeDelta) -> String {
    let (hours, minutes) = (span.num_hours(), span.num_minutes() % 60);
    format!(
        "{hours} h {minutes:02} min {:02} s",
        span.num_seconds() % 60
    )
}

/// Counts of a simulation are far below 2^32.
pub(crate) fn float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
