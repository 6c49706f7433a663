//! The topics we need, in one place: subscriptions, the audit and the `shopify.app.toml` section all follow this table.

/// A topic that we subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// As deliveries and `shopify.app.toml` name it: `orders/updated`.
    pub topic: &'static str,
    /// The access scope it wants, if any.
    pub scope: Option<&'static str>,
    /// What it brings that nothing else does.
    pub brings: &'static str,
}

/// Every topic that can be subscribed to through the API, and by the app's own configuration too.
///
/// Not here, because `orders/updated` comes with each of them and carries the same whole order: `orders/paid`, `orders/fulfilled`,
/// `orders/partially_fulfilled`. Each would be a second delivery of the same news.
///
/// Whoever adds a topic gives the section another name ([`crate::warm::SECTION_NAME`]): it stands for this list.
pub const NEEDED: &[Need] = &[
    order("orders/create", "a new order within a second"),
    order(
        "orders/updated",
        "every change of an order, payment and fulfilment included",
    ),
    order("orders/edited", "items added or removed"),
    order("orders/cancelled", "a cancellation, with its reason"),
    order("orders/delete", "a deletion, which no sweep can see"),
    parcel("fulfillments/create", "a parcel"),
    parcel("fulfillments/update", "a parcel's tracking number or state"),
    parcel("fulfillment_events/create", "a carrier's news"),
    parcel("fulfillment_events/delete", "a carrier's news taken back"),
    order("refunds/create", "money that went back"),
    free("bulk_operations/finish", "that an export can be fetched"),
    free("app/uninstalled", "that the app was removed"),
    free("app/scopes_update", "that the app's scopes changed"),
];

/// Topics that no API call can subscribe to: they live in the app's own configuration only.
pub const COMPLIANCE: &[&str] = &["customers/data_request", "customers/redact", "shop/redact"];

const fn order(topic: &'static str, brings: &'static str) -> Need {
    need(topic, Some("read_orders"), brings)
}

const fn parcel(topic: &'static str, brings: &'static str) -> Need {
    need(topic, Some("read_fulfillments"), brings)
}

const fn free(topic: &'static str, brings: &'static str) -> Need {
    need(topic, None, brings)
}

const fn need(topic: &'static str, scope: Option<&'static str>, brings: &'static str) -> Need {
    Need {
        topic,
        scope,
        brings,
    }
}

/// As GraphQL names a topic: `ORDERS_UPDATED`.
pub(super) fn in_graphql(topic: &str) -> String {
    topic.replace('/', "_").to_ascii_uppercase()
}

/// The other way, as far as we need the topic; any other stays in GraphQL's words, which do not say where the slash was.
pub(super) fn from_graphql(topic: &str) -> String {
    let known = NEEDED.iter().find(|need| in_graphql(need.topic) == topic);
    known.map_or_else(|| topic.to_owned(), |need| need.topic.to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use shopify_webhooks::Topic;

    use super::*;

    #[test]
    fn every_topic_is_one_that_is_decoded_and_stands_once() {
        let topics: BTreeSet<_> = NEEDED.iter().map(|need| need.topic).collect();
        assert_eq!(topics.len(), NEEDED.len());
        for topic in topics.iter().chain(COMPLIANCE) {
            assert!(!matches!(Topic::parse(topic), Topic::Other(_)), "{topic}");
            assert_eq!(
                from_graphql(&in_graphql(topic)).contains('/'),
                topics.contains(topic)
            );
        }
        for compliance in COMPLIANCE {
            assert!(!topics.contains(compliance), "{compliance}");
        }
    }

    #[test]
    fn topics_have_graphqls_names() {
        assert_eq!(
            in_graphql("fulfillment_events/create"),
            "FULFILLMENT_EVENTS_CREATE"
        );
        assert_eq!(
            from_graphql("FULFILLMENT_EVENTS_CREATE"),
            "fulfillment_events/create"
        );
        assert_eq!(from_graphql("CARTS_CREATE"), "CARTS_CREATE");
    }
}
