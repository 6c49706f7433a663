//! Read-through: the cache first and alone where it knows; Shopify only on a miss, once for any number of askers.

mod among;
mod count;
mod customer;
mod flight;
mod found;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{future::join_all, stream::FuturesUnordered};
use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;

use self::{
    among::Replies,
    count::Counts,
    customer::AtSite,
    flight::Flights,
    found::{Landed, wanted},
};
pub use self::{
    among::{Others, Silence, Unanswered},
    count::{BadStatus, Counted, OrderStatus, SiteCount},
    customer::{CustomerAnswer, OrdersOf},
    flight::Failure,
    found::{FoundOrder, State},
};
use crate::{
    clock::Clock,
    observe::Durations,
    order::{Email, OrderId, OrderNumber},
    site::{Site, SiteCode, Sites},
    store::{Found, Store, Wanted},
    tasks::Tasks,
};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// An order by its number.
    Number(OrderNumber),
    /// An order by its id.
    Id(OrderId),
}

/// What a lookup comes to.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The order.
    Found(Box<FoundOrder>),
    /// There is none.
    NotFound {
        /// Whether the cache knew that.
        cached: bool,
    },
    /// No site has it so far, but these have not answered yet; the cache will know soon.
    Pending(Vec<Unanswered>),
    /// Every shop that may have it removed the app: nothing of it is cached, and it is not asked.
    Removed,
}

/// Lookups over all sites. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Lookups(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sites: Sites,
    store: Store,
    clock: Clock,
    patience: Duration,
    flights: Flights<(SiteCode, Wanted), Landed>,
    customer_flights: Flights<(SiteCode, Email), AtSite>,
    counts: Counts,
    tasks: Tasks,
    hits: AtomicU64,
    misses: AtomicU64,
    durations: LookupDurations,
}

/// How many lookups the cache answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct HitCounts {
    /// Answered from the cache: an order, or that there is none.
    pub hits: u64,
    /// Asked of Shopify.
    pub misses: u64,
}

/// How long lookups took.
#[derive(Debug, Clone, Default)]
pub struct LookupDurations {
    /// Those that the cache answered.
    pub hits: Durations,
    /// Those that Shopify was asked for; one whose asker left before it was answered is not among them.
    pub misses: Durations,
}

impl Lookups {
    /// Lookups that wait at most `patience` for Shopify.
    pub fn new(sites: Sites, store: Store, clock: Clock, patience: Duration, tasks: Tasks) -> Self {
        let flights = Flights::new(tasks.clone());
        let customer_flights = Flights::new(tasks.clone());
        let counts = Counts::new(tasks.clone());
        let (hits, misses, durations) = Default::default();
        Self(Arc::new(Inner {
            sites,
            store,
            clock,
            patience,
            flights,
            customer_flights,
            counts,
            tasks,
            hits,
            misses,
            durations,
        }))
    }

    /// Looks an order up, in one site or in all that may have it.
    ///
    /// # Errors
    /// When neither the cache nor Shopify can tell.
    pub async fn find(&self, ask: &Ask, site: Option<Arc<Site>>) -> Result<Answer, Failure> {
        let began = Instant::now();
        let mut sites = match (site, ask) {
            (Some(site), _) => vec![site],
            (None, Ask::Number(number)) => self.0.sites.for_number(number),
            (None, Ask::Id(_)) => self.0.sites.iter().cloned().collect(),
        };
        sites.retain(|site| !site.calls.is_closed());
        if sites.is_empty() {
            return Ok(Answer::Removed);
        }
        let cached = sites
            .iter()
            .map(|site| self.cached(site, wanted(ask, site)));
        let cached = join_all(cached).await;
        let mut replies = Replies::to(ask, began, self.0.patience);
        let mut unknown = Vec::new();
        for (site, cached) in sites.iter().zip(cached) {
            match cached {
                Ok(Found::Order(entry)) => replies.found(self.hit(site, &entry)),
                Ok(Found::Absent) => replies.absent(),
                Ok(Found::Unknown) | Err(_) => unknown.push(site),
            }
        }
        if unknown.is_empty() || replies.is_enough() {
            self.count_hit(began);
            return replies.answer_from_the_cache();
        }
        self.0.misses.fetch_add(1, Ordering::Relaxed);
        let flights: FuturesUnordered<_> = unknown
            .iter()
            .map(|site| async { (site.code.clone(), self.fly(ask, site).await) })
            .collect();
        let asked = unknown.iter().map(|site| site.code.clone());
        replies.wait_for(flights, asked).await;
        self.0.durations.misses.record(began.elapsed());
        replies.answer()
    }

    /// The sites to ask, and those that are not asked because they have removed the app.
    fn connected(&self, site: Option<Arc<Site>>) -> (Vec<Arc<Site>>, Vec<Unanswered>) {
        let mut sites = match site {
            Some(site) => vec![site],
            None => self.0.sites.iter().cloned().collect(),
        };
        let closed = sites.extract_if(.., |site| site.calls.is_closed());
        let closed = closed.map(|site| Unanswered {
            site: site.code.clone(),
            reason: Silence::NotConnected,
        });
        let closed = closed.collect();
        (sites, closed)
    }

    /// Hits and misses since the start.
    pub fn counts(&self) -> HitCounts {
        HitCounts {
            hits: self.0.hits.load(Ordering::Relaxed),
            misses: self.0.misses.load(Ordering::Relaxed),
        }
    }

    /// How long they took.
    pub fn durations(&self) -> &LookupDurations {
        &self.0.durations
    }

    /// Counts a lookup over several sites: a hit if the cache knew all of it.
    fn count(&self, began: Instant, cached: bool) {
        if cached {
            return self.count_hit(began);
        }
        self.0.misses.fetch_add(1, Ordering::Relaxed);
        self.0.durations.misses.record(began.elapsed());
    }

    fn count_hit(&self, began: Instant) {
        self.0.hits.fetch_add(1, Ordering::Relaxed);
        self.0.durations.hits.record(began.elapsed());
    }
}
