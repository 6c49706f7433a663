//! Time that leaps: tokio's paused clock goes to the next timer whenever nothing else is to be done.
//!
//! A leap would overtake whoever waits for a socket or another thread. tokio does not leap while a blocking task is outstanding,
//! so whoever waits holds time still by one. Time of day is the same clock's, so that days pass with the timers.

use std::{
    any::Any,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicI64, Ordering},
        mpsc,
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;
use shopify_warmer::clock::SimulatedTime;
use tokio::{runtime::Handle, time::Instant};

use crate::redis::Hand;

/// The one true time, Shopify's. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct VirtualTime(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    runtime: Handle,
    began: Instant,
    start: DateTime<Utc>,
    shopify: shopify_simulator::Clock,
    holds: Mutex<Holds>,
    road: Mutex<Rng>,
    /// Shows the time to a Redis, if there is one.
    hand: OnceLock<Hand>,
}

#[derive(Debug, Default)]
struct Holds {
    count: usize,
    /// The blocking task ends when this is dropped.
    release: Option<mpsc::Sender<()>>,
}

/// Keeps time still until it is dropped.
#[derive(Debug)]
pub(crate) struct Held(VirtualTime);

impl VirtualTime {
    /// Time that begins now, in the paused runtime this is called in, and shows what `shopify` shows.
    pub(crate) fn begin(shopify: shopify_simulator::Clock, seed: u64) -> Self {
        Self(Arc::new(Inner {
            runtime: Handle::current(),
            began: Instant::now(),
            start: shopify.now(),
            shopify,
            holds: Mutex::default(),
            road: Mutex::new(Rng::with_seed(seed)),
            hand: OnceLock::new(),
        }))
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        // Threads of the store's ask too, and outside the runtime tokio's clock is the machine's.
        let _entered = self.0.runtime.enter();
        self.0.start + delta(self.0.began.elapsed())
    }

    /// From now on `hand` shows the time, too.
    pub(crate) fn show_on(&self, hand: Hand) {
        drop(self.0.hand.set(hand));
    }

    pub(crate) async fn sleep_until(&self, at: DateTime<Utc>) {
        let since_start = (at - self.0.start).to_std().unwrap_or_default();
        tokio::time::sleep_until(self.0.began + since_start).await;
    }

    /// Lets time stand still. Shopify's clock, which moves only when told, is told now: nobody else can look at it meanwhile.
    pub(crate) fn hold(&self) -> Held {
        let mut holds = self.holds();
        holds.count += 1;
        if holds.count == 1 {
            let (release, released) = mpsc::channel();
            // Nothing is ever sent: it waits for the sender to go.
            let wait = move || assert!(released.recv().is_err());
            drop(self.0.runtime.spawn_blocking(wait));
            holds.release = Some(release);
            let now = self.now();
            if self.0.shopify.now() != now {
                self.0.shopify.set(now);
                if let Some(hand) = self.0.hand.get() {
                    hand.set(now);
                }
            }
        }
        drop(holds);
        Held(self.clone())
    }

    /// 80 to 400 ms, and now and then some seconds.
    fn round_trip(&self) -> Duration {
        let mut road = self.0.road.lock().unwrap_or_else(PoisonError::into_inner);
        let millis = match road.u8(..100) {
            0 => road.u64(1000..4000),
            _ => road.u64(80..400),
        };
        Duration::from_millis(millis)
    }

    fn holds(&self) -> MutexGuard<'_, Holds> {
        self.0.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut holds = self.0.holds();
        holds.count -= 1;
        if holds.count == 0 {
            holds.release = None;
        }
    }
}

/// A replica's view of it: its clock may be wrong, its timers are not.
#[derive(Debug)]
pub(crate) struct ReplicaTime {
    time: VirtualTime,
    off_by_ms: AtomicI64,
}

impl ReplicaTime {
    pub(crate) fn new(time: &VirtualTime) -> Arc<Self> {
        Arc::new(Self {
            time: time.clone(),
            off_by_ms: AtomicI64::new(0),
        })
    }

    /// Sets the machine's clock wrong by this much, or right by zero.
    pub(crate) fn jump_to(&self, off_by: TimeDelta) {
        self.off_by_ms
            .store(off_by.num_milliseconds(), Ordering::SeqCst);
    }
}

impl SimulatedTime for ReplicaTime {
    fn now(&self) -> DateTime<Utc> {
        self.time.now() + TimeDelta::milliseconds(self.off_by_ms.load(Ordering::SeqCst))
    }

    fn hold(&self) -> Box<dyn Any + Send> {
        Box::new(self.time.hold())
    }

    fn round_trip(&self) -> Duration {
        self.time.round_trip()
    }
}

/// A span of the simulation as calendar time; all of them are days, not ages.
pub(crate) fn delta(span: Duration) -> TimeDelta {
    TimeDelta::from_std(span).expect("a span of days")
}
