//! The way from Shopify to this service: a name, a certificate, a proxy that passes everything on.

use std::time::Duration;

use super::{Check, Finding};

/// Shopify waits so long for the whole of a delivery.
const TOO_LONG: Duration = Duration::from_secs(5);
/// Half of a retry's worth: something on the way is slow.
const SLOW: Duration = Duration::from_secs(1);
/// The service's own limit is eight times of what is tried.
const BODY_FIX: &str = "Let the proxy pass bodies of 16 MiB on (nginx: client_max_body_size 16m).";

/// What became of asking at `PUBLIC_URL`.
#[derive(Debug, Clone)]
pub enum PublicFacts {
    /// It is not set.
    NotSet,
    /// It was asked for.
    Asked {
        /// What `GET /healthz` answered.
        alive: Result<Answer, NoAnswer>,
        /// What a delivery of two megabytes that nobody signed was answered; none if the first was not ours.
        delivery: Option<Result<Answer, NoAnswer>>,
    },
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Whether it is written as this service writes.
    pub is_ours: bool,
    /// Where it sends on to, if it does.
    pub redirect: Option<Redirect>,
    /// Whether it asks for a password, which this service never does.
    pub asks_password: bool,
    /// How long it took.
    pub took: Duration,
}

/// Somewhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect(pub String);

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    /// The certificate is not one that Shopify would take.
    Certificate(String),
    /// Nothing came in time.
    TimedOut,
    /// No connection, or it broke.
    Connection(String),
}

/// How the way is.
pub fn judge_public(facts: &PublicFacts) -> Vec<Finding> {
    let check = Check::PublicUrl;
    let (alive, delivery) = match facts {
        PublicFacts::NotSet => {
            let text = "PUBLIC_URL is not set: whether Shopify reaches this service is not checked";
            let fix = "Set it to the https address under which Shopify reaches this service.";
            return vec![Finding::warning(check, text, fix)];
        }
        PublicFacts::Asked { alive, delivery } => (alive, delivery),
    };
    let wrong = match alive {
        Err(none) => Some(unanswered(none)),
        Ok(answer) => not_ours(answer),
    };
    if let Some(wrong) = wrong {
        return vec![wrong];
    }
    let delivery = delivery.as_ref().map(|delivery| match delivery {
        Err(none) => unanswered(none),
        Ok(answer) => delivered(answer),
    });
    let there = Finding::ok(
        check,
        "this service answers there, with a certificate that is taken",
    );
    [Some(there), delivery].into_iter().flatten().collect()
}

fn unanswered(none: &NoAnswer) -> Finding {
    let (text, fix) = match none {
        NoAnswer::Certificate(text) => (
            format!("the certificate is not taken: {text}"),
            "Give the proxy one of a public authority, with its whole chain, for this name; Shopify checks it.",
        ),
        NoAnswer::TimedOut => (
            "no answer in time".to_owned(),
            "Check the firewall, and that the proxy reaches the service; Shopify waits five seconds.",
        ),
        NoAnswer::Connection(text) => (
            format!("no connection: {text}"),
            "Check that the name leads to this proxy, and that port 443 is open.",
        ),
    };
    Finding::fault(Check::PublicUrl, text, fix)
}

fn not_ours(answer: &Answer) -> Option<Finding> {
    let check = Check::PublicUrl;
    if let Some(elsewhere) = sends_on(answer).or_else(|| locked(answer)) {
        return Some(elsewhere);
    }
    if answer.status == 200 && answer.is_ours {
        return None;
    }
    let text = format!(
        "something else than this service answers there ({})",
        answer.status
    );
    let fix = "Point the proxy at LISTEN_ADDR, with paths as they are; /healthz and /webhooks/shopify must reach the service.";
    Some(Finding::fault(check, text, fix))
}

fn sends_on(answer: &Answer) -> Option<Finding> {
    let Redirect(location) = answer.redirect.as_ref()?;
    let text = format!("it redirects to {location}, and Shopify does not follow");
    let fix = "Set PUBLIC_URL to where it leads, and register that at Shopify.";
    Some(Finding::fault(Check::PublicUrl, text, fix))
}

fn locked(answer: &Answer) -> Option<Finding> {
    let text = "the proxy asks for a password, which Shopify does not have";
    let fix = "Leave /webhooks/shopify and /healthz open in the proxy: the service checks each delivery's signature itself.";
    answer
        .asks_password
        .then(|| Finding::fault(Check::PublicUrl, text, fix))
}

fn delivered(answer: &Answer) -> Finding {
    let check = Check::PublicUrl;
    if let Some(elsewhere) = sends_on(answer).or_else(|| locked(answer)) {
        return elsewhere;
    }
    let (status, took) = (answer.status, answer.took);
    match status {
        401 if took > TOO_LONG => {
            let text = format!(
                "a delivery of 2 MB took {} s, and Shopify waits five",
                took.as_secs()
            );
            Finding::fault(
                check,
                text,
                "Look at what is slow on the way; a proxy that buffers bodies is.",
            )
        }
        401 if took > SLOW => {
            let text = format!("a delivery of 2 MB took {} ms", took.as_millis());
            Finding::warning(
                check,
                text,
                "Look at what is slow on the way; a proxy that buffers bodies is.",
            )
        }
        401 => Finding::ok(
            check,
            "a delivery of 2 MB that is not signed gets through, and is refused by this service",
        ),
        413 => Finding::fault(
            check,
            "the proxy refuses a delivery of 2 MB (413)",
            BODY_FIX,
        ),
        400 => Finding::fault(
            check,
            "a delivery of 2 MB arrives cut short (400)",
            BODY_FIX,
        ),
        _ => {
            let text = format!("a delivery that is not signed is answered {status} instead of 401");
            let fix = "Let the proxy pass POST /webhooks/shopify on to this service as it comes.";
            Finding::fault(check, text, fix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{State, worst};

    fn alive() -> Answer {
        Answer {
            status: 200,
            is_ours: true,
            ..Answer::default()
        }
    }

    fn refused(status: u16) -> Answer {
        Answer {
            status,
            ..Answer::default()
        }
    }

    fn state(alive: Result<Answer, NoAnswer>, delivery: Option<Result<Answer, NoAnswer>>) -> State {
        worst(&judge_public(&PublicFacts::Asked { alive, delivery }))
    }

    #[test]
    fn each_obstacle_is_a_finding() {
        let elsewhere = || Some(Redirect("https://www.example.com/".to_owned()));
        assert_eq!(worst(&judge_public(&PublicFacts::NotSet)), State::Warning);
        let certificate = NoAnswer::Certificate("expired".to_owned());
        for none in [
            certificate,
            NoAnswer::TimedOut,
            NoAnswer::Connection("refused".to_owned()),
        ] {
            assert_eq!(state(Err(none.clone()), None), State::Fault, "{none:?}");
            assert_eq!(
                state(Ok(alive()), Some(Err(none.clone()))),
                State::Fault,
                "{none:?}"
            );
        }
        let strangers = [
            Answer {
                is_ours: false,
                ..alive()
            },
            Answer {
                status: 502,
                ..alive()
            },
            Answer {
                status: 301,
                redirect: elsewhere(),
                ..Answer::default()
            },
            Answer {
                status: 401,
                asks_password: true,
                ..Answer::default()
            },
        ];
        for stranger in strangers {
            assert_eq!(
                state(Ok(stranger.clone()), None),
                State::Fault,
                "{stranger:?}"
            );
        }
    }

    #[test]
    fn what_becomes_of_a_large_delivery_is_a_finding() {
        let elsewhere = || Some(Redirect("https://www.example.com/".to_owned()));
        let slow = |seconds| Answer {
            took: Duration::from_secs(seconds),
            ..refused(401)
        };
        let deliveries = [
            (refused(401), State::Ok),
            (slow(2), State::Warning),
            (slow(6), State::Fault),
            (refused(413), State::Fault),
            (refused(400), State::Fault),
            (refused(404), State::Fault),
            (refused(200), State::Fault),
            (
                Answer {
                    redirect: elsewhere(),
                    ..refused(308)
                },
                State::Fault,
            ),
            (
                Answer {
                    asks_password: true,
                    ..refused(401)
                },
                State::Fault,
            ),
        ];
        for (answer, expected) in deliveries {
            assert_eq!(
                state(Ok(alive()), Some(Ok(answer.clone()))),
                expected,
                "{answer:?}"
            );
        }
    }
}
