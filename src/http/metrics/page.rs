//! Every metric there is, in the order of the README's table.

use super::Scraped;
use crate::{
    alert::ActiveAlert,
    http::{AppState, held::Held},
    observe::exposition::{Exposition, Kind},
    warm::TopicCounts,
};

/// The page of one scrape.
pub(super) fn all(state: &AppState, held: &Scraped) -> String {
    let mut page = Exposition::default();
    process(&mut page, state, held);
    lookups(&mut page, state);
    webhooks(&mut page, state);
    shops(&mut page, state);
    cache(&mut page, held);
    alerts(&mut page, state);
    page.into_text()
}

fn process(page: &mut Exposition, state: &AppState, held: &Scraped) {
    page.family(
        "shopify_warmer_build_info",
        Kind::Gauge,
        "Always 1; the version that runs.",
    )
    .sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    page.family(
        "shopify_warmer_start_time_seconds",
        Kind::Gauge,
        "When the process started, in seconds since 1970.",
    )
    .sample(&[], state.about.started_at.timestamp());
    page.family(
        "shopify_warmer_store_up",
        Kind::Gauge,
        "Whether the store answers: 1 or 0.",
    )
    .sample(
        &[("kind", state.store.kind().as_str())],
        u8::from(held.store_answers),
    );
}

fn lookups(page: &mut Exposition, state: &AppState) {
    let counts = state.lookups.counts();
    let mut lookups = page.family(
        "shopify_warmer_lookups_total",
        Kind::Counter,
        "Lookups: hit if the cache knew, that there is no such order included; miss if Shopify was asked.",
    );
    lookups.sample(&[("result", "hit")], counts.hits);
    lookups.sample(&[("result", "miss")], counts.misses);
    let durations = state.lookups.durations();
    let mut family = page.family(
        "shopify_warmer_lookup_duration_seconds",
        Kind::Histogram,
        "How long lookups took.",
    );
    family.durations(&[("result", "hit")], &durations.hits);
    family.durations(&[("result", "miss")], &durations.misses);
}

fn webhooks(page: &mut Exposition, state: &AppState) {
    let topics = state.tally.all();
    let let_in = || topics.iter().filter(|(_, counts)| counts.received > 0);
    let mut by_topic = |name, help, count: fn(&TopicCounts) -> u64| {
        let mut family = page.family(name, Kind::Counter, help);
        for (topic, counts) in let_in() {
            family.sample(&[("topic", topic)], count(counts));
        }
    };
    by_topic(
        "shopify_warmer_webhooks_received_total",
        "Deliveries that were let in.",
        |counts| counts.received,
    );
    by_topic(
        "shopify_warmer_webhooks_applied_total",
        "Deliveries that changed something, or had something fetched.",
        |counts| counts.applied,
    );
    by_topic(
        "shopify_warmer_webhooks_unchanged_total",
        "Deliveries that said nothing new.",
        |counts| counts.unchanged,
    );
    page.family(
        "shopify_warmer_webhooks_rejected_total",
        Kind::Counter,
        "Deliveries refused: unsigned, wrongly signed, or of an unknown shop.",
    )
    .sample(
        &[],
        topics.values().map(|counts| counts.rejected).sum::<u64>(),
    );
    let mut last = page.family(
        "shopify_warmer_webhook_last_received_timestamp_seconds",
        Kind::Gauge,
        "When the last delivery of a topic was let in, in seconds since 1970.",
    );
    for (topic, counts) in let_in() {
        if let Some(at) = counts.last_at {
            last.sample(&[("topic", topic)], at.timestamp());
        }
    }
    page.family(
        "shopify_warmer_webhook_duration_seconds",
        Kind::Histogram,
        "How long deliveries took to be answered, refused ones included.",
    )
    .durations(&[], &state.metrics.webhooks);
}

fn shops(page: &mut Exposition, state: &AppState) {
    let mut up = page.family(
        "shopify_warmer_shopify_up",
        Kind::Gauge,
        "Whether the shop's Admin API answers: 1 or 0.",
    );
    for site in state.sites.iter() {
        let answers = site.calls.trouble().is_none();
        up.sample(&[("site", site.code.as_str())], u8::from(answers));
    }
    let mut available = page.family(
        "shopify_warmer_budget_available_points",
        Kind::Gauge,
        "Points left in the shop's bucket for calls.",
    );
    for site in state.sites.iter() {
        let budget = site.calls.budget().status();
        available.sample(&[("site", site.code.as_str())], budget.available);
    }
    let mut maximum = page.family(
        "shopify_warmer_budget_maximum_points",
        Kind::Gauge,
        "Points in that bucket when it is full.",
    );
    for site in state.sites.iter() {
        let budget = site.calls.budget().status();
        maximum.sample(&[("site", site.code.as_str())], budget.maximum);
    }
    let mut waited = page.family(
        "shopify_warmer_users_waited_for_warming_seconds_total",
        Kind::Counter,
        "How long users waited for something that warming held or spent.",
    );
    for site in state.sites.iter() {
        let time = site.calls.budget().users_waited_for_warming();
        waited.sample(&[("site", site.code.as_str())], time.as_secs_f64());
    }
}

fn cache(page: &mut Exposition, held: &Scraped) {
    let mut by_site = |name, help, count: fn(&Held) -> u64| {
        let mut family = page.family(name, Kind::Gauge, help);
        for (site, held) in &held.sites {
            family.sample(&[("site", site.as_str())], count(held));
        }
    };
    by_site(
        "shopify_warmer_sweep_running",
        "Whether the shop is being swept: 1 or 0.",
        |held| u64::from(held.sweep.is_some()),
    );
    by_site(
        "shopify_warmer_window_orders",
        "Orders known to be in the window.",
        |held| held.coverage.window,
    );
    by_site(
        "shopify_warmer_warm_orders",
        "Orders of the window whose tracking has not expired.",
        |held| held.coverage.warm,
    );
    by_site(
        "shopify_warmer_refresh_set_orders",
        "Orders waiting to be fetched.",
        |held| held.waiting,
    );
    by_site(
        "shopify_warmer_dead_letter_orders",
        "Orders that could not be fetched until the next sweep.",
        |held| u64::try_from(held.dead).unwrap_or(u64::MAX),
    );
    by_site(
        "shopify_warmer_site_installed",
        "Whether the shop has the app.",
        |held| u64::from(held.removed_since.is_none()),
    );
    let mut inbox = page.family(
        "shopify_warmer_inbox_deliveries",
        Kind::Gauge,
        "Deliveries that the store has not taken yet.",
    );
    if let Some(deliveries) = held.inbox {
        inbox.sample(&[], deliveries);
    }
}

fn alerts(page: &mut Exposition, state: &AppState) {
    let mut active = page.family(
        "shopify_warmer_alert",
        Kind::Gauge,
        "1 for each alert that is raised and not cleared.",
    );
    for ActiveAlert { cause, site, .. } in state.alerts.active() {
        let cause = ("cause", cause.as_str());
        match site {
            Some(site) => active.sample(&[cause, ("site", site.as_str())], 1),
            None => active.sample(&[cause], 1),
        }
    }
    let posts = state.alerts.posts();
    let mut messages = page.family(
        "shopify_warmer_alert_messages_total",
        Kind::Counter,
        "Messages to ALERT_WEBHOOK_URL: sent if it took them, failed if they were given up.",
    );
    messages.sample(&[("result", "sent")], posts.sent);
    messages.sample(&[("result", "failed")], posts.failed);
}
