//! The shops we serve: found by code, by shop domain, or by the look of an order number.

mod code;

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use secrecy::{ExposeSecret as _, SecretString};
use shopify_webhooks::{ShopDomain, ShopSecrets, WebhookSecrets};
use thiserror::Error;
use tracing::{info, warn};

pub use self::code::{BadSiteCode, SiteCode};
pub use crate::calls::BreakerState;
use crate::{
    budget::{Budget, BudgetSettings},
    calls::{Calls, Priority},
    clock::Clock,
    order::{NumberFormat, OrderNumber},
    shopify::{AdminClient, AdminSettings, BadSettings, Shop, ShopFacts},
};

/// How one site is set up.
#[derive(Debug, Clone)]
pub struct SiteSettings {
    /// Its code.
    pub code: SiteCode,
    /// Its permanent domain.
    pub shop_domain: ShopDomain,
    /// Where its Admin API is, without a slash at the end.
    pub admin_url: String,
    /// How the API lets us in.
    pub access_token: SecretString,
    /// What its webhooks may be signed with.
    pub webhook_secrets: Vec<SecretString>,
    /// Which API version to ask for.
    pub api_version: String,
    /// What its order numbers begin with; asked of the shop where it is not set.
    pub order_prefix: Option<String>,
}

/// What all sites share in calling Shopify.
#[derive(Debug, Clone, Copy)]
pub struct CallSettings {
    /// How warming holds back.
    pub budget: BudgetSettings,
    /// How often a call is tried again.
    pub retries: u32,
}

/// One shop.
#[derive(Debug)]
pub struct Site {
    /// Its code.
    pub code: SiteCode,
    /// Its permanent domain.
    pub shop_domain: ShopDomain,
    /// The calls to its Admin API.
    pub calls: Calls,
    /// What its order numbers begin with, where that is set.
    prefix: Option<String>,
    /// How its order numbers look; none until the shop has told, and without its suffix until then where the prefix is set.
    format: ArcSwapOption<NumberFormat>,
    about: ArcSwapOption<AboutShop>,
}

/// What a shop says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AboutShop {
    /// What the merchant calls it.
    pub name: String,
    /// Its currency, ISO 4217.
    pub currency: String,
}

/// A site that cannot be set up.
#[derive(Debug, Error)]
pub enum BadSite {
    /// Its API client.
    #[error("site {code}: {source}")]
    Admin {
        /// Which site.
        code: SiteCode,
        /// Why.
        #[source]
        source: BadSettings,
    },
    /// Its webhook secrets.
    #[error("site {code}: {source}")]
    Secrets {
        /// Which site.
        code: SiteCode,
        /// Why.
        #[source]
        source: shopify_webhooks::SecretError,
    },
}

/// All sites. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sites {
    sites: Arc<[Arc<Site>]>,
    secrets: ShopSecrets,
}

impl Site {
    fn new(settings: &SiteSettings, calls: CallSettings, clock: &Clock) -> Result<Self, BadSite> {
        let admin = AdminSettings {
            base_url: settings.admin_url.clone(),
            access_token: settings.access_token.clone(),
            api_version: settings.api_version.clone(),
        };
        let calls = AdminClient::new(&admin).and_then(|admin| {
            let budget = Budget::new(calls.budget);
            Calls::new(admin, budget, clock.clone(), calls.retries)
        });
        let calls = calls.map_err(|source| BadSite::Admin {
            code: settings.code.clone(),
            source,
        })?;
        let prefix = settings
            .order_prefix
            .as_ref()
            .map(|prefix| Arc::new(NumberFormat::new(prefix, "")));
        Ok(Self {
            code: settings.code.clone(),
            shop_domain: settings.shop_domain.clone(),
            calls,
            prefix: settings.order_prefix.clone(),
            format: ArcSwapOption::new(prefix),
            about: ArcSwapOption::empty(),
        })
    }

    /// The number to look for when `asked` was typed: digits get the shop's prefix and suffix, as far as they are known.
    pub fn complete(&self, asked: &OrderNumber) -> OrderNumber {
        self.format
            .load()
            .as_ref()
            .map_or_else(|| asked.clone(), |format| format.complete(asked))
    }

    /// Whether a number has this shop's look.
    pub fn claims(&self, number: &OrderNumber) -> bool {
        self.format
            .load()
            .as_ref()
            .is_some_and(|format| format.claims(number))
    }

    /// How its order numbers look, as far as that is set or known.
    pub fn number_format(&self) -> Option<Arc<NumberFormat>> {
        self.format.load_full()
    }

    /// What the shop says of itself; none until it has told.
    pub fn about(&self) -> Option<Arc<AboutShop>> {
        self.about.load_full()
    }

    /// Asks the shop for its name, its currency and how its numbers look; a prefix that is set stays. Tried until it answers: a start
    /// while Shopify is down must not leave bare digits unfound for good.
    pub async fn learn_about_shop(&self) {
        let mut pause = Duration::from_secs(1);
        while self.about.load().is_none() {
            match self.calls.run(Priority::Foreground, &ShopFacts).await {
                Ok(answer) => self.take_facts(answer.data.shop),
                Err(error) => {
                    warn!(site = %self.code, error.class = error.class(), "cannot ask the shop how its order numbers look: {error}");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(300));
                }
            }
        }
    }

    fn take_facts(&self, shop: Shop) {
        let prefix = self.prefix.as_ref();
        let format = NumberFormat::new(
            prefix.unwrap_or(&shop.order_number_format_prefix),
            &shop.order_number_format_suffix,
        );
        info!(site = %self.code, prefix = format.prefix(), suffix = format.suffix(), "the shop told how its order numbers look");
        self.format.store(Some(Arc::new(format)));
        self.about.store(Some(Arc::new(AboutShop {
            name: shop.name,
            currency: shop.currency_code,
        })));
    }
}

impl Sites {
    /// Sets all sites up.
    pub fn new(
        settings: &[SiteSettings],
        calls: CallSettings,
        clock: &Clock,
    ) -> Result<Self, BadSite> {
        let mut sites = Vec::with_capacity(settings.len());
        let mut secrets = Vec::with_capacity(settings.len());
        for site in settings {
            sites.push(Arc::new(Site::new(site, calls, clock)?));
            let exposed = site
                .webhook_secrets
                .iter()
                .map(|secret| secret.expose_secret().to_owned());
            let of_the_site = WebhookSecrets::new(exposed).map_err(|source| BadSite::Secrets {
                code: site.code.clone(),
                source,
            })?;
            secrets.push((site.shop_domain.clone(), of_the_site));
        }
        Ok(Self {
            sites: sites.into(),
            secrets: ShopSecrets::new(secrets),
        })
    }

    /// All of them, by code.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Site>> {
        self.sites.iter()
    }

    /// The site of that code.
    pub fn by_code(&self, code: &SiteCode) -> Option<&Arc<Site>> {
        self.iter().find(|site| site.code == *code)
    }

    /// The site of that shop.
    pub fn by_domain(&self, domain: &ShopDomain) -> Option<&Arc<Site>> {
        self.iter().find(|site| site.shop_domain == *domain)
    }

    /// The sites to ask for a number: the one that claims it by its look, else all.
    pub fn for_number(&self, number: &OrderNumber) -> Vec<Arc<Site>> {
        let claiming: Vec<_> = self
            .iter()
            .filter(|site| site.claims(number))
            .cloned()
            .collect();
        if claiming.is_empty() {
            self.sites.to_vec()
        } else {
            claiming
        }
    }

    /// What users have waited for warming, at all sites: 0, if promise 3 is kept.
    pub fn users_waited_for_warming_ms(&self) -> u64 {
        let budgets = self.iter().map(|site| site.calls.budget().status());
        budgets
            .map(|budget| budget.users_waited_for_warming_ms)
            .fold(0, u64::saturating_add)
    }

    /// What each shop's webhooks may be signed with.
    pub fn secrets(&self) -> &ShopSecrets {
        &self.secrets
    }
}
