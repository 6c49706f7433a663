//! How long something takes, counted in buckets: two additions a time, and nothing to clean up.

use std::{
    array,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// From what a hit takes to what a lookup waits at most by default.
const BOUNDS: [Duration; 14] = [
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2500),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

/// Counts durations since the start. Cheap to clone; clones count together.
#[derive(Debug, Clone, Default)]
pub struct Durations(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// One a bound, each without those below it.
    within: [AtomicU64; BOUNDS.len()],
    longer: AtomicU64,
    sum_micros: AtomicU64,
}

/// What was counted up to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// How many took at most as long as each bound, those of the lower bounds included.
    pub at_most: [(Duration, u64); BOUNDS.len()],
    /// How many there were.
    pub count: u64,
    /// How long all of them took.
    pub sum: Duration,
}

impl Durations {
    /// Counts one.
    pub fn record(&self, took: Duration) {
        let within = BOUNDS.iter().zip(&self.0.within);
        let bucket = within
            .filter(|(bound, _)| took <= **bound)
            .map(|(_, bucket)| bucket)
            .next();
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.0.sum_micros.fetch_add(micros, Ordering::Relaxed);
        bucket
            .unwrap_or(&self.0.longer)
            .fetch_add(1, Ordering::Relaxed);
    }

    /// What was counted up to now.
    pub fn counted(&self) -> Counted {
        let mut below = 0;
        let mut buckets = BOUNDS.iter().zip(&self.0.within).map(|(bound, bucket)| {
            below += bucket.load(Ordering::Relaxed);
            (*bound, below)
        });
        let at_most = array::from_fn(|_| buckets.next().unwrap_or_default());
        Counted {
            at_most,
            count: below + self.0.longer.load(Ordering::Relaxed),
            sum: Duration::from_micros(self.0.sum_micros.load(Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bucket_holds_those_below_it() {
        let durations = Durations::default();
        assert_eq!(durations.counted().count, 0);
        for micros in [0, 500, 501, 10_000_000, 10_000_001] {
            durations.record(Duration::from_micros(micros));
        }
        let counted = durations.counted();
        let at_most: Vec<_> = counted.at_most.iter().map(|(_, count)| *count).collect();
        assert_eq!(at_most, [2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4]);
        assert_eq!(counted.count, 5);
        assert_eq!(counted.sum, Duration::from_micros(20_001_002));
        assert!(BOUNDS.is_sorted());
    }
}
