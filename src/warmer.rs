//! Runs sweeps and drains refresh sets: one loop a site, and at most one sweep a site at a time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    clock::Clock,
    refresh,
    site::{Site, SiteCode, Sites},
    store::Store,
    sweep::{
        self, Kind, Mode, Outcome, Plan, Progress, Snapshot, Surroundings, SweepRecord,
        SweepSettings, TaskId, Trigger,
    },
    tasks::Tasks,
};

/// How often the refresh set is looked at: the pace allows no more anyway.
const REFRESH_INTERVAL: Duration = Duration::from_secs(2);
/// Sweeps are six hours apart …
const SLOT_INTERVAL: TimeDelta = TimeDelta::hours(6);
/// … and one takes at most this much longer until it has renewed its last order.
const LONGEST_SWEEP: TimeDelta = TimeDelta::hours(2);
/// How soon after a catch-up it is looked whether it filled the cache: a sweep of the design size takes half a minute.
const CATCH_UP_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_CATCH_UP_PAUSE: Duration = Duration::from_secs(600);
/// Records a site keeps.
const HISTORY: usize = 100;

/// Warms all sites. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Warmer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sites: Sites,
    store: Store,
    clock: Clock,
    settings: SweepSettings,
    tasks: Tasks,
    /// Held for a look-up, never across an await.
    running: Mutex<BTreeMap<SiteCode, Running>>,
}

#[derive(Debug, Clone)]
struct Running {
    task: TaskId,
    kind: Kind,
    progress: Arc<Progress>,
    stop: CancellationToken,
}

/// A sweep that was asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which.
    pub kind: Kind,
    /// How many days back; the setting's where not given.
    pub days: Option<u32>,
    /// One site, or all.
    pub site: Option<SiteCode>,
    /// Who asks.
    pub trigger: Trigger,
}

/// Why a sweep was not started.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotStarted {
    /// One of its sites is being swept.
    #[error("a sweep is running already: {0}")]
    Busy(TaskId),
    /// There is no such site.
    #[error("there is no site {0}")]
    UnknownSite(SiteCode),
}

/// A running sweep of one site.
#[derive(Debug, Clone, Serialize)]
pub struct RunningSweep {
    /// Its task.
    pub task_id: TaskId,
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Its site.
    pub site: SiteCode,
    /// How far it is.
    #[serde(flatten)]
    pub progress: Snapshot,
}

impl Warmer {
    /// A warmer that works on `tasks`.
    pub fn new(
        sites: Sites,
        store: Store,
        clock: Clock,
        settings: SweepSettings,
        tasks: Tasks,
    ) -> Self {
        Self(Arc::new(Inner {
            sites,
            store,
            clock,
            settings,
            tasks,
            running: Mutex::default(),
        }))
    }

    /// Starts each site's loop: it drains the refresh set until the service stops.
    pub fn start(&self) {
        for site in self.0.sites.iter() {
            let (warmer, site) = (self.clone(), Arc::clone(site));
            self.0
                .tasks
                .tracker
                .spawn(async move { warmer.drain_until_stopped(&site).await });
        }
    }

    /// Sweeps what has never seen a full sweep of its window: a new user wants a warm cache now, not at the next slot. Tried until
    /// each site has: a start while the store or Shopify is down must not leave the cache cold for good.
    pub async fn catch_up(&self) {
        let mut pause = CATCH_UP_PAUSE;
        loop {
            let mut cold = Vec::new();
            for site in self.0.sites.iter() {
                if !self.is_filled(&site.code).await {
                    cold.push(site.code.clone());
                }
            }
            if cold.is_empty() {
                return;
            }
            for site in cold {
                let (kind, trigger) = (Kind::Full, Trigger::CatchUp);
                let request = Request {
                    kind,
                    days: None,
                    site: Some(site.clone()),
                    trigger,
                };
                if let Err(refused) = self.sweep(&request) {
                    info!(%site, "no catch-up sweep now: {refused}");
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_CATCH_UP_PAUSE);
        }
    }

    async fn is_filled(&self, site: &SiteCode) -> bool {
        match self.records(site, HISTORY).await {
            Ok(records) => records.iter().any(|record| self.fills_the_window(record)),
            Err(error) => {
                warn!(%site, "cannot tell whether the cache was ever filled: {error}");
                false
            }
        }
    }

    fn fills_the_window(&self, record: &SweepRecord) -> bool {
        let days = f64::from(self.0.settings.days);
        record.kind == Kind::Full
            && record.outcome == Outcome::Completed
            && record.days_covered.is_some_and(|covered| covered >= days)
    }

    /// Starts a sweep and returns at once.
    pub fn sweep(&self, request: &Request) -> Result<TaskId, NotStarted> {
        let sites = self.sites_of(request)?;
        let now = self.0.clock.now();
        let mut running = self.running();
        if let Some(busy) = sites.iter().find_map(|site| running.get(&site.code)) {
            return Err(NotStarted::Busy(busy.task.clone()));
        }
        let task = TaskId::new(now);
        for site in sites {
            let entry = Running {
                task: task.clone(),
                kind: request.kind,
                progress: Arc::new(Progress::new(now)),
                stop: self.0.tasks.cancel.child_token(),
            };
            running.insert(site.code.clone(), entry.clone());
            let (warmer, plan) = (self.clone(), self.plan(request, task.clone(), now));
            self.0
                .tasks
                .tracker
                .spawn(async move { warmer.run(&site, &plan, &entry).await });
        }
        Ok(task)
    }

    /// Stops what runs; it ends at its next page. Returns the tasks stopped.
    pub fn stop(&self) -> Vec<TaskId> {
        let mut tasks = Vec::new();
        for running in self.running().values() {
            running.stop.cancel();
            if !tasks.contains(&running.task) {
                tasks.push(running.task.clone());
            }
        }
        tasks
    }

    /// What runs now, by site.
    pub fn running_sweeps(&self) -> Vec<RunningSweep> {
        let now = self.0.clock.now();
        let running = self.running();
        let sweeps = running.iter().map(|(site, running)| RunningSweep {
            task_id: running.task.clone(),
            kind: running.kind,
            site: site.clone(),
            progress: running.progress.snapshot(now),
        });
        sweeps.collect()
    }

    /// A site's newest records, newest first; one that an older version wrote differently is passed over.
    pub async fn records(
        &self,
        site: &SiteCode,
        limit: usize,
    ) -> Result<Vec<SweepRecord>, crate::store::StoreError> {
        let records = self.0.store.records(site, limit).await?;
        Ok(records
            .iter()
            .filter_map(|record| serde_json::from_str(record).ok())
            .collect())
    }

    fn sites_of(&self, request: &Request) -> Result<Vec<Arc<Site>>, NotStarted> {
        match &request.site {
            None => Ok(self.0.sites.iter().cloned().collect()),
            Some(code) => match self.0.sites.by_code(code) {
                Some(site) => Ok(vec![Arc::clone(site)]),
                None => Err(NotStarted::UnknownSite(code.clone())),
            },
        }
    }

    fn plan(&self, request: &Request, task: TaskId, now: DateTime<Utc>) -> Plan {
        Plan {
            task,
            kind: request.kind,
            trigger: request.trigger,
            days: request.days.unwrap_or(self.0.settings.days),
            whole_window: request.days.is_none_or(|days| days >= self.0.settings.days),
            page_size: self.0.settings.page_size,
            next_renewal: next_renewal(now),
            mode: Mode::Warm,
        }
    }

    async fn run(&self, site: &Site, plan: &Plan, running: &Running) {
        let _done = Done {
            warmer: self,
            site: &site.code,
        };
        let around = Surroundings {
            store: &self.0.store,
            clock: &self.0.clock,
            progress: &running.progress,
            stop: &running.stop,
        };
        sweep::run_once(site, plan, &around).await;
    }

    async fn drain_until_stopped(&self, site: &Site) {
        let mut ticks = tokio::time::interval(REFRESH_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.0.tasks.cancel.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let drained = tokio::select! {
                () = self.0.tasks.cancel.cancelled() => return,
                drained = refresh::drain_once(site, &self.0.store, &self.0.clock) => drained,
            };
            if let Err(error) = drained {
                warn!(site = %site.code, "the refresh set could not be drained and is tried again: {error}");
                // What failed is still due; hammering would not help it.
                ticks.reset_after(REFRESH_INTERVAL * 5);
            }
        }
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<SiteCode, Running>> {
        self.0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// By when the sweep after one that starts at `now` will have renewed what that one leaves.
pub fn next_renewal(now: DateTime<Utc>) -> DateTime<Utc> {
    now + SLOT_INTERVAL + LONGEST_SWEEP
}

/// Frees the site when its sweep ends, a panic included.
struct Done<'a> {
    warmer: &'a Warmer,
    site: &'a SiteCode,
}

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.warmer.running().remove(self.site);
        if std::thread::panicking() {
            error!(site = %self.site, "a sweep panicked: please report this");
        }
    }
}
