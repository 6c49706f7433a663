//! The running service, if one does.

use super::{Check, Finding};

/// What became of asking for the service.
#[derive(Debug, Clone)]
pub enum ServiceFacts {
    /// None answers there.
    NotThere {
        /// Where.
        url: String,
    },
    /// It answers, and does not tell its status.
    Refuses {
        /// Where.
        url: String,
        /// What it said.
        text: String,
    },
    /// It tells.
    Tells {
        /// Where.
        url: String,
        /// Its version.
        version: String,
        /// Causes of its alerts, each with its text.
        alerts: Vec<(String, String)>,
    },
}

/// How the service is.
pub fn judge_service(facts: &ServiceFacts) -> Vec<Finding> {
    match facts {
        ServiceFacts::NotThere { url } => {
            let text = format!("no service answers at {url}: what only it knows is not checked");
            let fix = "Start it, or say with --url where it is.";
            vec![Finding::warning(Check::Service, text, fix)]
        }
        ServiceFacts::Refuses { url, text } => {
            let text = format!("the service at {url} does not tell its status: {text}");
            let fix = "Give this command the service's own settings, above all its ADMIN_TOKEN; or say with --url where the right one is.";
            vec![Finding::fault(Check::Service, text, fix)]
        }
        ServiceFacts::Tells {
            url,
            version,
            alerts,
        } => {
            let mut found = vec![told(url, version)];
            found.extend(alerts.iter().map(|(cause, text)| {
                let text = format!("it is alerted: {text}");
                let fix = "`shopify-warmer status` says what to do about it.";
                Finding::warning(Check::Service, text, fix).about(cause)
            }));
            found
        }
    }
}

fn told(url: &str, version: &str) -> Finding {
    let ours = env!("CARGO_PKG_VERSION");
    if version == ours {
        return Finding::ok(
            Check::Service,
            format!("version {version} answers at {url}"),
        );
    }
    let text = format!("version {version} answers at {url}, and this program is {ours}");
    Finding::warning(
        Check::Service,
        text,
        "Restart the service after an upgrade.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{State, worst};

    #[test]
    fn each_finding_has_its_service() {
        let url = || "http://127.0.0.1:8080".to_owned();
        let tells = |version: &str, alerts| ServiceFacts::Tells {
            url: url(),
            version: version.to_owned(),
            alerts,
        };
        let ours = env!("CARGO_PKG_VERSION");
        let alert = vec![("store_memory".to_owned(), "full".to_owned())];
        let cases = [
            (tells(ours, Vec::new()), State::Ok),
            (tells("0.0.1", Vec::new()), State::Warning),
            (tells(ours, alert), State::Warning),
            (ServiceFacts::NotThere { url: url() }, State::Warning),
            (
                ServiceFacts::Refuses {
                    url: url(),
                    text: "UNAUTHORIZED".to_owned(),
                },
                State::Fault,
            ),
        ];
        for (facts, state) in cases {
            assert_eq!(worst(&judge_service(&facts)), state, "{facts:?}");
        }
    }
}
