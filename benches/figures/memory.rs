//! What the cache takes, in Redis or on disk, and what the service takes.

use crate::{
    stage::{ORDERS, Stage, StoreKind},
    table::{Row, Table},
};

/// What was used when only the sweep had run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AfterSweep {
    cache_bytes: u64,
    resident_bytes: Option<u64>,
}

pub(crate) async fn read(stage: &Stage) -> AfterSweep {
    let cache_bytes = match &stage.redis {
        Some(redis) => redis
            .used_memory()
            .await
            .saturating_sub(stage.redis_memory_before),
        None => stage.data_bytes(),
    };
    AfterSweep {
        cache_bytes,
        resident_bytes: stage.service.resident_bytes(),
    }
}

pub(crate) fn measure(stage: &Stage, after_sweep: AfterSweep, table: &mut Table) {
    let AfterSweep {
        cache_bytes,
        resident_bytes,
    } = after_sweep;
    let per_order = cache_bytes / u64::from(ORDERS);
    let what = match stage.kind {
        StoreKind::Redis => "Redis memory (used_memory)",
        StoreKind::Embedded => "files of the embedded store",
    };
    table.add(Row {
        what: format!("{what} per 10,000 orders, from {ORDERS}"),
        measured: format!("{}; {per_order} bytes an order", mib(per_order * 10_000)),
        bar: None,
        part: "memory",
    });
    let resident = |bytes: Option<u64>| bytes.map_or_else(|| "unknown".to_owned(), mib);
    table.add(Row {
        what: format!("resident memory of the service, {}", stage.kind),
        measured: format!(
            "{} after the sweep, {} in the end",
            resident(resident_bytes),
            resident(stage.service.resident_bytes())
        ),
        bar: None,
        part: "memory",
    });
}

fn mib(bytes: u64) -> String {
    let tenths = bytes * 10 / (1024 * 1024);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}
