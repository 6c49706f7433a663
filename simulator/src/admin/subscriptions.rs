//! Webhook subscriptions that were made through the API.

use chrono::{DateTime, SubsecRound as _, Utc};

use super::filter::Filter;
use crate::delivery::Receiver;

/// One subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub(crate) id: u64,
    /// GraphQL's name of the topic: `ORDERS_UPDATED`.
    pub(crate) topic: String,
    pub(crate) api_version: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) settings: SubscriptionSettings,
}

/// What its owner may change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SubscriptionSettings {
    pub(crate) uri: Option<String>,
    pub(crate) filter: Option<String>,
    pub(crate) format: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) include_fields: Option<Vec<String>>,
}

/// Why Shopify refuses one: `userErrors`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) field: Vec<&'static str>,
    pub(crate) message: String,
}

/// All of them, in the order they were made.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions(Vec<Subscription>);

impl Subscriptions {
    pub(crate) fn all(&self) -> &[Subscription] {
        &self.0
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Subscription> {
        self.0.iter().find(|one| one.id == id)
    }

    pub(crate) fn create(
        &mut self,
        id: u64,
        (topic, api_version): (&str, &str),
        settings: SubscriptionSettings,
        now: DateTime<Utc>,
    ) -> Result<Subscription, Refusal> {
        let now = now.trunc_subsecs(0);
        let one = Subscription {
            id,
            topic: topic.to_owned(),
            api_version: api_version.to_owned(),
            created_at: now,
            updated_at: now,
            settings,
        };
        self.check(&one)?;
        self.0.push(one.clone());
        Ok(one)
    }

    /// Changes what `settings` says and leaves the rest.
    pub(crate) fn update(
        &mut self,
        id: u64,
        settings: SubscriptionSettings,
        now: DateTime<Utc>,
    ) -> Result<Subscription, Refusal> {
        let Some(mut one) = self.get(id).cloned() else {
            return Err(unknown());
        };
        let old = one.settings;
        one.settings = SubscriptionSettings {
            uri: settings.uri.or(old.uri),
            filter: settings.filter.or(old.filter),
            format: settings.format.or(old.format),
            name: settings.name.or(old.name),
            include_fields: settings.include_fields.or(old.include_fields),
        };
        one.updated_at = now.trunc_subsecs(0);
        self.check(&one)?;
        if let Some(place) = self.0.iter_mut().find(|place| place.id == id) {
            place.clone_from(&one);
        }
        Ok(one)
    }

    pub(crate) fn delete(&mut self, id: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|one| one.id.to_string() != id);
        self.0.len() < before
    }

    /// Those to whom a topic such as `orders/updated` goes. Only loopback addresses are ever called.
    pub(crate) fn receivers(&self, topic: &str) -> Vec<Receiver> {
        let topic = topic.replace('/', "_").to_uppercase();
        self.0
            .iter()
            .filter(|one| one.topic == topic)
            .filter_map(|one| {
                let uri = one.settings.uri.as_deref()?;
                is_loopback(uri).then(|| Receiver {
                    url: uri.to_owned(),
                    subscription: Some(one.id.to_string()),
                    name: one.settings.name.clone(),
                    filter: one.settings.filter.as_deref().and_then(Filter::parse),
                    include_fields: one.settings.include_fields.clone().unwrap_or_default(),
                })
            })
            .collect()
    }

    fn check(&self, one: &Subscription) -> Result<(), Refusal> {
        let settings = &one.settings;
        let uri = settings.uri.as_deref().unwrap_or_default();
        let field = |name| vec!["webhookSubscription", name];
        let refuse = |name, message: &str| {
            Err(Refusal {
                field: field(name),
                message: message.to_owned(),
            })
        };
        let parts = uri.parse::<http::Uri>().ok();
        let host = parts.as_ref().and_then(http::Uri::host).unwrap_or_default();
        if host.is_empty() {
            return refuse("uri", "Address is invalid");
        }
        // Shopify takes HTTPS only; a receiver beside the simulator has no certificate.
        if !uri.starts_with("https://") && !is_loopback(uri) {
            return refuse("uri", "Address protocol http:// is not supported");
        }
        if host.ends_with(".myshopify.com") || host.ends_with("shopify.com") {
            return refuse("uri", "Address is not allowed");
        }
        if let Some(name) = &settings.name {
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if name.is_empty() || name.len() > 50 || !name.chars().all(fits) {
                return refuse("name", "Name is invalid");
            }
        }
        // What it does not evaluate it refuses: ignoring a filter would deliver what Shopify does not.
        if let Some(filter) = &settings.filter
            && !filter.is_empty()
            && Filter::parse(filter).is_none()
        {
            return refuse("filter", "Filter is not one that the simulator evaluates");
        }
        let same = |other: &Subscription| {
            let theirs = &other.settings;
            other.id != one.id
                && other.topic == one.topic
                && (&theirs.uri, &theirs.filter, format_of(theirs))
                    == (&settings.uri, &settings.filter, format_of(settings))
        };
        if self.0.iter().any(same) {
            return refuse("uri", "Address for this topic has already been taken");
        }
        Ok(())
    }
}

pub(crate) fn format_of(settings: &SubscriptionSettings) -> &str {
    settings.format.as_deref().unwrap_or("JSON")
}

fn unknown() -> Refusal {
    Refusal {
        field: vec!["id"],
        message: "Webhook subscription does not exist".to_owned(),
    }
}

fn is_loopback(uri: &str) -> bool {
    let hosts = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
    hosts.iter().any(|host| uri.starts_with(host))
}
