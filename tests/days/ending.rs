//! What Shopify's log of calls says in the end: pace, calls a day, and whether users waited for warming.

use chrono::{DateTime, TimeDelta, Utc};
use shopify_simulator::Call;

use crate::{figures::Miss, world::World};

/// Half a call a second, and the one that the time begins with: in a minute, and in a moment.
const PACE: [(TimeDelta, usize); 2] = [(TimeDelta::seconds(60), 31), (TimeDelta::seconds(10), 6)];
/// A question's own call comes within this, however long Shopify kept others waiting.
const PATIENCE: TimeDelta = TimeDelta::seconds(30);

pub(crate) fn sum_up(world: &World, calls: &[Call]) {
    let waited = users_waited(world, calls);
    let background: Vec<DateTime<Utc>> = calls
        .iter()
        .filter(|call| !is_users(call))
        .map(|call| call.at)
        .collect();
    let most = PACE.map(|(span, _)| most_within(span, &background));
    let run = world.time.now() - world.start;
    let count = |calls: usize| u64::try_from(calls).unwrap_or(u64::MAX);
    let mut figures = world.figures();
    figures.calls = count(calls.len());
    figures.lookup_calls = count(calls.iter().filter(|call| is_users(call)).count());
    figures.most_calls_a_minute = most[0];
    figures.waited_for_warming = waited;
    figures.days = run.as_seconds_f64() / 86_400.0;
    // A run that asks nothing proves nothing.
    let proves_something = figures.of_told.all > 0 && figures.sweeps > 0;
    drop(figures);
    if !proves_something {
        world.broken("none", "nothing was asked, or nothing swept");
    }
    for ((span, allowed), most) in PACE.into_iter().zip(most) {
        if most > allowed {
            world.broken("5 (pace)", &format!("{most} background calls in {span}"));
        }
    }
}

/// A user's call goes out the moment it is wanted: whatever lies between, warming caused, unless Shopify itself asked for quiet.
fn users_waited(world: &World, calls: &[Call]) -> TimeDelta {
    let misses = std::mem::take(&mut world.figures().misses);
    let mut waited = TimeDelta::zero();
    for miss in misses {
        let from = calls.partition_point(|call| call.at < miss.at);
        let own = calls[from..]
            .iter()
            .take_while(|call| call.at - miss.at < PATIENCE)
            .find(|call| is_users(call) && names(call, &miss));
        let Some(own) = own else { continue };
        let wait = own.at - miss.at;
        if wait > TimeDelta::zero() && !world.was_ill(miss.at - TimeDelta::minutes(2), own.at) {
            waited += wait;
            world.broken(
                "3 (users first)",
                &format!("{} asked at {} waited {wait}", miss.names, miss.at),
            );
        }
    }
    waited
}

fn names(call: &Call, miss: &Miss) -> bool {
    call.variables.to_string().contains(&miss.names)
}

/// Lookups search by name or read one order; warming does neither.
fn is_users(call: &Call) -> bool {
    match call.operation.as_str() {
        "OrdersPage" => call.variables.to_string().contains("name:"),
        operation => operation == "OrderById",
    }
}

fn most_within(span: TimeDelta, calls: &[DateTime<Utc>]) -> usize {
    let windows = calls.iter().enumerate().map(|(at, from)| {
        let until = *from + span;
        calls[at..].partition_point(|call| *call < until)
    });
    windows.max().unwrap_or_default()
}
