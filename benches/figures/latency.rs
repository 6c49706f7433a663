//! Latencies, and what is said of many.

use std::{fmt, time::Duration};

/// Some latencies.
#[derive(Debug, Clone)]
pub(crate) struct Latencies {
    sorted: Vec<Duration>,
}

impl Latencies {
    pub(crate) fn of(mut latencies: Vec<Duration>) -> Self {
        assert!(!latencies.is_empty(), "nothing was measured");
        latencies.sort_unstable();
        Self { sorted: latencies }
    }

    /// The smallest latency that at least so many in a hundred do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.sorted.len() * percent).div_ceil(100).max(1);
        self.sorted.get(rank - 1).copied().unwrap_or_default()
    }

    pub(crate) fn max(&self) -> Duration {
        self.sorted.last().copied().unwrap_or_default()
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "p50 {}, p99 {}, max {} ms",
            millis(self.percentile(50)),
            millis(self.percentile(99)),
            millis(self.max())
        )
    }
}

/// Milliseconds with two decimals.
pub(crate) fn millis(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64() * 1000.0)
}
