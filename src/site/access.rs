//! What the app may do in its shop, what it may not, and what that costs.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use shopify_webhooks::ShopDomain;
use utoipa::ToSchema;

use crate::shopify::WhoAmIData;

/// What a shop said of itself and of the app, when it was last asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Access {
    /// When it was asked.
    pub read_at: DateTime<Utc>,
    /// The shop.
    pub shop: ShopIdentity,
    /// What the app may do in it, sorted.
    pub scopes: BTreeSet<String>,
    /// The scopes that are wanting, each with what that costs.
    missing: Vec<MissingScope>,
    /// The stable API versions that Shopify serves, as it lists them.
    pub versions: Vec<String>,
}

/// A shop, as it names itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ShopIdentity {
    /// What it is called.
    pub name: String,
    /// Its permanent domain.
    #[schema(examples("my-shop.myshopify.com"))]
    pub domain: String,
    /// Its time zone.
    #[schema(examples("Europe/London"))]
    pub time_zone: String,
    /// Its currency.
    #[schema(examples("GBP"))]
    pub currency: String,
    /// What it pays for, which says how large its bucket of calls is.
    #[schema(examples("Basic"))]
    pub plan: String,
    /// Whether that is Shopify Plus.
    pub plus: bool,
}

/// A scope that the app does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct MissingScope {
    /// Its handle.
    #[schema(examples("read_all_orders"))]
    pub scope: &'static str,
    /// What does not go without it.
    pub costs: &'static str,
    /// Whether that is a loss one can live with.
    pub loss: Loss,
}

/// What it means that a scope is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Something that the service promises does not work: an alert says so.
    Breaks,
    /// Something is out of reach, which may be as it is meant.
    Limits,
}

/// The scopes that are used, and what each is for (PLATFORM 3).
const WANTED: [MissingScope; 3] = [
    MissingScope {
        scope: "read_orders",
        costs: "no order can be read: lookups of orders that are not cached fail, sweeps fail, and no orders/* webhooks come",
        loss: Loss::Breaks,
    },
    MissingScope {
        scope: "read_fulfillments",
        costs: "no fulfillments/* and fulfillment_events/* webhooks come: tracking is only as new as the last sweep or orders/* webhook",
        loss: Loss::Breaks,
    },
    MissingScope {
        scope: "read_all_orders",
        costs: "orders of more than 60 days ago are not found, as if they did not exist; Shopify has to approve this scope first",
        loss: Loss::Limits,
    },
];

impl Access {
    /// What `data` says, which was asked for at `read_at`.
    pub(super) fn of(data: &WhoAmIData, read_at: DateTime<Utc>) -> Self {
        let scopes = &data.current_app_installation.access_scopes;
        let scopes: BTreeSet<_> = scopes.iter().map(|scope| scope.handle.clone()).collect();
        let supported = data.public_api_versions.iter();
        let supported = supported.filter(|version| version.supported);
        let shop = &data.shop;
        Self {
            read_at,
            shop: ShopIdentity {
                name: shop.name.clone(),
                domain: shop.myshopify_domain.clone(),
                time_zone: shop.iana_timezone.clone(),
                currency: shop.currency_code.clone(),
                plan: shop.plan.public_display_name.clone(),
                plus: shop.plan.shopify_plus,
            },
            missing: missing(&scopes),
            scopes,
            versions: supported.map(|version| version.handle.clone()).collect(),
        }
    }

    /// The scopes that are wanting, each with what that costs.
    pub fn missing(&self) -> &[MissingScope] {
        &self.missing
    }

    /// Those without which something does not work that the service promises.
    pub fn broken(&self) -> impl Iterator<Item = &MissingScope> {
        self.missing
            .iter()
            .filter(|missing| missing.loss == Loss::Breaks)
    }

    /// Whether it is this shop that answered.
    pub fn is_of(&self, shop: &ShopDomain) -> bool {
        self.shop.domain.eq_ignore_ascii_case(shop.as_str())
    }
}

/// Who may write may read too.
fn missing(scopes: &BTreeSet<String>) -> Vec<MissingScope> {
    let has = |wanted: &str| {
        let written = wanted.replacen("read_", "write_", 1);
        scopes.contains(wanted) || scopes.contains(&written)
    };
    let wanting = WANTED.iter().filter(|wanted| !has(wanted.scope));
    wanting.copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing_of(scopes: &[&str]) -> Vec<&'static str> {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        missing(&scopes).iter().map(|one| one.scope).collect()
    }

    #[test]
    fn what_is_wanting_is_named() {
        assert_eq!(
            missing_of(&[]),
            ["read_orders", "read_fulfillments", "read_all_orders"]
        );
        assert_eq!(
            missing_of(&["write_orders", "read_fulfillments", "read_products"]),
            ["read_all_orders"]
        );
        let all = ["read_orders", "read_all_orders", "write_fulfillments"];
        assert!(missing_of(&all).is_empty());
    }
}
