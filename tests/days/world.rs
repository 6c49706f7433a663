//! What the driver, the courier and the askers share.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};
use shopify_warmer::site::SiteCode;

use crate::{
    figures::Figures,
    ledger::Ledger,
    queue::Queue,
    replica::Replica,
    scenario::{Scenario, Span},
    time::VirtualTime,
};

/// Broken promises that are told in the end; the first is the one to look at.
const MOST_VIOLATIONS: usize = 20;

/// Everything but Shopify. Each lock is held for a few lines, never across an await.
pub(crate) struct World {
    pub(crate) scenario: Scenario,
    pub(crate) time: VirtualTime,
    pub(crate) start: DateTime<Utc>,
    pub(crate) site: SiteCode,
    pub(crate) fleet: Fleet,
    ledger: Mutex<Ledger>,
    figures: Mutex<Figures>,
    queue: Mutex<Queue>,
    violations: Mutex<Vec<String>>,
}

impl World {
    pub(crate) fn new(scenario: Scenario, time: VirtualTime) -> Arc<Self> {
        Arc::new(Self {
            start: time.now(),
            site: "uk".parse().expect("a site's code"),
            fleet: Fleet::new(scenario.replicas),
            ledger: Mutex::default(),
            figures: Mutex::default(),
            queue: Mutex::default(),
            violations: Mutex::default(),
            scenario,
            time,
        })
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn figures(&self) -> MutexGuard<'_, Figures> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A promise is broken.
    pub(crate) fn broken(&self, promise: &str, how: &str) {
        let day = (self.time.now() - self.start).as_seconds_f64() / 86_400.0;
        let mut all = self.violations();
        if all.len() < MOST_VIOLATIONS {
            all.push(format!(
                "{} (day {day:.3}) {promise}: {how}",
                self.time.now()
            ));
        }
    }

    pub(crate) fn violations(&self) -> MutexGuard<'_, Vec<String>> {
        self.violations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_beyond_help(&self) -> bool {
        self.violations().len() >= MOST_VIOLATIONS
    }

    pub(crate) fn note_untold(&self, order: Option<u64>) {
        if let Some(order) = order {
            self.ledger().note_untold(order, self.time.now());
        }
    }

    /// Whether Shopify refused or throttled calls at any time between these.
    pub(crate) fn was_ill(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
        let ill = self.scenario.outages.iter().chain(&self.scenario.storms);
        self.touches(ill, from, to)
    }

    /// Whether any replica's clock was wrong at any time between these.
    pub(crate) fn was_wrong(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
        let wrong = self.scenario.clock_jumps.iter().map(|(span, _)| span);
        self.touches(wrong, from, to)
    }

    /// Whether the service was stopped at any time between these.
    pub(crate) fn was_down(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
        self.touches(self.scenario.restarts.iter(), from, to)
    }

    fn touches<'a>(
        &self,
        mut spans: impl Iterator<Item = &'a Span>,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> bool {
        spans.any(|span| self.start + span.from <= to && self.start + span.until() >= from)
    }

    /// How far the API may be behind.
    pub(crate) fn lag(&self) -> TimeDelta {
        let lag = self.scenario.lag;
        crate::time::delta(lag.search.max(lag.replica))
    }
}

/// The replicas that run.
#[derive(Default)]
pub(crate) struct Fleet {
    places: Mutex<Vec<Option<Arc<Replica>>>>,
    turn: AtomicUsize,
}

impl Fleet {
    fn new(size: usize) -> Self {
        Self {
            places: Mutex::new((0..size).map(|_| None).collect()),
            turn: AtomicUsize::new(0),
        }
    }

    pub(crate) fn put(&self, place: usize, replica: Replica) {
        self.places()[place] = Some(Arc::new(replica));
    }

    pub(crate) fn take(&self, place: usize) -> Option<Arc<Replica>> {
        self.places()[place].take()
    }

    pub(crate) fn size(&self) -> usize {
        self.places().len()
    }

    /// All that run.
    pub(crate) fn running(&self) -> Vec<Arc<Replica>> {
        self.places().iter().flatten().cloned().collect()
    }

    /// Where the one is that holds the lease, as its sweep's site shows; the first that runs where none does.
    pub(crate) fn warmer(&self, site: &SiteCode) -> Option<usize> {
        let places: Vec<_> = self.places().iter().cloned().enumerate().collect();
        let mut running = None;
        for (place, replica) in places {
            let Some(replica) = replica else { continue };
            if replica.app.state().warmer.reigns(site) {
                return Some(place);
            }
            running = running.or(Some(place));
        }
        running
    }

    /// One of them, in turn, as a load balancer would.
    pub(crate) fn any(&self) -> Option<Arc<Replica>> {
        let running = self.running();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        running.get(turn.checked_rem(running.len())?).cloned()
    }

    fn places(&self) -> MutexGuard<'_, Vec<Option<Arc<Replica>>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
