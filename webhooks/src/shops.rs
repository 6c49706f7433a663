//! Whose secret is whose.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::{ShopDomain, WebhookSecrets};

/// Which secrets may sign for which shop. A clone is cheap, so it can live in an axum state.
///
/// ```
/// use shopify_webhooks::{ShopDomain, ShopSecrets, WebhookSecrets};
///
/// let uk: ShopDomain = "example-uk.myshopify.com".parse()?;
/// let de: ShopDomain = "example-de.myshopify.com".parse()?;
/// let shops: ShopSecrets = [(uk.clone(), WebhookSecrets::new(["hush"])?)].into_iter().collect();
/// assert!(shops.get(&uk).is_some());
/// assert!(shops.get(&de).is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ShopSecrets(Arc<Shops>);

enum Shops {
    Listed(HashMap<ShopDomain, WebhookSecrets>),
    Any(WebhookSecrets),
}

impl ShopSecrets {
    /// Takes each shop with its own secrets; a delivery from any other is refused.
    ///
    /// ```
    /// use shopify_webhooks::{ShopSecrets, WebhookSecrets};
    ///
    /// let shops = ShopSecrets::new([("example.myshopify.com".parse()?, WebhookSecrets::new(["hush"])?)]);
    /// assert!(shops.get(&"example.myshopify.com".parse()?).is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(shops: impl IntoIterator<Item = (ShopDomain, WebhookSecrets)>) -> Self {
        Self(Arc::new(Shops::Listed(shops.into_iter().collect())))
    }

    /// Takes one app's secrets for whatever shop sends.
    ///
    /// The shop's header is not signed, so anyone who captured a delivery can send it again in the name of another shop. Check
    /// [`Headers::shop_domain`](crate::Headers::shop_domain) against the shops that installed the app before writing anything under it.
    ///
    /// ```
    /// use shopify_webhooks::{ShopSecrets, WebhookSecrets};
    ///
    /// let shops = ShopSecrets::any_shop(WebhookSecrets::new(["hush"])?);
    /// assert!(shops.get(&"whoever.myshopify.com".parse()?).is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn any_shop(secrets: WebhookSecrets) -> Self {
        Self(Arc::new(Shops::Any(secrets)))
    }

    /// The secrets that may sign for this shop.
    ///
    /// ```
    /// use shopify_webhooks::{ShopSecrets, WebhookSecrets};
    ///
    /// assert!(ShopSecrets::new([]).get(&"example.myshopify.com".parse()?).is_none());
    /// # Ok::<(), shopify_webhooks::InvalidShopDomain>(())
    /// ```
    pub fn get(&self, shop: &ShopDomain) -> Option<&WebhookSecrets> {
        match self.0.as_ref() {
            Shops::Listed(shops) => shops.get(shop),
            Shops::Any(secrets) => Some(secrets),
        }
    }
}

impl FromIterator<(ShopDomain, WebhookSecrets)> for ShopSecrets {
    fn from_iter<I: IntoIterator<Item = (ShopDomain, WebhookSecrets)>>(shops: I) -> Self {
        Self::new(shops)
    }
}

impl fmt::Debug for ShopSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_ref() {
            Shops::Listed(shops) => f.debug_map().entries(shops).finish(),
            Shops::Any(secrets) => f.debug_tuple("AnyShop").field(secrets).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_names_the_shops_and_no_secret() {
        let secrets = WebhookSecrets::new(["hush"]).unwrap();
        let shop: ShopDomain = "example.myshopify.com".parse().unwrap();
        let listed = format!("{:?}", ShopSecrets::new([(shop, secrets.clone())]));
        let any = format!("{:?}", ShopSecrets::any_shop(secrets));
        assert!(listed.contains("example.myshopify.com"));
        assert!(!listed.contains("hush") && !any.contains("hush"));
    }
}
