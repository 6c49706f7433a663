//! What the running service tells of itself, of its store, and of the webhooks that it has heard.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    cli::service::{Service, base_url},
    config::Config,
    doctor::{Audit, Heard, OpenFinding, SecretsHeard, ServiceFacts},
};

/// The running service, if one does.
#[derive(Debug)]
pub(super) struct Running {
    /// Whether it is there.
    pub(super) facts: ServiceFacts,
    /// What it has heard of each site's webhooks.
    pub(super) heard: Vec<Heard>,
    /// Deliveries that it refused.
    pub(super) refused: u64,
    store: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Success {
    data: Value,
}

impl Running {
    /// Asks it.
    pub(super) async fn ask(config: &Config, url: Option<&str>) -> anyhow::Result<Self> {
        let at = base_url(config.listen_addr, url);
        let Some(service) = Service::running(config, url).await? else {
            return Ok(Self::silent(ServiceFacts::NotThere { url: at }));
        };
        match service.get::<Success>("/api/warmup/status").await {
            Ok(Success { data }) => Ok(Self::told(at, &data)),
            Err(error) => {
                let text = format!("{error:#}");
                Ok(Self::silent(ServiceFacts::Refuses { url: at, text }))
            }
        }
    }

    /// Whether one answers.
    pub(super) fn is_there(&self) -> bool {
        match &self.facts {
            ServiceFacts::Tells { .. } | ServiceFacts::Refuses { .. } => true,
            ServiceFacts::NotThere { .. } => false,
        }
    }

    /// How its store is, if it tells.
    pub(super) fn store_state(&self) -> Option<&str> {
        let refuses = matches!(self.facts, ServiceFacts::Refuses { .. });
        self.store
            .as_deref()
            .or_else(|| refuses.then_some("unknown"))
    }

    fn silent(facts: ServiceFacts) -> Self {
        Self {
            facts,
            heard: Vec::new(),
            refused: 0,
            store: None,
        }
    }

    fn told(url: String, status: &Value) -> Self {
        let sites = status.pointer("/sites").and_then(Value::as_object);
        let alerts = status.pointer("/alerts").and_then(Value::as_array);
        let alert = |alert: &Value| (text(alert, "/cause"), text(alert, "/text"));
        let rejected = status.pointer("/webhooks/refused/rejected");
        Self {
            facts: ServiceFacts::Tells {
                url,
                version: text(status, "/version"),
                alerts: alerts.into_iter().flatten().map(alert).collect(),
            },
            heard: sites.into_iter().flat_map(Map::iter).map(heard).collect(),
            refused: rejected.and_then(Value::as_u64).unwrap_or_default(),
            store: Some(text(status, "/store/state")),
        }
    }
}

fn heard((site, status): (&String, &Value)) -> Heard {
    let secrets = status
        .pointer("/webhook_secrets")
        .filter(|secrets| secrets.is_object());
    let others = status
        .pointer("/webhooks_in_other_versions")
        .and_then(Value::as_array);
    let other = |other: &Value| (text(other, "/topic"), text(other, "/version"));
    let last_at = status.pointer("/last_webhook_at").and_then(Value::as_str);
    Heard {
        site: site.clone(),
        last_at: last_at.map(str::to_owned),
        secrets: secrets.map(secrets_heard),
        other_versions: others.into_iter().flatten().map(other).collect(),
        audit: status.pointer("/subscriptions").and_then(audit),
    }
}

/// What the service's last audit found; none before the first.
fn audit(subscriptions: &Value) -> Option<Audit> {
    let findings = subscriptions.pointer("/findings")?.as_array()?;
    let error = subscriptions.pointer("/error").and_then(Value::as_str);
    let is_open = |finding: &&Value| finding.pointer("/repaired") != Some(&Value::Bool(true));
    let open = findings.iter().filter(is_open).map(|finding| OpenFinding {
        is_fault: text(finding, "/weight") == "fault",
        text: format!("{}: {}", text(finding, "/topic"), text(finding, "/text")),
        fix: text(finding, "/fix"),
    });
    Some(Audit {
        error: error.map(str::to_owned),
        open: open.collect(),
    })
}

fn secrets_heard(secrets: &Value) -> SecretsHeard {
    let matched = secrets.pointer("/matched").and_then(Value::as_array);
    let last = secrets.pointer("/last").and_then(Value::as_u64);
    SecretsHeard {
        matched: matched
            .into_iter()
            .flatten()
            .filter_map(Value::as_u64)
            .collect(),
        last: last.and_then(|last| usize::try_from(last).ok()),
    }
}

fn text(value: &Value, path: &str) -> String {
    let text = value.pointer(path).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_audit_is_read_as_the_status_tells_it() {
        let fault = json!({ "weight": "fault", "topic": "orders/edited", "text": "missing", "fix": "subscribe", "repaired": false });
        let mended =
            json!({ "weight": "fault", "text": "doubled", "fix": "end one", "repaired": true });
        let subscriptions = json!({ "ok": false, "findings": [fault, mended], "error": null });
        let status = json!({ "sites": { "uk": { "subscriptions": subscriptions }, "de": { "subscriptions": null } } });
        let running = Running::told("http://127.0.0.1:8080".to_owned(), &status);
        let [uk, de] = running.heard.as_slice() else {
            panic!("{:?}", running.heard)
        };
        assert!(de.audit.is_none());
        let audit = uk.audit.as_ref().unwrap();
        assert_eq!(audit.open.len(), 1);
        assert!(audit.open[0].is_fault && audit.open[0].text == "orders/edited: missing");
    }
}
