//! `simulate`: the simulated Shopify alone, for scripts and for trying a service of one's own against it.

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use anyhow::Context as _;
use clap::Args;
use shopify_simulator::Simulator;

use super::{output::say, serve::stop_signal};

/// What `simulate` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    /// Orders placed in the last seven days.
    #[arg(long, default_value_t = 1400)]
    orders: u32,
    /// Orders placed before that.
    #[arg(long, default_value_t = 200)]
    older_orders: u32,
    /// Where to send webhooks, such as `http://127.0.0.1:8080/webhooks/shopify`.
    #[arg(long)]
    deliver_to: Option<String>,
    /// How long each API call takes.
    #[arg(long, default_value_t = 120)]
    latency_ms: u64,
    /// What the orders are made from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let mut builder = Simulator::builder()
        .bind(options.listen)
        .orders(options.orders)
        .older_orders(options.older_orders)
        .seed(options.seed)
        .latency(Duration::from_millis(options.latency_ms));
    if let Some(url) = &options.deliver_to {
        builder = builder.deliver_to(url);
    }
    let simulator = builder.start().await.with_context(|| {
        format!(
            "cannot listen on {}: choose another --listen",
            options.listen
        )
    })?;
    say("A simulated Shopify is up. Settings for a service that uses it:");
    say(&format!("  SHOPIFY_UK_ADMIN_URL={}", simulator.admin_url()));
    say(&format!(
        "  SHOPIFY_UK_SHOP_DOMAIN={}",
        simulator.shop_domain()
    ));
    say(&format!(
        "  SHOPIFY_UK_ACCESS_TOKEN={}",
        simulator.access_token()
    ));
    say(&format!(
        "  SHOPIFY_UK_WEBHOOK_SECRET={}",
        simulator.webhook_secret()
    ));
    stop_signal().await?;
    simulator.stop().await;
    Ok(ExitCode::SUCCESS)
}
