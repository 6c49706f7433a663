//! The words for states, held against Shopify's own lists of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    process::{Command, Stdio},
};

use shopify_warmer::order::{Subject, Words};

use crate::admin::JUDGES;

/// Each enum of the schema, and what its values are said of.
const ENUMS: [(&str, Subject); 6] = [
    ("OrderDisplayFulfillmentStatus", Subject::Shipping),
    ("OrderDisplayFinancialStatus", Subject::Payment),
    ("OrderReturnStatus", Subject::Return),
    ("FulfillmentStatus", Subject::Fulfillment),
    ("FulfillmentDisplayStatus", Subject::Parcel),
    ("FulfillmentEventStatus", Subject::Parcel),
];

/// Words that no enum has: REST's own, and ours for what Shopify has no word for.
const BESIDES: [(&str, Subject); 9] = [
    ("partial", Subject::Shipping),
    ("not_shipped", Subject::Shipping),
    ("cancelled", Subject::Shipping),
    ("not_shipped", Subject::Parcel),
    ("partial", Subject::Parcel),
    ("shipped", Subject::Parcel),
    ("cancelled", Subject::Parcel),
    ("removed", Subject::Parcel),
    ("not_required", Subject::Parcel),
];

fn enums() -> BTreeMap<String, Vec<String>> {
    let mut judge = Command::new("node")
        .arg(format!("{JUDGES}/graphql/enums.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is missing: `make test` installs it");
    let names = serde_json::to_vec(&ENUMS.map(|(name, _)| name)).unwrap();
    judge.stdin.take().unwrap().write_all(&names).unwrap();
    let listed = judge.wait_with_output().unwrap();
    serde_json::from_slice(&listed.stdout).unwrap()
}

#[test]
fn every_state_of_shopify_has_words_and_no_other() {
    let enums = enums();
    let mut theirs = BTreeSet::new();
    for (name, subject) in ENUMS {
        let values = &enums[name];
        assert!(values.len() > 3, "{name}: {values:?}");
        theirs.extend(
            values
                .iter()
                .map(|value| (format!("{subject:?}"), value.to_lowercase())),
        );
    }
    theirs.extend(BESIDES.map(|(code, subject)| (format!("{subject:?}"), code.to_owned())));
    let subjects = BTreeSet::from_iter(ENUMS.map(|(_, subject)| format!("{subject:?}")));
    let ours: BTreeSet<_> = [
        Subject::Shipping,
        Subject::Payment,
        Subject::Return,
        Subject::Fulfillment,
        Subject::Parcel,
    ]
    .into_iter()
    .flat_map(|subject| {
        subject
            .codes()
            .map(move |code| (format!("{subject:?}"), code.to_owned()))
    })
    .collect();
    assert_eq!(subjects.len(), 5);
    assert_eq!(ours, theirs);
}

#[test]
fn what_is_fulfilled_is_shipped_and_not_delivered() {
    for (subject, code) in [
        (Subject::Shipping, "fulfilled"),
        (Subject::Fulfillment, "success"),
        (Subject::Parcel, "marked_as_fulfilled"),
    ] {
        let words = Words::of(subject, code);
        assert_eq!(
            (words.zh.as_str(), words.en.as_str()),
            ("已发货", "Shipped")
        );
    }
}
