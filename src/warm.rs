//! The one way webhook news enters the cache: delivery → news → store.

mod news;
mod tally;

use chrono::{DateTime, TimeDelta, Utc};

pub use self::{
    news::{News, Received, Undecodable},
    tally::{Tally, TopicCounts},
};
use crate::{
    order::{Order, OrderId, OrderState, Tombstone},
    site::SiteCode,
    store::{MergeOutcome, RefreshAsk, Store, StoreError},
};

/// How long a refresh asked for by partial news waits: the full payload of the same change is usually on its way, and when it
/// has come there is nothing left to fetch.
const COMPANION_DELAY: TimeDelta = TimeDelta::seconds(5);

/// What came of a piece of news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// The cache changed, or what must be fetched for it to change is noted.
    Applied,
    /// The cache knew it already.
    Unchanged,
    /// Nothing we keep depends on it.
    Ignored,
}

/// Takes a delivery in. What cannot be read of a known topic is not lost: its order is fetched instead.
///
/// # Errors
/// The store's: nothing is acknowledged then, and applying again does no harm.
pub async fn take(
    store: &Store,
    delivery: &Received,
    now: DateTime<Utc>,
) -> Result<Applied, StoreError> {
    match delivery.news() {
        Ok(news) => apply(store, &delivery.site, news, now).await,
        Err(undecodable) => {
            tracing::warn!(
                site = %delivery.site, webhook.topic = %delivery.topic, error = %undecodable.error,
                "a delivery cannot be read; its order is fetched instead"
            );
            let Some(order) = undecodable.order else {
                return Ok(Applied::Ignored);
            };
            ask(store, &delivery.site, order, None, now).await
        }
    }
}

/// Applies a piece of news.
///
/// # Errors
/// The store's.
pub async fn apply(
    store: &Store,
    site: &SiteCode,
    news: News,
    now: DateTime<Utc>,
) -> Result<Applied, StoreError> {
    match news {
        News::Order(order) => merge(store, site, *order, now).await,
        News::Moved { order, wanted } => ask(store, site, order, wanted, now).await,
        News::Gone(orders) => {
            for id in orders {
                store
                    .merge(site, OrderState::Gone(Tombstone { id, at: now }), now)
                    .await?;
            }
            Ok(Applied::Applied)
        }
        News::ShopGone => {
            store.purge_site(site).await?;
            Ok(Applied::Applied)
        }
        News::Nothing => Ok(Applied::Ignored),
    }
}

async fn merge(
    store: &Store,
    site: &SiteCode,
    order: Order,
    now: DateTime<Utc>,
) -> Result<Applied, StoreError> {
    let (id, whole, wanted) = (order.id, order.is_whole(), order.newest());
    let merged = store
        .merge(site, OrderState::Present(Box::new(order)), now)
        .await?;
    let applied = match merged.outcome {
        MergeOutcome::Created | MergeOutcome::Changed | MergeOutcome::Deleted => Applied::Applied,
        MergeOutcome::Confirmed | MergeOutcome::Unchanged | MergeOutcome::Tombstoned => {
            Applied::Unchanged
        }
        // Too little, or too late, to make an entry of: only Shopify can tell the rest.
        MergeOutcome::NotCached | MergeOutcome::Expired => {
            return ask(store, site, id, wanted, now).await;
        }
    };
    if !whole && merged.outcome == MergeOutcome::Changed {
        ask(store, site, id, wanted, now).await?;
    }
    Ok(applied)
}

async fn ask(
    store: &Store,
    site: &SiteCode,
    order: OrderId,
    wanted: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<Applied, StoreError> {
    let due_at = now + COMPANION_DELAY;
    store
        .ask_refresh(
            site,
            &[RefreshAsk {
                order,
                wanted,
                due_at,
            }],
        )
        .await?;
    Ok(Applied::Applied)
}
