//! The fields of `Mutation`.

use apollo_compiler::resolvers::{ResolveInfo, ResolvedValue};
use apollo_compiler::response::{JsonMap, JsonValue};

use super::{Context, Record, Resolved, argument, bulk, subscription, text_argument};
use crate::admin::subscriptions::{Refusal, Subscription, SubscriptionSettings};
use crate::locked::lock;
use crate::model::{gid, parse_gid};

/// `None` for a field that is no mutation.
pub(super) fn resolve<'a>(
    context: &'a Context<'a>,
    info: &'a ResolveInfo<'a>,
) -> Option<Resolved<'a>> {
    let record = match info.field_name() {
        "webhookSubscriptionCreate" => create(context, info),
        "webhookSubscriptionUpdate" => update(context, info),
        "webhookSubscriptionDelete" => delete(context, info),
        "bulkOperationRunQuery" => bulk::begin(context, info),
        "bulkOperationCancel" => bulk::cancel(context, info),
        _ => return None,
    };
    Some(Ok(ResolvedValue::object(record)))
}

fn create(context: &Context<'_>, info: &ResolveInfo<'_>) -> Record {
    let world = context.world;
    let topic = text_argument(info, "topic").unwrap_or_default();
    let id = world.ids.next();
    let made = lock(&world.subscriptions).create(
        id,
        (topic, context.version),
        settings(info),
        context.now,
    );
    payload("WebhookSubscriptionCreatePayload", made)
}

fn update(context: &Context<'_>, info: &ResolveInfo<'_>) -> Record {
    let mut subscriptions = lock(&context.world.subscriptions);
    let changed = subscriptions.update(asked_id(info), settings(info), context.now);
    payload("WebhookSubscriptionUpdatePayload", changed)
}

fn delete(context: &Context<'_>, info: &ResolveInfo<'_>) -> Record {
    let id = asked_id(info);
    let gone = lock(&context.world.subscriptions).delete(&id.to_string());
    let deleted = gone.then(|| gid("WebhookSubscription", id));
    let refusal = Refusal {
        field: vec!["id"],
        message: "Webhook subscription does not exist".to_owned(),
    };
    Record::new("WebhookSubscriptionDeletePayload")
        .opt("deletedWebhookSubscriptionId", deleted.as_deref())
        .many("userErrors", errors((!gone).then_some(refusal)))
}

fn asked_id(info: &ResolveInfo<'_>) -> u64 {
    let id = text_argument(info, "id").and_then(parse_gid);
    id.map_or(0, |(_, id)| id)
}

fn settings(info: &ResolveInfo<'_>) -> SubscriptionSettings {
    let Some(input) = argument(info, "webhookSubscription").and_then(JsonValue::as_object) else {
        return SubscriptionSettings::default();
    };
    let text = |input: &JsonMap, name: &str| {
        let value = input.get(name).and_then(JsonValue::as_str);
        value.map(str::to_owned)
    };
    let fields = input.get("includeFields").and_then(JsonValue::as_array);
    let fields = fields.map(|fields| {
        let texts = fields.iter().filter_map(JsonValue::as_str);
        texts.map(str::to_owned).collect()
    });
    SubscriptionSettings {
        uri: text(input, "uri").or_else(|| text(input, "callbackUrl")),
        filter: text(input, "filter"),
        format: text(input, "format"),
        name: text(input, "name"),
        include_fields: fields,
    }
}

fn payload(type_name: &'static str, result: Result<Subscription, Refusal>) -> Record {
    let (made, refusal) = match result {
        Ok(made) => (Some(subscription::record(&made)), None),
        Err(refusal) => (None, Some(refusal)),
    };
    Record::new(type_name)
        .one("webhookSubscription", made)
        .many("userErrors", errors(refusal))
}

fn errors(refusal: Option<Refusal>) -> Vec<Record> {
    let errors = refusal.into_iter().map(|refusal| {
        let field = refusal.field.into_iter().map(JsonValue::from);
        Record::new("UserError")
            .list("field", field.collect())
            .leaf("message", refusal.message)
    });
    errors.collect()
}
