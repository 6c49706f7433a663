//! What came in lately, which alone tells what the app's own configuration delivers: from the running service, else from the store.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;

use crate::{
    app,
    cli::service::Service,
    clock::Clock,
    config::Config,
    site::{Site, SiteCode},
    subscriptions::Audited,
    warm::{Heard, Voices},
};

/// What is known of each site, and whether anybody could be asked.
#[derive(Debug, Default)]
pub(super) struct Hearsay {
    sites: BTreeMap<SiteCode, Vec<Heard>>,
    is_known: bool,
}

#[derive(Debug, Deserialize)]
struct Success {
    data: Status,
}

#[derive(Debug, Deserialize)]
struct Status {
    sites: BTreeMap<SiteCode, SiteStatus>,
}

#[derive(Debug, Deserialize)]
struct SiteStatus {
    subscriptions: Option<SubscriptionsStatus>,
}

#[derive(Debug, Deserialize)]
struct SubscriptionsStatus {
    heard: Vec<Heard>,
}

impl Hearsay {
    pub(super) async fn gather(
        config: &Config,
        sites: &[Arc<Site>],
        url: Option<&str>,
    ) -> anyhow::Result<Self> {
        if let Some(service) = Service::running(config, url).await? {
            let status = service.get::<Success>("/api/warmup/status").await;
            return match status {
                Ok(Success { data }) => Ok(Self::told(data)),
                Err(error) if url.is_some() => Err(error),
                Err(_without_the_token) => Ok(Self::default()),
            };
        }
        Ok(Self::without_a_service(config, sites).await)
    }

    fn told(status: Status) -> Self {
        let sites = status.sites.into_iter().filter_map(|(code, site)| {
            let subscriptions = site.subscriptions?;
            Some((code, subscriptions.heard))
        });
        Self {
            sites: sites.collect(),
            is_known: true,
        }
    }

    /// What the store tells, where no service runs.
    pub(super) async fn without_a_service(config: &Config, sites: &[Arc<Site>]) -> Self {
        Self::stored(config, sites).await.unwrap_or_default()
    }

    /// None if there is no store, or somebody else has it open. Nothing is created for the sake of a look.
    async fn stored(config: &Config, sites: &[Arc<Site>]) -> Option<Self> {
        if config.redis_url.is_none() && !config.data_dir.exists() {
            return None;
        }
        let store = app::open_store(config, &Clock::System).ok()?;
        let mut all = BTreeMap::new();
        for site in sites {
            let voices = store.voices(&site.code).await;
            if let Ok(voices) = voices {
                all.insert(site.code.clone(), Voices::read(voices).all());
            }
        }
        store.close().await;
        let is_known = all.len() == sites.len();
        Some(Self {
            sites: all,
            is_known,
        })
    }

    /// What came in at a site. What the last audit saw is the service's affair.
    pub(super) fn of(&self, site: &SiteCode) -> (Voices, Option<Audited>) {
        let heard = self.sites.get(site).cloned().unwrap_or_default();
        (Voices::told(heard), None)
    }

    /// What a person should know who relies on it.
    pub(super) fn doubt(&self) -> Option<&'static str> {
        (!self.is_known).then_some(
            "neither a running service nor the store tells what came in lately: a topic that shopify.app.toml delivers already may come twice until the service notices",
        )
    }
}
