//! Looks after one site's way into its shop: a token that is renewed in good time, and what the app may do there, read again whenever
//! that may have changed. What a person should know of it becomes alerts, raised and cleared here.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;
use tracing::{info, warn};

use super::{Access, BreakerState, Site};
use crate::{
    alert::{Alerts, Cause},
    calls::{About, backoff},
    shopify::{AdminError, Retry},
};

/// How often the clock is looked at while a token is good: a machine that slept, or whose clock was set, must not miss its end.
const TICK: Duration = Duration::from_secs(1);
/// How long after a refusal of the grant it is asked again.
const AFTER_REFUSAL: Duration = Duration::from_secs(30);
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
struct Agenda {
    next: Option<Instant>,
    last: Option<Instant>,
    pause: Duration,
}

impl Site {
    /// Looks after the site until the service stops.
    pub async fn watch(&self, alerts: &Alerts) {
        tokio::join!(self.keep_token(), self.keep_access(alerts));
    }

    /// Renews the token before it ends, so that no lookup has to wait for it.
    async fn keep_token(&self) {
        let mut failures = 0;
        while let Some(left) = self.calls.token_due_in() {
            if !left.is_zero() || self.calls.breaker() == BreakerState::Open {
                tokio::time::sleep(left.clamp(Duration::from_millis(10), TICK)).await;
                continue;
            }
            match self.calls.renew_token().await {
                Ok(()) => {
                    failures = 0;
                    let expires_at = self.calls.token().expires_at;
                    info!(site = %self.code, ?expires_at, "an access token was granted");
                    // Were it over already, Shopify would not be asked for one after the other.
                    tokio::time::sleep(TICK).await;
                }
                Err(error) => {
                    let advice = error.advice();
                    warn!(site = %self.code, error.class = error.class(), advice, "the access token could not be renewed: {error}");
                    tokio::time::sleep(after(&error, failures)).await;
                    failures += 1;
                }
            }
        }
    }

    /// Has the shop tell of itself, and reports what there is to report, whenever the bell rings.
    async fn keep_access(&self, alerts: &Alerts) {
        let (mut agenda, mut told) = (Agenda::starting(Instant::now()), BTreeSet::new());
        loop {
            agenda.look_at(self, Instant::now());
            if agenda.is_due(Instant::now()) {
                let read = self.inspect().await;
                if let Err(error) = &read {
                    let advice = error.advice();
                    warn!(site = %self.code, error.class = error.class(), advice, "the shop does not tell of itself: {error}");
                }
                agenda.asked(read.ok().as_deref(), Instant::now());
            }
            self.report(alerts);
            self.tell_deprecations(&mut told);
            tokio::select! {
                () = self.calls.bell().notified() => {}
                () = agenda.due() => {}
            }
        }
    }

    fn report(&self, alerts: &Alerts) {
        let site = Some(&self.code);
        let say = |cause: Cause, text: Option<String>| match text {
            Some(text) => alerts.raise(cause, site, text),
            None => alerts.clear(cause, site),
        };
        say(Cause::TokenRefused, self.token_trouble());
        say(Cause::ApiVersion, self.version_trouble());
        let Some(access) = self.access() else {
            return;
        };
        let broken: Vec<_> = access.broken().collect();
        let costs =
            |missing: &&super::MissingScope| format!("{}: {}", missing.scope, missing.costs);
        let broken: Vec<_> = broken.iter().map(costs).collect();
        say(
            Cause::ScopeMissing,
            (!broken.is_empty()).then(|| broken.join("; ")),
        );
        let other = (!access.is_of(&self.shop_domain)).then(|| {
            let (answers, configured) = (&access.shop.domain, &self.shop_domain);
            format!("the shop that answers is {answers}, the one that is set {configured}")
        });
        say(Cause::WrongShop, other);
    }

    /// Why Shopify does not let the site in, and what to do.
    fn token_trouble(&self) -> Option<String> {
        if let Some(trouble) = self.calls.told_trouble()
            && trouble.about == About::Token
        {
            let advice = trouble.advice.unwrap_or_default();
            return Some(format!("{}. {advice}", trouble.text));
        }
        let refusal = self.calls.grant_refusal()?;
        let advice = refusal.advice();
        Some(format!("the token is not renewed: {refusal}. {advice}"))
    }

    fn version_trouble(&self) -> Option<String> {
        let served = self.calls.fell_forward_to()?;
        let asked = self.calls.api_version();
        Some(format!("{asked} is asked for, and {served} is served"))
    }

    fn tell_deprecations(&self, told: &mut BTreeSet<String>) {
        for reason in self.calls.deprecations() {
            if told.insert(reason.clone()) {
                let version = self.calls.api_version();
                warn!(site = %self.code, shopify.version = version, "Shopify calls something that is asked for deprecated: {reason}");
            }
        }
    }
}

/// How long until a token that could not be had is asked for again.
fn after(error: &AdminError, failures: u32) -> Duration {
    match error.retry() {
        Retry::Never => AFTER_REFUSAL,
        Retry::After(wait) => wait.max(TICK),
        Retry::Backoff | Retry::AskForLess => backoff(failures),
    }
}

impl Agenda {
    fn starting(now: Instant) -> Self {
        Self {
            next: Some(now),
            last: None,
            pause: TICK,
        }
    }

    /// Whether something happened that the shop should be asked about.
    fn look_at(&mut self, site: &Site, now: Instant) {
        if site.take_news() {
            self.soon(SPACING_OF_NEWS, now);
        }
        let denied = site.calls.was_denied();
        let trouble = site.calls.told_trouble();
        let refused = trouble.is_some_and(|trouble| trouble.about == About::Token);
        // Who failed to tell is asked again anyway, with growing pauses.
        if (denied || refused) && self.pause == TICK {
            self.soon(SPACING, now);
        }
    }

    /// Asks, but not sooner than so long after the last time.
    fn soon(&mut self, spacing: Duration, now: Instant) {
        let at = self.last.map_or(now, |last| now.max(last + spacing));
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }

    fn is_due(&self, now: Instant) -> bool {
        self.next.is_some_and(|next| next <= now)
    }

    /// The shop was asked, and told this.
    fn asked(&mut self, access: Option<&Access>, now: Instant) {
        self.last = Some(now);
        let Some(access) = access else {
            self.next = Some(now + self.pause);
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            return;
        };
        self.pause = TICK;
        let broken = access.broken().next().is_some();
        self.next = broken.then(|| now + WHILE_BROKEN);
    }

    /// Waits until the shop is to be asked; for ever, if it is not.
    async fn due(&self) {
        match self.next {
            Some(next) => tokio::time::sleep_until(next).await,
            None => std::future::pending().await,
        }
    }
}
