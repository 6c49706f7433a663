//! The shop's webhook subscriptions: what we need, what there is, and how the one becomes the other.
//!
//! [`look`] reads and judges and changes nothing; [`repair()`] does what the findings say. The API shows only what was made through
//! the API. Of the app's own configuration (`shopify.app.toml`) it is known by what comes in: see [`crate::warm::Voice`].

mod audit;
mod endpoint;
mod finding;
mod needed;
mod repair;
mod section;

use crate::{
    calls::{Calls, Priority},
    shopify::{AdminError, WebhookSubs, WebhookSubscription},
};

pub use self::{
    audit::{Asker, Audited, Situation, judge},
    endpoint::{BadPublicUrl, Endpoint, WEBHOOK_PATH},
    finding::{Finding, Kind, Repair, Weight},
    needed::{COMPLIANCE, NEEDED, Need},
    repair::{Reach, RepairError, delete, ours, repair},
    section::app_toml,
};

/// Pages of a hundred that are read. Shopify allows an app far fewer subscriptions.
const MOST_PAGES: usize = 10;

/// All subscriptions that were made through the API.
///
/// # Errors
/// Shopify's.
pub async fn existing(
    calls: &Calls,
    priority: Priority,
) -> Result<Vec<WebhookSubscription>, AdminError> {
    let mut page = WebhookSubs::default();
    let mut all = Vec::new();
    for _ in 0..MOST_PAGES {
        let found = calls.run(priority, &page).await?.data.webhook_subscriptions;
        all.extend(found.nodes);
        match found.page_info.next() {
            Some(next) => page.after = Some(next.to_owned()),
            None => break,
        }
    }
    Ok(all)
}

/// Reads what there is and says what is wrong with it. Changes nothing.
///
/// # Errors
/// Shopify's.
pub async fn look(
    calls: &Calls,
    priority: Priority,
    situation: &Situation<'_>,
) -> Result<Audited, AdminError> {
    Ok(judge(&existing(calls, priority).await?, situation))
}
