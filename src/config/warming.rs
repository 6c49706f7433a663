//! The variables that say how and when the service warms.

use std::time::Duration;

use super::Reader;
use crate::{
    budget::BudgetSettings,
    schedule::{self, Schedule},
    subscriptions::Endpoint,
    sweep::{BulkPatience, BulkSettings, Limits, SweepSettings},
    warmer::{Rhythm, WarmerSettings},
};

/// Less than this holds no shop's orders.
const LEAST_MEMORY: u64 = 1024 * 1024;

pub(super) fn warmer(reader: &mut Reader, endpoint: Option<Endpoint>) -> WarmerSettings {
    let full = pattern(reader, "WARMUP_FULL_CRON", "0 0 2 * * *");
    let incremental = pattern(reader, "WARMUP_INCREMENTAL_CRON", "0 0 8,14,20 * * *");
    let schedule = full
        .zip(incremental)
        .map(|(full, incremental)| Schedule::new(full, incremental));
    let by_itself = reader.flag("WARMUP_ENABLED", true);
    WarmerSettings {
        sweep: sweep(reader),
        schedule: schedule.filter(|_| by_itself),
        bulk: BulkSettings {
            threshold: reader.number("WARMUP_BULK_THRESHOLD", 10_000, 1..=10_000_000),
            spool: super::data_dir(reader).join("bulk"),
            patience: BulkPatience::default(),
        },
        rhythm: Rhythm::default(),
        endpoint,
    }
}

pub(super) fn budget(reader: &mut Reader) -> BudgetSettings {
    let rate: f64 = reader.number("WARMUP_RATE_LIMIT", 0.5, 0.01..=20.0);
    BudgetSettings {
        pace: Duration::from_secs_f64(1.0 / rate),
        pause_for_users: reader.flag("WARMUP_PAUSE_ON_USER_REQUEST", true),
    }
}

fn sweep(reader: &mut Reader) -> SweepSettings {
    let duration = reader.number("WARMUP_MAX_DURATION", 7200, 10..=86_400);
    SweepSettings {
        days: reader.number("WARMUP_ORDER_DAYS", 7, 1..=60),
        page_size: reader.number("WARMUP_PAGE_SIZE", 100, 1..=250),
        limits: Limits {
            duration: Duration::from_secs(duration),
            memory: memory(reader, "WARMUP_MAX_MEMORY"),
        },
    }
}

fn pattern(reader: &mut Reader, name: &str, default: &str) -> Option<croner::Cron> {
    let text = reader.text(name);
    match schedule::pattern(text.as_deref().unwrap_or(default)) {
        Ok(cron) => Some(cron),
        Err(bad) => {
            reader.fault(name, &bad.to_string());
            None
        }
    }
}

/// Bytes, or as Redis writes them: `512mb`.
fn memory(reader: &mut Reader, name: &str) -> Option<u64> {
    let text = reader.text(name)?.to_ascii_lowercase();
    let units = [("gb", 30), ("mb", 20), ("kb", 10), ("", 0)];
    let (number, shift) = units
        .iter()
        .find_map(|(unit, shift)| Some((text.strip_suffix(unit)?.trim(), *shift)))?;
    let bytes = number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(1 << shift))
        .filter(|bytes| *bytes >= LEAST_MEMORY);
    if bytes.is_none() {
        reader.fault(
            name,
            "is no size of at least 1mb: write bytes, or a size such as 512mb or 2gb",
        );
    }
    bytes
}
