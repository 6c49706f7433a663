//! The orders of an e-mail address: the list that the cache keeps, or a search at Shopify that makes one.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, future::join_all, stream};
use tokio::time::{Instant, timeout_at};
use tracing::warn;

use super::{
    Failure, FoundOrder, Lookups, Silence, Unanswered,
    found::{Landed, STORE_PATIENCE},
};
use crate::{
    calls::{Priority, Reader},
    order::{Email, Order, OrderId, Source},
    site::Site,
    store::{CustomerFound, CustomerOrders, Found, StoreError},
};

/// Orders taken into the cache at once.
const FILLS_AT_ONCE: usize = 16;

/// What is asked for.
#[derive(Debug)]
pub struct OrdersOf {
    /// Whose orders.
    pub email: Email,
    /// Only those of this site.
    pub site: Option<Arc<Site>>,
}

/// A customer's orders.
#[derive(Debug, Default)]
pub struct CustomerAnswer {
    /// His orders at the sites that answered, newest first.
    pub orders: Vec<FoundOrder>,
    /// Whether the cache knew all of it.
    pub cached: bool,
    /// Sites that did not answer, or not fully.
    pub incomplete: Vec<Unanswered>,
}

/// His orders at one site.
#[derive(Debug, Clone)]
pub(super) struct AtSite {
    orders: Vec<FoundOrder>,
    more: bool,
    cached: bool,
}

/// What the cache has of a list.
enum Cached {
    All(AtSite),
    /// The list is there, but these orders of it are not.
    AllBut(AtSite, Vec<OrderId>),
    Nothing,
}

impl Lookups {
    /// Finds all orders of an e-mail address, all sites asked at once.
    ///
    /// # Errors
    /// When no site can tell.
    pub async fn by_email(&self, ask: OrdersOf) -> Result<CustomerAnswer, Failure> {
        let began = Instant::now();
        let (sites, closed) = self.connected(ask.site);
        let (until, email) = (began + self.0.patience, &ask.email);
        let asked = sites.iter().map(|site| async move {
            let answer = timeout_at(until, self.at_site(site, email)).await;
            (site, answer)
        });
        let mut answer = CustomerAnswer {
            cached: true,
            ..CustomerAnswer::default()
        };
        let mut failure = None;
        for (site, answered) in join_all(asked).await {
            let silent = |reason| Unanswered {
                site: site.code.clone(),
                reason,
            };
            match answered {
                Ok(Ok(at_site)) => {
                    answer.cached &= at_site.cached;
                    answer.orders.extend(at_site.orders);
                    let more = at_site.more.then(|| silent(Silence::TooManyOrders));
                    answer.incomplete.extend(more);
                }
                Ok(Err(failed)) => {
                    failure = Some(failed);
                    answer.incomplete.push(silent(failed.into()));
                }
                Err(_elapsed) => answer.incomplete.push(silent(Silence::Pending)),
            }
        }
        answer.cached &= answer
            .incomplete
            .iter()
            .all(|one| one.reason == Silence::TooManyOrders);
        self.count(began, answer.cached);
        let all_failed = answer
            .incomplete
            .iter()
            .all(|one| one.reason != Silence::Pending)
            && answer.incomplete.len() == sites.len()
            && answer.orders.is_empty();
        if let Some(failure) = failure.filter(|_| all_failed) {
            return Err(failure);
        }
        answer.incomplete.extend(closed);
        answer
            .orders
            .sort_by_key(|found| std::cmp::Reverse(placed_at(found)));
        Ok(answer)
    }

    async fn at_site(&self, site: &Arc<Site>, email: &Email) -> Result<AtSite, Failure> {
        if let Ok(Cached::All(at_site)) = self.listed(site, email).await {
            return Ok(at_site);
        }
        let key = (site.code.clone(), email.clone());
        let (lookups, site, email) = (self.clone(), Arc::clone(site), email.clone());
        let fetch = || async move { lookups.fetch_customer(&site, &email).await };
        self.0.customer_flights.join(key, fetch).await
    }

    /// What the cache knows. An order that has another address by now is not the customer's.
    async fn listed(&self, site: &Site, email: &Email) -> Result<Cached, StoreError> {
        let (store, now) = (&self.0.store, self.0.clock.now());
        let read = async {
            let CustomerOrders::Listed { orders, more, .. } =
                store.customer(&site.code, email, now).await?
            else {
                return Ok(Cached::Nothing);
            };
            let found = store.orders(&site.code, &orders, now).await?;
            let mut at_site = AtSite {
                orders: Vec::with_capacity(found.len()),
                more,
                cached: true,
            };
            let mut missing = Vec::new();
            for (id, found) in orders.into_iter().zip(found) {
                match found {
                    Found::Order(entry) if is_of(&entry.order, email) => {
                        at_site.orders.push(self.hit(site, &entry));
                    }
                    Found::Order(_) | Found::Absent => {}
                    Found::Unknown => missing.push(id),
                }
            }
            Ok(if missing.is_empty() {
                Cached::All(at_site)
            } else {
                Cached::AllBut(at_site, missing)
            })
        };
        let read = tokio::time::timeout(STORE_PATIENCE, read).await;
        let read = read.unwrap_or(Err(StoreError::TimedOut));
        if let Err(error) = &read {
            warn!(site = %site.code, "the store cannot be read, so Shopify is asked for a customer's orders: {error}");
        }
        read
    }

    /// The flight itself: it fills the cache, whether or not anybody still waits.
    async fn fetch_customer(&self, site: &Site, email: &Email) -> Result<AtSite, Failure> {
        match self.listed(site, email).await {
            Ok(Cached::All(at_site)) => Ok(at_site),
            Ok(Cached::AllBut(at_site, missing)) => {
                self.fetch_missing(site, email, at_site, &missing).await
            }
            Ok(Cached::Nothing) | Err(_) => self.search_customer(site, email).await,
        }
    }

    /// Reads what is listed and no longer cached, in one call.
    async fn fetch_missing(
        &self,
        site: &Site,
        email: &Email,
        mut at_site: AtSite,
        missing: &[OrderId],
    ) -> Result<AtSite, Failure> {
        let (store, now) = (&self.0.store, self.0.clock.now());
        let reader = foreground(site);
        let read = reader.by_ids(missing).await.map_err(|error| {
            warn!(site = %site.code, "a customer's orders could not be read: {error}");
            Failure::Shopify
        })?;
        if let Some((_, error)) = read.failed.first() {
            warn!(site = %site.code, "an order of a customer could not be read: {error}");
            return Err(Failure::Shopify);
        }
        for id in read.missing {
            if let Err(error) = store.leave_customer(&site.code, email, id, now).await {
                warn!(site = %site.code, "an order that is gone stays listed: {error}");
            }
        }
        at_site.cached = false;
        let found = self.fill_all(site, email, read.orders).await;
        at_site.orders.extend(found);
        Ok(at_site)
    }

    async fn search_customer(&self, site: &Site, email: &Email) -> Result<AtSite, Failure> {
        let began = self.0.clock.now();
        let read = foreground(site).by_email(email).await.map_err(|error| {
            warn!(site = %site.code, "a customer's orders could not be searched: {error}");
            Failure::Shopify
        })?;
        let more = !read.are_all;
        let found = self.fill_all(site, email, read.orders).await;
        let ids: Vec<_> = found.iter().map(|found| found.order.id).collect();
        let listing = CustomerFound {
            orders: &ids,
            more,
            as_of: began,
        };
        let (store, now) = (&self.0.store, self.0.clock.now());
        if let Err(error) = store.list_customer(&site.code, email, &listing, now).await {
            warn!(site = %site.code, "a customer's orders could not be listed: {error}");
            return Ok(AtSite {
                orders: found,
                more,
                cached: false,
            });
        }
        self.with_the_latest(
            site,
            email,
            AtSite {
                orders: found,
                more,
                cached: false,
            },
        )
        .await
    }

    /// What webhooks told of while the search lagged behind is in the list now, and belongs into the answer.
    async fn with_the_latest(
        &self,
        site: &Site,
        email: &Email,
        mut at_site: AtSite,
    ) -> Result<AtSite, Failure> {
        let (Cached::All(listed) | Cached::AllBut(listed, _)) =
            self.listed(site, email).await.unwrap_or(Cached::Nothing)
        else {
            return Ok(at_site);
        };
        for found in listed.orders {
            if !at_site
                .orders
                .iter()
                .any(|one| one.order.id == found.order.id)
            {
                at_site.orders.push(found);
            }
        }
        Ok(at_site)
    }

    /// Takes orders into the cache; those that are deleted here, or are another's by what is known here, are left out.
    async fn fill_all(&self, site: &Site, email: &Email, orders: Vec<Order>) -> Vec<FoundOrder> {
        let fills = orders.into_iter().map(|order| self.fill(site, order));
        let filled = stream::iter(fills).buffered(FILLS_AT_ONCE);
        let found = filled.filter_map(|landed| async move {
            match landed {
                Landed::Found(found) if is_of(&found.order, email) => Some(*found),
                Landed::Found(_) | Landed::NotFound => None,
            }
        });
        found.collect().await
    }
}

impl CustomerAnswer {
    /// How long all of it will still be cached.
    pub fn ttl(&self) -> Duration {
        let ttls = self.orders.iter().map(|found| found.order_ttl);
        ttls.min().unwrap_or_default()
    }
}

fn foreground(site: &Site) -> Reader<'_> {
    Reader {
        calls: &site.calls,
        priority: Priority::Foreground,
        source: Source::Lookup,
    }
}

fn is_of(order: &Order, email: &Email) -> bool {
    let head = order.head.as_ref();
    head.and_then(|head| head.value.customer()).as_ref() == Some(email)
}

/// The newest first; of two placed in one second, the one with the greater id.
fn placed_at(found: &FoundOrder) -> (Option<chrono::DateTime<chrono::Utc>>, OrderId) {
    let head = found.order.head.as_ref();
    (head.map(|head| head.value.created_at), found.order.id)
}
