//! What users waited because of warming is counted to the millisecond, and nothing else is.

use super::*;

const PAGE: Cost = Cost(461);
const LOOKUP: Cost = Cost(49);

/// A report of a bucket of 2,000, where `spent` was charged.
fn charged(spent: Cost, available: f64) -> CostReport {
    CostReport {
        requested_query_cost: f64::from(spent.0),
        actual_query_cost: Some(f64::from(spent.0)),
        ..report(available)
    }
}

fn waited(budget: &Budget) -> Duration {
    budget.users_waited_for_warming()
}

/// How long it takes to get a user's call out, and to end it at once, all points charged.
async fn lookup(budget: &Budget, cost: Cost) -> Duration {
    let start = Instant::now();
    drop(budget.foreground(cost).await.unwrap());
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn nothing_is_waited_while_the_reserve_suffices() {
    let budget = budget();
    for _ in 0..20 {
        let page = budget.background(PAGE).await;
        for _ in 0..2 {
            assert_eq!(lookup(&budget, LOOKUP).await, Duration::ZERO);
        }
        page.settle(&charged(PAGE, budget.status().available));
    }
    assert_eq!(waited(&budget), Duration::ZERO);
    assert_eq!(budget.status().users_waited_for_warming_ms, 0);
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_warming_drained_is_counted_exactly() {
    let budget = budget();
    // The report says that next to nothing is left: only another process can have spent so much.
    budget.background(PAGE).await.settle(&charged(PAGE, 9.0));
    // 49 - 9 points at 100 a second, and the millisecond against rounding.
    assert_eq!(lookup(&budget, LOOKUP).await, Duration::from_millis(401));
    assert_eq!(waited(&budget), Duration::from_millis(401));
    assert_eq!(budget.status().users_waited_for_warming_ms, 401);
}

#[tokio::test(start_paused = true)]
async fn what_users_take_from_each_other_is_not_warmings() {
    let budget = budget();
    for _ in 0..2 {
        assert_eq!(lookup(&budget, Cost(1000)).await, Duration::ZERO);
    }
    assert_eq!(
        lookup(&budget, Cost(400)).await,
        Duration::from_millis(4001)
    );
    assert_eq!(waited(&budget), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn of_a_wait_only_warmings_part_is_counted() {
    let budget = budget();
    drop(budget.background(PAGE).await);
    // Users alone leave 0 of 2,000, both leave 0 of 1,539.
    lookup(&budget, Cost(1000)).await;
    assert_eq!(lookup(&budget, Cost(539)).await, Duration::ZERO);
    assert_eq!(waited(&budget), Duration::ZERO);
    // 0 are there; without warming there were 461: the first 461 points of 561 are waited for because of it.
    assert_eq!(
        lookup(&budget, Cost(561)).await,
        Duration::from_millis(5611)
    );
    assert_eq!(waited(&budget), Duration::from_millis(5611 - 1001));
}

#[tokio::test(start_paused = true)]
async fn a_user_who_leaves_has_waited_until_then() {
    let budget = budget();
    budget.background(PAGE).await.settle(&charged(PAGE, 0.0));
    let patience = Duration::from_millis(120);
    let left = tokio::time::timeout(patience, budget.foreground(LOOKUP)).await;
    assert!(left.is_err());
    assert_eq!(waited(&budget), patience);
}

#[tokio::test(start_paused = true)]
async fn a_call_throttled_on_warmings_account_counts_with_the_way_it_went_in_vain() {
    let budget = budget();
    let throttled = CostReport {
        requested_query_cost: 49.0,
        actual_query_cost: None,
        ..report(9.0)
    };
    let call = budget.foreground(LOOKUP).await.unwrap();
    tokio::time::sleep(Duration::from_millis(120)).await;
    call.throttled(Some(&throttled));
    drop(call);
    budget.hold_up_user(LOOKUP, throttled.wait()).await;
    assert_eq!(waited(&budget), Duration::from_millis(120 + 400));
    // Where users alone left nothing, the wait is their own.
    let budget = super::budget();
    for _ in 0..2 {
        lookup(&budget, Cost(1000)).await;
    }
    budget.hold_up_user(LOOKUP, throttled.wait()).await;
    assert_eq!(waited(&budget), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn quiet_asked_of_warming_holds_back_warming_alone() {
    let budget = budget();
    budget
        .background(PAGE)
        .await
        .hold_back(Duration::from_secs(30));
    assert_eq!(lookup(&budget, LOOKUP).await, Duration::ZERO);
    assert_eq!(waited(&budget), Duration::ZERO);
    let start = Instant::now();
    drop(budget.background(PAGE).await);
    assert_eq!(start.elapsed(), Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn quiet_asked_of_a_user_holds_back_all_and_is_warmings_if_it_was_asked_first() {
    let budget = budget();
    budget
        .background(PAGE)
        .await
        .hold_back(Duration::from_secs(4));
    let call = budget.foreground(LOOKUP).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    call.hold_back(Duration::from_secs(5));
    drop(call);
    assert_eq!(lookup(&budget, LOOKUP).await, Duration::from_secs(5));
    // A second on the way in vain, and of the five that follow the three that warming still had to be quiet.
    assert_eq!(waited(&budget), Duration::from_secs(1 + 3));
    let call = budget.foreground(LOOKUP).await.unwrap();
    call.hold_back(Duration::from_secs(2));
    drop(call);
    let (user, warming) = tokio::join!(lookup(&budget, LOOKUP), async {
        let start = Instant::now();
        drop(budget.background(LOOKUP).await);
        start.elapsed()
    });
    assert_eq!(user, Duration::from_secs(2));
    assert!(warming >= Duration::from_secs(2), "{warming:?}");
    assert_eq!(
        waited(&budget),
        Duration::from_secs(1 + 3),
        "no more than that"
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_not_sent_costs_nothing() {
    let budget = budget();
    budget.background(PAGE).await.unused();
    budget.foreground(LOOKUP).await.unwrap().unused();
    assert!((budget.status().available - 2000.0).abs() < f64::EPSILON);
}
