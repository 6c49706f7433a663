//! Where the cores' time went: how fast a busy machine answers says as much about its other work as about the service.

use std::{fs, process::Child, time::Duration};

use crate::stage::Stage;

/// The unit of `/proc/stat`, on every platform that Linux runs us on.
const TICK: Duration = Duration::from_millis(10);

/// Time that was spent, up to one moment.
#[derive(Debug, Clone, Copy)]
struct Spent {
    service: Duration,
    /// The service, Redis and this process.
    ours: Duration,
    all: Duration,
    /// Including what was idle.
    there: Duration,
}

/// A stretch of work that is being watched; where `/proc` does not tell, nothing is said.
#[derive(Debug)]
pub(crate) struct Watch(Option<Spent>);

impl Watch {
    pub(crate) fn begin(stage: &Stage) -> Self {
        Self(Spent::so_far(stage))
    }

    /// What is to be said after the figure of `requests` requests.
    pub(crate) fn end(self, stage: &Stage, requests: u32) -> String {
        let (Some(before), Some(after)) = (self.0, Spent::so_far(stage)) else {
            return String::new();
        };
        let service = after.service.saturating_sub(before.service) / requests.max(1);
        let others = after
            .all
            .saturating_sub(before.all)
            .saturating_sub(after.ours.saturating_sub(before.ours));
        let there = after.there.saturating_sub(before.there);
        format!(
            "; {} µs CPU of the service each; others' work took {:.0} % of the cores",
            service.as_micros(),
            100.0 * others.as_secs_f64() / there.as_secs_f64().max(TICK.as_secs_f64())
        )
    }
}

impl Spent {
    fn so_far(stage: &Stage) -> Option<Self> {
        let service = of_process(&id(&stage.service.child))?;
        let redis = stage.redis.as_ref().map(|redis| id(&redis.child));
        let redis = redis.map_or(Some(Duration::ZERO), |id| of_process(&id))?;
        let (all, there) = of_machine()?;
        Some(Self {
            service,
            ours: service + redis + of_process("self")?,
            all,
            there,
        })
    }
}

fn id(child: &Child) -> String {
    child.id().to_string()
}

/// What a process's threads have had of the cores.
fn of_process(id: &str) -> Option<Duration> {
    let threads = fs::read_dir(format!("/proc/{id}/task")).ok()?;
    let spent = threads.filter_map(|thread| {
        let times = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        let nanos = times.split_whitespace().next()?.parse().ok()?;
        Some(Duration::from_nanos(nanos))
    });
    Some(spent.sum())
}

/// The time the cores worked, for us or for another machine on the same host, and all the time there was.
fn of_machine() -> Option<(Duration, Duration)> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let ticks: Vec<u32> = stat
        .lines()
        .next()?
        .split_whitespace()
        .skip(1)
        .filter_map(|ticks| ticks.parse().ok())
        .collect();
    let &[user, nice, system, idle, iowait, irq, softirq, steal, ..] = ticks.as_slice() else {
        return None;
    };
    let worked = user + nice + system + irq + softirq + steal;
    Some((TICK * worked, TICK * (worked + idle + iowait)))
}
