//! `lookup`: one order, as the API would answer.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    FAILED, ResultOptions,
    output::say,
    service::{Service, Workplace},
};
use crate::{
    app::{self, Foundation},
    clock::Clock,
    config::Config,
    lookup::{Answer, Ask, Lookups},
    order::{OrderAnswer, OrderNumber, TrackingAnswer},
    site::SiteCode,
    tasks::Tasks,
};

/// What `lookup` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The order's number, such as UK22080.
    number: String,
    /// Only this site.
    #[arg(long)]
    site: Option<SiteCode>,
    #[command(flatten)]
    result: ResultOptions,
}

#[derive(Debug, Deserialize)]
struct Success {
    data: Value,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let number = OrderNumber::parse(&options.number)?;
    let site = options.site.as_ref();
    let data = match Workplace::find(&options.result).await? {
        Workplace::Service(service) => ask(&service, &number, site).await?,
        Workplace::Store(config) => look(&config, number, site).await?,
    };
    if options.result.json {
        say(&serde_json::to_string_pretty(&data)?);
    } else {
        say(&for_a_person(&data));
    }
    Ok(if data.get("order").is_some_and(Value::is_object) {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    })
}

/// Asks the running service: for the order, then for its tracking by id.
async fn ask(
    service: &Service,
    number: &OrderNumber,
    site: Option<&SiteCode>,
) -> anyhow::Result<Value> {
    let mut query = vec![("q", number.as_str())];
    query.extend(site.map(|site| ("site", site.as_str())));
    let Success { mut data } = service
        .get_with("/api/shopify/orders/search", &query)
        .await?;
    if let Some(id) = data.pointer("/order/order_id").and_then(Value::as_str) {
        let tracking: Success = service
            .get(&format!("/api/shopify/orders/{id}/tracking"))
            .await?;
        let tracking = tracking.data.get("tracking").cloned().unwrap_or_default();
        if let Some(data) = data.as_object_mut() {
            data.insert("tracking".to_owned(), tracking);
        }
    }
    Ok(data)
}

/// Works on the store itself, and on Shopify where the store does not know.
async fn look(
    config: &Config,
    number: OrderNumber,
    site: Option<&SiteCode>,
) -> anyhow::Result<Value> {
    let Foundation { sites, store } = app::open(config, &Clock::System)?;
    let tasks = Tasks::default();
    let lookups = Lookups::new(
        sites.clone(),
        store.clone(),
        Clock::System,
        config.lookup_timeout,
        tasks.clone(),
    );
    let site = match site {
        Some(code) => Some(
            sites
                .by_code(code)
                .cloned()
                .with_context(|| format!("there is no site {code}"))?,
        ),
        None => None,
    };
    let answer = lookups.find(&Ask::Number(number), site).await;
    tasks.tracker.close();
    tasks.tracker.wait().await;
    store.close().await;
    match answer? {
        Answer::Found(found) => Ok(json!({
            "order": OrderAnswer::of(&found.order, found.site.as_str()),
            "tracking": TrackingAnswer::of(&found.order),
            "site_code": found.site,
            "freshness": { "state": found.state, "as_of": found.order.as_of.map(|as_of| as_of.at) },
        })),
        Answer::NotFound { .. } => Ok(json!({ "order": null, "message": "ORDER_NOT_FOUND" })),
        Answer::Removed => Ok(json!({ "order": null, "message": "SHOP_NOT_CONNECTED" })),
        Answer::Pending(_) => {
            bail!("the shop is taking long to answer: try again in a few seconds")
        }
    }
}

fn for_a_person(data: &Value) -> String {
    let text = |pointer: &str| {
        data.pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or("-")
            .to_owned()
    };
    if data.get("order").is_none_or(Value::is_null) {
        return text("/message");
    }
    [
        format!(
            "order     {} ({}, id {})",
            text("/order/order_number"),
            text("/site_code"),
            text("/order/order_id")
        ),
        format!("placed    {}", text("/order/created_at")),
        format!("payment   {}", text("/order/financial_status")),
        format!("shipping  {}", text("/tracking/message_template_en")),
        format!("          {}", text("/tracking/message_template_zh")),
        format!(
            "as of     {} ({})",
            text("/freshness/as_of"),
            text("/freshness/state")
        ),
    ]
    .join("\n")
}
