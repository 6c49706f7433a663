//! What the shops have subscribed, where no service runs whose audit could be told.

use crate::{
    cli::webhooks::audit_all,
    config::Config,
    doctor::{self, Audit, Finding, OpenFinding},
    shopify::AdminError,
    subscriptions::{Audited, Weight},
};

/// Asks all shops, and changes nothing.
pub(super) async fn look(config: &Config) -> anyhow::Result<Vec<Finding>> {
    let audited = audit_all(config).await?;
    let shops = audited.shops.iter();
    let mut found: Vec<_> = shops
        .flat_map(|(site, audited)| doctor::judge_audit(site.as_str(), &told(audited)))
        .collect();
    if !audited.knows_what_came {
        found.push(doctor::nobody_heard());
    }
    Ok(found)
}

fn told(audited: &Result<Audited, AdminError>) -> Audit {
    match audited {
        Err(error) => Audit {
            error: Some(error.to_string()),
            open: Vec::new(),
        },
        Ok(audited) => Audit {
            error: None,
            open: audited.findings.iter().map(open).collect(),
        },
    }
}

fn open(finding: &crate::subscriptions::Finding) -> OpenFinding {
    OpenFinding {
        is_fault: finding.weight == Weight::Fault,
        text: format!("{}: {}", finding.topic, finding.text),
        fix: finding.fix.clone(),
    }
}
