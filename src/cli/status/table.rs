//! The status for a person: what runs, how warm it is, what is wrong and how to mend it.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::{alert::Cause, cli::output::columns};

/// The status as lines.
pub(super) fn of(status: &Value, who: &str, now: DateTime<Utc>) -> String {
    let mut parts = vec![
        columns(&head(status, who, now)),
        columns(&sites(status, now)),
    ];
    let webhooks = webhooks(status, now);
    if webhooks.len() > 1 {
        parts.push(columns(&webhooks));
    }
    parts.push(alerts(status, now));
    parts.join("\n\n")
}

fn head(status: &Value, who: &str, now: DateTime<Utc>) -> Vec<Vec<String>> {
    let (text, count) = (Looked::text, Looked::count);
    let at = |path: &str| moment(status, path, now);
    let row = |name: &str, said: String| vec![name.to_owned(), said];
    vec![
        row("service", format!("{}, {who}", text(status, "/version"))),
        row(
            "store",
            format!(
                "{}, {}",
                text(status, "/store/kind"),
                text(status, "/store/state")
            ),
        ),
        row("sweep", sweep(status, now)),
        row("last full", at("/last_full_warmup")),
        row("last incremental", at("/last_incremental_warmup")),
        row("next", next(status, now)),
        row("coverage", coverage(status)),
        row(
            "lookups",
            format!("{} from the cache", text(status, "/stats/cache_hit_rate")),
        ),
        row(
            "waiting",
            format!(
                "{} to be fetched, {} that could not be, {} webhooks in the inbox",
                count(status, "/refresh_set"),
                count(status, "/dead_letters"),
                count(status, "/inbox"),
            ),
        ),
        row(
            "users waited",
            format!(
                "{} ms for warming",
                count(status, "/users_waited_for_warming_ms")
            ),
        ),
    ]
}

fn sweep(status: &Value, now: DateTime<Utc>) -> String {
    let Some(sweep) = status.pointer("/sweep").filter(|sweep| sweep.is_object()) else {
        return "none is running".to_owned();
    };
    let (text, count) = (Looked::text, Looked::count);
    let left = match count(sweep, "/eta_s").as_str() {
        "-" => "just begun".to_owned(),
        seconds => format!("{seconds} s left"),
    };
    format!(
        "{} {}: {} of {} orders, {left}, begun {}",
        text(sweep, "/type"),
        text(sweep, "/task_id"),
        count(sweep, "/done"),
        count(sweep, "/total"),
        moment(sweep, "/started_at", now),
    )
}

fn next(status: &Value, now: DateTime<Utc>) -> String {
    if status.pointer("/enabled") == Some(&Value::Bool(false)) {
        return "none: WARMUP_ENABLED is false".to_owned();
    }
    let kind = Looked::text(status, "/slots/next/0/type");
    format!("{kind} {}", moment(status, "/next_scheduled", now))
}

fn coverage(of: &Value) -> String {
    let Some(ratio) = of.pointer("/coverage/ratio").and_then(Value::as_f64) else {
        return "-".to_owned();
    };
    let count = |path| Looked::count(of, path);
    let (warm, window) = (count("/coverage/warm"), count("/coverage/window"));
    if window == "0" {
        return "no order is known yet".to_owned();
    }
    // Rounded down: 1,399 of 1,400 is not all of them.
    format!(
        "{warm} of {window} orders warm ({:.1} %)",
        (ratio * 1000.0).floor() / 10.0
    )
}

fn sites(status: &Value, now: DateTime<Utc>) -> Vec<Vec<String>> {
    let head = [
        "site",
        "shopify",
        "coverage",
        "sweep",
        "last full",
        "last webhook",
        "drift",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (code, site) in objects(status, "/sites") {
        let sweep = match site.pointer("/sweep/done") {
            Some(done) => format!("{done} of {}", Looked::count(site, "/sweep/total")),
            None => "-".to_owned(),
        };
        let count = |path| Looked::count(site, path);
        rows.push(vec![
            code.clone(),
            Looked::text(site, "/shopify"),
            coverage(site),
            sweep,
            moment(site, "/last_full_warmup", now),
            moment(site, "/last_webhook_at", now),
            format!(
                "{} missing, {} stale",
                count("/drift/missing"),
                count("/drift/stale")
            ),
        ]);
    }
    rows
}

fn webhooks(status: &Value, now: DateTime<Utc>) -> Vec<Vec<String>> {
    let head = [
        "webhooks",
        "received",
        "applied",
        "unchanged",
        "refused",
        "last",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (topic, counts) in objects(status, "/webhooks") {
        let count = |path| Looked::count(counts, path);
        rows.push(vec![
            topic.clone(),
            count("/received"),
            count("/applied"),
            count("/unchanged"),
            count("/rejected"),
            moment(counts, "/last_at", now),
        ]);
    }
    rows
}

fn alerts(status: &Value, now: DateTime<Utc>) -> String {
    let alerts = status.pointer("/alerts").and_then(Value::as_array);
    let alerts = alerts.map_or(&[][..], Vec::as_slice);
    if alerts.is_empty() {
        return "no alerts".to_owned();
    }
    let mut lines = vec![format!("{} alert(s)", alerts.len())];
    for alert in alerts {
        let cause = Looked::text(alert, "/cause");
        let site = alert.pointer("/site").and_then(Value::as_str);
        let site = site.map_or_else(String::new, |site| format!(" of {site}"));
        let (text, since) = (Looked::text(alert, "/text"), moment(alert, "/since", now));
        lines.push(format!("  {cause}{site}: {text} (since {since})"));
        // A newer service may know causes that this program does not.
        let known = Cause::ALL.iter().find(|known| known.as_str() == cause);
        lines.extend(known.map(|known| format!("    {}", known.advice())));
    }
    lines.join("\n")
}

fn objects<'a>(status: &'a Value, path: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    let object = status.pointer(path).and_then(Value::as_object);
    object.into_iter().flat_map(Map::iter)
}

/// A value as a person reads it; `-` where nothing is known.
struct Looked;

impl Looked {
    fn text(of: &Value, path: &str) -> String {
        of.pointer(path)
            .and_then(Value::as_str)
            .unwrap_or("-")
            .to_owned()
    }

    fn count(of: &Value, path: &str) -> String {
        let number = of.pointer(path).and_then(Value::as_u64);
        number.map_or_else(|| "-".to_owned(), |number| number.to_string())
    }
}

/// A time, and how long ago or ahead it is.
fn moment(of: &Value, path: &str, now: DateTime<Utc>) -> String {
    let at = of.pointer(path).and_then(Value::as_str);
    let Some(at) = at.and_then(|at| at.parse::<DateTime<Utc>>().ok()) else {
        return "-".to_owned();
    };
    let seconds = (at - now).num_seconds();
    let far = match seconds.unsigned_abs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7199 => format!("{} min", seconds / 60),
        seconds @ 7200..=172_799 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    };
    let at = at.format("%Y-%m-%d %H:%M:%S UTC");
    if seconds > 0 {
        format!("{at} (in {far})")
    } else {
        format!("{at} ({far} ago)")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn noon() -> DateTime<Utc> {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_running_sweep_is_shown_with_its_progress_and_what_is_left() {
        let status = json!({
            "enabled": true, "version": "1.2.3", "store": { "kind": "redis", "state": "ok" },
            "sweep": { "task_id": "warmup_20261122_115930", "type": "full", "done": 300, "total": 1400, "eta_s": 34, "started_at": "2026-11-22T11:59:30Z" },
            "coverage": { "window": 1400, "warm": 1399, "ratio": 0.999_285 },
            "next_scheduled": "2026-11-22T14:00:00Z", "slots": { "next": [{ "type": "incremental" }] },
            "sites": { "uk": { "shopify": "ok", "sweep": { "done": 300, "total": 1400 } } },
            "webhooks": { "orders/create": { "received": 3, "applied": 2, "unchanged": 1, "rejected": 0, "last_at": "2026-11-22T11:58:00Z" } },
        });
        let told = of(&status, "running", noon());
        for wanted in [
            "full warmup_20261122_115930: 300 of 1400 orders, 34 s left, begun 2026-11-22 11:59:30 UTC (30 s ago)",
            "1399 of 1400 orders warm (99.9 %)",
            "incremental 2026-11-22 14:00:00 UTC (in 2 h)",
            "orders/create  3         2        1          0        2026-11-22 11:58:00 UTC (2 min ago)",
            "no alerts",
        ] {
            assert!(told.contains(wanted), "{wanted} is not in:\n{told}");
        }
    }

    #[test]
    fn every_alert_comes_with_its_fix() {
        for cause in Cause::ALL {
            let status = json!({ "alerts": [{ "cause": cause, "site": "uk", "text": "it is so", "since": "2026-11-22T11:00:00Z" }] });
            let told = of(&status, "running", noon());
            assert!(
                told.contains(&format!("{cause} of uk: it is so")) && told.contains(cause.advice()),
                "{told}"
            );
        }
        let newer = json!({ "alerts": [{ "cause": "not_known_yet", "site": null, "text": "x" }] });
        assert!(of(&newer, "running", noon()).contains("not_known_yet: x"));
    }

    #[test]
    fn what_is_not_known_is_said_not_to_be() {
        let told = of(
            &json!({ "store": { "kind": "redis", "state": "unreachable" }, "coverage": null }),
            "x",
            noon(),
        );
        assert!(
            told.contains("redis, unreachable") && told.contains("coverage          -"),
            "{told}"
        );
    }
}
