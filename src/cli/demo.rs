//! `demo`: the service on a simulated shop with live traffic, in a directory that goes with it.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use shopify_simulator::Simulator;

use super::{output::say, serve::stop_signal};
use crate::{app::App, clock::Clock, config::Config, http::AppState, observe, warm::SECTION_NAME};

/// The demo's shop: the design size, and some orders beyond the window to miss on.
const ORDERS: u32 = 1400;
const OLDER_ORDERS: u32 = 200;
/// The number of the oldest order in the window; the older ones come before it.
const FIRST_NUMBER: u32 = 22_080;
/// Among the newest hundred, which the first page of the first sweep brings.
const HIT: u32 = FIRST_NUMBER + ORDERS - 80;
/// The oldest of all: beyond the window, so that only a lookup brings it into the cache.
const MISS: u32 = FIRST_NUMBER - OLDER_ORDERS;
/// How much happens in the shop: a hundred times what happens in one of the design size, so that there is something to see.
const CHANGES_PER_SECOND: f64 = 0.3;
/// What a call to Shopify takes, roughly.
const LATENCY: Duration = Duration::from_millis(120);
/// How long the first order may take to become warm before the demo says so.
const FIRST_ORDER_WITHIN: Duration = Duration::from_secs(30);

pub(super) async fn run() -> anyhow::Result<ExitCode> {
    let (listen, log_filter) = Config::demo_listen_addr()?;
    observe::init(
        observe::LogFormat::Text,
        log_filter.as_deref().unwrap_or("warn"),
    );
    let simulator = Simulator::builder()
        .first_number(u64::from(FIRST_NUMBER))
        .orders(ORDERS)
        .older_orders(OLDER_ORDERS)
        .latency(LATENCY)
        .start()
        .await
        .context("cannot start the simulated shop")?;
    let directory = Directory::new()?;
    let app = start(&simulator, &directory.0, listen).await?;
    // As an app does that was released with the section of `webhooks toml`.
    simulator.name_deliveries(SECTION_NAME);
    simulator.deliver_to(&format!("http://{}/webhooks/shopify", app.addr()));
    simulator.live_traffic(CHANGES_PER_SECOND);
    let warm = wait_for_a_warm_order(&app).await;
    say(&welcome(&app, &simulator, warm));
    stop_signal().await?;
    say("Stopping; the demo's data goes with it.");
    simulator.stop().await;
    app.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// The service on the demo's shop. Where 8080 is taken and no address was asked for, any free port serves.
async fn start(
    simulator: &Simulator,
    directory: &Path,
    listen: Option<SocketAddr>,
) -> anyhow::Result<App> {
    let on = |addr: SocketAddr| {
        let vars = [
            ("SHOPIFY_UK_SHOP_DOMAIN", simulator.shop_domain().to_owned()),
            ("SHOPIFY_UK_ACCESS_TOKEN", simulator.access_token()),
            (
                "SHOPIFY_UK_WEBHOOK_SECRET",
                simulator.webhook_secret().to_owned(),
            ),
            ("SHOPIFY_UK_ADMIN_URL", simulator.admin_url()),
            ("DATA_DIR", directory.display().to_string()),
            ("LISTEN_ADDR", addr.to_string()),
        ];
        Config::from_vars(vars.map(|(name, value)| (name.to_owned(), value)))
    };
    if let Some(addr) = listen {
        return Ok(App::start(&on(addr)?, Clock::System).await?);
    }
    let usual = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
    match App::start(&on(usual)?, Clock::System).await {
        Ok(app) => Ok(app),
        Err(crate::app::StartError::Listen { .. }) => {
            Ok(App::start(&on(SocketAddr::new(usual.ip(), 0))?, Clock::System).await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether the first sweep has brought its first page in good time.
async fn wait_for_a_warm_order(app: &App) -> bool {
    let first_warm = async {
        loop {
            if is_warm(app.state()).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(FIRST_ORDER_WITHIN, first_warm)
        .await
        .is_ok()
}

/// A page is merged as a whole before the sweep says so.
async fn is_warm(state: &AppState) -> bool {
    for site in state.sites.iter() {
        let running = state.warmer.running(&site.code).await;
        let ended = state.warmer.records(&site.code, 1).await;
        if running.is_ok_and(|sweep| sweep.is_some_and(|sweep| sweep.progress.done > 0))
            || ended.is_ok_and(|records| !records.is_empty())
        {
            return true;
        }
    }
    false
}

fn welcome(app: &App, simulator: &Simulator, warm: bool) -> String {
    let base = format!("http://{}", app.addr());
    let note = if warm {
        ""
    } else {
        "\n(The first sweep has not brought anything yet; see the log above.)"
    };
    format!(
        "shopify-warmer is up at {base}
simulated Shopify at {shop_url}: {ORDERS} orders in the window, a new change every few seconds{note}

Try, in another terminal:

  # an order that the first sweep has warmed: answered from the cache
  curl -s '{base}/api/shopify/orders/search?q=UK{HIT}'

  # an order older than the window: Shopify is asked once, after that the cache answers
  curl -s '{base}/api/shopify/orders/search?q=UK{MISS}'
  curl -s '{base}/api/shopify/orders/search?q=UK{MISS}'

  # how the warming goes
  curl -s '{base}/api/warmup/status'

Ctrl-C stops it.",
        shop_url = simulator.admin_url(),
    )
}

/// A directory of the demo's own, removed when it ends.
struct Directory(PathBuf);

impl Directory {
    fn new() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!(
            "shopify-warmer-demo-{}-{:08x}",
            std::process::id(),
            fastrand::u32(..)
        ));
        std::fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
