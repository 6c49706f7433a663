//! The pace of warming over an hour of demand that never ends.

use std::{pin::pin, sync::Mutex};

use futures_util::future::{Either, join3, select};

use super::*;

/// 0.5 a second.
const MOST_IN_A_MINUTE: usize = 31;
const HOUR: Duration = Duration::from_secs(3600);

/// When warming's calls went out. Whoever it is that wants to call wants to call again at once.
async fn warm(budget: &Budget, sent: &Mutex<Vec<Instant>>, trouble: Option<Duration>) {
    let mut random = fastrand::Rng::with_seed(5);
    loop {
        let call = budget.background(Cost(461)).await;
        sent.lock().unwrap().push(Instant::now());
        tokio::time::sleep(Duration::from_millis(random.u64(50..900))).await;
        match trouble {
            Some(quiet) if random.u8(..) < 25 => call.hold_back(quiet),
            Some(_) | None => call.settle(&CostReport {
                requested_query_cost: 461.0,
                actual_query_cost: Some(150.0),
                ..report(1800.0)
            }),
        }
    }
}

async fn come_and_go(budget: &Budget) {
    let mut random = fastrand::Rng::with_seed(7);
    loop {
        let call = budget.foreground(Cost(49)).await;
        tokio::time::sleep(Duration::from_millis(random.u64(1..3000))).await;
        drop(call);
        tokio::time::sleep(Duration::from_millis(random.u64(1..4000))).await;
    }
}

async fn for_an_hour(work: impl Future) {
    let hour = pin!(tokio::time::sleep(HOUR));
    match select(hour, pin!(work)).await {
        Either::Left(_) => {}
        Either::Right(_) => panic!("demand ended"),
    }
}

/// Every window of a minute that begins with a call: no other window holds more.
fn most_in_a_minute(sent: &[Instant]) -> usize {
    let minute = Duration::from_secs(60);
    let from = |at: usize| {
        let within = |call: &&Instant| call.duration_since(sent[at]) <= minute;
        sent[at..].iter().take_while(within).count()
    };
    (0..sent.len()).map(from).max().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn no_minute_of_an_hour_holds_more_than_31_calls() {
    let (budget, sent) = (budget(), Mutex::default());
    // A sweep and the refresh set at once.
    for_an_hour(join3(
        warm(&budget, &sent, None),
        warm(&budget, &sent, None),
        std::future::pending::<()>(),
    ))
    .await;
    let sent = sent.into_inner().unwrap();
    assert_eq!(most_in_a_minute(&sent), MOST_IN_A_MINUTE);
    assert!((1800..=1801).contains(&sent.len()), "{}", sent.len());
}

#[tokio::test(start_paused = true)]
async fn nor_with_quiet_asked_for_and_users_who_come_and_go() {
    let (budget, sent) = (budget(), Mutex::default());
    let quiet = Some(Duration::from_secs(4));
    for_an_hour(join3(
        warm(&budget, &sent, quiet),
        warm(&budget, &sent, quiet),
        come_and_go(&budget),
    ))
    .await;
    let sent = sent.into_inner().unwrap();
    let most = most_in_a_minute(&sent);
    assert!(most <= MOST_IN_A_MINUTE, "{most}");
    assert!(sent.len() > 600, "warming starved: {}", sent.len());
    assert_eq!(budget.users_waited_for_warming(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn nor_after_rest_of_whatever_cause() {
    let (budget, sent) = (budget(), Mutex::new(Vec::new()));
    for rest in ["idle", "a user in flight", "quiet"] {
        match rest {
            "idle" => tokio::time::sleep(HOUR).await,
            "quiet" => budget.background(Cost(461)).await.hold_back(HOUR),
            _user => {
                let user = budget.foreground(Cost(49)).await;
                let warming = budget.background(Cost(461));
                assert!(tokio::time::timeout(HOUR, warming).await.is_err());
                drop(user);
            }
        }
        let before = sent.lock().unwrap().len();
        tokio::time::timeout(HOUR * 2, warm(&budget, &sent, None))
            .await
            .unwrap_err();
        assert!(sent.lock().unwrap().len() > before + 1000, "{rest}");
    }
    assert_eq!(
        most_in_a_minute(&sent.into_inner().unwrap()),
        MOST_IN_A_MINUTE
    );
}
