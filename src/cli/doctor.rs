//! `doctor`: finds out how everything is, has it judged, and tells each finding with its fix.

mod public;
mod running;
mod shops;
mod subscribed;

use std::{process::ExitCode, time::Duration};

use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use self::running::Running;
use super::{
    BAD_USAGE, FAILED, ResultOptions, configured,
    output::{columns, say},
};
use crate::{
    app,
    clock::Clock,
    config::{Config, ConfigFaults},
    doctor::{self, Finding, SettingsFacts, State, TokenLook, worst},
    inbox::Inbox,
    store::{Inspection, StoreError, StoreKind},
};

/// A store that has not told by then is not there.
const STORE_WITHIN: Duration = Duration::from_secs(10);

/// What `doctor` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    result: ResultOptions,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let config = match configured("error") {
        Ok(config) => config,
        Err(faults) => return Ok(refused(&faults, options)),
    };
    let running = Running::ask(&config, options.result.url.as_deref()).await?;
    let mut findings = doctor::judge_settings(&settings(&config));
    findings.extend(doctor::judge_service(&running.facts));
    let (store, shops, public) = tokio::join!(
        look_at_the_store(&config, &running),
        shops::ask_all(&config),
        public::ask(&config),
    );
    findings.extend(store);
    findings.extend(shops?.iter().flat_map(doctor::judge_shop));
    findings.extend(doctor::judge_heard(&running.heard, running.refused));
    if !running.is_there() {
        // Only now: what came in is in the store, which one at a time may open where it is a file.
        findings.extend(subscribed::look(&config).await?);
    }
    findings.extend(doctor::judge_public(&public?));
    tell(&findings, options);
    Ok(match worst(&findings) {
        State::Ok | State::Warning => ExitCode::SUCCESS,
        State::Fault => ExitCode::from(FAILED),
    })
}

/// Nothing else can be looked at with settings that cannot be read.
fn refused(faults: &ConfigFaults, options: &Options) -> ExitCode {
    tell(&doctor::judge_faults(faults.iter()), options);
    ExitCode::from(BAD_USAGE)
}

fn tell(findings: &[Finding], options: &Options) {
    let state = worst(findings);
    if options.result.json {
        let told = json!({ "state": state, "findings": findings });
        say(&format!("{told:#}"));
        return;
    }
    let mut rows = Vec::new();
    for finding in findings {
        let about = finding.about.clone().unwrap_or_default();
        rows.push(vec![
            finding.state.to_string(),
            finding.check.to_string(),
            about,
            finding.text.clone(),
        ]);
        let fix = finding.fix.iter();
        rows.extend(fix.map(|fix| {
            vec![
                String::new(),
                String::new(),
                String::new(),
                format!("→ {fix}"),
            ]
        }));
    }
    say(&columns(&rows));
    let count = |state| {
        findings
            .iter()
            .filter(|finding| finding.state == state)
            .count()
    };
    let (faults, warnings) = (count(State::Fault), count(State::Warning));
    say(&format!("\n{faults} fault(s), {warnings} warning(s)"));
}

fn settings(config: &Config) -> SettingsFacts {
    let (access, sites) = (&config.access, config.sites.iter());
    let elsewhere = sites
        .clone()
        .filter(|site| site.admin_url != format!("https://{}", site.shop_domain));
    SettingsFacts {
        sites: sites.map(|site| site.code.to_string()).collect(),
        elsewhere: elsewhere.map(|site| site.code.to_string()).collect(),
        tokens: vec![
            ("ADMIN_TOKEN", look(access.admin.as_ref())),
            ("LOOKUP_TOKEN", look(access.lookup.as_ref())),
        ],
        is_public: public::url(config).is_some(),
        sweeps: config.warmer.schedule.is_some(),
        posts_alerts: config.alerts.url.is_some(),
    }
}

fn look(token: Option<&SecretString>) -> TokenLook {
    token.map_or(TokenLook::Unset, |token| {
        TokenLook::Set(token.expose_secret().chars().count())
    })
}

/// Redis is asked here, whoever else uses it. The embedded file is its service's; only where none runs can it be opened.
async fn look_at_the_store(config: &Config, running: &Running) -> Vec<Finding> {
    if config.redis_url.is_some() {
        let mut found = doctor::judge_store(&inspect(config).await);
        if !running.is_there() {
            found.extend(
                open_the_inbox(config)
                    .err()
                    .map(|text| doctor::judge_file(Err(text))),
            );
        }
        return found;
    }
    let opened = match running.store_state() {
        Some("ok") => Ok(()),
        Some(state) => Err(format!("the service says that its file is {state}")),
        None => open_the_file(config).await,
    };
    vec![doctor::judge_file(opened)]
}

async fn inspect(config: &Config) -> Result<Inspection, StoreError> {
    let store = app::open_store(config, &Clock::System)?;
    let inspected = tokio::time::timeout(STORE_WITHIN, store.inspect()).await;
    store.close().await;
    inspected.unwrap_or(Err(StoreError::TimedOut))
}

async fn open_the_file(config: &Config) -> Result<(), String> {
    let store = app::open_store(config, &Clock::System).map_err(|error| error.to_string())?;
    debug_assert_eq!(store.kind(), StoreKind::Embedded);
    store.close().await;
    open_the_inbox(config)
}

fn open_the_inbox(config: &Config) -> Result<(), String> {
    match Inbox::open(&config.data_dir, Clock::System.now()) {
        Ok(inbox) => {
            drop(inbox);
            Ok(())
        }
        Err(error) => Err(error.to_string()),
    }
}
