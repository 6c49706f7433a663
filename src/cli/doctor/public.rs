//! Asks at `PUBLIC_URL` as Shopify would: whether this service answers there, and whether a large delivery gets through.

use std::{error::Error, time::Duration};

use anyhow::Context as _;
use reqwest::{
    Client, RequestBuilder,
    header::{CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE},
};
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    config::Config,
    doctor::{Answer, NoAnswer, PublicFacts, Redirect},
    subscriptions::Endpoint,
};

/// Shopify's bodies reach megabytes; proxies stop at one by default.
const TWO_MEGABYTES: usize = 2 * 1024 * 1024;
/// Twice as long as Shopify waits, so that how much too slow it is can be told.
const WITHIN: Duration = Duration::from_secs(10);
/// 32 zero bytes: of the right length, and nobody's signature.
const NOBODYS_SIGNATURE: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// Where the service is to be reached from outside, without a slash at the end.
pub(super) fn url(config: &Config) -> Option<&str> {
    config.public_url.as_ref().map(Endpoint::base)
}

/// Asks.
pub(super) async fn ask(config: &Config) -> anyhow::Result<PublicFacts> {
    let Some(url) = url(config) else {
        return Ok(PublicFacts::NotSet);
    };
    let http = Client::builder()
        .connect_timeout(WITHIN / 2)
        .timeout(WITHIN)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .context("cannot build the HTTP client")?;
    let alive = answer(http.get(format!("{url}/healthz"))).await;
    let is_ours = alive.as_ref().is_ok_and(|answer| answer.is_ours);
    let shop = config.sites.first().filter(|_| is_ours);
    let delivery = match shop {
        Some(site) => Some(answer(unsigned(&http, url, site.shop_domain.as_str())).await),
        None => None,
    };
    Ok(PublicFacts::Asked { alive, delivery })
}

/// What only looks like a delivery: of a known shop, so that the body is read to its end before it is refused.
fn unsigned(http: &Client, url: &str, shop: &str) -> RequestBuilder {
    let mut body = b"{}".to_vec();
    body.resize(TWO_MEGABYTES, b' ');
    http.post(format!("{url}/webhooks/shopify"))
        .header(CONTENT_TYPE, "application/json")
        .header("X-Shopify-Topic", "orders/updated")
        .header("X-Shopify-Shop-Domain", shop)
        .header("X-Shopify-Hmac-Sha256", NOBODYS_SIGNATURE)
        .body(body)
}

async fn answer(request: RequestBuilder) -> Result<Answer, NoAnswer> {
    let began = Instant::now();
    let response = request.send().await.map_err(|error| no_answer(&error))?;
    let text = |name| {
        let value = response.headers().get(name);
        value
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let status = response.status();
    let location = text(LOCATION).filter(|_| status.is_redirection());
    let asks_password = text(WWW_AUTHENTICATE).is_some();
    // What is not JSON of ours is not ours, however it broke off.
    let body: Value = response.json().await.unwrap_or_default();
    let told = |pointer| body.pointer(pointer).and_then(Value::as_str);
    Ok(Answer {
        status: status.as_u16(),
        is_ours: told("/data/status") == Some("ok") && told("/data/version").is_some(),
        redirect: location.map(Redirect),
        asks_password,
        took: began.elapsed(),
    })
}

fn no_answer(error: &reqwest::Error) -> NoAnswer {
    if error.is_timeout() {
        return NoAnswer::TimedOut;
    }
    let causes = std::iter::successors(error.source(), |cause: &&dyn Error| (*cause).source());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    let root = causes.last().cloned().unwrap_or_default();
    let is_about_it = |cause: &String| cause.contains("certificate");
    match causes.into_iter().find(is_about_it) {
        Some(certificate) => NoAnswer::Certificate(certificate),
        None => NoAnswer::Connection(root),
    }
}
