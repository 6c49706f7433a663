//! What a person should hear of a site's warming.

use chrono::{DateTime, Utc};
use tracing::warn;

use super::Warmer;
use crate::{
    alert::Cause,
    calls::BreakerState,
    site::{Site, SiteCode},
    store::{StoreError, WarmingChange},
    subscriptions::{self, Audited},
    sweep::{Interrupted, Kind, Outcome, SweepRecord},
};

/// Changes that sweeps found and no webhook told, before silence is more than a lost webhook or two.
const TOO_MANY: u64 = 3;
/// Records that are looked through: two weeks of them.
const HISTORY: usize = 60;

impl Warmer {
    /// After a sweep that left its record.
    pub(super) async fn report(
        &self,
        site: &Site,
        record: &SweepRecord,
        interrupted: Option<&Interrupted>,
    ) {
        let (alerts, code) = (&self.0.alerts, Some(&site.code));
        let reason = record.reason.clone().unwrap_or_default();
        match interrupted {
            None => {
                for cause in [Cause::SweepFailed, Cause::SweepPanicked, Cause::StoreMemory] {
                    alerts.clear(cause, code);
                }
                if record.kind == Kind::Full {
                    alerts.clear(Cause::SweepCut, code);
                }
            }
            Some(Interrupted::Cut(_)) => alerts.raise(Cause::SweepCut, code, reason),
            Some(Interrupted::Memory { .. }) => alerts.raise(Cause::StoreMemory, code, reason),
            Some(Interrupted::Shopify(_)) => alerts.raise(Cause::SweepFailed, code, reason),
            Some(Interrupted::Stopped | Interrupted::Left | Interrupted::Store(_)) => {}
        }
        if let Err(error) = self.look_for_trouble(&site.code).await {
            warn!(site = %site.code, "cannot look for trouble after a sweep: {error}");
        }
    }

    async fn look_for_trouble(&self, site: &SiteCode) -> Result<(), StoreError> {
        let (alerts, store) = (&self.0.alerts, &self.0.store);
        match store.memory().await?.eviction {
            Some(policy) => {
                let text = format!("maxmemory-policy is {policy}");
                alerts.raise(Cause::StoreEviction, None, text);
            }
            None => alerts.clear(Cause::StoreEviction, None),
        }
        match store.dead_letters(site).await?.len() {
            0 => alerts.clear(Cause::DeadLetters, Some(site)),
            some => {
                let text = format!("{some} orders could not be fetched");
                alerts.raise(Cause::DeadLetters, Some(site), text);
            }
        }
        let (heard_at, records) = (
            store.heard_at(site).await?,
            self.records(site, HISTORY).await?,
        );
        match silence(heard_at, &records) {
            Some((since, changes)) => {
                let text = format!(
                    "no webhook since {}, though {changes} changes should have come by one",
                    since.format("%Y-%m-%d %H:%M UTC")
                );
                alerts.raise(Cause::WebhooksSilent, Some(site), text);
            }
            None => alerts.clear(Cause::WebhooksSilent, Some(site)),
        }
        Ok(())
    }

    pub(super) fn report_crash(&self, site: &SiteCode) {
        let text = "a sweep crashed; the log says where";
        self.0.alerts.raise(Cause::SweepPanicked, Some(site), text);
    }

    /// Slots that nobody was there for; cleared by the next that somebody is.
    pub(super) fn report_slots(&self, site: &SiteCode, change: &WarmingChange) {
        match change.records.len() {
            _ if change.slots_until.is_none() => {}
            0 => self.0.alerts.clear(Cause::SlotMissed, Some(site)),
            missed => {
                let text = format!("{missed} slots were missed; one sweep covers them");
                self.0.alerts.raise(Cause::SlotMissed, Some(site), text);
            }
        }
    }

    /// What is wrong with the subscriptions, or that it is well again.
    pub(super) fn report_subscriptions(&self, site: &SiteCode, audited: &Audited) {
        let missing = audited
            .error
            .clone()
            .or_else(|| audited.trouble(|kind| kind != subscriptions::Kind::Doubled));
        let doubled = audited.trouble(|kind| kind == subscriptions::Kind::Doubled);
        for (cause, trouble) in [
            (Cause::SubscriptionsMissing, missing),
            (Cause::SubscriptionsDoubled, doubled),
        ] {
            match trouble {
                Some(text) => self.0.alerts.raise(cause, Some(site), text),
                None => self.0.alerts.clear(cause, Some(site)),
            }
        }
    }

    /// Whether Shopify answers, as this replica's calls show.
    pub(super) fn report_shopify(&self, site: &Site) {
        let (alerts, code) = (&self.0.alerts, Some(&site.code));
        if site.calls.breaker() == BreakerState::Open {
            let trouble = site.calls.trouble().unwrap_or("no answer");
            alerts.raise(Cause::ShopifyDown, code, trouble);
        } else if site.calls.trouble().is_none() {
            alerts.clear(Cause::ShopifyDown, code);
        }
    }
}

/// Since when no webhook came though the shop changed: by its own rhythm, which is what sweeps found since. Until the cache was filled
/// once, everything is news.
fn silence(
    heard_at: Option<DateTime<Utc>>,
    records: &[SweepRecord],
) -> Option<(DateTime<Utc>, u64)> {
    let filled_at = records
        .iter()
        .rfind(|record| record.kind == Kind::Full && record.outcome == Outcome::Completed)?
        .finished_at;
    let since = heard_at.map_or(filled_at, |heard_at| heard_at.max(filled_at));
    let untold: u64 = records
        .iter()
        .filter(|record| record.started_at > since)
        .map(|record| record.drift.since_last_webhook)
        .sum();
    (untold >= TOO_MANY).then_some((since, untold))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::sweep::{self, Drift};

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::hours(hour)
    }

    fn record(hour: i64, kind: Kind, untold: u64) -> SweepRecord {
        SweepRecord {
            outcome: Outcome::Completed,
            drift: Drift {
                since_last_webhook: untold,
                ..Drift::default()
            },
            ..sweep::skipped(
                (kind, at(hour)),
                &"uk".parse().unwrap(),
                String::new(),
                at(hour),
            )
        }
    }

    #[test]
    fn silence_is_what_changed_without_a_word() {
        let records = [
            record(12, Kind::Incremental, 2),
            record(6, Kind::Incremental, 2),
            record(0, Kind::Full, 1400),
        ];
        assert_eq!(silence(None, &records), Some((at(0), 4)));
        assert_eq!(silence(Some(at(3)), &records), Some((at(3), 4)));
        assert_eq!(silence(Some(at(8)), &records), None, "two may be lost");
        assert_eq!(silence(Some(at(13)), &records), None);
        assert_eq!(silence(None, &records[2..]), None, "the first fill");
        assert_eq!(silence(None, &records[..2]), None, "not filled yet");
    }

    #[test]
    fn a_quiet_shop_is_not_a_silent_one() {
        let quiet = [
            record(60, Kind::Incremental, 0),
            record(54, Kind::Full, 0),
            record(0, Kind::Full, 9),
        ];
        assert_eq!(silence(Some(at(1)), &quiet), None);
    }
}
