use std::collections::BTreeMap;

use chrono::DateTime;

use super::*;
use crate::{
    subscriptions::{COMPLIANCE, needed::in_graphql, section::app_toml},
    warm::{Heard, SECTION_NAME},
};

const HERE: &str = "https://warmer.example.com/webhooks/shopify";

fn at(hour: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::hours(hour)
}

fn sub(id: u64, topic: &str, change: impl FnOnce(&mut serde_json::Value)) -> WebhookSubscription {
    let mut json = serde_json::json!({
        "id": format!("gid://shopify/WebhookSubscription/{id}"), "topic": in_graphql(topic), "uri": HERE, "format": "JSON",
        "filter": "", "includeFields": [], "name": API_NAME, "apiVersion": { "handle": "2026-10", "supported": true },
    });
    change(&mut json);
    serde_json::from_value(json).unwrap()
}

fn all() -> Vec<WebhookSubscription> {
    let numbered = (1..).zip(NEEDED);
    numbered
        .map(|(id, need)| sub(id, need.topic, |_| {}))
        .collect()
}

/// A situation at hour 100, with what was heard at which hour.
struct Case {
    endpoint: Option<Endpoint>,
    voices: Voices,
    last: Option<Audited>,
    asker: Asker,
}

impl Case {
    fn new() -> Self {
        Self {
            endpoint: Some("https://warmer.example.com".parse().unwrap()),
            voices: Voices::default(),
            last: None,
            asker: Asker::Service,
        }
    }

    fn without_url(self) -> Self {
        Self {
            endpoint: None,
            ..self
        }
    }

    fn heard(self, heard: &[(&str, Voice, i64)]) -> Self {
        let heard = heard.iter().map(|(topic, voice, hour)| Heard {
            topic: (*topic).to_owned(),
            voice: *voice,
            until: at(*hour),
        });
        Self {
            voices: Voices::told(heard),
            ..self
        }
    }

    fn after(self, last: Audited) -> Self {
        Self {
            last: Some(last),
            ..self
        }
    }

    fn judge(&self, existing: &[WebhookSubscription]) -> Audited {
        let situation = Situation {
            endpoint: self.endpoint.as_ref(),
            api_version: "2026-10",
            voices: &self.voices,
            last: self.last.as_ref(),
            asker: self.asker,
            now: at(100),
        };
        judge(existing, &situation)
    }
}

fn kinds(audited: &Audited) -> Vec<(Kind, &str)> {
    let findings = audited.findings.iter();
    findings.map(|one| (one.kind, one.topic.as_str())).collect()
}

fn audited_at(hour: i64, subscribed: &[&str]) -> Audited {
    let subscribed = subscribed.iter().map(|topic| (*topic).to_owned()).collect();
    Audited {
        subscribed,
        ..Audited::failed(String::new(), None, at(hour))
    }
}

#[test]
fn what_is_complete_is_well() {
    let audited = Case::new().judge(&all());
    assert_eq!((audited.ok(), kinds(&audited)), (true, vec![]));
    assert_eq!(audited.subscribed.len(), NEEDED.len());
    assert_eq!(audited.look_again_at(), None);
}

#[test]
fn what_is_missing_is_created() {
    let mut existing = all();
    let gone = existing.remove(1);
    assert_eq!(gone.topic, "ORDERS_UPDATED");
    let audited = Case::new().judge(&existing);
    assert_eq!(kinds(&audited), [(Kind::Missing, "orders/updated")]);
    let topic = "orders/updated".to_owned();
    assert_eq!(audited.repairs(), [Repair::Create { topic }]);
    let audited = Case::new()
        .after(audited_at(94, &["orders/updated"]))
        .judge(&existing);
    assert_eq!(kinds(&audited), [(Kind::Removed, "orders/updated")]);
    let audited = Case::new().without_url().judge(&existing);
    assert_eq!((audited.ok(), audited.repairs()), (false, vec![]));
}

#[test]
fn each_flaw_has_its_repair() {
    type Change = fn(&mut serde_json::Value);
    type Repairs = fn(String, String) -> Vec<Repair>;
    let point = |id, topic| vec![Repair::Point { id, topic }];
    let replace = |id, topic| vec![Repair::Replace { id, topic }];
    let cases: [(Change, &[Kind], Repairs); 7] = [
        (
            |sub| sub["uri"] = "https://old.example.com/webhooks/shopify".into(),
            &[Kind::Elsewhere],
            point,
        ),
        (
            |sub| sub["name"] = serde_json::Value::Null,
            &[Kind::Unnamed],
            point,
        ),
        (
            |sub| sub["filter"] = "id:7".into(),
            &[Kind::Filtered],
            replace,
        ),
        (
            |sub| sub["includeFields"] = serde_json::json!(["id"]),
            &[Kind::Trimmed],
            replace,
        ),
        (
            |sub| sub["format"] = "XML".into(),
            &[Kind::NotJson],
            replace,
        ),
        (
            |sub| sub["apiVersion"]["handle"] = "2026-04".into(),
            &[Kind::OtherVersion],
            replace,
        ),
        (
            |sub| {
                sub["uri"] = "https://old.example.com/hooks".into();
                sub["filter"] = "id:7".into();
            },
            &[Kind::Elsewhere, Kind::Filtered],
            replace,
        ),
    ];
    for (change, found, repair) in cases {
        let mut existing = all();
        existing[0] = sub(1, "orders/create", change);
        let audited = Case::new().judge(&existing);
        let kinds: Vec<_> = audited.findings.iter().map(|one| one.kind).collect();
        assert_eq!(kinds, found);
        let (id, topic) = (existing[0].id.clone(), "orders/create".to_owned());
        assert_eq!(audited.repairs(), repair(id, topic), "{found:?}");
    }
}

#[test]
fn of_several_the_best_stays() {
    let mut existing = all();
    existing.push(sub(20, "orders/create", |_| {}));
    existing[0] = sub(1, "orders/create", |sub| sub["filter"] = "id:7".into());
    let audited = Case::new().judge(&existing);
    assert_eq!(kinds(&audited), [(Kind::Doubled, "orders/create")]);
    let (id, topic) = (existing[0].id.clone(), "orders/create".to_owned());
    assert_eq!(
        audited.repairs(),
        [Repair::Delete { id, topic }],
        "the filtered one goes"
    );
}

#[test]
fn strangers_are_listed_and_left_alone() {
    let mut existing = all();
    existing.push(sub(20, "orders/create", |sub| {
        sub["uri"] = "https://erp.example.com/in".into();
        sub["name"] = "erp".into();
    }));
    existing.push(sub(21, "orders/create", |sub| {
        sub["uri"] = "https://staging.example.com/webhooks/shopify".into();
        sub["name"] = serde_json::Value::Null;
    }));
    existing[12] = sub(13, "carts/create", |sub| {
        sub["uri"] = "pubsub://project:topic".into();
    });
    existing[12].name = None;
    existing.push(sub(13, "app/scopes_update", |_| {}));
    let audited = Case::new().judge(&existing);
    let found = [
        (Kind::Foreign, "CARTS_CREATE"),
        (Kind::Foreign, "orders/create"),
        (Kind::Elsewhere, "orders/create"),
    ];
    assert_eq!(kinds(&audited), found);
    assert_eq!((audited.ok(), audited.repairs()), (true, vec![]));
}

#[test]
fn one_topic_of_the_section_stands_for_all_of_it() {
    let heard = [("fulfillments/update", Voice::App, 60)];
    let audited = Case::new().heard(&heard).judge(&[]);
    assert_eq!((audited.ok(), kinds(&audited)), (true, vec![]));
    assert_eq!(audited.app_owned.len(), NEEDED.len());
    // Both: ours go, the app's stay.
    let audited = Case::new().heard(&heard).judge(&all());
    assert_eq!(audited.findings.len(), NEEDED.len());
    let deletes = |repair: &Repair| matches!(repair, Repair::Delete { .. });
    assert!(audited.repairs().iter().all(deletes));
    assert_eq!(audited.repairs().len(), NEEDED.len());
}

#[test]
fn a_voice_that_fell_silent_starves_nobody() {
    let heard = [("orders/updated", Voice::App, 100 - 49)];
    let audited = Case::new().heard(&heard).judge(&[]);
    assert_eq!(audited.repairs().len(), NEEDED.len());
    // Where nothing can be repaired, a quiet shop is no reason to complain.
    let audited = Case::new().without_url().heard(&heard).judge(&[]);
    assert!(audited.ok());
    let heard = [("orders/updated", Voice::App, 100 - 24 * 31)];
    let first = audited_at(0, &[]);
    assert!(
        !Case::new()
            .without_url()
            .heard(&heard)
            .after(first)
            .judge(&[])
            .ok()
    );
}

#[test]
fn a_nameless_voice_stands_for_its_topic_alone() {
    let heard = [("orders/updated", Voice::Other, 99)];
    let audited = Case::new().heard(&heard).judge(&[]);
    assert_eq!(audited.repairs().len(), NEEDED.len() - 1);
    let topic = |audited: &Audited| kinds(audited).iter().any(|one| one.1 == "orders/updated");
    assert!(!topic(&audited));
    // What had a subscription of ours may be heard for hours after it is gone.
    let last = audited_at(94, &["orders/updated"]);
    assert!(topic(&Case::new().heard(&heard).after(last).judge(&[])));
    let old = [("orders/updated", Voice::Other, 100 - 49)];
    assert!(topic(&Case::new().heard(&old).judge(&[])));
}

#[test]
fn a_topic_that_comes_twice_is_told_until_it_was_told() {
    let heard = [
        ("orders/updated", Voice::Twice, 99),
        ("orders/updated", Voice::Other, 99),
    ];
    let audited = Case::new().heard(&heard).judge(&all());
    assert_eq!(kinds(&audited), [(Kind::Doubled, "orders/updated")]);
    assert_eq!(audited.repairs(), [], "nobody can tell which to end");
    let told = Case::new()
        .heard(&heard)
        .after(audited_at(99, &[]))
        .judge(&all());
    assert!(told.ok());
}

#[test]
fn a_shop_that_had_nothing_to_tell_gets_an_hour() {
    let first = Case::new().without_url().judge(&[]);
    assert_eq!((first.ok(), first.in_doubt), (true, true));
    assert_eq!(first.look_again_at(), Some(at(101)));
    let later = Case::new()
        .without_url()
        .after(audited_at(99, &[]))
        .judge(&[]);
    assert_eq!((later.ok(), later.in_doubt), (false, false));
    let person = Case {
        asker: Asker::Person,
        ..Case::new().without_url()
    };
    assert!(!person.judge(&[]).ok());
    assert!(
        !Case::new().judge(&[]).ok(),
        "what can be repaired is not in doubt"
    );
}

#[test]
fn what_was_found_is_read_again() {
    let audited = Case::new().judge(&[]);
    let text = serde_json::to_string(&audited).unwrap();
    let read: Audited = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (read.subscribed, read.findings.len()),
        (vec![], NEEDED.len())
    );
    let failed = Audited::failed("403".to_owned(), Some(&audited), at(101));
    assert_eq!((failed.ok(), failed.first_at), (false, audited.first_at));
}

#[test]
fn voices_survive_the_store() {
    let stored = BTreeMap::from([
        ("orders/updated app".to_owned(), at(1)),
        ("orders/updated nonsense".to_owned(), at(1)),
        ("nonsense".to_owned(), at(1)),
    ]);
    let voices = Voices::read(stored);
    assert_eq!(voices.all().len(), 1);
    assert_eq!(voices.until("orders/updated", Voice::App), Some(at(1)));
    assert_eq!(Voice::of(Some(SECTION_NAME)), Voice::App);
    assert_eq!(
        (Voice::of(Some("erp")), Voice::of(None)),
        (Voice::Other, Voice::Other)
    );
}

#[test]
fn the_section_names_every_topic() {
    let endpoint = "https://warmer.example.com".parse().unwrap();
    let section = app_toml(&endpoint, "2026-10");
    for topic in NEEDED
        .iter()
        .map(|need| need.topic)
        .chain(COMPLIANCE.iter().copied())
    {
        assert!(section.contains(&format!("    \"{topic}\",\n")), "{topic}");
    }
    assert!(section.contains("scopes = \"read_orders,read_fulfillments\""));
    assert_eq!(section.matches(HERE).count(), 2);
}
