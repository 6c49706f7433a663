//! Runs sweeps and drains refresh sets: one warmer a site, however many replicas run.
//!
//! Each replica watches over each site; the one that holds the site's lease warms it. What is asked of a warmer goes through the
//! store, so it does not matter which replica is asked.

mod agenda;
mod audit;
mod reign;
mod report;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;
use tracing::info;

use self::agenda::Wish;
pub use self::agenda::plan_by_hand;
use crate::{
    alert::Alerts,
    clock::Clock,
    schedule::{self, Schedule},
    site::{Site, SiteCode, Sites},
    store::{Asked, Store, StoreError, Warming},
    subscriptions::{Audited, Endpoint},
    sweep::{self, BulkSettings, Checkpoint, Kind, Snapshot, SweepRecord, SweepSettings, TaskId},
    tasks::Tasks,
};

/// How a warmer works.
#[derive(Debug, Clone)]
pub struct WarmerSettings {
    /// How it sweeps.
    pub sweep: SweepSettings,
    /// When it does so by itself; none if it does not (`WARMUP_ENABLED`).
    pub schedule: Option<Schedule>,
    /// How it reads shops that are too large for pages.
    pub bulk: BulkSettings,
    /// How often it looks around.
    pub rhythm: Rhythm,
    /// Where Shopify is to deliver, if the service is to subscribe by itself (`PUBLIC_URL`).
    pub endpoint: Option<Endpoint>,
}

/// How often a warmer looks around, and how soon it is given up for dead.
#[derive(Debug, Clone, Copy)]
pub struct Rhythm {
    /// Between two looks at the lease, the schedule and what was asked.
    pub pulse: Duration,
    /// How long a lease holds that is not renewed. With the pulse it bounds how long a site is without a warmer.
    pub lease: Duration,
    /// Between two looks at the refresh set: the pace of calls allows no more anyway.
    pub refresh: Duration,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self {
            pulse: Duration::from_secs(1),
            lease: Duration::from_secs(10),
            refresh: Duration::from_secs(2),
        }
    }
}

/// Warms all sites. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Warmer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sites: Sites,
    store: Store,
    clock: Clock,
    settings: WarmerSettings,
    alerts: Alerts,
    tasks: Tasks,
    /// This process, unlike any other.
    holder: String,
    /// Rung to have a site looked after at once.
    bells: BTreeMap<SiteCode, Arc<Notify>>,
    /// The sites that this process warms. Held for a look-up, never across an await.
    reigns: Mutex<BTreeSet<SiteCode>>,
}

/// A sweep that is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which.
    pub kind: Kind,
    /// How many days back; the setting's where not given.
    pub days: Option<u32>,
    /// One site, or all.
    pub site: Option<SiteCode>,
}

/// Why a sweep was not started.
#[derive(Debug, thiserror::Error)]
pub enum NotStarted {
    /// One of its sites is being swept.
    #[error("a sweep is running already: {0}")]
    Busy(TaskId),
    /// There is no such site.
    #[error("there is no site {0}")]
    UnknownSite(SiteCode),
    /// The store, through which warmers are asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A running sweep of one site.
#[derive(Debug, Clone)]
pub struct RunningSweep {
    /// Its task.
    pub task_id: TaskId,
    /// Its kind.
    pub kind: Kind,
    /// Its site.
    pub site: SiteCode,
    /// How far it is.
    pub progress: Snapshot,
}

impl Warmer {
    /// A warmer that works on `tasks`.
    pub fn new(
        (sites, store): (Sites, Store),
        settings: WarmerSettings,
        alerts: Alerts,
        clock: Clock,
        tasks: Tasks,
    ) -> Self {
        let bells = sites
            .iter()
            .map(|site| (site.code.clone(), Arc::default()))
            .collect();
        Self(Arc::new(Inner {
            sites,
            store,
            clock,
            settings,
            alerts,
            tasks,
            holder: holder(),
            bells,
            reigns: Mutex::default(),
        }))
    }

    /// Watches over all sites until the service stops, and has the bell rung at the slots.
    pub fn start(&self) {
        self.0.settings.bulk.clear();
        for site in self.0.sites.iter() {
            let (warmer, site) = (self.clone(), Arc::clone(site));
            let name = format!("the warmer of {}", site.code);
            let watch = |beat| async move { warmer.watch_over(&site, &beat).await };
            self.0.tasks.spawn_loop(name, watch);
        }
        if let Some(schedule) = &self.0.settings.schedule {
            let (warmer, schedule) = (self.clone(), schedule.clone());
            let stroke = move || warmer.ring(&warmer.0.sites);
            let cancel = self.0.tasks.cancel.clone();
            // Its clock is the machine's, whatever ours is.
            if matches!(self.0.clock, Clock::System) {
                self.0
                    .tasks
                    .spawn(async move { schedule::ring(schedule, stroke, cancel).await });
            }
        }
    }

    /// Whether this process warms the site; any other replica may.
    pub fn reigns(&self, site: &SiteCode) -> bool {
        self.reigning().contains(site)
    }

    fn reigning(&self) -> MutexGuard<'_, BTreeSet<SiteCode>> {
        self.0.reigns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When it sweeps by itself.
    pub fn schedule(&self) -> Option<&Schedule> {
        self.0.settings.schedule.as_ref()
    }

    /// Asks for a sweep, of whichever replica warms the site, and returns at once.
    pub async fn sweep(&self, request: &Request) -> Result<TaskId, NotStarted> {
        let sites = self.sites_of(request)?;
        let now = self.0.clock.now();
        for site in &sites {
            let warming = self.0.store.warming(&site.code).await?;
            if let Some(busy) = busy_with(&warming) {
                return Err(NotStarted::Busy(busy));
            }
        }
        let wish = Wish {
            task: TaskId::new(now),
            kind: request.kind,
            days: request.days,
            asked_at: now,
        };
        let text = sweep::written(&wish);
        for (asked, site) in sites.iter().enumerate() {
            match self.0.store.ask_sweep(&site.code, &text).await {
                Ok(Asked::Taken) => {}
                Ok(Asked::Busy(other)) => {
                    self.withdraw(sites.iter().take(asked), &text).await;
                    return Err(NotStarted::Busy(task_in(&other).unwrap_or(wish.task)));
                }
                Err(error) => {
                    self.withdraw(sites.iter().take(asked), &text).await;
                    return Err(error.into());
                }
            }
        }
        self.ring_for(sites.iter());
        Ok(wish.task)
    }

    /// Somebody else was faster at one of the sites: a task is run at all of its sites or at none.
    async fn withdraw(&self, sites: impl Iterator<Item = &Arc<Site>>, wish: &str) {
        for site in sites {
            if let Err(error) = self.0.store.withdraw_sweep(&site.code, wish).await {
                info!(site = %site.code, "a sweep that was asked for could not be taken back: {error}");
            }
        }
    }

    /// Has everything stopped that runs or is asked for; it ends at its next page. Returns the tasks.
    pub async fn stop(&self) -> Result<Vec<TaskId>, StoreError> {
        let mut tasks: Vec<TaskId> = Vec::new();
        for site in self.0.sites.iter() {
            let warming = self.0.store.warming(&site.code).await?;
            if let Some(wish) = &warming.wish {
                self.0.store.withdraw_sweep(&site.code, wish).await?;
            }
            if let Some(task) = warming.sweep.as_deref().and_then(task_in) {
                self.0
                    .store
                    .stop_sweep(&site.code, &task.to_string())
                    .await?;
            }
            tasks.extend(busy_with(&warming));
        }
        tasks.dedup();
        self.ring(&self.0.sites);
        Ok(tasks)
    }

    /// What runs at a site now, or is about to.
    pub async fn running(&self, site: &SiteCode) -> Result<Option<RunningSweep>, StoreError> {
        let warming = self.0.store.warming(site).await?;
        Ok(self.running_of(site, &warming))
    }

    fn running_of(&self, site: &SiteCode, warming: &Warming) -> Option<RunningSweep> {
        let now = self.0.clock.now();
        if let Some(checkpoint) = checkpoint_in(warming) {
            return Some(RunningSweep {
                progress: checkpoint.progress.snapshot(checkpoint.started_at, now),
                task_id: checkpoint.plan.task,
                kind: checkpoint.plan.kind,
                site: site.clone(),
            });
        }
        let wish: Wish = serde_json::from_str(warming.wish.as_deref()?).ok()?;
        Some(RunningSweep {
            progress: sweep::Progressed::default().snapshot(wish.asked_at, now),
            task_id: wish.task,
            kind: wish.kind,
            site: site.clone(),
        })
    }

    /// What the last audit of a site's subscriptions found, whichever replica made it.
    pub async fn audited(&self, site: &SiteCode) -> Result<Option<Audited>, StoreError> {
        let warming = self.0.store.warming(site).await?;
        Ok(audit::last(&warming))
    }

    /// A site's newest records, newest first; one that an older version wrote differently is passed over.
    pub async fn records(
        &self,
        site: &SiteCode,
        limit: usize,
    ) -> Result<Vec<SweepRecord>, StoreError> {
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

    fn ring(&self, sites: &Sites) {
        self.ring_for(sites.iter());
    }

    fn ring_for<'a>(&self, sites: impl Iterator<Item = &'a Arc<Site>>) {
        for bell in sites.filter_map(|site| self.0.bells.get(&site.code)) {
            bell.notify_one();
        }
    }
}

/// A name no other process has.
pub(crate) fn holder() -> String {
    format!("{}-{:016x}", std::process::id(), fastrand::u64(..))
}

fn checkpoint_in(warming: &Warming) -> Option<Checkpoint> {
    serde_json::from_str(warming.sweep.as_deref()?).ok()
}

/// The task of a sweep under way, or of a wish.
fn task_in(text: &str) -> Option<TaskId> {
    let checkpoint =
        serde_json::from_str::<Checkpoint>(text).map(|checkpoint| checkpoint.plan.task);
    let wish = || serde_json::from_str::<Wish>(text).map(|wish| wish.task);
    checkpoint.or_else(|_no_checkpoint| wish()).ok()
}

fn busy_with(warming: &Warming) -> Option<TaskId> {
    let busy = warming.sweep.as_deref().or(warming.wish.as_deref());
    busy.and_then(task_in)
}
