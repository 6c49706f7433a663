//! What a delivery has erased: a customer's data, or all of a shop's. From the store, from the inbox, and with a receipt.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use shopify_webhooks::{Topic, order_id_of, payload::DataSubject};
use tracing::info;

use super::{Applied, News, Receipt, Received};
use crate::{
    order::OrderId,
    site::SiteCode,
    store::{Store, StoreError, Subject},
};

/// A phone number shorter than this stands in many a body by chance.
const SHORTEST_PHONE: usize = 6;

/// What is asked for by law, or follows from the app's removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// What is asked for.
    pub demand: Demand,
    /// When, by Shopify's word, and never later than it came in.
    pub at: DateTime<Utc>,
}

/// What is asked for.
#[derive(Clone, PartialEq, Eq)]
pub enum Demand {
    /// What is held of a customer is to be told.
    Tell {
        /// Of whom.
        subject: Subject,
        /// The request's number.
        request: Option<u64>,
    },
    /// A customer is to be forgotten.
    Customer {
        /// Who.
        subject: Subject,
        /// Their phone number, by which bodies in the inbox are known.
        phone: Option<String>,
    },
    /// The shop removed the app: it stops.
    Removed,
    /// The shop is to be forgotten, long after it removed the app.
    Shop,
}

impl std::fmt::Debug for Demand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.topic().as_str())
    }
}

impl Demand {
    pub(super) fn subject(of: Option<DataSubject>, orders: &[u64]) -> Subject {
        let orders = orders.iter().copied().filter_map(OrderId::new).collect();
        let (customer, email) = of.map_or((None, None), |of| (of.id, of.email));
        Subject {
            orders,
            customer,
            email: email.filter(|email| !email.trim().is_empty()),
        }
    }

    fn topic(&self) -> Topic {
        match self {
            Self::Tell { .. } => Topic::CustomersDataRequest,
            Self::Customer { .. } => Topic::CustomersRedact,
            Self::Removed => Topic::AppUninstalled,
            Self::Shop => Topic::ShopRedact,
        }
    }
}

impl Erasure {
    /// Does to the store what is asked, and writes the receipt. Afterwards it knows all orders concerned.
    pub(crate) async fn apply(
        &mut self,
        store: &Store,
        site: &SiteCode,
        now: DateTime<Utc>,
    ) -> Result<(Applied, Receipt), StoreError> {
        let at = self.at;
        let mut receipt = Receipt::new(site, &self.demand, (at, now));
        let applied = match &mut self.demand {
            Demand::Tell { subject, .. } => {
                receipt.orders_held = store.orders_of(site, subject, now).await?;
                Applied::Applied
            }
            Demand::Customer { subject, .. } => {
                let redacted = store.redact_customer(site, subject, at, now).await?;
                receipt.orders_erased = count(redacted.orders.len());
                receipt.keys_erased = redacted.ways;
                subject.orders.extend(redacted.orders);
                Applied::Applied
            }
            Demand::Removed if is_installed_again(store, site, at).await? => {
                info!(%site, "the shop removed the app before it was installed again: nothing to do");
                Applied::Unchanged
            }
            Demand::Removed => {
                store.note_removed(site, at).await?;
                receipt.keys_erased = store.redact_site(site, at, now).await?;
                Applied::Applied
            }
            Demand::Shop => {
                // What is held of a shop that came back is no older than that, but it is soon read again.
                if !is_installed_again(store, site, at).await? {
                    store.note_removed(site, at).await?;
                }
                receipt.keys_erased = store.redact_site(site, at, now).await?;
                Applied::Applied
            }
        };
        Ok((applied, receipt))
    }

    /// Whether anything goes at all.
    pub(crate) fn erases(&self) -> bool {
        !matches!(self.demand, Demand::Tell { .. })
    }

    /// Whether a delivery holds what is to be erased. One that demands an erasure itself must still be heard.
    pub(crate) fn concerns(&self, site: &SiteCode, delivery: &Received) -> bool {
        if delivery.site != *site || is_demand(&delivery.topic) || !self.erases() {
            return false;
        }
        let Demand::Customer { subject, .. } = &self.demand else {
            // What was said after the removal was said by a shop that came back.
            return delivery.said_at() <= self.at;
        };
        let order = order_id_of(&delivery.topic, &delivery.body).and_then(OrderId::new);
        order.is_some_and(|order| subject.orders.contains(&order))
            || matches!(delivery.news(), Ok(News::Order(order)) if subject.owns(&order))
            || self.may_concern(&delivery.body)
    }

    /// The same of a body of which nothing else is known.
    pub(crate) fn may_concern(&self, body: &[u8]) -> bool {
        let Demand::Customer { subject, phone } = &self.demand else {
            return self.erases();
        };
        let body = String::from_utf8_lossy(body).to_lowercase();
        let phone = phone.as_deref().map(str::trim);
        let names = [
            subject.email.as_deref().map(str::trim),
            phone.filter(|phone| phone.len() >= SHORTEST_PHONE),
        ];
        names
            .into_iter()
            .flatten()
            .any(|name| body.contains(&name.to_lowercase()))
    }
}

/// A removal that was announced before the shop was last seen to let us in is over.
async fn is_installed_again(
    store: &Store,
    site: &SiteCode,
    removed_at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let installed_at = store.standing(site).await?.installed_at;
    // A sweep that read everything after it was removed had a token that was good.
    let read_at = store.watermark(site).await?;
    Ok(installed_at.max(read_at) > Some(removed_at))
}

pub(super) fn is_demand(topic: &Topic) -> bool {
    [
        Topic::AppUninstalled,
        Topic::ShopRedact,
        Topic::CustomersRedact,
        Topic::CustomersDataRequest,
    ]
    .contains(topic)
}

fn count(orders: usize) -> u64 {
    u64::try_from(orders).unwrap_or(u64::MAX)
}

/// The ids as a receipt shows them.
pub(super) fn shown(orders: &BTreeSet<OrderId>) -> Vec<String> {
    orders.iter().map(OrderId::to_string).collect()
}
