//! Several sites asked at once: whose order it is, and what is said of those that did not answer.
//!
//! The same number can be an order of several shops, so an answer is complete only when every site that may have it has spoken. An id is
//! one order's everywhere: the first site that has it ends the matter.

use std::time::Duration;

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;

use super::{Answer, Ask, Failure, FoundOrder, found::Landed};
use crate::site::SiteCode;

/// Once one site has it the others get this long to say that they have it too: a shop that hangs must not hold everybody up.
const GRACE: Duration = Duration::from_secs(1);

/// Why a site did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Silence {
    /// It is still being asked: ask again in a few seconds.
    Pending,
    /// Shopify cannot be asked right now.
    Unavailable,
    /// Too much is being fetched at once.
    Busy,
    /// Too many of its order numbers begin like the one asked for: send the whole number.
    Vague,
    /// The customer has more orders there than are listed.
    TooManyOrders,
    /// The shop has removed the app: it is not asked.
    NotConnected,
}

impl Silence {
    /// Whether asking again in a few seconds may tell more.
    pub fn may_pass(self) -> bool {
        match self {
            Self::Pending | Self::Unavailable | Self::Busy => true,
            Self::Vague | Self::TooManyOrders | Self::NotConnected => false,
        }
    }
}

/// A site that did not answer, or not fully.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Unanswered {
    /// Which.
    pub site: SiteCode,
    /// Why.
    pub reason: Silence,
}

/// What was said beside an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Others {
    /// Other sites that have an order of the same number, by code.
    pub also_at: Vec<SiteCode>,
    /// Sites that may have one and did not answer, by code.
    pub incomplete: Vec<Unanswered>,
}

/// What the sites have said so far.
#[derive(Debug)]
pub(super) struct Replies {
    one_is_enough: bool,
    found: Vec<FoundOrder>,
    said_no: usize,
    failures: Vec<(SiteCode, Failure)>,
    pending: Vec<SiteCode>,
    until: Instant,
}

impl From<Failure> for Silence {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Shopify => Self::Unavailable,
            Failure::Busy => Self::Busy,
            Failure::Vague => Self::Vague,
        }
    }
}

impl Replies {
    pub(super) fn to(ask: &Ask, began: Instant, patience: Duration) -> Self {
        Self {
            one_is_enough: matches!(ask, Ask::Id(_)),
            found: Vec::new(),
            said_no: 0,
            failures: Vec::new(),
            pending: Vec::new(),
            until: began + patience,
        }
    }

    pub(super) fn found(&mut self, found: FoundOrder) {
        self.found.push(found);
        self.until = self.until.min(Instant::now() + GRACE);
    }

    pub(super) fn absent(&mut self) {
        self.said_no += 1;
    }

    /// Whether nothing that others could say matters.
    pub(super) fn is_enough(&self) -> bool {
        self.one_is_enough && !self.found.is_empty()
    }

    /// Takes replies as they come, until all are there or waiting longer is not worth it.
    pub(super) async fn wait_for(
        &mut self,
        mut flights: FuturesUnordered<impl Future<Output = (SiteCode, Result<Landed, Failure>)>>,
        asked: impl IntoIterator<Item = SiteCode>,
    ) {
        self.pending = asked.into_iter().collect();
        while !self.is_enough()
            && let Ok(Some((site, landed))) = timeout_at(self.until, flights.next()).await
        {
            self.pending.retain(|pending| *pending != site);
            match landed {
                Ok(Landed::Found(found)) => self.found(*found),
                Ok(Landed::NotFound) => self.absent(),
                Err(failure) => self.failures.push((site, failure)),
            }
        }
    }

    /// The answer where all sites' caches knew.
    pub(super) fn answer_from_the_cache(self) -> Result<Answer, Failure> {
        self.concluded(true)
    }

    /// The answer.
    ///
    /// # Errors
    /// When every site failed.
    pub(super) fn answer(self) -> Result<Answer, Failure> {
        self.concluded(false)
    }

    fn concluded(mut self, cached: bool) -> Result<Answer, Failure> {
        let incomplete = self.silent();
        // Who types less than a number is told so whatever else is wrong.
        let vague = self
            .failures
            .iter()
            .find(|(_, failure)| *failure == Failure::Vague);
        let worst = vague.or(self.failures.last()).map(|(_, failure)| *failure);
        self.found
            .sort_by_key(|found| std::cmp::Reverse(age(found)));
        let mut found = self.found.into_iter();
        if let Some(mut first) = found.next() {
            if self.one_is_enough {
                return Ok(Answer::Found(Box::new(first)));
            }
            let mut also_at: Vec<_> = found.map(|found| found.site).collect();
            also_at.sort_unstable();
            first.others = Others {
                also_at,
                incomplete,
            };
            return Ok(Answer::Found(Box::new(first)));
        }
        match worst {
            _ if incomplete.is_empty() => Ok(Answer::NotFound { cached }),
            Some(Failure::Vague) => Err(Failure::Vague),
            Some(failure) if self.said_no == 0 && self.pending.is_empty() => Err(failure),
            Some(_) | None => Ok(Answer::Pending(incomplete)),
        }
    }

    fn silent(&self) -> Vec<Unanswered> {
        let failed = self.failures.iter().map(|(site, failure)| Unanswered {
            site: site.clone(),
            reason: Silence::from(*failure),
        });
        let pending = self.pending.iter().map(|site| Unanswered {
            site: site.clone(),
            reason: Silence::Pending,
        });
        let mut silent: Vec<_> = failed.chain(pending).collect();
        silent.sort_unstable_by(|a, b| a.site.cmp(&b.site));
        silent
    }
}

/// The order placed last is the one a customer asks about; of two placed in one second, that of the site first by code.
fn age(
    found: &FoundOrder,
) -> (
    Option<chrono::DateTime<chrono::Utc>>,
    std::cmp::Reverse<SiteCode>,
) {
    let created_at = found.order.head.as_ref().map(|head| head.value.created_at);
    (created_at, std::cmp::Reverse(found.site.clone()))
}
