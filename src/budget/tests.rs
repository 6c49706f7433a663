//! Time is paused here: it moves only as the budget waits.

mod pace;
mod random;
mod waited;

use super::*;
use crate::shopify::{CostReport, Throttle};

fn budget() -> Budget {
    Budget::new(BudgetSettings {
        pace: Duration::from_secs(2),
        pause_for_users: true,
    })
}

fn report(available: f64) -> CostReport {
    CostReport {
        requested_query_cost: 49.0,
        actual_query_cost: Some(20.0),
        throttle_status: Throttle {
            maximum_available: 2000.0,
            currently_available: available,
            restore_rate: 100.0,
        },
    }
}

#[tokio::test(start_paused = true)]
async fn warming_keeps_its_pace_without_bursts() {
    let budget = budget();
    let start = Instant::now();
    for _ in 0..31 {
        drop(budget.background(Cost(49)).await);
    }
    assert_eq!(start.elapsed(), Duration::from_secs(60));
    tokio::time::sleep(Duration::from_secs(600)).await;
    let start = Instant::now();
    drop(budget.background(Cost(49)).await);
    drop(budget.background(Cost(49)).await);
    assert_eq!(
        start.elapsed(),
        Duration::from_secs(2),
        "an idle hour buys no burst"
    );
}

#[tokio::test(start_paused = true)]
async fn users_start_at_once_and_warming_stands_back() {
    let budget = budget();
    let start = Instant::now();
    let users: Vec<_> =
        futures_util::future::join_all((0..20).map(|_| budget.foreground(Cost(49)))).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    let warming = tokio::time::timeout(Duration::from_secs(30), budget.background(Cost(49)));
    assert!(
        warming.await.is_err(),
        "warming went out while users were in flight"
    );
    drop(users);
    drop(budget.background(Cost(49)).await);
}

#[tokio::test(start_paused = true)]
async fn warming_leaves_users_their_reserve() {
    let budget = budget();
    budget
        .foreground(Cost(49))
        .await
        .unwrap()
        .settle(&report(900.0));
    let start = Instant::now();
    drop(budget.background(Cost(443)).await);
    let waited = start.elapsed();
    // 1000 reserve + 443 - 900 available = 543 points at 100 a second.
    assert!(
        (Duration::from_millis(5430)..Duration::from_millis(5450)).contains(&waited),
        "{waited:?}"
    );
    let start = Instant::now();
    drop(budget.foreground(Cost(443)).await.unwrap());
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_empty_bucket_makes_even_users_wait_for_shopify() {
    let budget = budget();
    budget
        .foreground(Cost(49))
        .await
        .unwrap()
        .settle(&report(0.0));
    let start = Instant::now();
    drop(budget.foreground(Cost(49)).await.unwrap());
    assert!(
        (Duration::from_millis(490)..Duration::from_millis(500)).contains(&start.elapsed()),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_shop_that_asks_for_quiet_gets_it() {
    let budget = budget();
    let spent = budget.foreground(Cost(49)).await.unwrap();
    spent.hold_back(Duration::from_secs(4));
    drop(spent);
    let start = Instant::now();
    drop(budget.foreground(Cost(49)).await.unwrap());
    assert_eq!(start.elapsed(), Duration::from_secs(4));
}

#[tokio::test(start_paused = true)]
async fn the_lower_balance_wins() {
    let budget = budget();
    budget
        .foreground(Cost(49))
        .await
        .unwrap()
        .settle(&report(1200.0));
    assert!((budget.status().available - 1200.0).abs() < 1.0);
    budget
        .foreground(Cost(49))
        .await
        .unwrap()
        .settle(&report(1999.0));
    // 1200 - 49 spent + 29 given back; Shopify's 1999 is believed only where it is lower.
    assert!(
        (budget.status().available - 1180.0).abs() < 1.0,
        "{:?}",
        budget.status()
    );
}

#[tokio::test(start_paused = true)]
async fn a_user_is_not_kept_waiting_for_an_hour() {
    let budget = budget();
    budget
        .foreground(Cost(49))
        .await
        .unwrap()
        .hold_back(Duration::from_secs(3600));
    let start = Instant::now();
    assert!(budget.foreground(Cost(49)).await.is_err());
    assert_eq!(start.elapsed(), Duration::ZERO);
}
