//! `webhooks`: the shop's subscriptions, seen and put right by hand. It asks the shop itself; no service need run.

mod heard;
mod report;

use std::{process::ExitCode, sync::Arc};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use futures_util::future::join_all;

use self::{
    heard::Hearsay,
    report::{Change, Report, print},
};
use super::{
    BAD_USAGE, FAILED, ResultOptions, configured,
    output::{complain, say},
};
use crate::{
    app,
    calls::Priority,
    clock::Clock,
    config::{Config, ConfigFaults},
    shopify::{AdminError, WebhookSubscription},
    site::{Site, SiteCode},
    subscriptions::{self, Asker, Audited, Endpoint, Reach, RepairError, Situation},
};

/// The version in the section where no site says another.
const API_VERSION: &str = "2026-10";

/// What `webhooks` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show each shop's subscriptions, and what is wrong with them. Changes nothing.
    List {
        #[command(flatten)]
        which: Which,
    },
    /// Create what is missing, put right what is wrong, end what is doubled. Needs `PUBLIC_URL`.
    Sync {
        #[command(flatten)]
        which: Which,
        /// Say what would be done, and do nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// End our subscriptions: those that deliver to `PUBLIC_URL`, or that have our name where it is not set.
    Delete {
        #[command(flatten)]
        which: Which,
        /// All with our name or our path too, wherever they deliver.
        #[arg(long)]
        all_ours: bool,
    },
    /// Print the section of `shopify.app.toml` by which the app itself subscribes. Needs no shop.
    Toml {
        /// Where Shopify reaches the service; `PUBLIC_URL` where it is not given.
        #[arg(long, value_name = "URL")]
        url: Option<String>,
    },
}

#[derive(Debug, Args)]
struct Which {
    /// Only this site.
    #[arg(long)]
    site: Option<SiteCode>,
    #[command(flatten)]
    result: ResultOptions,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    match &options.what {
        What::List { which } => {
            let config = configured("error")?;
            audit(&config, which, Then::Nothing).await
        }
        What::Sync { which, dry_run } => {
            let config = configured("error")?;
            let endpoint = config.public_url.clone().ok_or_else(|| {
                ConfigFaults::of("PUBLIC_URL", "is missing: the address by which Shopify reaches the service, such as https://warmer.example.com")
            })?;
            let then = if *dry_run {
                Then::SayWhat
            } else {
                Then::Repair(endpoint)
            };
            audit(&config, which, then).await
        }
        What::Delete { which, all_ours } => {
            let reach = if *all_ours {
                Reach::Anywhere
            } else {
                Reach::Here
            };
            delete(&configured("error")?, which, reach).await
        }
        What::Toml { url } => toml(url.as_deref()),
    }
}

/// What is done with an audit's findings.
#[derive(Debug, Clone)]
enum Then {
    Nothing,
    SayWhat,
    Repair(Endpoint),
}

async fn audit(config: &Config, which: &Which, then: Then) -> anyhow::Result<ExitCode> {
    let sites = chosen(config, which)?;
    let hearsay = Hearsay::gather(config, &sites, which.result.url.as_deref()).await?;
    if let (Then::Repair(_) | Then::SayWhat, Some(doubt)) = (&then, hearsay.doubt()) {
        complain(doubt);
    }
    let reports = sites
        .iter()
        .map(|site| audit_site(config, site, &hearsay, &then));
    Ok(print(&join_all(reports).await, which.result.json)?)
}

async fn audit_site(config: &Config, site: &Site, hearsay: &Hearsay, then: &Then) -> Report {
    let (existing, mut audited) = match look(config, site, hearsay).await {
        Ok(looked) => looked,
        Err(error) => return Report::failed(&site.code, &error),
    };
    let planned = audited.repairs();
    let changes = match then {
        Then::Nothing => Vec::new(),
        Then::SayWhat => planned.iter().map(Change::planned).collect(),
        Then::Repair(endpoint) => {
            let calls = &site.calls;
            subscriptions::repair(calls, Priority::Foreground, endpoint, &mut audited).await;
            let done = |repair| Change::of(repair, &audited);
            planned.iter().map(done).collect()
        }
    };
    Report::of(&site.code, &existing, audited, changes)
}

/// What a shop has, and how that is judged.
async fn look(
    config: &Config,
    site: &Site,
    hearsay: &Hearsay,
) -> Result<(Vec<WebhookSubscription>, Audited), AdminError> {
    let existing = subscriptions::existing(&site.calls, Priority::Foreground).await?;
    let (voices, last) = hearsay.of(&site.code);
    let situation = Situation {
        endpoint: config.public_url.as_ref(),
        api_version: site.calls.api_version(),
        voices: &voices,
        last: last.as_ref(),
        asker: Asker::Person,
        now: Clock::System.now(),
    };
    let audited = subscriptions::judge(&existing, &situation);
    Ok((existing, audited))
}

/// Audits all shops, where no service runs whose audit could be told. Changes nothing.
pub(super) async fn audit_all(config: &Config) -> anyhow::Result<AuditedByHand> {
    let sites: Vec<_> = app::set_up_sites(config, &Clock::System)?
        .iter()
        .cloned()
        .collect();
    let hearsay = Hearsay::without_a_service(config, &sites).await;
    let audits = sites.iter().map(|site| async {
        let looked = look(config, site, &hearsay).await;
        (site.code.clone(), looked.map(|(_, audited)| audited))
    });
    Ok(AuditedByHand {
        shops: join_all(audits).await,
        knows_what_came: hearsay.doubt().is_none(),
    })
}

/// What was found at all shops.
#[derive(Debug)]
pub(super) struct AuditedByHand {
    /// Each shop's findings.
    pub(super) shops: Vec<(SiteCode, Result<Audited, AdminError>)>,
    /// Whether the store told what came in lately, which alone tells what the app's own configuration delivers.
    pub(super) knows_what_came: bool,
}

async fn delete(config: &Config, which: &Which, reach: Reach) -> anyhow::Result<ExitCode> {
    let sites = chosen(config, which)?;
    let endpoint = config.public_url.as_ref();
    let reports = sites.iter().map(|site| delete_at(site, endpoint, reach));
    Ok(print(&join_all(reports).await, which.result.json)?)
}

async fn delete_at(site: &Site, endpoint: Option<&Endpoint>, reach: Reach) -> Report {
    let existing = match subscriptions::existing(&site.calls, Priority::Foreground).await {
        Ok(existing) => existing,
        Err(error) => return Report::failed(&site.code, &error),
    };
    let mut changes = Vec::new();
    for one in subscriptions::ours(&existing, endpoint, reach) {
        changes.push(delete_one(site, one).await);
    }
    Report::of_deletions(&site.code, changes)
}

async fn delete_one(site: &Site, one: &WebhookSubscription) -> Change {
    let gone: Result<(), RepairError> =
        subscriptions::delete(&site.calls, Priority::Foreground, &one.id).await;
    Change::deleted(one, gone.err().map(|error| error.to_string()))
}

fn toml(url: Option<&str>) -> anyhow::Result<ExitCode> {
    let endpoint = match url {
        Some(url) => match url.parse::<Endpoint>() {
            Ok(endpoint) => endpoint,
            Err(bad) => {
                complain(&format!("--url {bad}"));
                return Ok(ExitCode::from(BAD_USAGE));
            }
        },
        None => Config::public_url_from_env()?.ok_or_else(|| {
            ConfigFaults::of(
                "PUBLIC_URL",
                "is missing: set it, or give --url https://warmer.example.com",
            )
        })?,
    };
    say(subscriptions::app_toml(&endpoint, API_VERSION).trim_end());
    Ok(ExitCode::SUCCESS)
}

fn chosen(config: &Config, which: &Which) -> anyhow::Result<Vec<Arc<Site>>> {
    let sites = app::set_up_sites(config, &Clock::System)?;
    match &which.site {
        None => Ok(sites.iter().cloned().collect()),
        Some(code) => {
            let site = sites.by_code(code).cloned();
            Ok(vec![
                site.with_context(|| format!("there is no site {code}"))?,
            ])
        }
    }
}

/// 0 if all is well at every site, else 1.
fn exit_code(reports: &[Report]) -> ExitCode {
    if reports.iter().all(Report::is_well) {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    }
}
