//! Webhook subscriptions that were made through the API: the four documents, and what their answers mean.
//!
//! Those of the app's own configuration (`shopify.app.toml`) do not show here, and cannot be changed here.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{Cost, PageInfo, Query};

/// A page of a hundred: `(2 + 8)` for the connection and two for each node's version.
const LIST_COST: u32 = 20;
/// What every mutation asks for.
const MUTATION_COST: u32 = 10;

/// A subscription as the API tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookSubscription {
    /// `gid://shopify/WebhookSubscription/…`.
    pub id: String,
    /// GraphQL's name of the topic: `ORDERS_UPDATED`.
    pub topic: String,
    /// Where it delivers: an address, or a name at a message queue.
    pub uri: String,
    /// `JSON` or `XML`.
    pub format: String,
    /// Only deliveries that match are sent.
    pub filter: Option<String>,
    /// Only these fields are sent; all of them where it is empty.
    #[serde(default)]
    pub include_fields: Vec<String>,
    /// Comes with each delivery as `X-Shopify-Name`.
    pub name: Option<String>,
    /// Which API version writes the body.
    pub api_version: SubscribedVersion,
}

/// The API version of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SubscribedVersion {
    /// `2026-10`.
    pub handle: String,
}

/// All of them, a hundred a page.
#[derive(Debug, Clone, Default)]
pub struct WebhookSubs {
    /// Where the page before ended.
    pub after: Option<String>,
}

/// `webhookSubscriptions`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionsData {
    /// The page.
    pub webhook_subscriptions: SubscriptionsPage,
}

/// A page of subscriptions.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionsPage {
    /// The subscriptions.
    pub nodes: Vec<WebhookSubscription>,
    /// Where it ends.
    pub page_info: PageInfo,
}

impl Query for WebhookSubs {
    const NAME: &'static str = "WebhookSubs";
    const DOCUMENT: &'static str = include_str!("documents/webhook_subs.graphql");
    type Data = SubscriptionsData;

    fn variables(&self) -> Value {
        json!({ "after": self.after })
    }

    fn cost(&self) -> Cost {
        Cost(LIST_COST)
    }
}

/// Subscribes to a topic. The body will be written in the version of the request's address.
#[derive(Debug, Clone)]
pub struct WhCreate {
    /// GraphQL's name of the topic.
    pub topic: String,
    /// Where to deliver.
    pub uri: String,
    /// What it is called.
    pub name: &'static str,
}

impl Query for WhCreate {
    const NAME: &'static str = "WhCreate";
    const DOCUMENT: &'static str = include_str!("documents/webhook_create.graphql");
    type Data = CreateData;

    fn variables(&self) -> Value {
        let subscription = json!({ "uri": self.uri, "format": "JSON", "name": self.name });
        json!({ "topic": self.topic, "sub": subscription })
    }

    fn cost(&self) -> Cost {
        Cost(MUTATION_COST)
    }
}

/// Points a subscription somewhere and names it; everything else of it stays.
#[derive(Debug, Clone)]
pub struct WhUpdate {
    /// Which.
    pub id: String,
    /// Where to deliver.
    pub uri: String,
    /// What it is called.
    pub name: &'static str,
}

impl Query for WhUpdate {
    const NAME: &'static str = "WhUpdate";
    const DOCUMENT: &'static str = include_str!("documents/webhook_update.graphql");
    type Data = UpdateData;

    fn variables(&self) -> Value {
        json!({ "id": self.id, "sub": { "uri": self.uri, "name": self.name } })
    }

    fn cost(&self) -> Cost {
        Cost(MUTATION_COST)
    }
}

/// Ends a subscription.
#[derive(Debug, Clone)]
pub struct WhDelete {
    /// Which.
    pub id: String,
}

impl Query for WhDelete {
    const NAME: &'static str = "WhDelete";
    const DOCUMENT: &'static str = include_str!("documents/webhook_delete.graphql");
    type Data = DeleteData;

    fn variables(&self) -> Value {
        json!({ "id": self.id })
    }

    fn cost(&self) -> Cost {
        Cost(MUTATION_COST)
    }
}

/// What a mutation brought: what it made, or why Shopify refused. Shopify may say neither, which counts as refused.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "T: DeserializeOwned"))]
struct Payload<T> {
    #[serde(
        alias = "webhookSubscription",
        alias = "deletedWebhookSubscriptionId",
        rename = "made"
    )]
    made: Option<T>,
    user_errors: Vec<UserError>,
}

/// One of `userErrors`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UserError {
    /// The path to what is wrong in the input.
    pub field: Option<Vec<String>>,
    /// Shopify's words.
    pub message: String,
}

/// Why Shopify refused a change. It will refuse the same again: do not retry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Shopify refused it: {}", told(.0))]
pub struct RefusedChange(pub Vec<UserError>);

fn told(errors: &[UserError]) -> String {
    let told = errors.iter().map(|error| match &error.field {
        Some(field) => format!("{}: {}", field.join("."), error.message),
        None => error.message.clone(),
    });
    let told: Vec<_> = told.collect();
    if told.is_empty() {
        return "without a reason".to_owned();
    }
    told.join("; ")
}

impl<T> Payload<T> {
    fn opened(self) -> Result<T, RefusedChange> {
        match self.made {
            Some(made) if self.user_errors.is_empty() => Ok(made),
            Some(_) | None => Err(RefusedChange(self.user_errors)),
        }
    }
}

/// The subscription that a change made or changed.
#[derive(Debug, Clone, Deserialize)]
struct Touched {
    /// Its id.
    id: String,
}

/// What [`WhCreate`] brings.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateData {
    webhook_subscription_create: Payload<Touched>,
}

/// What [`WhUpdate`] brings.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateData {
    webhook_subscription_update: Payload<Touched>,
}

/// What [`WhDelete`] brings.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteData {
    webhook_subscription_delete: Payload<String>,
}

impl CreateData {
    /// The new subscription's id.
    ///
    /// # Errors
    /// Shopify's `userErrors`.
    pub fn made(self) -> Result<String, RefusedChange> {
        Ok(self.webhook_subscription_create.opened()?.id)
    }
}

impl UpdateData {
    /// The changed subscription's id.
    ///
    /// # Errors
    /// Shopify's `userErrors`.
    pub fn changed(self) -> Result<String, RefusedChange> {
        Ok(self.webhook_subscription_update.opened()?.id)
    }
}

impl DeleteData {
    /// The id that is gone.
    ///
    /// # Errors
    /// Shopify's `userErrors`.
    pub fn gone(self) -> Result<String, RefusedChange> {
        self.webhook_subscription_delete.opened()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn created(payload: &str) -> Result<String, RefusedChange> {
        let data = format!(r#"{{"webhookSubscriptionCreate":{payload}}}"#);
        serde_json::from_str::<CreateData>(&data).unwrap().made()
    }

    #[test]
    fn user_errors_are_errors_even_beside_a_subscription() {
        let made = r#"{"webhookSubscription":{"id":"gid://1"},"userErrors":[]}"#;
        assert_eq!(created(made).unwrap(), "gid://1");
        let refused = r#"{"webhookSubscription":{"id":"gid://1"},"userErrors":[{"field":["webhookSubscription","uri"],"message":"Address is not allowed"}]}"#;
        assert_eq!(
            created(refused).unwrap_err().to_string(),
            "Shopify refused it: webhookSubscription.uri: Address is not allowed"
        );
        let nothing = r#"{"webhookSubscription":null,"userErrors":[]}"#;
        assert_eq!(
            created(nothing).unwrap_err().to_string(),
            "Shopify refused it: without a reason"
        );
        let gone = r#"{"webhookSubscriptionDelete":{"deletedWebhookSubscriptionId":"gid://1","userErrors":[]}}"#;
        let gone: DeleteData = serde_json::from_str(gone).unwrap();
        assert_eq!(gone.gone().unwrap(), "gid://1");
    }
}
