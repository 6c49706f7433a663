//! One site asked for one order: its cache, then a flight to Shopify that fills it.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use tokio::time::timeout;
use tracing::warn;
use utoipa::ToSchema;

use super::{Ask, Failure, Lookups, Others};
use crate::{
    calls::{Priority, ReadError, Reader},
    order::{Order, OrderId, OrderState, Source},
    site::{Site, SiteCode},
    store::{Entry, Found, MergeOutcome, Needs, RefreshAsk, Store, StoreError, Wanted},
};

/// A store that takes longer than this is not asked: Shopify is.
pub(super) const STORE_PATIENCE: Duration = Duration::from_millis(250);
/// Puts a refresh before every other: nothing in the set is older than a day.
const HEAD_OF_THE_SET: TimeDelta = TimeDelta::days(1);

/// How an answer came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = FreshnessState)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// From the cache, its tracking not yet expired.
    Fresh,
    /// From the cache, its tracking expired; being fetched.
    Stale,
    /// From Shopify, just now.
    Live,
}

/// An order found.
#[derive(Debug, Clone)]
pub struct FoundOrder {
    /// The order.
    pub order: Arc<Order>,
    /// Whose.
    pub site: SiteCode,
    /// How the answer came about.
    pub state: State,
    /// What is left of the order's entry.
    pub order_ttl: Duration,
    /// What is left of its tracking's.
    pub tracking_ttl: Duration,
    /// What the other sites said that were asked for the same number.
    pub others: Others,
}

/// What a fetch brought.
#[derive(Debug, Clone)]
pub(super) enum Landed {
    Found(Box<FoundOrder>),
    NotFound,
}

impl Lookups {
    pub(super) async fn cached(&self, site: &Site, wanted: Wanted) -> Result<Found, StoreError> {
        let found = timeout(
            STORE_PATIENCE,
            read(&self.0.store, site, &wanted, self.0.clock.now()),
        )
        .await;
        let found = found.unwrap_or(Err(StoreError::TimedOut));
        if let Err(error) = &found {
            warn!(site = %site.code, "the store cannot be read, so Shopify is asked: {error}");
        }
        found
    }

    /// A hit never calls Shopify; one whose tracking has expired says so and has it fetched.
    pub(super) fn hit(&self, site: &Site, entry: &Entry) -> FoundOrder {
        if entry.tracking_ttl.is_none() {
            self.renew_soon(site, entry.order.id);
        }
        FoundOrder {
            order: Arc::new(entry.order.clone()),
            site: site.code.clone(),
            state: if entry.tracking_ttl.is_some() {
                State::Fresh
            } else {
                State::Stale
            },
            order_ttl: entry.order_ttl,
            tracking_ttl: entry.tracking_ttl.unwrap_or_default(),
            others: Others::default(),
        }
    }

    fn renew_soon(&self, site: &Site, order: OrderId) {
        let (store, code, due_at) = (
            self.0.store.clone(),
            site.code.clone(),
            self.0.clock.now() - HEAD_OF_THE_SET,
        );
        self.0.tasks.spawn(async move {
            let ask = RefreshAsk {
                order,
                wanted: None,
                needs: Needs::Read,
                due_at,
            };
            if let Err(error) = store.ask_refresh(&code, &[ask]).await {
                warn!(site = %code, "a stale order could not be put into the refresh set: {error}");
            }
        });
    }

    pub(super) async fn fly(&self, ask: &Ask, site: &Arc<Site>) -> Result<Landed, Failure> {
        let wanted = wanted(ask, site);
        let key = (site.code.clone(), wanted.clone());
        let (lookups, site) = (self.clone(), Arc::clone(site));
        self.0
            .flights
            .join(key, || async move { lookups.fetch(&site, &wanted).await })
            .await
    }

    /// The flight itself: it fills the cache, whether or not anybody still waits.
    async fn fetch(&self, site: &Site, wanted: &Wanted) -> Result<Landed, Failure> {
        // Who missed before the last flight landed but asked after it would otherwise start another.
        match self.cached(site, wanted.clone()).await {
            Ok(Found::Order(entry)) => return Ok(Landed::Found(Box::new(self.hit(site, &entry)))),
            Ok(Found::Absent) => return Ok(Landed::NotFound),
            Ok(Found::Unknown) | Err(_) => {}
        }
        let reader = Reader {
            calls: &site.calls,
            priority: Priority::Foreground,
            source: Source::Lookup,
        };
        let read = match wanted {
            Wanted::Number(number) => reader.by_number(number).await,
            Wanted::Id(id) => reader.by_id(*id).await,
        };
        match read {
            Ok(Some(order)) => {
                let landed = self.fill(site, order).await;
                if matches!(landed, Landed::NotFound) {
                    // It is remembered as deleted here: asking Shopify again and again would not change that.
                    self.remember_absent(site, wanted).await;
                }
                Ok(landed)
            }
            Ok(None) => {
                self.remember_absent(site, wanted).await;
                Ok(Landed::NotFound)
            }
            Err(ReadError::TooManyNeighbours) => Err(Failure::Vague),
            Err(error) => {
                warn!(site = %site.code, "a lookup could not be answered: {error}");
                Err(Failure::Shopify)
            }
        }
    }

    pub(super) async fn fill(&self, site: &Site, order: Order) -> Landed {
        let now = self.0.clock.now();
        let state = OrderState::Present(Box::new(order.clone()));
        let order = match self.0.store.merge(&site.code, state, now).await {
            Ok(merged) if merged.outcome == MergeOutcome::Tombstoned => return Landed::NotFound,
            Ok(merged) => merged.order.unwrap_or(order),
            Err(error) => {
                warn!(site = %site.code, order.id = %order.id, "an order that was looked up could not be cached: {error}");
                order
            }
        };
        let ttls = self.0.store.ttls();
        Landed::Found(Box::new(FoundOrder {
            order: Arc::new(order),
            site: site.code.clone(),
            state: State::Live,
            order_ttl: ttls.order,
            tracking_ttl: ttls.tracking,
            others: Others::default(),
        }))
    }

    async fn remember_absent(&self, site: &Site, wanted: &Wanted) {
        if let Err(error) = self
            .0
            .store
            .remember_absent(&site.code, wanted, self.0.clock.now())
            .await
        {
            warn!(site = %site.code, "could not remember that there is no such order: {error}");
        }
    }
}

async fn read(
    store: &Store,
    site: &Site,
    wanted: &Wanted,
    now: DateTime<Utc>,
) -> Result<Found, StoreError> {
    match wanted {
        Wanted::Number(number) => store.find(&site.code, number, now).await,
        Wanted::Id(id) => store.order(&site.code, *id, now).await,
    }
}

/// What to look for at a site: a number in the shop's full spelling.
pub(super) fn wanted(ask: &Ask, site: &Site) -> Wanted {
    match ask {
        Ask::Number(number) => Wanted::Number(site.complete(number)),
        Ask::Id(id) => Wanted::Id(*id),
    }
}
