//! The shops we serve: found by code, by shop domain, or by the look of an order number.

mod access;
mod code;
mod watch;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use arc_swap::ArcSwapOption;
use secrecy::{ExposeSecret as _, SecretString};
use shopify_webhooks::{ShopDomain, ShopSecrets, WebhookSecrets};
use thiserror::Error;
use tokio::sync::Notify;
use tracing::{info, warn};

pub use self::{
    access::{Access, Loss, MissingScope, ShopIdentity},
    code::{BadSiteCode, SiteCode},
};
use crate::{
    budget::{Budget, BudgetSettings},
    calls::{Calls, Priority},
    clock::Clock,
    order::{NumberFormat, OrderNumber},
    shopify::{AdminClient, AdminError, AdminSettings, BadSettings, Shop, WhoAmI},
};
pub use crate::{
    calls::BreakerState,
    shopify::{Credentials, TokenKind, TokenStatus},
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
    pub credentials: Credentials,
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
    /// Rung when Shopify says that a bulk operation has ended: a hint to ask after it.
    pub bulk_finished: Notify,
    /// How its order numbers look; none until the shop has told, and without its suffix until then where the prefix is set.
    format: ArcSwapOption<NumberFormat>,
    /// What its order numbers begin with, where that is set, so that the shop's word on it does not count.
    prefix: Option<String>,
    /// What the shop told of itself and of the app; none until it has.
    access: ArcSwapOption<Access>,
    /// Whether the shop sent word that the app may do other things than before.
    scopes_changed: AtomicBool,
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
            credentials: settings.credentials.clone(),
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
            bulk_finished: Notify::new(),
            prefix: settings.order_prefix.clone(),
            format: ArcSwapOption::new(prefix),
            access: ArcSwapOption::empty(),
            scopes_changed: AtomicBool::new(false),
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

    /// Has the shop tell of itself and of what the app may do in it: its domain, the look of its numbers, scopes, versions.
    ///
    /// # Errors
    /// The call's. What was known before stays known.
    pub async fn inspect(&self) -> Result<Arc<Access>, AdminError> {
        let answer = self.calls.run(Priority::Foreground, &WhoAmI).await?;
        self.learn_number_format(&answer.data.shop);
        let access = Arc::new(Access::of(&answer.data, answer.began_at));
        let before = self.access.swap(Some(Arc::clone(&access)));
        if before.is_none_or(|before| before.scopes != access.scopes) {
            self.tell(&access);
        }
        Ok(access)
    }

    /// What the shop told when it was last asked.
    pub fn access(&self) -> Option<Arc<Access>> {
        self.access.load_full()
    }

    /// How it stands with the shop, in a word: `ok`, `uninstalled`, the class of what went wrong with the last call, or what the shop
    /// told.
    pub fn standing(&self) -> &'static str {
        if self.calls.is_closed() {
            return "uninstalled";
        }
        if let Some(trouble) = self.calls.trouble() {
            return trouble;
        }
        match self.access() {
            Some(access) if !access.is_of(&self.shop_domain) => "wrong_shop",
            Some(access) if access.broken().next().is_some() => "scope_missing",
            Some(_) | None => "ok",
        }
    }

    /// What a person is to do about that, where it takes a person.
    pub fn advice(&self) -> Option<&'static str> {
        if self.calls.is_closed() {
            return Some("Install the app in the shop again: everything comes back by itself.");
        }
        let trouble = self.calls.told_trouble();
        let refusal = || Some(self.calls.grant_refusal()?.advice());
        trouble.map_or_else(refusal, |trouble| trouble.advice)
    }

    /// The shop sent word that the app may do other things than before: it will be asked what.
    pub fn scopes_have_changed(&self) {
        self.scopes_changed.store(true, Ordering::Relaxed);
        self.calls.bell().notify_one();
    }

    fn take_news(&self) -> bool {
        self.scopes_changed.swap(false, Ordering::Relaxed)
    }

    fn learn_number_format(&self, shop: &Shop) {
        let prefix = self.prefix.as_ref();
        let format = NumberFormat::new(
            prefix.unwrap_or(&shop.order_number_format_prefix),
            &shop.order_number_format_suffix,
        );
        let format = Some(Arc::new(format));
        if *self.format.load() != format {
            info!(site = %self.code, prefix = shop.order_number_format_prefix, suffix = shop.order_number_format_suffix, "the shop told how its order numbers look");
            self.format.store(format);
        }
    }

    fn tell(&self, access: &Access) {
        let (shop, scopes) = (&access.shop, &access.scopes);
        info!(site = %self.code, shop.domain = %shop.domain, shop.plan = %shop.plan, ?scopes, "the shop told what the app may do");
        for MissingScope { scope, costs, loss } in access.missing() {
            match loss {
                Loss::Breaks => warn!(site = %self.code, scope, "a scope is missing: {costs}"),
                Loss::Limits => info!(site = %self.code, scope, "a scope is missing: {costs}"),
            }
        }
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
