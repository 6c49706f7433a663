//! The app's own affairs: its installation, its scopes, its bulk operations.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{OfKind, or_empty};

/// `app/uninstalled`: the shop that removed the app. Of the shop's long record only what identifies it is kept.
///
/// The topic is not signed, so this reads only from a body that looks like a shop: the key `myshopify_domain` is required,
/// and [`Event::decode`](crate::Event::decode) refuses what has an order's or a fulfilment's keys. A captured `shop/update` has
/// the very same shape, though: whoever subscribes to that too should ask Shopify whether the token is dead before purging.
///
/// ```
/// use shopify_webhooks::payload::AppUninstalled;
///
/// let gone: AppUninstalled = serde_json::from_str(r#"{"id":548380009,"name":"Super Toys","myshopify_domain":null}"#)?;
/// assert_eq!((gone.shop_id, gone.myshopify_domain), (548_380_009, None));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct AppUninstalled {
    /// The shop's id; `id` in the body.
    #[serde(rename = "id")]
    pub shop_id: u64,
    /// The shop's permanent domain, which can be null: then only the header names the shop.
    #[serde(deserialize_with = "or_empty")]
    pub myshopify_domain: Option<String>,
}

/// `app/scopes_update`: what the app was allowed to do, and what it is now.
///
/// ```
/// use shopify_webhooks::payload::ScopesUpdate;
///
/// let scopes: ScopesUpdate = serde_json::from_str(r#"{"previous":["read_orders"],"current":["read_orders","read_returns"]}"#)?;
/// assert_eq!(scopes.current.len(), 2);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ScopesUpdate {
    /// Before.
    #[serde(deserialize_with = "or_empty")]
    pub previous: Vec<String>,
    /// Now.
    #[serde(deserialize_with = "or_empty")]
    pub current: Vec<String>,
    /// Since when.
    pub updated_at: Option<DateTime<Utc>>,
}

/// `bulk_operations/finish`: a bulk operation ended. Its result has to be asked for.
///
/// ```
/// use shopify_webhooks::payload::BulkFinished;
///
/// let bulk: BulkFinished = serde_json::from_str(r#"{"admin_graphql_api_id":"gid://shopify/BulkOperation/147595010",
///     "status":"completed","type":"query","error_code":null}"#)?;
/// assert_eq!((bulk.status.as_str(), bulk.kind.as_deref()), ("completed", Some("query")));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct BulkFinished {
    /// `gid://shopify/BulkOperation/{id}`: what to ask for.
    pub admin_graphql_api_id: String,
    /// `completed`, `failed`, `canceled`, … in lower case, unlike in GraphQL.
    pub status: String,
    /// `query` or `mutation`; `type` in the body.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Why it failed.
    pub error_code: Option<String>,
    /// When it was started.
    pub created_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub completed_at: Option<DateTime<Utc>>,
}

impl OfKind for BulkFinished {
    const KIND: &'static str = "BulkOperation";

    fn gid(&self) -> Option<&str> {
        Some(&self.admin_graphql_api_id)
    }
}
