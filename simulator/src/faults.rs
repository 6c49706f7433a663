//! What goes wrong on demand: the next so many times, or until it is cleared.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::bulk::{BulkFault, DownloadFault};
use crate::locked::lock;
use crate::world::World;

/// What an API call gets instead of its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiFault {
    /// This status code with Shopify's body for it: HTML from 500 on; 429 brings `Retry-After: "4.0"`.
    Status(u16),
    /// 429 with this `Retry-After`.
    RateLimited(String),
    /// 200 with `THROTTLED` inside, as if the bucket were empty.
    Throttled,
    /// 200 with `INTERNAL_SERVER_ERROR` inside.
    InternalError,
    /// The connection is reset before an answer.
    Reset,
    /// No answer, until the caller leaves.
    Hang,
    /// The right answer, cut in the middle, as if it were complete.
    Truncated,
    /// 200 without a body.
    Empty,
    /// 200 with an HTML page.
    Html,
    /// The right answer, this much later.
    Slow(Duration),
}

/// What happens to a webhook on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryFault {
    /// It is never sent.
    Drop,
    /// It is sent twice, with the same ids.
    Duplicate,
    /// It is sent this much later, by the simulator's clock.
    Delay(Duration),
    /// It waits for the others that this fault is set for; then they are sent in reverse.
    Reorder,
    /// It is signed with another secret.
    WrongSecret,
}

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// The next so many.
    Next(u32),
    /// All, until cleared.
    UntilCleared,
}

/// What is to go wrong. Faults of one kind are used up in the order they were set.
#[derive(Debug, Clone)]
pub struct Faults {
    world: Arc<World>,
}

impl Faults {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self { world }
    }

    /// API calls meet this.
    pub fn api(&self, fault: ApiFault, times: Times) {
        self.world.faults.set_api(fault, None, times);
    }

    /// API calls of one operation meet this; the token grant's is `AccessToken`.
    pub fn api_on(&self, operation: &str, fault: ApiFault, times: Times) {
        self.world.faults.set_api(fault, Some(operation), times);
    }

    /// Webhooks meet this.
    pub fn deliveries(&self, fault: DeliveryFault, times: Times) {
        self.world.faults.set_delivery(fault, None, times);
    }

    /// Webhooks of one topic meet this.
    pub fn deliveries_on(&self, topic: &str, fault: DeliveryFault, times: Times) {
        self.world.faults.set_delivery(fault, Some(topic), times);
    }

    /// Bulk operations meet this.
    pub fn bulk(&self, fault: BulkFault, times: Times) {
        set(&self.world.faults.bulk, fault, None, times);
    }

    /// Downloads of what bulk operations came to meet this.
    pub fn download(&self, fault: DownloadFault, times: Times) {
        set(&self.world.faults.downloads, fault, None, times);
    }

    /// No more faults; webhooks that were held back for a reordering are sent.
    pub fn clear(&self) {
        self.world.faults.clear();
        self.world.outbox.release_held(self.world.clock.now());
    }

    /// How many of the counted faults have not happened yet.
    pub fn unused(&self) -> u32 {
        self.world.faults.unused()
    }
}

#[derive(Debug)]
struct Rule<F> {
    fault: F,
    /// The operation's name, or the topic; `None` is any.
    only: Option<String>,
    left: Option<u32>,
}

/// The faults that are set.
#[derive(Debug, Default)]
pub(crate) struct FaultBoard {
    api: Mutex<Vec<Rule<ApiFault>>>,
    deliveries: Mutex<Vec<Rule<DeliveryFault>>>,
    bulk: Mutex<Vec<Rule<BulkFault>>>,
    downloads: Mutex<Vec<Rule<DownloadFault>>>,
}

/// What `FaultBoard::next_delivery` found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeliveryFate {
    pub(crate) fault: DeliveryFault,
    /// It was the last of its rule.
    pub(crate) last: bool,
}

impl FaultBoard {
    pub(crate) fn set_api(&self, fault: ApiFault, only: Option<&str>, times: Times) {
        set(&self.api, fault, only, times);
    }

    pub(crate) fn set_delivery(&self, fault: DeliveryFault, only: Option<&str>, times: Times) {
        set(&self.deliveries, fault, only, times);
    }

    pub(crate) fn next_api(&self, operation: &str) -> Option<ApiFault> {
        next(&self.api, operation).map(|(fault, _)| fault)
    }

    pub(crate) fn next_delivery(&self, topic: &str) -> Option<DeliveryFate> {
        next(&self.deliveries, topic).map(|(fault, last)| DeliveryFate { fault, last })
    }

    pub(crate) fn next_bulk(&self) -> Option<BulkFault> {
        next(&self.bulk, "").map(|(fault, _)| fault)
    }

    pub(crate) fn next_download(&self) -> Option<DownloadFault> {
        next(&self.downloads, "").map(|(fault, _)| fault)
    }

    pub(crate) fn clear(&self) {
        lock(&self.api).clear();
        lock(&self.deliveries).clear();
        lock(&self.bulk).clear();
        lock(&self.downloads).clear();
    }

    /// How many counted faults have not happened yet.
    pub(crate) fn unused(&self) -> u32 {
        left(&self.api) + left(&self.deliveries) + left(&self.bulk) + left(&self.downloads)
    }
}

fn left<F>(rules: &Mutex<Vec<Rule<F>>>) -> u32 {
    lock(rules).iter().filter_map(|rule| rule.left).sum()
}

fn set<F>(rules: &Mutex<Vec<Rule<F>>>, fault: F, only: Option<&str>, times: Times) {
    let left = match times {
        Times::Next(0) => return,
        Times::Next(count) => Some(count),
        Times::UntilCleared => None,
    };
    lock(rules).push(Rule {
        fault,
        only: only.map(str::to_owned),
        left,
    });
}

/// The first rule that fits has one less left; says also whether that was its last.
fn next<F: Clone>(rules: &Mutex<Vec<Rule<F>>>, name: &str) -> Option<(F, bool)> {
    let mut rules = lock(rules);
    let fits = |rule: &Rule<F>| rule.only.as_deref().is_none_or(|only| only == name);
    let at = rules.iter().position(fits)?;
    let rule = rules.get_mut(at)?;
    let fault = rule.fault.clone();
    rule.left = rule.left.map(|left| left - 1);
    let last = rule.left == Some(0);
    if last {
        rules.remove(at);
    }
    Some((fault, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_happens_as_often_as_said_and_only_where_said() {
        let board = FaultBoard::default();
        board.set_api(ApiFault::Hang, Some("OrdersPage"), Times::Next(2));
        board.set_api(ApiFault::Empty, None, Times::UntilCleared);
        assert_eq!(board.unused(), 2);
        assert_eq!(board.next_api("ShopFacts"), Some(ApiFault::Empty));
        assert_eq!(board.next_api("OrdersPage"), Some(ApiFault::Hang));
        assert_eq!(board.next_api("OrdersPage"), Some(ApiFault::Hang));
        assert_eq!(board.next_api("OrdersPage"), Some(ApiFault::Empty));
        board.clear();
        assert_eq!(board.next_api("OrdersPage"), None);
    }
}
