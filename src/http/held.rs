//! What the store holds of a site's warming, for the status and for Prometheus.

use chrono::{DateTime, TimeDelta, Utc};

use super::AppState;
use crate::{
    site::Site,
    store::{Coverage, StoreError},
    subscriptions::Audited,
    warm::{self, Receipt, Voices},
    warmer::RunningSweep,
};

/// Receipts that are shown of each site; the store keeps more.
const RECEIPTS: usize = 20;

/// What the store holds of a site.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) coverage: Coverage,
    /// Orders in the refresh set.
    pub(super) waiting: u64,
    /// Orders that could not be fetched.
    pub(super) dead: usize,
    /// When the last webhook came in.
    pub(super) heard_at: Option<DateTime<Utc>>,
    pub(super) sweep: Option<RunningSweep>,
    /// Since when the shop has removed the app; none while it has it.
    pub(super) removed_since: Option<DateTime<Utc>>,
    /// What was erased or asked for in the name of privacy, newest first.
    pub(super) receipts: Vec<Receipt>,
    /// What the last audit of the subscriptions found.
    pub(super) audited: Option<Audited>,
    /// Who delivers webhooks.
    pub(super) voices: Voices,
}

impl Held {
    pub(super) async fn read(state: &AppState, site: &Site) -> Result<Self, StoreError> {
        let (store, code) = (&state.store, &site.code);
        let now = state.clock.now();
        let created_since = now - TimeDelta::days(i64::from(state.about.days));
        Ok(Self {
            coverage: store.coverage(code, created_since, now).await?,
            waiting: store.refresh_len(code).await?,
            dead: store.dead_letters(code).await?.len(),
            heard_at: store.heard_at(code).await?,
            sweep: state.warmer.running(code).await?,
            removed_since: store.standing(code).await?.removed_since(),
            receipts: warm::receipts(store, code, RECEIPTS).await?,
            audited: state.warmer.audited(code).await?,
            voices: Voices::read(store.voices(code).await?),
        })
    }
}
