//! Looks after one site's way into its shop: a token that is renewed in good time, and what the app may do there, read again whenever
//! that may have changed. What a person should know of it becomes alerts, raised and cleared here.

mod agenda;

use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;
use tracing::{info, warn};

use self::agenda::{Agenda, Happened};
use super::{BreakerState, MissingScope, Site};
use crate::{
    alert::{Alerts, Cause},
    calls::{About, backoff},
    shopify::{AdminError, Retry},
};

/// How often the clock is looked at while a token is good: a machine that slept, or whose clock was set, must not miss its end.
const TICK: Duration = Duration::from_secs(1);
/// How long after a refusal of the grant it is asked again.
const AFTER_REFUSAL: Duration = Duration::from_secs(30);

impl Site {
    /// Looks after the site until the service stops.
    pub async fn watch(&self, alerts: &Alerts) {
        tokio::join!(self.keep_token(), self.keep_access(alerts));
    }

    /// Renews the token before it ends, so that no lookup has to wait for it.
    async fn keep_token(&self) {
        let mut failures = 0;
        while let Some(left) = self.calls.token_due_in() {
            if self.calls.breaker() == BreakerState::Open {
                // Whoever finds Shopify alive again has a token granted, if one is needed by then.
                tokio::time::sleep(TICK).await;
                continue;
            }
            if !left.is_zero() {
                tokio::time::sleep(left.min(TICK)).await;
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
            agenda.note(self.happened(), Instant::now());
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

    fn happened(&self) -> Happened {
        let trouble = self.calls.told_trouble();
        Happened {
            news: self.take_news(),
            denied: self.calls.was_denied(),
            refused: trouble.is_some_and(|trouble| trouble.about == About::Token),
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
        let costs = |missing: &&MissingScope| format!("{}: {}", missing.scope, missing.costs);
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
