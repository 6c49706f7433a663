//! Read-through: the cache first and alone where it knows; Shopify only on a miss, once for any number of askers.

mod flight;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt as _, future::join_all, stream::FuturesUnordered};
use serde::Serialize;
use tokio::time::{Instant, timeout};
use tracing::warn;
use utoipa::ToSchema;

pub use self::flight::Failure;
use self::flight::{Flights, Landed};
use crate::{
    calls::{Priority, ReadError, Reader},
    clock::Clock,
    observe::Durations,
    order::{Order, OrderId, OrderNumber, OrderState, Source},
    site::{Site, SiteCode, Sites},
    store::{Entry, Found, MergeOutcome, Needs, RefreshAsk, Store, StoreError, Wanted},
    tasks::Tasks,
};

/// A store that takes longer than this is not asked: Shopify is.
const STORE_PATIENCE: Duration = Duration::from_millis(250);
/// Puts a refresh before every other: nothing in the set is older than a day.
const HEAD_OF_THE_SET: TimeDelta = TimeDelta::days(1);

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// An order by its number.
    Number(OrderNumber),
    /// An order by its id.
    Id(OrderId),
}

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
    /// Shopify has not answered yet; the cache will have it soon.
    Pending,
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
    flights: Flights,
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
        let (hits, misses, durations) = Default::default();
        Self(Arc::new(Inner {
            sites,
            store,
            clock,
            patience,
            flights,
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
        let cached = join_all(
            sites
                .iter()
                .map(|site| self.cached(site, wanted(ask, site))),
        )
        .await;
        if let Some(found) = best(&sites, &cached) {
            self.count_hit(began);
            return Ok(Answer::Found(Box::new(self.hit(found.0, found.1))));
        }
        let unknown: Vec<_> = sites
            .iter()
            .zip(&cached)
            .filter(|(_, cached)| !matches!(cached, Ok(Found::Absent)))
            .map(|(site, _)| site)
            .collect();
        if unknown.is_empty() {
            self.count_hit(began);
            return Ok(Answer::NotFound { cached: true });
        }
        self.0.misses.fetch_add(1, Ordering::Relaxed);
        let answer = self.ask_shopify(ask, &unknown).await;
        self.0.durations.misses.record(began.elapsed());
        answer
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

    fn count_hit(&self, began: Instant) {
        self.0.hits.fetch_add(1, Ordering::Relaxed);
        self.0.durations.hits.record(began.elapsed());
    }

    async fn cached(&self, site: &Site, wanted: Wanted) -> Result<Found, StoreError> {
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
    fn hit(&self, site: &Site, entry: &Entry) -> FoundOrder {
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

    /// Asks all sites at once. The first to find it answers; not found is only said when every site said so.
    async fn ask_shopify(&self, ask: &Ask, sites: &[&Arc<Site>]) -> Result<Answer, Failure> {
        let flights: FuturesUnordered<_> = sites.iter().map(|site| self.fly(ask, site)).collect();
        match timeout(self.0.patience, first_found(flights)).await {
            Ok(Ok(Landed::Found(found))) => Ok(Answer::Found(found)),
            Ok(Ok(Landed::NotFound)) => Ok(Answer::NotFound { cached: false }),
            Ok(Err(failure)) => Err(failure),
            Err(_elapsed) => Ok(Answer::Pending),
        }
    }

    async fn fly(&self, ask: &Ask, site: &Arc<Site>) -> Result<Landed, Failure> {
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

    async fn fill(&self, site: &Site, order: Order) -> Landed {
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

async fn first_found(
    mut flights: FuturesUnordered<impl Future<Output = Result<Landed, Failure>>>,
) -> Result<Landed, Failure> {
    let mut failure = None;
    while let Some(landed) = flights.next().await {
        match landed {
            Ok(Landed::Found(found)) => return Ok(Landed::Found(found)),
            Ok(Landed::NotFound) => {}
            Err(error) => failure = Some(error),
        }
    }
    failure.map_or(Ok(Landed::NotFound), Err)
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
fn wanted(ask: &Ask, site: &Site) -> Wanted {
    match ask {
        Ask::Number(number) => Wanted::Number(site.complete(number)),
        Ask::Id(id) => Wanted::Id(*id),
    }
}

/// Bare digits can be a number in several shops; the order placed last is the one a customer asks about.
fn best<'a>(
    sites: &'a [Arc<Site>],
    cached: &'a [Result<Found, StoreError>],
) -> Option<(&'a Arc<Site>, &'a Entry)> {
    let found = sites
        .iter()
        .zip(cached)
        .filter_map(|(site, cached)| match cached {
            Ok(Found::Order(entry)) => Some((site, entry.as_ref())),
            Ok(Found::Absent | Found::Unknown) | Err(_) => None,
        });
    found.max_by_key(|(_, entry)| entry.order.head.as_ref().map(|head| head.value.created_at))
}
