//! The only reader of the environment. Every fault is reported at once, by variable.

mod caller;
mod credentials;
mod faults;
mod manager;
mod names;
mod reader;
mod warming;

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use secrecy::SecretString;
use shopify_webhooks::ShopDomain;

pub use self::{
    caller::Caller,
    faults::ConfigFaults,
    manager::service_manager,
    names::{SITE_SUFFIXES, VARIABLES},
};
use self::{names::unknown_names, reader::Reader};
use crate::{
    alert::AlertSettings,
    budget::BudgetSettings,
    clock::Clock,
    http::{Access, Verify},
    observe::{self, LogFormat},
    site::SiteSettings,
    store::{CustomerKeys, Store, StoreSettings, Ttls},
    subscriptions::Endpoint,
    warmer::WarmerSettings,
};

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Config {
    /// The shops, at least one.
    pub sites: Vec<SiteSettings>,
    /// How and when the service warms.
    pub warmer: WarmerSettings,
    /// How warming holds back.
    pub budget: BudgetSettings,
    /// How often a call is tried again.
    pub retries: u32,
    /// Names and lifetimes in the cache.
    pub store: StoreSettings,
    /// Redis, if it is to be used.
    pub redis_url: Option<SecretString>,
    /// Where the embedded store and the inbox live.
    pub data_dir: PathBuf,
    /// Where to listen.
    pub listen_addr: SocketAddr,
    /// Where Shopify reaches this service, if it is to subscribe by itself.
    pub public_url: Option<Endpoint>,
    /// Who may ask.
    pub access: Access,
    /// How long a lookup waits for Shopify before it says "pending".
    pub lookup_timeout: Duration,
    /// What a lookup asks of its caller.
    pub verify: Verify,
    /// Where alerts go.
    pub alerts: AlertSettings,
    /// What log lines look like.
    pub log_format: LogFormat,
    /// Which log lines there are, in `RUST_LOG`'s syntax; each command has a default of its own.
    pub log_filter: Option<String>,
}

impl Config {
    /// Reads the process's environment, and `.env` in the working directory below it.
    ///
    /// # Errors
    /// All that is wrong, each by its variable and with what to do.
    pub fn from_env() -> Result<Self, ConfigFaults> {
        read_env_file(Path::new(".env"))?;
        Self::from_vars(environment())
    }

    /// What the demo takes from the environment: the address to listen on, if one is set, and the log filter.
    ///
    /// # Errors
    /// If the address is none.
    pub fn demo_listen_addr() -> Result<(Option<SocketAddr>, Option<String>), ConfigFaults> {
        let mut reader = Reader::new(environment());
        let listen_addr = reader.text("LISTEN_ADDR");
        let listen_addr = listen_addr.and_then(|text| {
            reader.parsed("LISTEN_ADDR", &text, "an address such as 127.0.0.1:8080")
        });
        let log_filter = reader.text("RUST_LOG");
        reader.finish((listen_addr, log_filter))
    }

    /// What `webhooks toml` takes from the environment: where Shopify reaches the service, if that is set. It needs no shop.
    ///
    /// # Errors
    /// If the address is none.
    pub fn public_url_from_env() -> Result<Option<Endpoint>, ConfigFaults> {
        read_env_file(Path::new(".env"))?;
        let mut reader = Reader::new(environment());
        let url = public_url(&mut reader);
        reader.finish(url)
    }

    /// Where the service listens: all that asking it takes.
    ///
    /// # Errors
    /// If the address is none.
    pub fn listen_addr_from_env() -> Result<SocketAddr, ConfigFaults> {
        read_env_file(Path::new(".env"))?;
        let mut reader = Reader::new(environment());
        let listen_addr = listen_addr(&mut reader);
        reader.finish(listen_addr)
    }

    /// Reads the given variables.
    ///
    /// # Errors
    /// All that is wrong, each by its variable and with what to do.
    pub fn from_vars(
        vars: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigFaults> {
        let mut reader = Reader::new(vars);
        for (name, advice) in unknown_names(reader.names()) {
            reader.fault(&name, &advice);
        }
        let listen_addr = listen_addr(&mut reader);
        let public_url = public_url(&mut reader);
        let mut config = Self {
            sites: sites(&mut reader),
            warmer: warming::warmer(&mut reader, public_url.clone()),
            public_url,
            budget: warming::budget(&mut reader),
            retries: reader.number("WARMUP_MAX_RETRIES", 3, 0..=10),
            store: store(&mut reader),
            redis_url: redis_url(&mut reader),
            data_dir: data_dir(&mut reader),
            listen_addr,
            access: access(&mut reader, listen_addr.ip()),
            lookup_timeout: Duration::from_millis(reader.number(
                "LOOKUP_TIMEOUT_MS",
                8000,
                100..=60_000,
            )),
            verify: reader.parse("LOOKUP_VERIFY", Verify::Off, "off or contact"),
            alerts: alerts(&mut reader),
            log_format: reader.parse("LOG_FORMAT", LogFormat::Text, "text or json"),
            log_filter: log_filter(&mut reader),
        };
        config.store.customers = CustomerKeys::of(
            config
                .sites
                .iter()
                .map(|site| (&site.code, site.webhook_secrets.as_slice())),
        );
        reader.finish(config)
    }
}

fn data_dir(reader: &mut Reader) -> PathBuf {
    let text = reader.text("DATA_DIR");
    text.map_or_else(|| PathBuf::from("./data"), PathBuf::from)
}

fn listen_addr(reader: &mut Reader) -> SocketAddr {
    let default = SocketAddr::from(([127, 0, 0, 1], 8080));
    reader.parse("LISTEN_ADDR", default, "an address such as 127.0.0.1:8080")
}

/// Puts what `.env` says below what the environment says already.
fn read_env_file(path: &Path) -> Result<(), ConfigFaults> {
    if !path.exists() {
        return Ok(());
    }
    // dotenvy's own text would repeat the line, which may hold a token.
    dotenvy::from_path(path).map_err(|error| {
        let advice = if matches!(error, dotenvy::Error::LineParse(..)) {
            "has a line that cannot be read: each is NAME=value, and a value with blanks or # stands in quotes"
        } else {
            "cannot be opened: check who may read it"
        };
        ConfigFaults::of(".env", advice)
    })
}

/// The process's variables; one that is no text is none of ours.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// The sites, by the names of their variables: `SHOPIFY_<CODE>_SHOP_DOMAIN` and so on.
fn sites(reader: &mut Reader) -> Vec<SiteSettings> {
    let codes = names::site_codes(reader.names());
    if codes.is_empty() {
        reader.fault("SHOPIFY_<CODE>_SHOP_DOMAIN", "no shop is configured: set it, with _CLIENT_ID and _CLIENT_SECRET or _ACCESS_TOKEN and _WEBHOOK_SECRET (SHOPIFY_UK_SHOP_DOMAIN=your-shop.myshopify.com)");
    }
    let mut sites: Vec<SiteSettings> = Vec::new();
    for code in codes {
        let Some(site) = site(reader, &code) else {
            continue;
        };
        if let Some(other) = sites
            .iter()
            .find(|other| other.shop_domain == site.shop_domain)
        {
            let advice = format!(
                "is the same shop as that of site {}: a shop is one site",
                other.code
            );
            reader.fault(
                &format!("SHOPIFY_{}_SHOP_DOMAIN", code.to_ascii_uppercase()),
                &advice,
            );
        }
        sites.push(site);
    }
    sites
}

fn site(reader: &mut Reader, code: &str) -> Option<SiteSettings> {
    let name = |suffix: &str| format!("SHOPIFY_{}_{suffix}", code.to_ascii_uppercase());
    let example = "the shop's permanent domain, such as your-shop.myshopify.com";
    let shop_domain: Option<ShopDomain> = reader
        .required(&name("SHOP_DOMAIN"), example)
        .and_then(|text| reader.parsed(&name("SHOP_DOMAIN"), &text, example));
    let credentials = credentials::credentials(reader, &name);
    let webhook_secrets =
        credentials::webhook_secrets(reader, &name("WEBHOOK_SECRET"), credentials.as_ref());
    let api_version = reader.text(&name("API_VERSION"));
    let api_version = api_version.unwrap_or_else(|| "2026-10".to_owned());
    if !is_api_version(&api_version) {
        let advice = "is no API version: write one such as 2026-10";
        reader.fault(&name("API_VERSION"), advice);
    }
    let admin_url = admin_url(reader, &name("ADMIN_URL"));
    let shop_domain = shop_domain?;
    Some(SiteSettings {
        code: code.parse().ok()?,
        admin_url: admin_url.unwrap_or_else(|| format!("https://{shop_domain}")),
        shop_domain,
        credentials: credentials?,
        webhook_secrets,
        api_version,
        order_prefix: reader.text(&name("ORDER_PREFIX")),
    })
}

fn admin_url(reader: &mut Reader, name: &str) -> Option<String> {
    let url = reader.text(name)?.trim_end_matches('/').to_owned();
    if !is_base_url(&url) {
        let advice = "is no base URL: write one such as http://127.0.0.1:9000, without a path";
        reader.fault(name, advice);
    }
    Some(url)
}

fn store(reader: &mut Reader) -> StoreSettings {
    let mut seconds = |name: &str, default: u64| {
        Duration::from_secs(reader.number(name, default, 1..=31_536_000))
    };
    let ttls = Ttls {
        order: seconds("CACHE_ORDER_DETAIL_TTL", 172_800),
        tracking: seconds("CACHE_TRACKING_TTL", 21_600),
        search: seconds("CACHE_ORDER_SEARCH_TTL", 172_800),
        not_found: seconds("CACHE_NOT_FOUND_TTL", 60),
    };
    if ttls.tracking > ttls.order {
        reader.fault(
            "CACHE_TRACKING_TTL",
            "is longer than CACHE_ORDER_DETAIL_TTL: tracking would outlive its order",
        );
    }
    let prefix = reader
        .text("CACHE_PREFIX")
        .unwrap_or_else(|| "shopify".to_owned());
    if !prefix
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    {
        reader.fault("CACHE_PREFIX", "may hold letters, digits and - _ . only");
    }
    StoreSettings {
        prefix,
        ttls,
        customers: CustomerKeys::default(),
        clock: Clock::System,
    }
}

fn redis_url(reader: &mut Reader) -> Option<SecretString> {
    let url = reader.secret("REDIS_URL")?;
    if let Err(advice) = Store::check_redis_url(&url) {
        reader.fault("REDIS_URL", advice);
    }
    Some(url)
}

fn public_url(reader: &mut Reader) -> Option<Endpoint> {
    match reader.text("PUBLIC_URL")?.parse::<Endpoint>() {
        Ok(endpoint) => Some(endpoint),
        Err(bad) => {
            reader.fault("PUBLIC_URL", &bad.to_string());
            None
        }
    }
}

fn alerts(reader: &mut Reader) -> AlertSettings {
    let defaults = AlertSettings::default();
    let url = reader.text("ALERT_WEBHOOK_URL").and_then(|text| {
        let example =
            "an http or https address, such as the one a chat shows for its bot or incoming webhook";
        reader.parsed("ALERT_WEBHOOK_URL", &text, example)
    });
    AlertSettings {
        url,
        format: reader.parse(
            "ALERT_FORMAT",
            defaults.format,
            "json, slack, feishu, dingtalk or wecom",
        ),
        ..defaults
    }
}

fn log_filter(reader: &mut Reader) -> Option<String> {
    let filter = reader.text("RUST_LOG")?;
    if !observe::is_filter(&filter) {
        reader.fault("RUST_LOG", "cannot be read: write a level such as info, or a list such as warn,shopify_warmer=debug");
    }
    Some(filter)
}

/// A route without a token is open, which only a loopback address may be.
fn access(reader: &mut Reader, listen: IpAddr) -> Access {
    let admin = reader.secret("ADMIN_TOKEN");
    let lookup = reader.secret("LOOKUP_TOKEN");
    if !listen.is_loopback() {
        for (name, token) in [("ADMIN_TOKEN", &admin), ("LOOKUP_TOKEN", &lookup)] {
            if token.is_none() {
                reader.fault(name, "is missing: LISTEN_ADDR is not a loopback address, so strangers could ask; set a long random text");
            }
        }
    }
    Access { admin, lookup }
}

fn is_api_version(text: &str) -> bool {
    let Some((year, month)) = text.split_once('-') else {
        return false;
    };
    year.len() == 4
        && year.bytes().all(|byte| byte.is_ascii_digit())
        && matches!(month, "01" | "04" | "07" | "10")
}

fn is_base_url(url: &str) -> bool {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(['/', '?', '#', '@', ' ']))
}

#[cfg(test)]
mod tests;
