//! Days of the service in virtual time: a shop, its webhooks and its users, and what goes wrong with them. The promises of DESIGN are
//! checked at every step.
//!
//! The service runs in a runtime whose time is paused, so that time leaps from timer to timer (`time`); Shopify is the simulator, on
//! a thread of its own (`shopify`). The driver (`driver`) lets events happen one by one (`queue`, `life`, `shop`), the courier brings
//! webhooks or loses them (`courier`), users ask (`asker`). What must hold at every moment is looked at each minute (`look`), the rest
//! is told by Shopify's log of calls (`ending`). All that is drawn comes from one seed, printed with the command that repeats the run.

#![cfg(test)]

mod asker;
mod cache;
mod courier;
mod driver;
mod ending;
mod figures;
mod ledger;
mod life;
mod look;
mod queue;
mod redis;
mod replica;
mod scenario;
mod shop;
mod shopify;
mod slots;
mod state;
mod time;
mod world;

use std::time::Duration;

use chrono::TimeDelta;
use shopify_simulator::EventBump;

use crate::{
    driver::run,
    scenario::{Kind, Lag, Road, Scenario, Span},
};

#[test]
fn calm() {
    run(Scenario::calm("calm", 1));
}

/// Should fulfilment events move the order's `updated_at`, each brings the whole order too.
#[test]
fn calm_with_bumps() {
    run(Scenario {
        event_bump: EventBump::Order,
        ..Scenario::calm("calm_with_bumps", 2)
    });
}

#[test]
fn a_fifth_of_the_webhooks_is_lost() {
    let road = Road {
        lost: 0.2,
        ..Road::default()
    };
    run(Scenario {
        road,
        ..Scenario::calm("a_fifth_of_the_webhooks_is_lost", 3)
    });
}

#[test]
fn webhooks_go_astray() {
    let road = Road {
        lost: 0.05,
        doubled: 0.1,
        reordered: 0.1,
        late: 0.1,
    };
    run(Scenario {
        road,
        ..Scenario::calm("webhooks_go_astray", 4)
    });
}

#[test]
fn shopify_is_down_over_a_slot() {
    run(Scenario {
        outages: Span::every_four_days(1, 7, 75).collect(),
        ..Scenario::calm("shopify_is_down_over_a_slot", 5)
    });
}

#[test]
fn shopify_throttles() {
    run(Scenario {
        storms: Span::every_four_days(0, 13, 90)
            .chain(Span::every_four_days(1, 1, 120))
            .collect(),
        ..Scenario::calm("shopify_throttles", 6)
    });
}

#[test]
fn the_api_lags() {
    let lag = Lag {
        search: Duration::from_secs(240),
        replica: Duration::from_secs(20),
    };
    run(Scenario {
        lag,
        road: Road {
            lost: 0.1,
            ..Road::default()
        },
        ..Scenario::calm("the_api_lags", 7)
    });
}

#[test]
fn clocks_jump() {
    run(Scenario {
        clock_jumps: [
            (0, 9, 120, TimeDelta::hours(2)),
            (1, 9, 120, TimeDelta::hours(-2)),
            (2, 4, 600, TimeDelta::seconds(-90)),
        ]
        .into_iter()
        .flat_map(|(day, hour, minutes, off_by)| {
            Span::every_four_days(day, hour, minutes).map(move |span| (span, off_by))
        })
        .collect(),
        ..Scenario::calm("clocks_jump", 8)
    });
}

#[test]
fn the_service_restarts() {
    run(Scenario {
        restarts: [(0, 13, 90), (1, 3, 2), (1, 19, 80), (3, 1, 5)]
            .into_iter()
            .flat_map(|(day, hour, minutes)| Span::every_four_days(day, hour, minutes))
            .collect(),
        ..Scenario::calm("the_service_restarts", 9)
    });
}

/// One after the other dies in the middle of a page; another goes on.
#[test]
fn warmers_are_killed() {
    run(Scenario {
        replicas: 3,
        kills: kills(),
        ..Scenario::calm("warmers_are_killed", 10)
    });
}

#[test]
fn warmers_are_killed_on_redis() {
    run(Scenario {
        replicas: 2,
        kills: kills(),
        store: Kind::Redis,
        road: Road {
            lost: 0.05,
            doubled: 0.1,
            reordered: 0.1,
            late: 0.05,
        },
        ..Scenario::calm("warmers_are_killed_on_redis", 11)
    });
}

/// Some seconds after a slot, when a sweep is under way.
fn kills() -> Vec<Span> {
    [(0, 8, 3, 10), (0, 14, 9, 30), (1, 2, 13, 60), (1, 8, 1, 5)]
        .into_iter()
        .flat_map(|(day, hour, seconds, minutes)| {
            Span::every_four_days(day, hour, minutes).map(move |span| span.after_seconds(seconds))
        })
        .map(|span| Span {
            // The days begin ten minutes after midnight.
            from: span.from - TimeDelta::minutes(10),
            ..span
        })
        .collect()
}
