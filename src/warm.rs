//! The one way webhook news enters the cache: delivery → news → store.

mod doubles;
mod hearing;
mod news;
mod postmarks;
mod tally;
mod voice;

use chrono::{DateTime, TimeDelta, Utc};

pub use self::{
    doubles::Repeated,
    hearing::{Arrival, Hearing},
    news::{News, Received, Undecodable},
    postmarks::{OtherVersion, Postmarks, SecretUse},
    tally::{Tally, TopicCounts},
    voice::{API_NAME, Heard, SECTION_NAME, Voice, Voices},
};
use crate::{
    order::{Announcement, Order, OrderId, OrderState, Tombstone},
    site::SiteCode,
    store::{MergeOutcome, Needs, RefreshAsk, Store, StoreError},
};

/// How long a refresh asked for by partial news waits: the full payload of the same change is usually on its way, and when it
/// has come there is nothing left to fetch.
const COMPANION_DELAY: TimeDelta = TimeDelta::seconds(5);
/// How long a refresh waits that brings nothing but what only a read tells, such as a carrier's estimate, and a longer lease: so
/// long that one call fetches many.
const RENEWAL_DELAY: TimeDelta = TimeDelta::minutes(90);

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

/// Takes a delivery in, so that it outlives the server that took it. What cannot be read of a known topic is not lost: its order is
/// fetched instead.
///
/// # Errors
/// The store's: nothing is acknowledged then, and applying again does no harm.
pub async fn take(
    store: &Store,
    delivery: &Received,
    now: DateTime<Utc>,
) -> Result<Applied, StoreError> {
    let store = store.noting();
    let applied = match delivery.news() {
        Ok(news) => apply(&store, &delivery.site, news, now).await,
        Err(undecodable) => fetch_instead(&store, delivery, undecodable, now).await,
    }?;
    store.secure().await?;
    Ok(applied)
}

async fn fetch_instead(
    store: &Store,
    delivery: &Received,
    undecodable: Undecodable,
    now: DateTime<Utc>,
) -> Result<Applied, StoreError> {
    let (site, topic, error) = (&delivery.site, &delivery.topic, &undecodable.error);
    let Some(order) = undecodable.order else {
        // Among these may be a redaction: a person must look at it in the shop's webhook log.
        tracing::error!(%site, webhook.topic = %topic, %error, "a delivery cannot be read, and names no order to fetch instead");
        return Ok(Applied::Ignored);
    };
    tracing::warn!(%site, webhook.topic = %topic, %error, "a delivery cannot be read; its order is fetched instead");
    ask(store, site, Request::soon(order, None, Needs::Read), now).await
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
        News::Moved { order, wanted } => {
            let request = Request::soon(order, wanted, Needs::WholeOrder);
            ask(store, site, request, now).await
        }
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
    let (whole, request, observed_at) =
        (order.is_whole(), Request::of(&order), order.observed_at());
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
            return ask(store, site, request, now).await;
        }
    };
    // What ships or is cancelled changes the order's own status, of which partial news says nothing.
    let status_is_behind = merged.announcements.contains(&Announcement::OrderUpdated);
    let whole_at = merged
        .order
        .and_then(|order| order.as_of)
        .map(|as_of| as_of.at);
    if !whole && whole_at < observed_at {
        // What it said is kept, so a full payload tells all that is left to know. News that was merged before but whose request
        // did not reach the store asks again: it comes back here from the inbox.
        let request = Request {
            needs: Needs::WholeOrder,
            delay: if status_is_behind {
                COMPANION_DELAY
            } else {
                RENEWAL_DELAY
            },
            ..request
        };
        ask(store, site, request, now).await?;
    }
    Ok(applied)
}

/// What is to be fetched, and why.
#[derive(Debug, Clone, Copy)]
struct Request {
    order: OrderId,
    wanted: Option<DateTime<Utc>>,
    needs: Needs,
    delay: TimeDelta,
}

impl Request {
    /// As soon as a full payload of the same change would have come.
    fn soon(order: OrderId, wanted: Option<DateTime<Utc>>, needs: Needs) -> Self {
        Self {
            order,
            wanted,
            needs,
            delay: COMPANION_DELAY,
        }
    }

    /// For news that could not be kept. Events are told by no payload of an order: who lost one must read.
    fn of(order: &Order) -> Self {
        let needs = if order.events.is_empty() {
            Needs::WholeOrder
        } else {
            Needs::Read
        };
        Self::soon(order.id, order.newest(), needs)
    }
}

async fn ask(
    store: &Store,
    site: &SiteCode,
    request: Request,
    now: DateTime<Utc>,
) -> Result<Applied, StoreError> {
    let Request {
        order,
        wanted,
        needs,
        delay,
    } = request;
    let due_at = now + delay;
    store
        .ask_refresh(
            site,
            &[RefreshAsk {
                order,
                wanted,
                needs,
                due_at,
            }],
        )
        .await?;
    Ok(Applied::Applied)
}
