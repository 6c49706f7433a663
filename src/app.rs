//! Builds and starts everything in order, and stops it in order.

mod drain;
mod look;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use serde_json::{Value, json};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

pub use self::look::at_rest;
use crate::{
    alert::Alerts,
    clock::Clock,
    config::Config,
    http::{self, About, AppState, Metrics},
    inbox::{Inbox, InboxError},
    lookup::Lookups,
    site::{BadSite, CallSettings, Sites},
    store::{Store, StoreError, StoreSettings},
    tasks::Tasks,
    warm::{Hearing, Postmarks, Tally},
    warmer::Warmer,
};

/// How long what is open may take to finish once the service is told to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// Why the service cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// A site.
    #[error(transparent)]
    Site(#[from] BadSite),
    /// The store.
    #[error("the store cannot be opened")]
    Store(#[from] StoreError),
    /// The inbox.
    #[error("the inbox cannot be opened")]
    Inbox(#[from] InboxError),
    /// The address.
    #[error(
        "cannot listen on {addr}: is another service there? Set LISTEN_ADDR to another address"
    )]
    Listen {
        /// Where.
        addr: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// What can be used without serving: the shops and the store.
#[derive(Debug, Clone)]
pub struct Foundation {
    /// The shops.
    pub sites: Sites,
    /// The cache.
    pub store: Store,
}

/// A service at work.
#[derive(Debug)]
pub struct App {
    addr: SocketAddr,
    state: AppState,
    tasks: Tasks,
    connections: TaskTracker,
    server: tokio::task::JoinHandle<()>,
    ownership: Ownership,
}

/// Who closes the store in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ownership {
    Ours,
    Shared,
}

/// Opens the store and sets the sites up.
pub fn open(config: &Config, clock: &Clock) -> Result<Foundation, StartError> {
    let store = open_store(config, clock)?;
    let sites = set_up_sites(config, clock)?;
    Ok(Foundation { sites, store })
}

/// Opens the store.
pub fn open_store(config: &Config, clock: &Clock) -> Result<Store, StoreError> {
    let settings = StoreSettings {
        clock: clock.clone(),
        ..config.store.clone()
    };
    match &config.redis_url {
        Some(url) => Store::redis(url, settings),
        None => Store::embedded(&config.data_dir, settings),
    }
}

/// Sets the sites up.
pub fn set_up_sites(config: &Config, clock: &Clock) -> Result<Sites, BadSite> {
    let calls = CallSettings {
        budget: config.budget,
        retries: config.retries,
    };
    Sites::new(&config.sites, calls, clock)
}

impl App {
    /// Starts the service; it answers when this returns.
    pub async fn start(config: &Config, clock: Clock) -> Result<Self, StartError> {
        let listener = listen(config).await?;
        let store = open_store(config, &clock)?;
        Self::run(config, clock, (store, Ownership::Ours), listener)
    }

    /// Starts a replica of the service on a store that is open already: several in one process can share a file.
    pub async fn start_on(config: &Config, clock: Clock, store: Store) -> Result<Self, StartError> {
        let listener = listen(config).await?;
        Self::run(config, clock, (store, Ownership::Shared), listener)
    }

    fn run(
        config: &Config,
        clock: Clock,
        (store, ownership): (Store, Ownership),
        listener: TcpListener,
    ) -> Result<Self, StartError> {
        let addr = listener.local_addr().map_err(|source| StartError::Listen {
            addr: config.listen_addr,
            source,
        })?;
        let sites = set_up_sites(config, &clock)?;
        let inbox = Inbox::open(&config.data_dir, clock.now())?;
        let (tasks, connections) = (Tasks::default(), TaskTracker::new());
        let state = state(config, clock, (sites, store, inbox), &tasks);
        start_tasks(&state, &tasks);
        let server = serve(listener, &state, &connections, &tasks);
        info!(%addr, store = state.store.kind().as_str(), sites = config.sites.len(), "shopify-warmer is up");
        Ok(Self {
            addr,
            state,
            tasks,
            connections,
            server,
            ownership,
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What it works with.
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// Its background work.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Ends as a process does that is killed: see [`Tasks::kill`].
    pub fn kill(&self) {
        self.tasks.kill();
    }

    /// Takes no new work, lets what is open finish within 10 s, and leaves. Returns whether everything had finished.
    pub async fn stop(self) -> bool {
        info!("stopping");
        self.tasks.cancel.cancel();
        self.tasks.tracker.close();
        self.connections.close();
        let all = async {
            if let Err(error) = self.server.await {
                error!("the listener panicked: {error}");
            }
            self.connections.wait().await;
            self.tasks.tracker.wait().await;
        };
        let finished = tokio::time::timeout(DRAIN + Duration::from_secs(1), all)
            .await
            .is_ok();
        if self.ownership == Ownership::Ours {
            self.state.store.close().await;
        }
        if !finished {
            warn!(
                "some work was cut off; the cache and the inbox hold everything that was acknowledged"
            );
        }
        finished
    }
}

async fn listen(config: &Config) -> Result<TcpListener, StartError> {
    TcpListener::bind(config.listen_addr)
        .await
        .map_err(|source| StartError::Listen {
            addr: config.listen_addr,
            source,
        })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the listener ends the connections' tracker, so it stands outside"
)]
fn serve(
    listener: TcpListener,
    state: &AppState,
    connections: &TaskTracker,
    tasks: &Tasks,
) -> tokio::task::JoinHandle<()> {
    let (router, connections, cancel) = (
        http::router(state.clone()),
        connections.clone(),
        tasks.cancel.clone(),
    );
    // It may wait as long as nobody comes; that it ends by itself is what can go wrong.
    let beat = tasks.pulse.attach("the listener");
    tokio::spawn(async move {
        http::serve(listener, router, &connections, &cancel, DRAIN).await;
        drop(beat);
    })
}

fn state(
    config: &Config,
    clock: Clock,
    (sites, store, inbox): (Sites, Store, Inbox),
    tasks: &Tasks,
) -> AppState {
    let (its_clock, its_tasks) = (clock.clone(), tasks.clone());
    let alerts = Alerts::new(config.alerts.clone(), clock.clone(), tasks);
    let warmer = Warmer::new(
        (sites.clone(), store.clone()),
        config.warmer.clone(),
        alerts.clone(),
        its_clock,
        its_tasks,
    );
    let lookups = Lookups::new(
        sites.clone(),
        store.clone(),
        clock.clone(),
        config.lookup_timeout,
        tasks.clone(),
    );
    AppState {
        secrets: sites.secrets().clone(),
        tally: Tally::default(),
        hearing: Hearing::new(store.clone(), tasks.clone()),
        postmarks: Postmarks::new(&sites, alerts.clone()),
        access: config.access.clone(),
        about: About {
            started_at: clock.now(),
            config: shown(config),
            days: config.warmer.sweep.days,
            public_url: config.public_url.as_ref().map(|url| url.base().to_owned()),
            base_url: format!("http://{}", config.listen_addr),
        },
        metrics: Metrics::default(),
        alerts,
        sites,
        store,
        inbox,
        lookups,
        warmer,
        verify: config.verify,
        clock,
    }
}

fn start_tasks(state: &AppState, tasks: &Tasks) {
    state.warmer.start();
    for site in state.sites.iter() {
        let (site, alerts) = (Arc::clone(site), state.alerts.clone());
        tasks.spawn_until_stopped(async move { site.watch(&alerts).await });
    }
    let (state, cancel) = (state.clone(), tasks.cancel.clone());
    let drain = |beat| async move { drain::run(&state, &cancel, &beat).await };
    tasks.spawn_loop("the inbox", drain);
}

/// The settings as the status shows them: nothing secret, nothing personal.
fn shown(config: &Config) -> Value {
    let ttls = config.store.ttls;
    json!({
        "order_days": config.warmer.sweep.days,
        "page_size": config.warmer.sweep.page_size,
        "max_duration_s": config.warmer.sweep.limits.duration.as_secs(),
        "max_memory": config.warmer.sweep.limits.memory,
        "bulk_threshold": config.warmer.bulk.threshold,
        "rate_limit": 1.0 / config.budget.pace.as_secs_f64(),
        "pause_on_user_request": config.budget.pause_for_users,
        "max_retries": config.retries,
        "order_detail_ttl": ttls.order.as_secs(),
        "tracking_ttl": ttls.tracking.as_secs(),
        "order_search_ttl": ttls.search.as_secs(),
        "not_found_ttl": ttls.not_found.as_secs(),
        "lookup_timeout_ms": config.lookup_timeout.as_millis(),
        "lookup_verify": config.verify,
    })
}
