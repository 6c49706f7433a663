//! What each shop tells when it is asked now, with the credentials that are set; all at once.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;

use crate::{
    app,
    clock::Clock,
    config::Config,
    doctor::{Asked, ShopFacts},
    site::{Access, Site, TokenKind},
};

/// A shop that has not told by then does not.
const WITHIN: Duration = Duration::from_secs(30);

/// Asks all shops.
pub(super) async fn ask_all(config: &Config) -> anyhow::Result<Vec<ShopFacts>> {
    let sites = app::set_up_sites(config, &Clock::System)?;
    let sites: Vec<_> = sites.iter().cloned().collect();
    Ok(join_all(sites.iter().map(ask)).await)
}

async fn ask(site: &Arc<Site>) -> ShopFacts {
    let asked = match tokio::time::timeout(WITHIN, site.inspect()).await {
        Ok(Ok(access)) => Asked::Told {
            access: Box::new(Access::clone(&access)),
            granted: site.calls.token().kind == TokenKind::ClientCredentials,
        },
        Ok(Err(error)) => Asked::Failed {
            text: error.to_string(),
            advice: error.advice(),
        },
        Err(_elapsed) => Asked::Failed {
            text: format!("no answer within {} s", WITHIN.as_secs()),
            advice: Some("Look at Shopify's status page and at this machine's network."),
        },
    };
    ShopFacts {
        site: site.code.to_string(),
        domain: site.shop_domain.to_string(),
        asked,
        skew: site.calls.clock_skew(),
        api_version: site.calls.api_version().to_owned(),
        served_instead: site.calls.fell_forward_to(),
        deprecations: site.calls.deprecations(),
    }
}
