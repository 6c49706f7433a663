//! Puts right what an audit found.

use thiserror::Error;
use tracing::warn;

use super::{Audited, Endpoint, Repair, endpoint::has_our_path, needed::in_graphql};
use crate::{
    calls::{Calls, Priority},
    shopify::{
        AdminError, RefusedChange, Retry, WebhookSubscription, WhCreate, WhDelete, WhUpdate,
    },
    warm::API_NAME,
};

/// Why a change was not made.
#[derive(Debug, Error)]
pub enum RepairError {
    /// The call failed.
    #[error(transparent)]
    Call(#[from] AdminError),
    /// Shopify refused it; it will again.
    #[error(transparent)]
    Refused(#[from] RefusedChange),
}

impl RepairError {
    /// Whether the next audit may have more luck.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Call(error) => error.retry() != Retry::Never,
            Self::Refused(_) => false,
        }
    }
}

/// Makes the changes that the findings name, and notes at each finding what came of it. A change that fails keeps no other from being
/// made. Returns how many failed.
pub async fn repair(
    calls: &Calls,
    priority: Priority,
    endpoint: &Endpoint,
    audited: &mut Audited,
) -> usize {
    let mut failed = 0;
    for repair in audited.repairs() {
        match carry_out(calls, priority, endpoint, &repair).await {
            Ok(()) => audited.repaired(&repair),
            Err(error) => {
                failed += 1;
                warn!(
                    webhook.topic = repair.topic(),
                    "a webhook subscription could not be put right: {error}"
                );
                audited.not_repaired(&repair, &error);
            }
        }
    }
    failed
}

async fn carry_out(
    calls: &Calls,
    priority: Priority,
    endpoint: &Endpoint,
    repair: &Repair,
) -> Result<(), RepairError> {
    match repair {
        Repair::Create { topic } => create(calls, priority, endpoint, topic).await,
        Repair::Point { id, .. } => {
            let update = WhUpdate {
                id: id.clone(),
                uri: endpoint.uri(),
                name: API_NAME,
            };
            calls.run(priority, &update).await?.data.changed()?;
            Ok(())
        }
        // The old one goes first: Shopify takes no second one to the same topic and address. A sweep fetches what changes between.
        Repair::Replace { id, topic } => {
            delete(calls, priority, id).await?;
            create(calls, priority, endpoint, topic).await
        }
        Repair::Delete { id, .. } => delete(calls, priority, id).await,
    }
}

async fn create(
    calls: &Calls,
    priority: Priority,
    endpoint: &Endpoint,
    topic: &str,
) -> Result<(), RepairError> {
    let create = WhCreate {
        topic: in_graphql(topic),
        uri: endpoint.uri(),
        name: API_NAME,
    };
    calls.run(priority, &create).await?.data.made()?;
    Ok(())
}

/// Ends a subscription.
///
/// # Errors
/// Shopify's.
pub async fn delete(calls: &Calls, priority: Priority, id: &str) -> Result<(), RepairError> {
    let delete = WhDelete { id: id.to_owned() };
    calls.run(priority, &delete).await?.data.gone()?;
    Ok(())
}

/// Those of our subscriptions that deliver to `endpoint`; where that is not known, those with our name.
pub fn ours<'a>(
    existing: &'a [WebhookSubscription],
    endpoint: Option<&Endpoint>,
    reach: Reach,
) -> Vec<&'a WebhookSubscription> {
    let is_ours = |one: &&WebhookSubscription| {
        let named = one.name.as_deref() == Some(API_NAME);
        let here = endpoint.map_or(named, |endpoint| endpoint.is(&one.uri));
        match reach {
            Reach::Here => here,
            Reach::Anywhere => here || named || has_our_path(&one.uri),
        }
    };
    existing.iter().filter(is_ours).collect()
}

/// How far "ours" goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// What delivers to this service.
    Here,
    /// That, and whatever has our name or our path, wherever it delivers.
    Anywhere,
}

impl Audited {
    fn repaired(&mut self, repair: &Repair) {
        for finding in &mut self.findings {
            if finding.repair.as_ref() == Some(repair) {
                finding.repaired = true;
            }
        }
        match repair {
            Repair::Create { topic } => self.subscribed.push(topic.clone()),
            // Where another of ours was kept, the topic still has one.
            Repair::Delete { topic, .. } if self.app_owned.contains(topic) => {
                self.subscribed.retain(|one| one != topic);
            }
            Repair::Point { .. } | Repair::Replace { .. } | Repair::Delete { .. } => {}
        }
    }

    fn not_repaired(&mut self, repair: &Repair, error: &RepairError) {
        for finding in &mut self.findings {
            if finding.repair.as_ref() == Some(repair) {
                let then = if error.is_retryable() {
                    "it is tried again at the next audit"
                } else {
                    "check the app's scopes and PUBLIC_URL"
                };
                finding.fix = format!("could not be repaired ({error}); {then}");
            }
        }
    }
}
