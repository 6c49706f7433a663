//! `GET /api/warmup/coverage`: each order of the window that is not warm, and why.

use std::collections::BTreeMap;

use axum::{extract::State, response::Response};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    AppState,
    answer::{ApiError, success},
    openapi::{StoreUnavailable, Success, Unauthorized},
    status::Covered,
};
use crate::{
    order::OrderId,
    site::SiteCode,
    store::{Coverage, Found, StoreError, Window},
};

/// Orders one answer lists: beyond that the number says enough.
const MOST_LISTED: usize = 500;

/// How warm the window is, and what is not.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Report {
    /// Orders known to be in the window.
    window: u64,
    /// Those whose tracking has not expired.
    warm: u64,
    /// `warm` of `window`; 1 where the window is empty.
    #[schema(minimum = 0, maximum = 1)]
    ratio: f64,
    /// The others, and orders that were announced and have not come.
    missing: Vec<NotWarm>,
    /// Whether there are more than are listed.
    truncated: bool,
}

/// An order that is not warm.
#[derive(Debug, Serialize, ToSchema)]
struct NotWarm {
    /// Its id.
    order_id: String,
    /// Its number; null where not even that is cached.
    order_number: Option<String>,
    /// Whose it is.
    site: SiteCode,
    /// Why, and what comes of it.
    reason: String,
}

/// Lists each order of the window that is not warm, and why.
#[utoipa::path(
    get,
    path = "/api/warmup/coverage",
    operation_id = "getWarmupCoverage",
    tag = "warming",
    security(("bearer" = ["manage"]), ("api_key" = ["manage"])),
    responses(
        (status = 200, description = "How warm the window is, and what is not.", body = Success<Report>),
        (status = 401, response = Unauthorized),
        (status = 503, response = StoreUnavailable)
    )
)]
pub(super) async fn coverage(State(state): State<AppState>) -> Result<Response, ApiError> {
    let now = state.clock.now();
    let (mut sum, mut missing) = (Coverage::default(), Vec::new());
    for site in state.sites.iter() {
        let since = now - TimeDelta::days(i64::from(state.about.days));
        let counted = state.store.coverage(&site.code, since, now).await?;
        sum.window += counted.window;
        sum.warm += counted.warm;
        missing.extend(not_warm(&state, &site.code, since, now).await?);
    }
    let truncated = missing.len() > MOST_LISTED;
    missing.truncate(MOST_LISTED);
    let Covered {
        window,
        warm,
        ratio,
    } = Covered::of(sum);
    Ok(success(&Report {
        window,
        warm,
        ratio,
        missing,
        truncated,
    }))
}

/// Orders of the window whose tracking has expired, and orders that were announced but never came.
async fn not_warm(
    state: &AppState,
    site: &SiteCode,
    created_since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<NotWarm>, StoreError> {
    let window = Window {
        created_since,
        expires_before: now,
    };
    let store = &state.store;
    let expired = store.expiring(site, &window, MOST_LISTED + 1).await?;
    let dead = store.dead_letters(site).await?;
    let waiting = store
        .refreshes_due(site, DateTime::<Utc>::MAX_UTC, MOST_LISTED + 1)
        .await?;
    let mut suspects: BTreeMap<OrderId, Option<String>> =
        expired.into_iter().map(|id| (id, None)).collect();
    for entry in waiting {
        let reason = format!(
            "it is to be fetched at {}, after {} tries",
            spelled(entry.due_at),
            entry.attempts
        );
        suspects.insert(entry.order, Some(reason));
    }
    for letter in dead {
        let reason = format!(
            "it could not be fetched on {}, and the next sweep tries again: {}",
            spelled(letter.at),
            letter.cause
        );
        suspects.insert(letter.order, Some(reason));
    }
    let mut not_warm = Vec::new();
    for (id, reason) in suspects {
        let found = store.order(site, id, now).await?;
        not_warm.extend(reported(site, id, found, reason.as_deref()));
    }
    Ok(not_warm)
}

/// An order that is warm after all, whatever waits for it, is not reported; nor is one that is gone.
fn reported(site: &SiteCode, id: OrderId, found: Found, reason: Option<&str>) -> Option<NotWarm> {
    let (order_number, state) = match found {
        Found::Order(entry) if entry.tracking_ttl.is_some() => return None,
        Found::Absent => return None,
        Found::Order(entry) => {
            let number = entry.order.head.map(|head| head.value.name);
            (number, "its tracking has expired")
        }
        Found::Unknown => (None, "it is not in the cache"),
    };
    let reason = reason.unwrap_or("the next sweep reads it");
    Some(NotWarm {
        order_id: id.to_string(),
        order_number,
        site: site.clone(),
        reason: format!("{state}; {reason}"),
    })
}

fn spelled(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
