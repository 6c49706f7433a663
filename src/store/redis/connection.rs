//! One connection to Redis that heals: it reconnects, leaves a server that was demoted, and does not wait on one that hangs.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use redis::{FromRedisValue, RedisError, RedisResult};
use tokio::time::{Instant, timeout};
use tracing::{info, warn};

use super::{
    super::StoreError,
    address::{Address, Servers},
    call::Call,
    line::{Line, Link, Touched},
    replicas::{self, Confirmed},
    words::{is_no_answer, is_read_only, told},
};
use crate::clock::Clock;

/// A single command, or a pipeline of a few: Redis answers in well under a millisecond or is in trouble.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// So long without an answer is trouble, even if nobody waits longer.
const SILENCE: Duration = Duration::from_millis(200);
/// Failures in a row after which calls fail at once …
const TRIPS_AFTER: u32 = 3;
/// … for this long, so that a hung server does not cost every request its whole patience.
const OPEN_FOR: Duration = Duration::from_secs(1);

/// A connection that many tasks share. Cheap to clone.
#[derive(Clone)]
pub(super) struct Connection {
    inner: Arc<Inner>,
    /// What is touched through this clone, where somebody will ask.
    touched: Option<Touched>,
}

struct Inner {
    address: Arc<Address>,
    link: ArcSwap<Link>,
    /// Held for a look, never across an await.
    breaker: Mutex<Breaker>,
    clock: Clock,
}

#[derive(Debug, Default)]
struct Breaker {
    failures: u32,
    open_until: Option<Instant>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The client would show its address, and with it the password.
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Connection {
    pub(super) fn new(address: Address, clock: Clock) -> Self {
        let address = Arc::new(address);
        let inner = Inner {
            link: ArcSwap::from_pointee(Link::new(&address)),
            address,
            breaker: Mutex::default(),
            clock,
        };
        Self {
            inner: Arc::new(inner),
            touched: None,
        }
    }

    pub(super) fn address(&self) -> &Address {
        &self.inner.address
    }

    /// A clone that notes what is touched through it, for [`Self::confirm`].
    pub(super) fn noting(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            touched: Some(Touched::default()),
        }
    }

    /// Runs a script.
    pub(super) async fn call<T: FromRedisValue>(&self, call: &Call) -> Result<T, StoreError> {
        self.run(async |mut line| {
            let value = call.on(&mut line).await?.extract_error()?;
            Ok(redis::from_redis_value(value)?)
        })
        .await
    }

    /// Runs a command or a short pipeline.
    pub(super) async fn run<T>(
        &self,
        work: impl AsyncFnOnce(Line) -> RedisResult<T>,
    ) -> Result<T, StoreError> {
        let used = self.inner.link.load_full();
        let line = Line {
            link: Arc::clone(&used),
            touched: self.touched.clone(),
        };
        self.watch(&used, work(line)).await
    }

    /// Waits until a replica has what was touched through this clone since it was last asked.
    pub(super) async fn confirm(&self, prefix: &str) -> Result<Confirmed, StoreError> {
        let Some(touched) = self.touched.as_ref().map(Touched::take) else {
            return Ok(Confirmed::Alone);
        };
        match touched.links.as_slice() {
            [] => Ok(Confirmed::Alone),
            [link] => {
                self.watch(link, replicas::confirm(link, touched.tags, prefix))
                    .await
            }
            // The server changed in the midst of the work: what the first took, the second need not have.
            _several => Ok(Confirmed::Behind),
        }
    }

    async fn watch<T>(
        &self,
        used: &Arc<Link>,
        work: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, StoreError> {
        self.admit()?;
        // A caller whose own patience ends first drops us here: that Redis was silent meanwhile must count all the same.
        let unanswered = Unanswered {
            connection: Some(self),
            used,
            since: Instant::now(),
        };
        let answered = timeout(PATIENCE, self.inner.clock.at_the_store(work)).await;
        unanswered.disarm();
        match answered {
            Ok(Ok(value)) => {
                self.note_success();
                Ok(value)
            }
            Ok(Err(error)) => {
                self.note_error(&error, used);
                Err(told(&error))
            }
            Err(_elapsed) => {
                self.note_failure(used);
                Err(StoreError::TimedOut)
            }
        }
    }

    /// Fails at once while the breaker is open; the first call after that is the probe.
    fn admit(&self) -> Result<(), StoreError> {
        let mut breaker = self.breaker();
        match breaker.open_until {
            Some(until) if Instant::now() < until => Err(StoreError::Unavailable {
                cause: "Redis did not answer lately".to_owned(),
            }),
            Some(_) => {
                // Half open: this call is let through, and others fail until it has shown how things are.
                breaker.open_until = Some(Instant::now() + OPEN_FOR);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn note_success(&self) {
        let mut breaker = self.breaker();
        if breaker.open_until.is_some() {
            info!("Redis answers again");
        }
        *breaker = Breaker::default();
    }

    fn note_error(&self, error: &RedisError, used: &Arc<Link>) {
        if is_read_only(error) {
            // The server became a replica; the driver itself would stay with it for good.
            warn!("Redis is read-only here: connecting anew");
            self.reconnect(used);
        } else if is_no_answer(error) {
            if matches!(self.inner.address.servers, Servers::Sentinel(_)) {
                // Who the master is now, only Sentinel knows.
                self.reconnect(used);
            }
            self.note_failure(used);
        } else {
            // It refuses, but it answers.
            self.note_success();
        }
    }

    fn note_failure(&self, used: &Arc<Link>) {
        let mut breaker = self.breaker();
        breaker.failures = breaker.failures.saturating_add(1);
        if breaker.failures < TRIPS_AFTER {
            return;
        }
        if breaker.open_until.is_none() {
            warn!(
                "Redis does not answer: webhooks go to the inbox and lookups to Shopify until it does"
            );
        }
        breaker.open_until = Some(Instant::now() + OPEN_FOR);
        drop(breaker);
        // A half-open socket never heals by itself.
        self.reconnect(used);
    }

    /// A call that was given up before Redis could be blamed shows nothing: if it was the probe, the next one is.
    fn note_nothing(&self) {
        let mut breaker = self.breaker();
        if breaker.open_until.is_some() {
            breaker.open_until = Some(Instant::now());
        }
    }

    /// Looks afresh where the servers are.
    pub(super) fn connect_anew(&self) {
        self.reconnect(&self.inner.link.load_full());
    }

    /// Puts a new link in the place of the one that was used, unless somebody has done so already.
    fn reconnect(&self, used: &Arc<Link>) {
        let link = Arc::new(Link::new(&self.inner.address));
        self.inner.link.compare_and_swap(used, link);
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.inner
            .breaker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a failure when it is dropped without an answer after a time in which there should have been one. Who leaves sooner, as
/// a client does that hangs up, says nothing about Redis.
struct Unanswered<'a> {
    connection: Option<&'a Connection>,
    used: &'a Arc<Link>,
    since: Instant,
}

impl Unanswered<'_> {
    fn disarm(mut self) {
        self.connection = None;
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection else {
            return;
        };
        if self.since.elapsed() >= SILENCE {
            connection.note_failure(self.used);
        } else {
            connection.note_nothing();
        }
    }
}
