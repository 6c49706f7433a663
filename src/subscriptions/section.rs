//! The section of `shopify.app.toml` by which the app itself subscribes: it is never removed by Shopify, and compliance topics can
//! stand nowhere else.

use std::collections::BTreeSet;

use super::{COMPLIANCE, Endpoint, NEEDED};
use crate::warm::SECTION_NAME;

/// The section, ready to be pasted.
pub fn app_toml(endpoint: &Endpoint, api_version: &str) -> String {
    let scopes: BTreeSet<_> = NEEDED.iter().filter_map(|need| need.scope).collect();
    let scopes: Vec<_> = scopes.into_iter().rev().collect();
    let topics = NEEDED.iter().map(|need| need.topic);
    let (scopes, uri) = (scopes.join(","), endpoint.uri());
    let (topics, compliance) = (list(topics), list(COMPLIANCE.iter().copied()));
    format!(
        r#"# The webhooks of shopify-warmer. Paste this into shopify.app.toml in place of its [access_scopes] and [webhooks],
# then run `shopify app deploy`. Add scopes that your app has besides; read_all_orders lifts the 60 days that read_orders reaches back.

[access_scopes]
scopes = "{scopes}"

[webhooks]
api_version = "{api_version}"

  # The name stands for exactly this list: change it if you change the list, so that the audit does not count on topics you took out.
  [[webhooks.subscriptions]]
  topics = [
{topics}  ]
  uri = "{uri}"
  name = "{SECTION_NAME}"

  # No API call can subscribe to these: they are the law's, and can stand here only.
  [[webhooks.subscriptions]]
  compliance_topics = [
{compliance}  ]
  uri = "{uri}"
"#
    )
}

fn list<'a>(topics: impl Iterator<Item = &'a str>) -> String {
    let lines = topics.flat_map(|topic| ["    \"", topic, "\",\n"]);
    lines.collect()
}
