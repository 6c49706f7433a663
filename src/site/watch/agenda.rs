//! When a shop is asked to tell of itself: a pure thing of what happened, and when.

use std::time::Duration;

use tokio::time::Instant;

use crate::site::Access;

/// The first pause while the shop does not tell; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause while the shop does not tell.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// Calls that are denied have the scopes read again, but not each of them.
const SPACING: Duration = Duration::from_secs(60);
/// News of the shop that its scopes changed is signed, but could be sent again and again.
const SPACING_OF_NEWS: Duration = Duration::from_secs(1);
/// While a scope is missing that breaks something, it is looked for this often.
const WHILE_BROKEN: Duration = Duration::from_secs(3600);

/// When the shop is to be asked next.
#[derive(Debug)]
pub(super) struct Agenda {
    next: Option<Instant>,
    last: Option<Instant>,
    pause: Duration,
}

/// What happened since the last look.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Happened {
    /// The shop sent word that the scopes changed.
    pub(super) news: bool,
    /// A call was denied access.
    pub(super) denied: bool,
    /// The last call was not let in at all.
    pub(super) refused: bool,
}

impl Agenda {
    pub(super) fn starting(now: Instant) -> Self {
        Self {
            next: Some(now),
            last: None,
            pause: FIRST_PAUSE,
        }
    }

    /// Has the shop asked if that is worth while after what happened.
    pub(super) fn note(&mut self, happened: Happened, now: Instant) {
        if happened.news {
            self.soon(SPACING_OF_NEWS, now);
        }
        // Who failed to tell is asked again anyway, with growing pauses.
        if (happened.denied || happened.refused) && self.pause == FIRST_PAUSE {
            self.soon(SPACING, now);
        }
    }

    /// Asks, but not sooner than so long after the last time.
    fn soon(&mut self, spacing: Duration, now: Instant) {
        let at = self.last.map_or(now, |last| now.max(last + spacing));
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.next.is_some_and(|next| next <= now)
    }

    /// The shop was asked, and told this.
    pub(super) fn asked(&mut self, access: Option<&Access>, now: Instant) {
        self.last = Some(now);
        let Some(access) = access else {
            self.next = Some(now + self.pause);
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            return;
        };
        self.pause = FIRST_PAUSE;
        let broken = access.broken().next().is_some();
        self.next = broken.then(|| now + WHILE_BROKEN);
    }

    /// Waits until the shop is to be asked; for ever, if it is not.
    pub(super) async fn due(&self) {
        match self.next {
            Some(next) => tokio::time::sleep_until(next).await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENIED: Happened = Happened {
        news: false,
        denied: true,
        refused: false,
    };

    /// After how long the shop is asked next.
    fn next(agenda: &Agenda, now: Instant) -> Option<Duration> {
        agenda.next.map(|next| next.saturating_duration_since(now))
    }

    /// An agenda of a shop that has just told that all is well.
    fn well(now: Instant) -> Agenda {
        let mut agenda = Agenda::starting(now);
        assert!(agenda.is_due(now));
        agenda.asked(Some(&access(&["read_orders", "read_fulfillments"])), now);
        agenda
    }

    fn access(scopes: &[&str]) -> Access {
        let handles: Vec<_> = scopes
            .iter()
            .map(|handle| serde_json::json!({ "handle": handle }))
            .collect();
        let data = serde_json::json!({
            "shop": { "name": "Shop", "myshopifyDomain": "a.myshopify.com", "ianaTimezone": "UTC", "currencyCode": "GBP",
                "orderNumberFormatPrefix": "#", "orderNumberFormatSuffix": "", "plan": { "publicDisplayName": "Basic", "shopifyPlus": false } },
            "currentAppInstallation": { "accessScopes": handles },
            "publicApiVersions": [],
        });
        let data = serde_json::from_value(data).unwrap();
        Access::of(&data, chrono::DateTime::UNIX_EPOCH)
    }

    #[tokio::test(start_paused = true)]
    async fn while_all_is_well_nobody_asks() {
        let now = Instant::now();
        let mut agenda = well(now);
        agenda.note(Happened::default(), now);
        assert_eq!(next(&agenda, now), None);
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_are_denied_have_the_shop_asked_once_a_minute() {
        let now = Instant::now();
        let mut agenda = well(now);
        for _call in 0..100 {
            agenda.note(DENIED, now);
        }
        assert_eq!(next(&agenda, now), Some(SPACING));
        let later = now + Duration::from_secs(300);
        let mut rested = well(now);
        rested.note(DENIED, later);
        assert!(rested.is_due(later), "the last time is long ago");
    }

    #[tokio::test(start_paused = true)]
    async fn the_shops_own_word_is_followed_at_once_and_not_twice() {
        let now = Instant::now();
        let mut agenda = well(now);
        let news = Happened {
            news: true,
            ..Happened::default()
        };
        agenda.note(news, now);
        assert_eq!(next(&agenda, now), Some(SPACING_OF_NEWS));
        agenda.note(DENIED, now);
        assert_eq!(next(&agenda, now), Some(SPACING_OF_NEWS), "the sooner wins");
    }

    #[tokio::test(start_paused = true)]
    async fn a_shop_that_does_not_tell_is_asked_with_growing_pauses() {
        let now = Instant::now();
        let mut agenda = Agenda::starting(now);
        let mut pauses = Vec::new();
        for _ in 0..12 {
            agenda.asked(None, now);
            agenda.note(DENIED, now);
            pauses.push(next(&agenda, now).unwrap());
        }
        assert_eq!(pauses.first(), Some(&FIRST_PAUSE));
        assert!(pauses.is_sorted());
        assert_eq!(pauses.last(), Some(&LONGEST_PAUSE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_broken_scope_is_looked_for_again() {
        let now = Instant::now();
        let mut agenda = Agenda::starting(now);
        agenda.asked(Some(&access(&["read_orders"])), now);
        assert_eq!(next(&agenda, now), Some(WHILE_BROKEN));
    }
}
