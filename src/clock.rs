//! The one reader of the time of day, so that tests can set it and a simulation can let days pass in seconds.

use std::{
    any::Any,
    fmt::Debug,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use chrono::{DateTime, Duration, Utc};

/// What time it is: the system's, or one that a test sets. Cheap to clone; clones share a set time.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// A clock that moves only when told, in milliseconds since 1970.
    Manual(Arc<AtomicI64>),
    /// A simulation's clock, which leaps to the next timer whenever nothing else is to be done.
    Simulated(Arc<dyn SimulatedTime>),
}

/// Time that a simulation makes.
pub trait SimulatedTime: Debug + Send + Sync {
    /// The time of day.
    fn now(&self) -> DateTime<Utc>;

    /// Lets time stand still until what is returned is dropped: somebody waits for a socket or a disk, which a leap would overtake.
    fn hold(&self) -> Box<dyn Any + Send>;

    /// How long an answer of Shopify is on its way.
    fn round_trip(&self) -> std::time::Duration;
}

impl Clock {
    /// A clock that stands at `start` until it is advanced.
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(start.timestamp_millis())))
    }

    /// The time now.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the edge where time is read"
    )]
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Self::System => Utc::now(),
            Self::Manual(millis) => {
                DateTime::from_timestamp_millis(millis.load(Ordering::SeqCst)).unwrap_or_default()
            }
            Self::Simulated(time) => time.now(),
        }
    }

    /// Moves a manual clock; any other stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Self::Manual(millis) = self {
            millis.fetch_add(by.num_milliseconds(), Ordering::SeqCst);
        }
    }

    /// Waits for the store: a socket, or a disk. It is no time at all to a simulation.
    pub(crate) async fn at_the_store<T>(&self, work: impl Future<Output = T>) -> T {
        let Self::Simulated(time) = self else {
            return work.await;
        };
        let _held = time.hold();
        work.await
    }

    /// Waits for Shopify. To a simulation what comes back is as old as a round trip.
    pub(crate) async fn at_shopify<T>(&self, work: impl Future<Output = T>) -> T {
        let Self::Simulated(time) = self else {
            return work.await;
        };
        let held = time.hold();
        let answer = work.await;
        drop(held);
        tokio::time::sleep(time.round_trip()).await;
        answer
    }
}
