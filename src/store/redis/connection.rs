//! One connection to Redis that heals: it reconnects, leaves a server that was demoted, and does not wait on one that hangs.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use redis::{
    Client, ErrorKind, IntoConnectionInfo as _, ProtocolVersion, RedisError, RedisResult,
    aio::{ConnectionManager, ConnectionManagerConfig},
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, timeout};
use tracing::{info, warn};

use super::super::StoreError;
use crate::clock::Clock;

/// A single command, or a pipeline of a few: Redis answers in well under a millisecond or is in trouble.
const PATIENCE: Duration = Duration::from_secs(1);
/// So long without an answer is trouble, even if nobody waits longer.
const SILENCE: Duration = Duration::from_millis(200);
/// Failures in a row after which calls fail at once …
const TRIPS_AFTER: u32 = 3;
/// … for this long, so that a hung server does not cost every request its whole patience.
const OPEN_FOR: Duration = Duration::from_secs(1);

/// A connection that many tasks share. Cheap to clone.
#[derive(Clone)]
pub(super) struct Connection(Arc<Inner>);

struct Inner {
    client: Client,
    manager: ArcSwap<ConnectionManager>,
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
    pub(super) fn new(url: &SecretString, clock: Clock) -> Result<Self, StoreError> {
        let client =
            client(url).map_err(|_would_repeat_the_address: RedisError| StoreError::BadUrl)?;
        let manager = manager(&client)?;
        Ok(Self(Arc::new(Inner {
            client,
            manager: ArcSwap::from_pointee(manager),
            breaker: Mutex::default(),
            clock,
        })))
    }

    /// Runs a command or a short pipeline.
    pub(super) async fn run<T>(
        &self,
        work: impl AsyncFnOnce(ConnectionManager) -> RedisResult<T>,
    ) -> Result<T, StoreError> {
        self.admit()?;
        let used = self.0.manager.load_full();
        // A caller whose own patience ends first drops us here: that Redis was silent meanwhile must count all the same.
        let unanswered = Unanswered {
            connection: Some(self),
            used: &used,
            since: Instant::now(),
        };
        let answer = self
            .0
            .clock
            .at_the_store(work(ConnectionManager::clone(&used)));
        let answered = timeout(PATIENCE, answer).await;
        unanswered.disarm();
        match answered {
            Ok(Ok(value)) => {
                self.note_success();
                Ok(value)
            }
            Ok(Err(error)) => {
                self.note_error(&error, &used);
                Err(told(&error))
            }
            Err(_elapsed) => {
                self.note_failure(&used);
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

    fn note_error(&self, error: &RedisError, used: &Arc<ConnectionManager>) {
        if is_read_only(error) {
            // The server became a replica; the manager itself would stay with it for good.
            warn!("Redis is read-only here: connecting anew");
            self.reconnect(used);
        } else if error.is_io_error() || error.is_connection_dropped() || error.is_timeout() {
            self.note_failure(used);
        } else {
            // It refuses, but it answers.
            self.note_success();
        }
    }

    fn note_failure(&self, used: &Arc<ConnectionManager>) {
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

    /// Puts a new connection in the place of the one that was used, unless somebody has done so already.
    fn reconnect(&self, used: &Arc<ConnectionManager>) {
        match manager(&self.0.client) {
            Ok(manager) => {
                self.0.manager.compare_and_swap(used, Arc::new(manager));
            }
            Err(error) => warn!("cannot set up a new connection to Redis: {error}"),
        }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.0
            .breaker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a failure when it is dropped without an answer after a time in which there should have been one. Who leaves sooner, as
/// a client does that hangs up, says nothing about Redis.
struct Unanswered<'a> {
    connection: Option<&'a Connection>,
    used: &'a Arc<ConnectionManager>,
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

fn client(url: &SecretString) -> RedisResult<Client> {
    let info = url.expose_secret().into_connection_info()?;
    // RESP3 notices a server that went away while we were idle; RESP2 fails the first command after it.
    let redis = info
        .redis_settings()
        .clone()
        .set_protocol(ProtocolVersion::RESP3);
    // A half-open connection is noticed by then, whatever the driver waits for.
    let tcp = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(TcpKeepalive::new().with_time(Duration::from_secs(15)))
        .set_user_timeout(Duration::from_secs(10));
    Client::open(info.set_redis_settings(redis).set_tcp_settings(tcp))
}

/// A manager that connects when it is first used.
fn manager(client: &Client) -> Result<ConnectionManager, StoreError> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE))
        // The breaker decides when to try again; whoever waits is told at once.
        .set_number_of_retries(0);
    ConnectionManager::new_lazy_with_config(client.clone(), config).map_err(|error| told(&error))
}

/// What a server refused with, of one command or of each of a pipeline: `NOAUTH`, `OOM`, `READONLY`.
fn codes(error: &RedisError) -> Vec<String> {
    let of_each = error.clone().into_server_errors();
    let of_each = of_each.iter().flat_map(|errors| errors.iter());
    let mut codes: Vec<_> = of_each
        .map(|(_, error)| error.code().to_owned())
        .chain(error.code().map(str::to_owned))
        .collect();
    codes.dedup();
    codes
}

fn is_read_only(error: &RedisError) -> bool {
    codes(error).iter().any(|code| code == "READONLY")
}

fn told(error: &RedisError) -> StoreError {
    if error.is_timeout() {
        return StoreError::TimedOut;
    }
    StoreError::Unavailable {
        cause: spell(error),
    }
}

/// What a person can do something about, in words; else the kind of error and the server's code. Never the text behind it, which
/// may repeat addresses or values.
fn spell(error: &RedisError) -> String {
    let codes = codes(error);
    let refused = |wanted: &str| codes.iter().any(|code| code == wanted);
    if error.kind() == ErrorKind::AuthenticationFailed || refused("WRONGPASS") {
        return "Redis refuses the password of REDIS_URL".to_owned();
    }
    if refused("NOAUTH") {
        return "Redis wants a password: write it into REDIS_URL".to_owned();
    }
    if refused("OOM") {
        return "Redis is out of memory (OOM)".to_owned();
    }
    if error.is_connection_refusal() {
        return "Redis is not there (connection refused)".to_owned();
    }
    if codes.is_empty() {
        return format!("Redis: {}", error.category());
    }
    format!("Redis: {} ({})", error.category(), codes.join(", "))
}
