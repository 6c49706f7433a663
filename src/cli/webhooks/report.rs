//! What the commands print of each site: a table for a person, or JSON.

use std::process::ExitCode;

use serde::Serialize;

use super::exit_code;
use crate::{
    cli::output::say,
    shopify::{AdminError, WebhookSubscription},
    site::SiteCode,
    subscriptions::{Audited, Finding, Kind, Repair, Weight},
};

/// What was seen and done at one site.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    site: SiteCode,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subscriptions: Vec<Row>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<Finding>,
    changes: Vec<Change>,
}

/// One subscription.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    topic: String,
    uri: String,
    name: Option<String>,
    api_version: String,
    format: String,
    filter: Option<String>,
    include_fields: Vec<String>,
    /// What is the matter with it, in a word.
    state: &'static str,
}

/// One change.
#[derive(Debug, Serialize)]
pub(super) struct Change {
    #[serde(rename = "change")]
    does: &'static str,
    topic: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Planned,
    Done,
    Failed,
}

impl Report {
    pub(super) fn of(
        site: &SiteCode,
        existing: &[WebhookSubscription],
        audited: Audited,
        changes: Vec<Change>,
    ) -> Self {
        Self {
            site: site.clone(),
            ok: audited.ok(),
            error: None,
            subscriptions: existing.iter().map(|one| Row::of(one, &audited)).collect(),
            findings: audited.findings,
            changes,
        }
    }

    pub(super) fn of_deletions(site: &SiteCode, changes: Vec<Change>) -> Self {
        Self {
            site: site.clone(),
            ok: changes.iter().all(|change| change.outcome == Outcome::Done),
            error: None,
            subscriptions: Vec::new(),
            findings: Vec::new(),
            changes,
        }
    }

    pub(super) fn failed(site: &SiteCode, error: &AdminError) -> Self {
        Self {
            error: Some(format!("the subscriptions cannot be read: {error}")),
            ok: false,
            ..Self::of_deletions(site, Vec::new())
        }
    }

    pub(super) fn is_well(&self) -> bool {
        self.ok
    }
}

impl Row {
    fn of(one: &WebhookSubscription, audited: &Audited) -> Self {
        let finding = audited
            .findings
            .iter()
            .find(|finding| finding.subscription_id.as_ref() == Some(&one.id));
        Self {
            id: one.id.clone(),
            topic: one.topic.clone(),
            uri: one.uri.clone(),
            name: one.name.clone(),
            api_version: one.api_version.handle.clone(),
            format: one.format.clone(),
            filter: one.filter.clone().filter(|filter| !filter.is_empty()),
            include_fields: one.include_fields.clone(),
            state: finding.map_or("ok", |finding| finding.kind.as_str()),
        }
    }
}

impl Change {
    pub(super) fn planned(repair: &Repair) -> Self {
        Self {
            does: repair.as_str(),
            topic: repair.topic().to_owned(),
            uri: None,
            outcome: Outcome::Planned,
            error: None,
        }
    }

    /// What came of a change, as the audit notes it.
    pub(super) fn of(repair: &Repair, audited: &Audited) -> Self {
        let finding = audited
            .findings
            .iter()
            .find(|finding| finding.repair.as_ref() == Some(repair));
        let failed = finding.filter(|finding| !finding.repaired);
        Self {
            outcome: if failed.is_some() {
                Outcome::Failed
            } else {
                Outcome::Done
            },
            error: failed.map(|finding| finding.fix.clone()),
            ..Self::planned(repair)
        }
    }

    pub(super) fn deleted(one: &WebhookSubscription, error: Option<String>) -> Self {
        Self {
            does: "delete",
            topic: one.topic.clone(),
            uri: Some(one.uri.clone()),
            outcome: if error.is_some() {
                Outcome::Failed
            } else {
                Outcome::Done
            },
            error,
        }
    }
}

/// Prints all of it, and says how it went.
pub(super) fn print(reports: &[Report], json: bool) -> serde_json::Result<ExitCode> {
    if json {
        say(&serde_json::to_string_pretty(reports)?);
    } else {
        for report in reports {
            say(&for_a_person(report));
        }
    }
    Ok(exit_code(reports))
}

fn for_a_person(report: &Report) -> String {
    let verdict = match (&report.error, report.ok) {
        (Some(error), _) => error.as_str(),
        (None, true) => "ok",
        (None, false) => "not as it should be",
    };
    let mut lines = vec![format!("{}: {verdict}", report.site)];
    lines.extend(table(&report.subscriptions));
    for change in &report.changes {
        lines.push(in_words(change));
    }
    let shown = |finding: &&Finding| !finding.repaired && finding.kind != Kind::Foreign;
    for finding in report.findings.iter().filter(shown) {
        let weight = match finding.weight {
            Weight::Fault => "fault",
            Weight::Note => "note",
        };
        let (topic, kind) = (&finding.topic, finding.kind.as_str());
        lines.push(format!("  {weight}: {topic} {kind}: {}", finding.text));
        lines.push(format!("    fix: {}", finding.fix));
    }
    if report.error.is_none()
        && report.changes.is_empty()
        && report.subscriptions.is_empty()
        && report.findings.is_empty()
    {
        lines.push("  nothing to do".to_owned());
    }
    lines.join("\n")
}

fn table(rows: &[Row]) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![format!(
        "  {:<28} {:<14} {:<12} {:<9} URI",
        "TOPIC", "STATE", "NAME", "VERSION"
    )];
    lines.extend(rows.iter().map(|row| {
        format!(
            "  {:<28} {:<14} {:<12} {:<9} {}",
            row.topic,
            row.state,
            row.name.as_deref().unwrap_or("-"),
            row.api_version,
            row.uri
        )
    }));
    lines
}

fn in_words(change: &Change) -> String {
    let outcome = match change.outcome {
        Outcome::Planned => "would ",
        Outcome::Done => "done: ",
        Outcome::Failed => "failed: ",
    };
    let mut words = format!("  {outcome}{} {}", change.does, change.topic);
    for detail in change.uri.iter().chain(&change.error) {
        words.push_str(" (");
        words.push_str(detail);
        words.push(')');
    }
    words
}
