//! Measures what the README claims, on the simulated shop, and prints one table: `cargo bench --bench figures`.
//!
//! `cargo bench --bench figures -- hits cold` measures some parts only; `-- bulk [orders]` is measured only where it is named. A missed bar is printed as `MISSED` and fails
//! nothing: a busy machine misses bars too.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a load script: it prints, and what goes wrong ends it with a message"
)]

mod bulk;
mod cold;
mod cpu;
mod demo;
mod failover;
mod hits;
mod latency;
mod memory;
mod sites;
mod stage;
mod sweep;
mod table;
mod tokens;
mod users;
mod webhooks;
mod wire;

/// The servers that the tests fail, too.
#[path = "../../tests/it/redis_sentinel.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "it is written for tests"
)]
mod redis_sentinel;
#[path = "../../tests/it/redis_server.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "it is written for tests"
)]
mod redis_server;
#[path = "../../tests/it/until.rs"]
#[expect(clippy::panic, reason = "it is written for tests")]
mod until;

use std::process::ExitCode;

use crate::{
    stage::{RedisServer, Stage, StoreKind, SweepPace},
    table::Table,
};

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Sweep,
    Hits,
    Webhooks,
    Cold,
    Users,
    Sites,
    Tokens,
    Memory,
    Failover,
    Demo,
    /// Only where it is named: it takes minutes.
    Bulk,
}

impl Part {
    const ALL: [Self; 11] = [
        Self::Sweep,
        Self::Hits,
        Self::Webhooks,
        Self::Cold,
        Self::Users,
        Self::Sites,
        Self::Tokens,
        Self::Memory,
        Self::Failover,
        Self::Demo,
        Self::Bulk,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Sweep => "sweep",
            Self::Hits => "hits",
            Self::Webhooks => "webhooks",
            Self::Cold => "cold",
            Self::Users => "users",
            Self::Sites => "sites",
            Self::Tokens => "tokens",
            Self::Memory => "memory",
            Self::Failover => "failover",
            Self::Demo => "demo",
            Self::Bulk => "bulk",
        }
    }

    fn wants(self, store: StoreKind) -> bool {
        match (self, store) {
            (Self::Demo | Self::Sites, _)
            | (Self::Sweep | Self::Users | Self::Tokens | Self::Failover, StoreKind::Embedded) => {
                false
            }
            (Self::Sweep | Self::Users | Self::Tokens | Self::Failover, StoreKind::Redis)
            | (Self::Hits | Self::Webhooks | Self::Cold | Self::Memory | Self::Bulk, _) => true,
        }
    }

    /// Whether it is measured on a service whose first sweep is done.
    fn wants_warmth(self, store: StoreKind) -> bool {
        !matches!(
            self,
            Self::Users | Self::Failover | Self::Tokens | Self::Bulk
        ) && self.wants(store)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let (parts, orders) = match parts() {
        Ok(asked) => asked,
        Err(unknown) => {
            let all = Part::ALL.map(Part::name).join(", ");
            eprintln!("figures: there is no part {unknown:?}; there are: {all}");
            return ExitCode::from(2);
        }
    };
    if parts.iter().any(|part| part.wants(StoreKind::Redis)) && !RedisServer::is_installed() {
        eprintln!(
            "figures: redis-server is missing. Install it (Debian, Ubuntu: apt-get install redis-server; \
             macOS: brew install redis), or measure what needs none: cargo bench --bench figures -- demo"
        );
        return ExitCode::FAILURE;
    }
    stage::allow_many_connections();
    let mut table = Table::default();
    for store in [StoreKind::Redis, StoreKind::Embedded] {
        if parts.iter().any(|part| part.wants_warmth(store)) {
            measure_on(store, &parts, &mut table).await;
        }
        if parts.contains(&Part::Users) && Part::Users.wants(store) {
            eprintln!("figures: cold orders while a sweep goes on, {store}");
            users::measure(&Stage::cold(store).await, &mut table).await;
        }
        if parts.contains(&Part::Tokens) && Part::Tokens.wants(store) {
            eprintln!("figures: cold orders while tokens end, {store}");
            tokens::measure(&Stage::granted(store).await, &mut table).await;
        }
        if parts.contains(&Part::Bulk) {
            bulk::measure(store, orders, &mut table).await;
        }
    }
    if parts.contains(&Part::Failover) {
        eprintln!("figures: a Redis master killed under webhooks");
        failover::measure(&mut table).await;
    }
    if parts.contains(&Part::Sites) {
        eprintln!("figures: cold numbers over nine sites");
        sites::measure(&mut table).await;
    }
    if parts.contains(&Part::Demo) {
        demo::measure(&mut table).await;
    }
    println!("{}", stage::conditions());
    println!("\n{table}");
    ExitCode::SUCCESS
}

async fn measure_on(store: StoreKind, parts: &[Part], table: &mut Table) {
    let wanted = |part: Part| parts.contains(&part) && part.wants(store);
    let pace = if wanted(Part::Sweep) {
        SweepPace::AsDelivered
    } else {
        SweepPace::Quick
    };
    eprintln!("figures: warming {} orders, {store}", stage::ORDERS);
    let stage = Stage::warm(store, pace).await;
    if wanted(Part::Sweep) {
        sweep::measure(&stage, table).await;
    }
    // The memory that a sweep took, before anything else takes some.
    let after_sweep = memory::read(&stage).await;
    if wanted(Part::Hits) {
        eprintln!("figures: lookups that hit, {store}");
        hits::measure(&stage, table).await;
    }
    if wanted(Part::Webhooks) {
        eprintln!("figures: webhooks, {store}");
        webhooks::measure(&stage, table).await;
    }
    if wanted(Part::Cold) {
        eprintln!("figures: cold orders, {store}");
        cold::measure(&stage, table).await;
    }
    if wanted(Part::Memory) {
        memory::measure(&stage, after_sweep, table);
    }
}

/// The parts named on the command line, or all but the longest, and how many orders a large shop has. What cargo adds begins with a
/// dash.
fn parts() -> Result<(Vec<Part>, u32), String> {
    let names = std::env::args()
        .skip(1)
        .filter(|name| !name.starts_with('-'));
    let (counts, names): (Vec<_>, Vec<_>) = names.partition(|name| name.parse::<u32>().is_ok());
    let parts = names.into_iter().map(|name| {
        let part = Part::ALL.into_iter().find(|part| part.name() == name);
        part.ok_or(name)
    });
    let mut parts: Vec<_> = parts.collect::<Result<_, _>>()?;
    if parts.is_empty() {
        parts.extend(Part::ALL.into_iter().filter(|part| *part != Part::Bulk));
    }
    let orders = counts.first().and_then(|count| count.parse().ok());
    Ok((parts, orders.unwrap_or(bulk::ORDERS)))
}
