//! A shop that removed the app is left alone, and looked at now and then: it may come back.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::time::Instant;
use tracing::{info, warn};

use super::{NotStarted, Request, Warmer, reign::Reign};
use crate::{
    alert::Cause, shopify::WhoAmI, site::Site, store::StoreError, sweep::Kind, warm::heed_standing,
};

/// Between two probes: longer each time, for a shop that left for good.
const PROBE_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PROBE_PAUSE: Duration = Duration::from_secs(1800);

/// The probes of one reign.
#[derive(Debug)]
pub(super) struct Probes {
    next_at: Instant,
    pause: Duration,
    /// The sign that the last probe followed.
    followed: Option<DateTime<Utc>>,
}

impl Probes {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            next_at: now,
            pause: PROBE_PAUSE,
            followed: None,
        }
    }

    fn are_due(&mut self, sign: Option<DateTime<Utc>>, now: Instant) -> bool {
        let has_come = sign > self.followed;
        if !has_come && now < self.next_at {
            return false;
        }
        self.followed = self.followed.max(sign);
        self.next_at = now + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PROBE_PAUSE);
        true
    }
}

impl Warmer {
    /// Whether the shop has the app. While it has not, whoever holds the lease tries from time to time whether it has again.
    pub(super) async fn is_installed(
        &self,
        site: &Arc<Site>,
        reign: Option<&mut Reign>,
    ) -> Result<bool, StoreError> {
        let standing = heed_standing(&self.0.store, site).await?;
        let Some(since) = standing.removed_since() else {
            self.0.alerts.clear(Cause::AppRemoved, Some(&site.code));
            return Ok(true);
        };
        let text = format!("since {}", since.format("%Y-%m-%d %H:%M UTC"));
        self.0
            .alerts
            .raise(Cause::AppRemoved, Some(&site.code), text);
        let Some(reign) = reign else {
            return Ok(false);
        };
        reign.stop_sweep();
        if !reign
            .probes
            .are_due(standing.sign_of_return(), Instant::now())
        {
            return Ok(false);
        }
        let began = self.0.clock.now();
        match site.calls.probe(&WhoAmI).await {
            Ok(_) if began > since => {
                // Shopify deleted what the app was subscribed to.
                reign.audits.are_due();
                self.come_back(site, (since, began)).await
            }
            Ok(_) => Ok(false),
            Err(error) => {
                info!(site = %site.code, error.class = error.class(), "the shop has not installed the app again: {error}");
                Ok(false)
            }
        }
    }

    /// What a merge that was under way at the removal may have left goes first; then the window is read anew.
    async fn come_back(
        &self,
        site: &Arc<Site>,
        (since, began): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<bool, StoreError> {
        let store = &self.0.store;
        store.redact_site(&site.code, since, began).await?;
        store.note_installed(&site.code, began).await?;
        heed_standing(store, site).await?;
        self.0.alerts.clear(Cause::AppRemoved, Some(&site.code));
        let request = Request {
            kind: Kind::Full,
            days: None,
            site: Some(site.code.clone()),
        };
        match self.sweep(&request).await {
            Ok(task) => info!(site = %site.code, %task, "the shop is swept from scratch"),
            Err(NotStarted::Store(error)) => return Err(error),
            Err(
                busy @ (NotStarted::Busy(_) | NotStarted::UnknownSite(_) | NotStarted::Removed),
            ) => {
                warn!(site = %site.code, "the shop that came back is not swept by itself: {busy}");
            }
        }
        Ok(true)
    }
}
