//! The audit of a site's webhook subscriptions: at the start of a reign, and with each sweep of the schedule.
//!
//! It runs on a task of its own, as background calls do, so that it neither fails nor delays a sweep; and only under the lease, so
//! that two replicas do not both subscribe.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::{select, task::JoinHandle};
use tracing::{info, warn};

use super::{Warmer, reign::Reign};
use crate::{
    calls::Priority,
    shopify::{AdminError, Retry},
    site::Site,
    store::{Change, Fence, StoreError, Warming, WarmingChange},
    subscriptions::{self, Asker, Audited, Situation},
    sweep,
    warm::Voices,
};

/// Before an audit is tried again that the store or Shopify interrupted.
const TRY_AGAIN: TimeDelta = TimeDelta::minutes(10);

/// When a reign audits.
#[derive(Debug)]
pub(super) struct Audits {
    due: Due,
    work: Option<JoinHandle<Due>>,
}

/// What the next audit waits for.
#[derive(Debug, Clone, Copy)]
enum Due {
    /// Nothing: it is a sweep's, or the start's.
    Now,
    /// The time, after an audit that changed something or was in doubt. That one is not followed by another.
    FollowUp(DateTime<Utc>),
    /// The time, after the store or Shopify did not answer.
    Retry(DateTime<Utc>),
    /// The next sweep of the schedule.
    WithASweep,
}

impl Default for Audits {
    fn default() -> Self {
        Self {
            due: Due::Now,
            work: None,
        }
    }
}

impl Audits {
    /// A sweep of the schedule begins. An audit that is under way is the sweep's too.
    pub(super) fn are_due(&mut self) {
        if self.work.is_none() {
            self.due = Due::Now;
        }
    }

    /// Waits for the one under way, which has been told to leave.
    pub(super) async fn end(self) {
        if let Some(work) = self.work {
            drop(work.await);
        }
    }
}

/// What the last audit found, unless another version wrote it.
pub(super) fn last(warming: &Warming) -> Option<Audited> {
    serde_json::from_str(warming.audit.as_deref()?).ok()
}

impl Warmer {
    /// Begins an audit if it is time for one and none is under way.
    pub(super) async fn audit_in_turn(&self, site: &Arc<Site>, reign: &mut Reign) {
        let audits = &mut reign.audits;
        if let Some(ended) = audits.work.take_if(|work| work.is_finished()) {
            // A sweep that began meanwhile has its own.
            if let (Due::WithASweep, Ok(next)) = (audits.due, ended.await) {
                audits.due = next;
            }
        }
        let follows = match audits.due {
            _ if audits.work.is_some() => return,
            Due::WithASweep => return,
            Due::FollowUp(at) | Due::Retry(at) if self.0.clock.now() < at => return,
            Due::FollowUp(_) => true,
            Due::Now | Due::Retry(_) => false,
        };
        audits.due = Due::WithASweep;
        let (warmer, site) = (self.clone(), Arc::clone(site));
        let (leave, fence) = (reign.leave.clone(), reign.fence);
        audits.work = Some(self.0.tasks.spawn(async move {
            let next = select! {
                () = leave.cancelled() => Due::WithASweep,
                next = warmer.audit(&site, fence) => next,
            };
            match next {
                Due::FollowUp(_) if follows => Due::WithASweep,
                Due::Now | Due::FollowUp(_) | Due::Retry(_) | Due::WithASweep => next,
            }
        }));
    }

    async fn audit(&self, site: &Site, fence: Fence) -> Due {
        let later = Due::Retry(self.0.clock.now() + TRY_AGAIN);
        match self.audit_once(site, fence).await {
            Ok(Ok(audited)) => audited
                .look_again_at()
                .map_or(Due::WithASweep, Due::FollowUp),
            Ok(Err(error)) if error.retry() == Retry::Never => Due::WithASweep,
            Ok(Err(error)) => {
                info!(site = %site.code, "the webhook subscriptions could not be read and are looked at later: {error}");
                later
            }
            Err(error) => {
                info!(site = %site.code, "the store cannot tell what webhooks came in; the subscriptions are looked at later: {error}");
                later
            }
        }
    }

    async fn audit_once(
        &self,
        site: &Site,
        fence: Fence,
    ) -> Result<Result<Audited, AdminError>, StoreError> {
        let (store, code) = (&self.0.store, &site.code);
        let last = last(&store.warming(code).await?);
        let voices = Voices::read(store.voices(code).await?);
        let now = self.0.clock.now();
        let endpoint = self.0.settings.endpoint.as_ref();
        let situation = Situation {
            endpoint,
            api_version: site.calls.api_version(),
            voices: &voices,
            last: last.as_ref(),
            asker: Asker::Service,
            now,
        };
        let found = subscriptions::look(&site.calls, Priority::Background, &situation).await;
        let (audited, result) = match found {
            Ok(mut audited) => {
                if let Some(endpoint) = endpoint {
                    let calls = &site.calls;
                    subscriptions::repair(calls, Priority::Background, endpoint, &mut audited)
                        .await;
                }
                (audited.clone(), Ok(audited))
            }
            Err(error) => {
                let told = format!("the subscriptions cannot be read: {error}");
                (Audited::failed(told, last.as_ref(), now), Err(error))
            }
        };
        let change = WarmingChange {
            audit: Change::Set(sweep::written(&audited)),
            ..WarmingChange::default()
        };
        store.write_warming(code, fence, &change).await?;
        self.tell(site, &audited, result.as_ref().err());
        Ok(result)
    }

    fn tell(&self, site: &Site, audited: &Audited, error: Option<&AdminError>) {
        // A shop that does not answer is told by another alert, and says nothing about its subscriptions.
        if error.is_some_and(|error| error.retry() != Retry::Never) {
            return;
        }
        for finding in audited.findings.iter().filter(|finding| finding.repaired) {
            warn!(site = %site.code, webhook.topic = %finding.topic, finding = finding.kind.as_str(), "a webhook subscription was put right: {}: {}", finding.topic, finding.text);
        }
        self.report_subscriptions(&site.code, audited);
    }
}
