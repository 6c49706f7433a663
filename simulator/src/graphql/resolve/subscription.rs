//! Webhook subscriptions, to read.

use apollo_compiler::resolvers::{ResolveInfo, ResolvedValue};
use apollo_compiler::response::JsonValue;
use chrono::SecondsFormat;

use super::connection::{Connection, Names, page_of};
use super::{Context, Record, Resolved, argument, shop, text_argument};
use crate::admin::subscriptions::{Subscription, format_of};
use crate::locked::lock;
use crate::model::{gid, parse_gid};

const SUBSCRIPTIONS: Names = Names {
    connection: "WebhookSubscriptionConnection",
    edge: "WebhookSubscriptionEdge",
};

/// Those made through the API: the app's own configuration does not show here.
pub(super) fn list<'a>(context: &'a Context<'a>, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
    let topics = argument(info, "topics").and_then(JsonValue::as_array);
    let uri = text_argument(info, "uri");
    let subscriptions = lock(&context.world.subscriptions);
    let wanted = |one: &&Subscription| {
        let topic =
            topics.is_none_or(|topics| topics.iter().any(|topic| topic == one.topic.as_str()));
        topic && uri.is_none_or(|uri| one.settings.uri.as_deref() == Some(uri))
    };
    let found = subscriptions.all().iter().filter(wanted);
    let nodes = found.map(|one| (one.id, record(one)));
    let page = page_of(info, ("webhookSubscriptions", 0), nodes)?;
    Ok(ResolvedValue::object(Connection {
        names: SUBSCRIPTIONS,
        page,
    }))
}

pub(super) fn one<'a>(context: &'a Context<'a>, info: &'a ResolveInfo<'a>) -> ResolvedValue<'a> {
    let id = text_argument(info, "id").and_then(parse_gid);
    let subscriptions = lock(&context.world.subscriptions);
    let found = id.and_then(|(_, id)| subscriptions.get(id));
    ResolvedValue::nullable_object(found.map(record))
}

pub(super) fn record(one: &Subscription) -> Record {
    let settings = &one.settings;
    let fields = settings.include_fields.iter().flatten();
    let fields: Vec<JsonValue> = fields.map(|field| field.as_str().into()).collect();
    let time = |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    Record::new("WebhookSubscription")
        .leaf("id", gid("WebhookSubscription", one.id))
        .leaf("topic", one.topic.as_str())
        .leaf("uri", settings.uri.as_deref().unwrap_or_default())
        .leaf("format", format_of(settings))
        .opt("filter", settings.filter.as_deref())
        .list("includeFields", fields)
        .opt("name", settings.name.as_deref())
        .one("apiVersion", Some(shop::version(&one.api_version, true)))
        .leaf("createdAt", time(one.created_at))
        .leaf("updatedAt", time(one.updated_at))
}
