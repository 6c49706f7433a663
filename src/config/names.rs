//! Which variables there are, so that a misspelt one is not silently ignored.

use std::collections::BTreeSet;

/// Every variable that is read and has one name. `.env.example` lists the same, and a test compares the two.
pub const VARIABLES: &[&str] = &[
    "WARMUP_ENABLED",
    "WARMUP_ORDER_DAYS",
    "WARMUP_RATE_LIMIT",
    "WARMUP_PAUSE_ON_USER_REQUEST",
    "WARMUP_MAX_RETRIES",
    "WARMUP_PAGE_SIZE",
    "WARMUP_FULL_CRON",
    "WARMUP_INCREMENTAL_CRON",
    "WARMUP_MAX_DURATION",
    "WARMUP_MAX_MEMORY",
    "WARMUP_BULK_THRESHOLD",
    "CACHE_ORDER_DETAIL_TTL",
    "CACHE_TRACKING_TTL",
    "CACHE_ORDER_SEARCH_TTL",
    "CACHE_NOT_FOUND_TTL",
    "CACHE_PREFIX",
    "REDIS_URL",
    "DATA_DIR",
    "LISTEN_ADDR",
    "PUBLIC_URL",
    "ADMIN_TOKEN",
    "LOOKUP_TOKEN",
    "LOOKUP_TIMEOUT_MS",
    "LOOKUP_VERIFY",
    "ALERT_WEBHOOK_URL",
    "ALERT_FORMAT",
    "LOG_FORMAT",
    "RUST_LOG",
];

/// What a site's variables end with: `SHOPIFY_<CODE>_<SUFFIX>`.
pub const SITE_SUFFIXES: &[&str] = &[
    "SHOP_DOMAIN",
    "ACCESS_TOKEN",
    "CLIENT_ID",
    "CLIENT_SECRET",
    "WEBHOOK_SECRET",
    "API_VERSION",
    "ORDER_PREFIX",
    "ADMIN_URL",
];

/// Prefixes that are ours, so that an unknown name below them is a mistake.
const OUR_PREFIXES: &[&str] = &["SHOPIFY_", "WARMUP_", "CACHE_", "LOOKUP_", "ALERT_"];

/// The site codes named by any `SHOPIFY_<CODE>_…`, lower case and sorted.
pub(super) fn site_codes<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let codes: BTreeSet<_> = names
        .filter_map(site_code)
        .map(str::to_ascii_lowercase)
        .collect();
    codes.into_iter().collect()
}

/// The code in `SHOPIFY_<CODE>_<one of the suffixes>`.
fn site_code(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("SHOPIFY_")?;
    let code = SITE_SUFFIXES
        .iter()
        .find_map(|suffix| rest.strip_suffix(suffix)?.strip_suffix('_'))?;
    code.parse::<crate::site::SiteCode>()
        .is_ok()
        .then_some(code)
}

/// Names below our prefixes that nothing reads, each with what to write instead.
pub(super) fn unknown_names<'a>(names: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    names
        .filter(|name| OUR_PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
        .filter(|name| !VARIABLES.contains(name) && site_code(name).is_none())
        .map(|name| {
            (
                name.to_owned(),
                format!(
                    "is not a variable of this service: did you mean {}?",
                    nearest(name)
                ),
            )
        })
        .collect()
}

fn nearest(name: &str) -> String {
    let site = name
        .strip_prefix("SHOPIFY_")
        .and_then(|rest| rest.split_once('_'));
    let of_the_site = site.into_iter().flat_map(|(code, _)| {
        SITE_SUFFIXES
            .iter()
            .map(move |suffix| format!("SHOPIFY_{code}_{suffix}"))
    });
    let all = VARIABLES
        .iter()
        .map(|known| (*known).to_owned())
        .chain(of_the_site);
    let unnamed = || "SHOPIFY_<CODE>_SHOP_DOMAIN".to_owned();
    all.min_by_key(|known| strsim::damerau_levenshtein(known, name))
        .unwrap_or_else(unnamed)
}
