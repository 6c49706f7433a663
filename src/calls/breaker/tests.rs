//! Time is paused here: it moves only as somebody waits.

use std::time::Duration;

use http::StatusCode;

use super::*;
use Priority::{Background, Foreground};

fn outage() -> Result<(), AdminError> {
    Err(AdminError::Upstream {
        status: StatusCode::BAD_GATEWAY,
        retry_after: None,
    })
}

fn fail(breaker: &Breaker, priority: Priority) {
    breaker.admit(priority).unwrap().ended(&outage());
}

fn opened() -> Breaker {
    let breaker = Breaker::default();
    for _ in 0..5 {
        assert_eq!(breaker.state(), BreakerState::Closed);
        fail(&breaker, Foreground);
    }
    assert_eq!(breaker.state(), BreakerState::Open);
    breaker
}

fn retry_after(breaker: &Breaker, priority: Priority) -> Duration {
    match breaker.admit(priority) {
        Err(AdminError::CircuitOpen { retry_after }) => retry_after,
        other => panic!("{other:?}"),
    }
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn five_failures_in_a_row_open_it_and_any_answer_in_between_does_not() {
    let breaker = Breaker::default();
    let answers = [
        Ok(()),
        Err(AdminError::Throttled { report: None }),
        Err(AdminError::RateLimited { retry_after: None }),
        Err(AdminError::Unauthorized),
        Err(AdminError::Internal {
            code: "TIMEOUT".to_owned(),
        }),
    ];
    for answer in answers {
        for _ in 0..4 {
            fail(&breaker, Foreground);
        }
        breaker.admit(Foreground).unwrap().ended(&answer);
        assert_eq!(breaker.state(), BreakerState::Closed, "{answer:?}");
    }
    opened();
}

#[tokio::test(start_paused = true)]
async fn it_opens_five_seconds_then_twice_as_long_up_to_a_minute() {
    let breaker = opened();
    for quiet in [5, 10, 20, 40, 60, 60] {
        assert_eq!(
            retry_after(&breaker, Foreground),
            Duration::from_secs(quiet)
        );
        assert!(breaker.check(Foreground).is_err());
        seconds(quiet).await;
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        fail(&breaker, Foreground);
        assert_eq!(breaker.state(), BreakerState::Open);
    }
    seconds(60).await;
    breaker.admit(Foreground).unwrap().ended(&Ok(()));
    assert_eq!(breaker.state(), BreakerState::Closed);
    for _ in 0..5 {
        fail(&breaker, Foreground);
    }
    assert_eq!(retry_after(&breaker, Foreground), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn half_open_lets_exactly_one_through() {
    let breaker = opened();
    seconds(5).await;
    let probe = breaker.admit(Foreground).unwrap();
    assert!(breaker.admit(Foreground).is_err() && breaker.admit(Background).is_err());
    drop(probe);
    let probe = breaker.admit(Background).unwrap();
    assert!(
        breaker.admit(Background).is_err(),
        "one that left lets another"
    );
    probe.ended(&Ok(()));
    breaker.admit(Background).unwrap().ended(&Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_user_takes_the_probe_from_warming() {
    let breaker = opened();
    seconds(5).await;
    let warming = breaker.admit(Background).unwrap();
    let user = breaker.admit(Foreground).unwrap();
    assert!(breaker.admit(Foreground).is_err());
    warming.ended(&outage());
    assert_eq!(
        breaker.state(),
        BreakerState::HalfOpen,
        "the user's call is the probe now"
    );
    user.ended(&outage());
    assert_eq!(retry_after(&breaker, Foreground), Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn calls_from_before_neither_prolong_it_nor_keep_it_open() {
    let breaker = Breaker::default();
    let before: Vec<_> = (0..7).map(|_| breaker.admit(Foreground).unwrap()).collect();
    let mut before = before.into_iter();
    for call in before.by_ref().take(6) {
        call.ended(&outage());
    }
    assert_eq!(retry_after(&breaker, Foreground), Duration::from_secs(5));
    before.next().unwrap().ended(&Ok(()));
    assert_eq!(
        breaker.state(),
        BreakerState::Closed,
        "any answer closes it"
    );
}

#[tokio::test(start_paused = true)]
async fn warming_waits_for_its_probe_but_not_for_ever() {
    let breaker = opened();
    let start = Instant::now();
    breaker.wait(start + Duration::from_secs(60)).await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    let hanging = breaker.admit(Foreground).unwrap();
    let error = breaker.wait(start + Duration::from_secs(60)).await;
    assert!(
        matches!(error, Err(AdminError::CircuitOpen { .. })),
        "{error:?}"
    );
    assert_eq!(start.elapsed(), Duration::from_secs(60));
    let (waited, ()) = tokio::join!(breaker.wait(start + Duration::from_secs(120)), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        hanging.ended(&Ok(()));
    });
    waited.unwrap();
    assert_eq!(start.elapsed(), Duration::from_millis(60_300));
}

#[tokio::test(start_paused = true)]
async fn pages_too_heavy_to_answer_cut_nobody_off() {
    let breaker = Breaker::default();
    for _ in 0..20 {
        breaker.admit(Background).unwrap().doubtful();
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
    let breaker = opened();
    seconds(5).await;
    breaker.admit(Background).unwrap().doubtful();
    assert_eq!(
        retry_after(&breaker, Background),
        Duration::from_secs(10),
        "nor do they show that Shopify is alive"
    );
}

#[test]
fn the_status_page_has_its_words() {
    let words = [
        BreakerState::Closed,
        BreakerState::Open,
        BreakerState::HalfOpen,
    ]
    .map(|state| serde_json::to_value(state).unwrap());
    assert_eq!(words, ["closed", "open", "half_open"]);
}
