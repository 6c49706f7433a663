//! Right settings are read, wrong ones are all told at once and by name.

use secrecy::ExposeSecret as _;

use super::*;
use crate::{alert::AlertFormat, site::Credentials};

const UK: [(&str, &str); 3] = [
    ("SHOPIFY_UK_SHOP_DOMAIN", "warmer-demo.myshopify.com"),
    ("SHOPIFY_UK_ACCESS_TOKEN", "shpat_hidden"),
    ("SHOPIFY_UK_WEBHOOK_SECRET", "hidden-1, hidden-2"),
];

fn read(more: &[(&str, &str)]) -> Result<Config, ConfigFaults> {
    let vars = UK
        .iter()
        .chain(more)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::from_vars(vars)
}

fn faults(more: &[(&str, &str)]) -> Vec<String> {
    read(more).unwrap_err().names().map(str::to_owned).collect()
}

#[test]
fn defaults_are_the_documented_ones() {
    let config = read(&[]).unwrap();
    assert_eq!(config.warmer.sweep.days, 7);
    assert_eq!(config.budget.pace, Duration::from_secs(2));
    assert_eq!(config.store.ttls, Ttls::default());
    assert_eq!(config.listen_addr.to_string(), "127.0.0.1:8080");
    let [site] = config.sites.as_slice() else {
        panic!("one site")
    };
    assert_eq!(site.code.as_str(), "uk");
    assert_eq!(site.admin_url, "https://warmer-demo.myshopify.com");
    assert_eq!(site.webhook_secrets.len(), 2);
}

#[test]
fn every_fault_is_told_at_once_by_its_variable() {
    let told = faults(&[
        ("WARMUP_ORDER_DAYS", "soon"),
        ("WARMUP_RATE_LIMIT", "0"),
        ("WARMUP_PAUSE_ON_USER_REQUEST", "maybe"),
        ("LISTEN_ADDR", "0.0.0.0:8080"),
        ("CACHE_TRACKING_TTL", "999999"),
        ("CACHE_PREFIX", "a b"),
        ("REDIS_URL", "localhost:6379"),
        ("ALERT_WEBHOOK_URL", "hooks.example.com/secret"),
        ("ALERT_FORMAT", "teams"),
        ("SHOPIFY_DE_SHOP_DOMAIN", "warmer-demo.example.com"),
        ("SHOPIFY_DE_API_VERSION", "2026-11"),
        ("SHOPIFY_FR_SHOP_DOMAIN", "warmer-demo.myshopify.com"),
        ("SHOPIFY_FR_ACCESS_TOKEN", "shpat_x"),
        ("SHOPIFY_FR_WEBHOOK_SECRET", "x,,y"),
        ("SHOPIFY_FR_ADMIN_URL", "http://127.0.0.1:9000/admin"),
    ]);
    for name in [
        "WARMUP_ORDER_DAYS",
        "WARMUP_RATE_LIMIT",
        "WARMUP_PAUSE_ON_USER_REQUEST",
        "ADMIN_TOKEN",
        "LOOKUP_TOKEN",
        "CACHE_TRACKING_TTL",
        "CACHE_PREFIX",
        "REDIS_URL",
        "ALERT_WEBHOOK_URL",
        "ALERT_FORMAT",
        "SHOPIFY_DE_SHOP_DOMAIN",
        "SHOPIFY_DE_ACCESS_TOKEN",
        "SHOPIFY_DE_WEBHOOK_SECRET",
        "SHOPIFY_DE_API_VERSION",
        "SHOPIFY_UK_SHOP_DOMAIN",
        "SHOPIFY_FR_WEBHOOK_SECRET",
        "SHOPIFY_FR_ADMIN_URL",
    ] {
        assert!(
            told.iter().any(|told| told == name),
            "{name} is missing in {told:?}"
        );
    }
}

#[test]
fn unknown_names_are_refused_with_the_nearest_known_one() {
    let text = read(&[
        ("WARMUP_ORDER_DAY", "7"),
        ("SHOPIFY_UK_ACCES_TOKEN", "hidden"),
    ])
    .unwrap_err()
    .to_string();
    assert!(text.contains("did you mean WARMUP_ORDER_DAYS?"), "{text}");
    assert!(
        text.contains("did you mean SHOPIFY_UK_ACCESS_TOKEN?"),
        "{text}"
    );
    assert!(read(&[("PATH", "/bin"), ("REDIS_PASSWORD", "x")]).is_ok());
}

#[test]
fn alerts_are_posted_nowhere_until_an_address_is_set() {
    let alerts = read(&[]).unwrap().alerts;
    assert!(alerts.url.is_none());
    assert_eq!(alerts.format, AlertFormat::Json);
    assert_eq!(alerts.cool_down, Duration::from_secs(3600));
    let alerts = read(&[
        ("ALERT_WEBHOOK_URL", "https://hooks.example.com/secret"),
        ("ALERT_FORMAT", "dingtalk"),
    ]);
    let alerts = alerts.unwrap().alerts;
    assert!(alerts.url.is_some());
    assert_eq!(alerts.format, AlertFormat::Dingtalk);
    for nowhere in ["http://", "file:///etc/passwd", "hooks.example.com"] {
        assert!(
            read(&[("ALERT_WEBHOOK_URL", nowhere)]).is_err(),
            "{nowhere}"
        );
    }
}

#[test]
fn the_public_address_is_where_shopify_delivers() {
    assert_eq!(read(&[]).unwrap().warmer.endpoint, None);
    let config = read(&[("PUBLIC_URL", "https://warmer.example.com/")]).unwrap();
    let endpoint = config.warmer.endpoint.unwrap();
    assert_eq!(
        endpoint.uri(),
        "https://warmer.example.com/webhooks/shopify"
    );
    assert_eq!(config.public_url, Some(endpoint));
    for bad in [
        "warmer.example.com",
        "http://warmer.example.com",
        "https://a/webhooks/shopify",
    ] {
        assert_eq!(faults(&[("PUBLIC_URL", bad)]), ["PUBLIC_URL"], "{bad}");
    }
}

#[test]
fn no_secret_is_shown() {
    let config = read(&[
        ("ADMIN_TOKEN", "hidden-admin"),
        ("REDIS_URL", "redis://:hidden@127.0.0.1/"),
        (
            "ALERT_WEBHOOK_URL",
            "https://hidden.example/hidden?key=hidden",
        ),
    ])
    .unwrap();
    assert!(!format!("{config:?}").contains("hidden"));
    let told = read(&[
        ("REDIS_URL", "hidden"),
        ("ALERT_WEBHOOK_URL", "ftp://hidden"),
        ("SHOPIFY_DE_ACCESS_TOKEN", "hidden"),
    ])
    .unwrap_err()
    .to_string();
    assert!(!told.contains("hidden"), "{told}");
}

#[test]
fn without_any_shop_there_is_nothing_to_do() {
    let told = Config::from_vars([]).unwrap_err();
    assert_eq!(
        told.names().collect::<Vec<_>>(),
        ["SHOPIFY_<CODE>_SHOP_DOMAIN"]
    );
}

#[test]
fn the_schedule_is_read_and_a_wrong_one_named() {
    let config = read(&[("WARMUP_FULL_CRON", "30 15 3 * * *")]).unwrap();
    let midnight = "2026-11-23T00:00:00Z".parse().unwrap();
    let next = config.warmer.schedule.unwrap().next_after(midnight);
    assert_eq!(next.unwrap().at.to_rfc3339(), "2026-11-23T03:15:30+00:00");
    let off = read(&[("WARMUP_ENABLED", "false")]).unwrap();
    assert!(off.warmer.schedule.is_none());
    for bad in ["0 2 * * *", "every day", "0 0 25 * * *"] {
        assert_eq!(faults(&[("WARMUP_FULL_CRON", bad)]), ["WARMUP_FULL_CRON"]);
    }
}

#[test]
fn a_size_is_bytes_or_as_redis_writes_it() {
    let of =
        |text| read(&[("WARMUP_MAX_MEMORY", text)]).map(|config| config.warmer.sweep.limits.memory);
    assert_eq!(of("512mb").unwrap(), Some(512 << 20));
    assert_eq!(of("2 GB").unwrap(), Some(2 << 30));
    assert_eq!(of("104857600").unwrap(), Some(104_857_600));
    assert_eq!(of("").unwrap(), None);
    for bad in ["much", "1kb", "-5mb", "99999999999999gb"] {
        assert!(of(bad).is_err(), "{bad}");
    }
}

const DE: [(&str, &str); 3] = [
    ("SHOPIFY_DE_SHOP_DOMAIN", "warmer-de.myshopify.com"),
    ("SHOPIFY_DE_CLIENT_ID", "app-id"),
    ("SHOPIFY_DE_CLIENT_SECRET", "shpss_hidden"),
];

#[test]
fn client_credentials_are_the_other_way_in_and_sign_webhooks() {
    let config = read(&DE).unwrap();
    let [de, uk] = config.sites.as_slice() else {
        panic!("two sites")
    };
    assert!(matches!(uk.credentials, Credentials::Static(_)));
    let Credentials::ClientCredentials { client_id, .. } = &de.credentials else {
        panic!("{:?}", de.credentials)
    };
    assert_eq!(client_id, "app-id");
    let [secret] = de.webhook_secrets.as_slice() else {
        panic!("the client secret signs")
    };
    assert_eq!(secret.expose_secret(), "shpss_hidden");
    assert!(!format!("{config:?}").contains("hidden"));
    let rotating = [
        DE.as_slice(),
        &[("SHOPIFY_DE_WEBHOOK_SECRET", "new,old,admin-page")],
    ]
    .concat();
    assert_eq!(read(&rotating).unwrap().sites[0].webhook_secrets.len(), 3);
}

#[test]
fn both_ways_in_or_half_of_one_are_refused_by_name() {
    let with = |more: &[(&str, &str)]| faults(&[&DE[..1], more].concat());
    let (token, id, secret) = (
        ("SHOPIFY_DE_ACCESS_TOKEN", "shpat_hidden"),
        ("SHOPIFY_DE_CLIENT_ID", "app-id"),
        ("SHOPIFY_DE_CLIENT_SECRET", "shpss_hidden"),
    );
    let signed = ("SHOPIFY_DE_WEBHOOK_SECRET", "hidden");
    for both in [
        &[token, id, secret, signed][..],
        &[token, id, signed],
        &[token, secret, signed],
    ] {
        assert_eq!(with(both), ["SHOPIFY_DE_ACCESS_TOKEN"]);
    }
    assert_eq!(with(&[id, signed]), ["SHOPIFY_DE_CLIENT_SECRET"]);
    assert_eq!(with(&[secret, signed]), ["SHOPIFY_DE_CLIENT_ID"]);
    assert_eq!(with(&[signed]), ["SHOPIFY_DE_ACCESS_TOKEN"]);
    assert_eq!(with(&[token]), ["SHOPIFY_DE_WEBHOOK_SECRET"]);
}

#[test]
fn a_secret_in_the_place_of_a_token_is_noticed() {
    let mixed_up = [
        ("SHOPIFY_UK_ACCESS_TOKEN", "shpss_hidden"),
        ("SHOPIFY_DE_SHOP_DOMAIN", "warmer-de.myshopify.com"),
        ("SHOPIFY_DE_CLIENT_ID", "app-id"),
        ("SHOPIFY_DE_CLIENT_SECRET", "shpat_hidden"),
    ];
    let told = faults(&mixed_up);
    assert_eq!(
        told,
        ["SHOPIFY_DE_CLIENT_SECRET", "SHOPIFY_UK_ACCESS_TOKEN"]
    );
}
