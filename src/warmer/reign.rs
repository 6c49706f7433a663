//! One replica watching over one site: while it holds the lease it warms the site, else it waits for its turn.

use std::{sync::Arc, time::Duration};

use tokio::{select, task::JoinHandle, time::Instant};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{error, info, warn};

use super::{
    Warmer,
    agenda::{Situation, Step},
    audit::Audits,
    checkpoint_in,
    standing::Probes,
};
use crate::{
    refresh::Drain,
    site::{Site, SiteCode},
    store::{Change, Fence, MOST_RECORDS, StoreError, Warming, WarmingChange},
    sweep::{self, Checkpoint, Ended, Kind, Outcome, Surroundings, SweepRecord, TaskId, Watched},
    tasks::Beat,
};

/// A refresh that failed is tried later: hammering would not help it.
const REFRESH_PAUSE: Duration = Duration::from_secs(10);
/// How soon after a cold cache was swept it is looked whether that filled it: a sweep of the design size takes half a minute.
const COLD_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_COLD_PAUSE: Duration = Duration::from_secs(600);
/// Before a sweep that the store interrupted goes on: longer each time.
const STORE_PAUSE: Duration = Duration::from_secs(5);

/// A time of holding the lease.
pub(super) struct Reign {
    pub(super) fence: Fence,
    /// Whether a shop that removed the app came back.
    pub(super) probes: Probes,
    /// When the lease was surely ours.
    renewed_at: Instant,
    sweep: Option<Active>,
    pub(super) audits: Audits,
    cold: Cold,
    /// Not before this is a sweep taken up that the store interrupted.
    pause_until: Instant,
    /// Ends whatever is done under this lease.
    pub(super) leave: CancellationToken,
    _leave_when_dropped: DropGuard,
}

/// A sweep at work.
struct Active {
    task: TaskId,
    taken_up: u32,
    stop: CancellationToken,
    work: JoinHandle<Ended>,
}

/// Whether the cache was ever filled, and when to look again.
struct Cold {
    is_filled: bool,
    look_at: Instant,
    pause: Duration,
}

impl Reign {
    fn new(fence: Fence, renewed_at: Instant) -> Self {
        let leave = CancellationToken::new();
        Self {
            fence,
            probes: Probes::new(renewed_at),
            renewed_at,
            sweep: None,
            audits: Audits::default(),
            cold: Cold {
                is_filled: false,
                look_at: renewed_at,
                pause: COLD_PAUSE,
            },
            pause_until: renewed_at,
            _leave_when_dropped: leave.clone().drop_guard(),
            leave,
        }
    }
}

impl Reign {
    /// Has the sweep at work end at its next page.
    pub(super) fn stop_sweep(&self) {
        if let Some(active) = &self.sweep {
            active.stop.cancel();
        }
    }
}

/// Says why a site is not looked after, and when it is again; not every second the same.
fn tell_once(site: &Site, trouble: Option<String>, told: &mut Option<String>) {
    if trouble == *told {
        return;
    }
    if let Some(trouble) = &trouble {
        warn!(site = %site.code, "the warmer cannot look after the site now: {trouble}");
    } else {
        info!(site = %site.code, "the warmer looks after the site again");
    }
    *told = trouble;
}

impl Warmer {
    pub(super) async fn watch_over(&self, site: &Arc<Site>, beat: &Beat) {
        let Some(bell) = self.0.bells.get(&site.code) else {
            return;
        };
        let (mut reign, mut told) = (None, None);
        loop {
            beat.works();
            reign = self.renew(site, reign).await;
            self.note_reign(&site.code, reign.is_some());
            let looked = self.look_around(site, reign.as_mut()).await;
            tell_once(site, looked.err().map(|error| error.to_string()), &mut told);
            beat.rests();
            select! {
                () = self.0.tasks.cancel.cancelled() => break,
                () = bell.notified() => {}
                () = tokio::time::sleep(self.pause()) => {}
            }
        }
        self.note_reign(&site.code, false);
        if let Some(reign) = reign {
            self.abdicate(site, reign).await;
        }
    }

    /// Until the next look: a pulse, or less where a slot comes before.
    fn pause(&self) -> Duration {
        let (now, pulse) = (self.0.clock.now(), self.0.settings.rhythm.pulse);
        let schedule = self.0.settings.schedule.as_ref();
        let next = schedule.and_then(|schedule| schedule.next_after(now));
        let until_slot = next.and_then(|slot| (slot.at - now).to_std().ok());
        until_slot.map_or(pulse, |until_slot| until_slot.min(pulse))
    }

    fn note_reign(&self, site: &SiteCode, is_ours: bool) {
        let mut all = self.reigning();
        if is_ours {
            all.insert(site.clone());
        } else {
            all.remove(site);
        }
    }

    /// Takes the lease or keeps it. Without a word from the store it is ours until it would have run out.
    async fn renew(&self, site: &Arc<Site>, reign: Option<Reign>) -> Option<Reign> {
        let (asked_at, lease) = (Instant::now(), self.0.settings.rhythm.lease);
        let taken = self.0.store.take_lease(&site.code, &self.0.holder, lease);
        match (taken.await, reign) {
            (Ok(Some(fence)), Some(mut reign)) if reign.fence == fence => {
                reign.renewed_at = asked_at;
                Some(reign)
            }
            (Ok(Some(fence)), _) => {
                info!(site = %site.code, "this replica warms the site now");
                Some(self.begin_reign(site, fence, asked_at))
            }
            (Ok(None), Some(_lost)) => {
                warn!(site = %site.code, "another replica warms the site now");
                None
            }
            (Ok(None), None) => None,
            (Err(error), Some(reign)) if asked_at - reign.renewed_at >= lease => {
                warn!(site = %site.code, "the lease could not be renewed and has run out: {error}");
                None
            }
            (Err(_the_store_is_away), reign) => reign,
        }
    }

    fn begin_reign(&self, site: &Arc<Site>, fence: Fence, now: Instant) -> Reign {
        let reign = Reign::new(fence, now);
        let (warmer, site, leave) = (self.clone(), Arc::clone(site), reign.leave.clone());
        self.0
            .tasks
            .spawn(async move { warmer.drain_until(&site, &leave).await });
        reign
    }

    /// Puts a sweep down where its last page ended, and lets the next replica begin at once.
    async fn abdicate(&self, site: &Site, reign: Reign) {
        reign.leave.cancel();
        reign.audits.end().await;
        if let Some(active) = reign.sweep {
            drop(active.work.await);
        }
        if let Err(error) = self.0.store.release_lease(&site.code, reign.fence).await {
            info!(site = %site.code, "the lease was not given back and runs out by itself: {error}");
        }
    }

    async fn look_around(
        &self,
        site: &Arc<Site>,
        mut reign: Option<&mut Reign>,
    ) -> Result<(), StoreError> {
        let is_installed = self.is_installed(site, reign.as_deref_mut()).await?;
        match reign {
            Some(reign) if is_installed => self.look(site, reign).await,
            // The slots that pass meanwhile are met, as missed ones, when the shop comes back.
            Some(reign) => self.put_down(site, reign).await,
            None => Ok(()),
        }
    }

    /// Records the sweep that ended because the shop removed the app.
    async fn put_down(&self, site: &Arc<Site>, reign: &mut Reign) -> Result<(), StoreError> {
        match reign.sweep.take_if(|active| active.work.is_finished()) {
            Some(ended) => self.ended(site, reign, ended).await,
            None => Ok(()),
        }
    }

    /// Notices what ended, and begins what is to be done.
    async fn look(&self, site: &Arc<Site>, reign: &mut Reign) -> Result<(), StoreError> {
        self.report_shopify(site);
        self.audit_in_turn(site, reign).await;
        if let Some(ended) = reign.sweep.take_if(|active| active.work.is_finished()) {
            self.ended(site, reign, ended).await?;
        }
        let warming = self.0.store.warming(&site.code).await?;
        if let Some(active) = &reign.sweep {
            if warming.stop.as_deref() == Some(active.task.to_string().as_str()) {
                active.stop.cancel();
            }
            return Ok(());
        }
        if Instant::now() < reign.pause_until {
            return Ok(());
        }
        let is_cold = self.is_cold(site, &warming, reign).await?;
        let situation = Situation {
            site: &site.code,
            settings: &self.0.settings.sweep,
            schedule: self.0.settings.schedule.as_ref(),
            is_cold,
            now: self.0.clock.now(),
        };
        let Step::Do { change, sweep } = situation.next(&warming) else {
            return Ok(());
        };
        self.0
            .store
            .write_warming(&site.code, reign.fence, &change)
            .await?;
        self.report_slots(&site.code, &change);
        if let Some(checkpoint) = sweep {
            if checkpoint.plan.slot.is_some() {
                reign.audits.are_due();
            }
            reign.sweep = Some(self.begin(site, reign, *checkpoint));
        }
        Ok(())
    }

    /// Whether the cache has never been filled and it is time to try. A start while the store or Shopify is down must not leave it
    /// cold for good.
    async fn is_cold(
        &self,
        site: &Site,
        warming: &Warming,
        reign: &mut Reign,
    ) -> Result<bool, StoreError> {
        let by_itself = self.0.settings.schedule.is_some();
        let idle = warming.sweep.is_none() && warming.wish.is_none();
        let cold = &mut reign.cold;
        if cold.is_filled || !by_itself || !idle || Instant::now() < cold.look_at {
            return Ok(false);
        }
        let records = self.records(&site.code, MOST_RECORDS).await?;
        cold.is_filled = records.iter().any(|record| self.fills_the_window(record));
        cold.look_at = Instant::now() + cold.pause;
        cold.pause = (cold.pause * 2).min(LONGEST_COLD_PAUSE);
        Ok(!cold.is_filled)
    }

    /// A sweep that was cut has done what it could.
    fn fills_the_window(&self, record: &SweepRecord) -> bool {
        let days = f64::from(self.0.settings.sweep.days);
        record.kind == Kind::Full
            && match record.outcome {
                Outcome::Completed => record.days_covered.is_some_and(|covered| covered >= days),
                Outcome::Stopped => record.reason.is_some(),
                Outcome::Failed | Outcome::Skipped | Outcome::Paused => false,
            }
    }

    fn begin(&self, site: &Arc<Site>, reign: &Reign, checkpoint: Checkpoint) -> Active {
        let (stop, leave, fence) = (CancellationToken::new(), reign.leave.clone(), reign.fence);
        let (task, taken_up) = (checkpoint.plan.task.clone(), checkpoint.taken_up);
        let (warmer, site, its_stop) = (self.clone(), Arc::clone(site), stop.clone());
        let work = self.0.tasks.spawn(async move {
            let around = Surroundings {
                store: &warmer.0.store,
                clock: &warmer.0.clock,
                watched: &Watched::default(),
                stop: &its_stop,
                leave: &leave,
                fence: Some(fence),
                limits: warmer.0.settings.sweep.limits,
                bulk: &warmer.0.settings.bulk,
            };
            let _ring_at_the_end = RingWhenDropped(&warmer, &site);
            Box::pin(sweep::run(&site, checkpoint, &around)).await
        });
        Active {
            task,
            taken_up,
            stop,
            work,
        }
    }

    async fn ended(&self, site: &Site, reign: &mut Reign, ended: Active) -> Result<(), StoreError> {
        match ended.work.await {
            Ok(Ended::Recorded {
                record,
                interrupted,
            }) => {
                self.report(site, &record, interrupted.as_ref()).await;
                Ok(())
            }
            Ok(Ended::Left(why)) => {
                warn!(site = %site.code, task = %ended.task, "a sweep was interrupted and goes on later: {why}");
                reign.pause_until = Instant::now() + STORE_PAUSE * (ended.taken_up + 1);
                Ok(())
            }
            Err(crashed) => {
                error!(site = %site.code, task = %ended.task, "a sweep crashed, please report this: {crashed}");
                self.report_crash(&site.code);
                self.bury(&site.code, reign.fence).await
            }
        }
    }

    /// Records that a sweep crashed. It is not taken up again: what made it crash is still there.
    async fn bury(&self, site: &SiteCode, fence: Fence) -> Result<(), StoreError> {
        let warming = self.0.store.warming(site).await?;
        let record = checkpoint_in(&warming).map(|checkpoint| {
            let reason = "the sweep crashed; the log says where";
            checkpoint.given_up(site, reason, self.0.clock.now())
        });
        let change = WarmingChange {
            sweep: Change::Clear,
            stop: Change::Clear,
            records: record.iter().map(sweep::written).collect(),
            ..WarmingChange::default()
        };
        self.0.store.write_warming(site, fence, &change).await
    }

    async fn drain_until(&self, site: &Site, leave: &CancellationToken) {
        let drain = Drain {
            site,
            store: &self.0.store,
            clock: &self.0.clock,
        };
        loop {
            let drained = select! {
                () = leave.cancelled() => return,
                drained = drain.once(), if !site.calls.is_closed() => drained,
                () = tokio::time::sleep(self.0.settings.rhythm.refresh), if site.calls.is_closed() => continue,
            };
            let pause = match drained {
                Ok(_) => self.0.settings.rhythm.refresh,
                Err(error) => {
                    warn!(site = %site.code, "the refresh set could not be drained and is tried again: {error}");
                    REFRESH_PAUSE
                }
            };
            select! {
                () = leave.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

/// Has the site looked after when a sweep ends, a crash included.
struct RingWhenDropped<'a>(&'a Warmer, &'a Site);

impl Drop for RingWhenDropped<'_> {
    fn drop(&mut self) {
        if let Some(bell) = self.0.0.bells.get(&self.1.code) {
            bell.notify_one();
        }
    }
}
