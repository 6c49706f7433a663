//! Random interleavings against a bucket of Shopify's own: users who keep within their reserve never wait for warming.

use std::sync::Mutex;

use futures_util::future::join_all;
use proptest::prelude::*;

use super::*;

/// One call: when it is wanted, what it asks for and is charged, how long each way takes.
#[derive(Debug, Clone)]
struct Wanted {
    at_ms: u64,
    requested: u32,
    actual: u32,
    way_ms: u64,
    by_user: bool,
}

/// The shop's real bucket.
struct Shopify {
    maximum: f64,
    rate: f64,
    /// What was there, and when.
    available: Mutex<(f64, Instant)>,
}

impl Shopify {
    fn new(maximum: f64) -> Self {
        Self {
            maximum,
            rate: maximum / 20.0,
            available: Mutex::new((maximum, Instant::now())),
        }
    }

    /// Admits a call that asks for no more than is there, and charges what it really costs (PLATFORM 4.1).
    fn answer(&self, call: &Wanted) -> CostReport {
        let mut bucket = self.available.lock().unwrap();
        let restored = bucket.1.elapsed().as_secs_f64() * self.rate;
        let available = (bucket.0 + restored).min(self.maximum);
        let admitted = available >= f64::from(call.requested);
        let charged = admitted.then_some(f64::from(call.actual));
        *bucket = (available - charged.unwrap_or_default(), Instant::now());
        CostReport {
            requested_query_cost: f64::from(call.requested),
            actual_query_cost: charged,
            throttle_status: Throttle {
                maximum_available: self.maximum,
                currently_available: bucket.0.floor(),
                restore_rate: self.rate,
            },
        }
    }
}

/// Drops users' calls that would take users alone beyond their reserve. A report is as old as its way back: a tenth of the
/// reserve is left for what flows meanwhile.
fn within_the_reserve(calls: Vec<Wanted>, maximum: f64) -> Vec<Wanted> {
    let (mut owed, mut at_ms) = (0.0_f64, 0);
    let mut sorted = calls;
    sorted.sort_by_key(|call| call.at_ms);
    sorted.retain(|call| {
        let cost = f64::from(call.requested);
        let passed = Duration::from_millis(call.at_ms - at_ms).as_secs_f64();
        owed = (owed - passed * maximum / 20.0).max(0.0);
        at_ms = call.at_ms;
        let fits = !call.by_user || owed + cost <= maximum * 0.45;
        if call.by_user && fits {
            owed += cost;
        }
        fits
    });
    sorted
}

/// Whether a user's call was throttled.
async fn run(budget: &Budget, shopify: &Shopify, call: &Wanted) -> bool {
    tokio::time::sleep(Duration::from_millis(call.at_ms)).await;
    let way = Duration::from_millis(call.way_ms);
    let spent = if call.by_user {
        budget.foreground(Cost(call.requested)).await.unwrap()
    } else {
        budget.background(Cost(call.requested)).await
    };
    tokio::time::sleep(way).await;
    let report = shopify.answer(call);
    tokio::time::sleep(way).await;
    let throttled = report.actual_query_cost.is_none();
    if throttled {
        spent.throttled(Some(&report));
    } else {
        spent.settle(&report);
    }
    throttled && call.by_user
}

fn calls(user: u32, warming: u32) -> impl Strategy<Value = Vec<Wanted>> {
    let call = (
        0_u64..60_000,
        1_u32..=100,
        0_u32..=100,
        1_u64..500,
        any::<bool>(),
    );
    let call = call.prop_map(move |(at_ms, size, share, way_ms, by_user)| {
        let requested = size * if by_user { user } else { warming } / 100;
        Wanted {
            at_ms,
            requested,
            actual: requested * share / 100,
            way_ms,
            by_user,
        }
    });
    prop::collection::vec(call, 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn users_within_their_reserve_never_wait_for_warming(
        calls in calls(250, 1000),
        maximum in prop::sample::select(vec![2000.0, 4000.0, 20_000.0, 40_000.0]),
        pause_for_users in any::<bool>(),
    ) {
        let calls = within_the_reserve(calls, maximum);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let (waited, throttled) = runtime.block_on(async {
            let budget = Budget::new(BudgetSettings {
                pace: Duration::from_millis(500),
                pause_for_users,
            });
            let shopify = Shopify::new(maximum);
            // The first answer tells how large the bucket is.
            let first = Wanted { at_ms: 0, requested: 10, actual: 0, way_ms: 0, by_user: true };
            run(&budget, &shopify, &first).await;
            let throttled = join_all(calls.iter().map(|call| run(&budget, &shopify, call))).await;
            (budget.users_waited_for_warming(), throttled.contains(&true))
        });
        prop_assert_eq!(waited, Duration::ZERO);
        prop_assert!(!throttled);
    }
}
