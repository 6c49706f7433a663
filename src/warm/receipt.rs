//! The receipt of an erasure: what was asked, when, and how much went. It holds no personal data, so it may be kept.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::erasure::{Demand, shown};
use crate::{
    order::OrderId,
    site::SiteCode,
    store::{Store, StoreError},
};

/// Receipts among which a redelivery finds its own.
const LOOKED_THROUGH: usize = 20;

/// The receipt of an erasure, or of a question about what is held. No personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// What was asked for, by its topic.
    #[schema(examples("customers/redact"))]
    pub topic: String,
    /// When Shopify asked.
    pub asked_at: DateTime<Utc>,
    /// When it was done.
    pub done_at: DateTime<Utc>,
    /// The customer, as a short hash of their id: it tells two requests apart, and nobody who it was.
    #[serde(default)]
    pub customer: Option<String>,
    /// The number of the data request.
    #[serde(default)]
    pub data_request: Option<u64>,
    /// How many orders the request named.
    pub orders_named: usize,
    /// The ids of the customer's orders that are held; only for a data request.
    #[serde(default, with = "texts")]
    #[schema(value_type = Vec<String>)]
    pub orders_held: BTreeSet<OrderId>,
    /// How many orders were cached and went, an attempt that was cut off included.
    pub orders_erased: u64,
    /// How many keys went besides: for a shop, all.
    pub keys_erased: u64,
    /// How many deliveries went that waited in the inbox.
    pub deliveries_erased: u64,
}

impl Receipt {
    pub(super) fn new(
        site: &SiteCode,
        demand: &Demand,
        (asked_at, done_at): (DateTime<Utc>, DateTime<Utc>),
    ) -> Self {
        let (subject, data_request) = match demand {
            Demand::Tell { subject, request } => (Some(subject), *request),
            Demand::Customer { subject, .. } => (Some(subject), None),
            Demand::Removed | Demand::Shop => (None, None),
        };
        Self {
            topic: format!("{demand:?}"),
            asked_at,
            done_at,
            customer: subject.and_then(|subject| subject.pseudonym(site)),
            data_request,
            orders_named: subject.map_or(0, |subject| subject.orders.len()),
            orders_held: BTreeSet::new(),
            orders_erased: 0,
            keys_erased: 0,
            deliveries_erased: 0,
        }
    }

    /// Keeps it, unless a redelivery found nothing more to do.
    pub(crate) async fn leave(self, store: &Store, site: &SiteCode) -> Result<(), StoreError> {
        let besides = self.keys_erased + self.deliveries_erased;
        if besides == 0 && self.is_known(&receipts(store, site, LOOKED_THROUGH).await?) {
            return Ok(());
        }
        tracing::info!(
            %site,
            webhook.topic = self.topic,
            orders_erased = self.orders_erased,
            keys_erased = self.keys_erased,
            deliveries_erased = self.deliveries_erased,
            orders_held = self.orders_held.len(),
            "a demand of privacy is met"
        );
        let Ok(text) = serde_json::to_string(&self) else {
            return Ok(());
        };
        store.push_receipt(site, &text).await
    }

    fn is_known(&self, known: &[Self]) -> bool {
        known.iter().any(|other| {
            (
                &other.topic,
                other.asked_at,
                &other.customer,
                other.data_request,
                other.orders_erased,
            ) == (
                &self.topic,
                self.asked_at,
                &self.customer,
                self.data_request,
                self.orders_erased,
            )
        })
    }
}

/// A site's receipts, newest first; one that another version wrote differently is passed over.
pub async fn receipts(
    store: &Store,
    site: &SiteCode,
    limit: usize,
) -> Result<Vec<Receipt>, StoreError> {
    let texts = store.receipts(site, limit).await?;
    Ok(texts
        .iter()
        .filter_map(|text| serde_json::from_str(text).ok())
        .collect())
}

/// Ids as texts: a float, which is all that many a reader of JSON has, rounds them to another order's.
mod texts {
    use std::collections::BTreeSet;

    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    use crate::order::OrderId;

    /// As an earlier version wrote it, or as it is written.
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(OrderId),
        Text(String),
    }

    pub(super) fn serialize<S: Serializer>(
        ids: &BTreeSet<OrderId>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(super::shown(ids))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeSet<OrderId>, D::Error> {
        let written = Vec::<Written>::deserialize(deserializer)?;
        let ids = written.into_iter().map(|id| match id {
            Written::Number(id) => Ok(id),
            Written::Text(text) => text.parse().map_err(D::Error::custom),
        });
        ids.collect()
    }
}
