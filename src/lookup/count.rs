//! How many orders the shops have, as Shopify counts them: asked at most once a minute, whoever wants to know.

use std::{
    collections::HashMap,
    fmt,
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use tracing::warn;
use utoipa::ToSchema;

use super::{Failure, Lookups, Silence, Unanswered, flight::Flights};
use crate::{
    calls::Priority,
    order::Head,
    shopify::OrdersCount,
    site::{Site, SiteCode},
    tasks::Tasks,
};

/// How long a count is good for.
const GOOD_FOR: TimeDelta = TimeDelta::seconds(60);

/// Which orders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OrderStatus {
    /// The shop still has something to do for them.
    Open,
    /// Done.
    Closed,
    /// Called off.
    Cancelled,
    /// All.
    #[default]
    Any,
}

/// A word that is no status.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
#[error("status must be open, closed, cancelled or any")]
pub struct BadStatus;

/// How many orders a site has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SiteCount {
    /// Whose.
    pub site_code: SiteCode,
    /// How many; null where the shop did not tell.
    pub count: Option<u64>,
    /// When Shopify counted them.
    pub as_of: Option<DateTime<Utc>>,
}

/// How many orders the sites have.
#[derive(Debug)]
pub struct Counted {
    /// By site.
    pub sites: Vec<SiteCount>,
    /// Whether Shopify was not asked.
    pub cached: bool,
    /// Sites that did not tell.
    pub incomplete: Vec<Unanswered>,
}

type Key = (SiteCode, OrderStatus);

/// Counts of the last minute.
#[derive(Debug)]
pub(super) struct Counts {
    /// Held for a look, never across an await.
    known: Arc<Mutex<HashMap<Key, SiteCount>>>,
    flights: Flights<Key, SiteCount>,
}

impl OrderStatus {
    /// Whether an order is among them, as Shopify's search sees it.
    pub fn includes(self, head: &Head) -> bool {
        let (closed, cancelled) = (head.closed_at.is_some(), head.cancelled_at.is_some());
        match self {
            Self::Open => !closed && !cancelled,
            Self::Closed => closed,
            Self::Cancelled => cancelled,
            Self::Any => true,
        }
    }

    fn query(self) -> &'static str {
        match self {
            Self::Open => "status:open",
            Self::Closed => "status:closed",
            Self::Cancelled => "status:cancelled",
            Self::Any => "",
        }
    }
}

impl FromStr for OrderStatus {
    type Err = BadStatus;

    fn from_str(text: &str) -> Result<Self, BadStatus> {
        match text.trim().to_ascii_lowercase().as_str() {
            "open" => Ok(Self::Open),
            "closed" => Ok(Self::Closed),
            "cancelled" => Ok(Self::Cancelled),
            "any" | "" => Ok(Self::Any),
            _other => Err(BadStatus),
        }
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
            Self::Any => "any",
        })
    }
}

impl Counts {
    pub(super) fn new(tasks: Tasks) -> Self {
        Self {
            known: Arc::default(),
            flights: Flights::new(tasks),
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Key, SiteCount>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A count that is still good.
    fn good(&self, key: &Key, now: DateTime<Utc>) -> Option<SiteCount> {
        let known = self.known().get(key).cloned()?;
        let age = now - known.as_of?;
        (TimeDelta::zero() <= age && age < GOOD_FOR).then_some(known)
    }
}

impl Lookups {
    /// Counts orders, all sites asked at once.
    ///
    /// # Errors
    /// When no site can tell.
    pub async fn count_orders(
        &self,
        status: OrderStatus,
        site: Option<Arc<Site>>,
    ) -> Result<Counted, Failure> {
        let (sites, closed) = self.connected(site);
        let until = Instant::now() + self.0.patience;
        let mut counted = Counted {
            sites: Vec::with_capacity(sites.len()),
            cached: true,
            incomplete: Vec::new(),
        };
        let asked = sites.iter().map(|site| async move {
            let key = (site.code.clone(), status);
            if let Some(known) = self.0.counts.good(&key, self.0.clock.now()) {
                return (site, true, Ok(Ok(known)));
            }
            (
                site,
                false,
                timeout_at(until, self.count_at(site, key)).await,
            )
        });
        let mut failure = None;
        for (site, cached, answered) in join_all(asked).await {
            counted.cached &= cached;
            let reason = match answered {
                Ok(Ok(count)) => {
                    counted.sites.push(count);
                    continue;
                }
                Ok(Err(failed)) => {
                    failure = Some(failed);
                    failed.into()
                }
                Err(_elapsed) => Silence::Pending,
            };
            counted.sites.push(SiteCount::unknown(&site.code));
            counted.incomplete.push(Unanswered {
                site: site.code.clone(),
                reason,
            });
        }
        match failure {
            Some(failure) if counted.incomplete.len() == sites.len() => Err(failure),
            Some(_) | None => {
                counted
                    .sites
                    .extend(closed.iter().map(|one| SiteCount::unknown(&one.site)));
                counted.incomplete.extend(closed);
                Ok(counted)
            }
        }
    }

    async fn count_at(&self, site: &Arc<Site>, key: Key) -> Result<SiteCount, Failure> {
        let (site, known, clock) = (
            Arc::clone(site),
            Arc::clone(&self.0.counts.known),
            self.0.clock.clone(),
        );
        let (wanted, status) = (key.clone(), key.1);
        let fetch = || async move {
            let query = OrdersCount(status.query().to_owned());
            let as_of = clock.now();
            let answer = site.calls.run(Priority::Foreground, &query).await;
            let count = answer
                .map_err(|error| warn!(site = %site.code, "orders could not be counted: {error}"))
                .ok()
                .map(|answer| answer.data.count())
                .ok_or(Failure::Shopify)?;
            let count = SiteCount {
                site_code: site.code.clone(),
                count: Some(count),
                as_of: Some(as_of),
            };
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(wanted, count.clone());
            Ok(count)
        };
        self.0.counts.flights.join(key, fetch).await
    }
}

impl SiteCount {
    fn unknown(site: &SiteCode) -> Self {
        Self {
            site_code: site.clone(),
            count: None,
            as_of: None,
        }
    }
}
