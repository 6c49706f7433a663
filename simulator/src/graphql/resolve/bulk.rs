//! `bulkOperation`, `bulkOperations`, and the mutations that begin and end one.

use apollo_compiler::resolvers::{ResolveInfo, ResolvedValue};
use apollo_compiler::response::JsonValue;
use chrono::{DateTime, SecondsFormat, Utc};

use super::{Context, Record, count_argument, text_argument};
use crate::bulk::{Operation, TooMany, UnknownOperation};
use crate::graphql::bulk::Inner;
use crate::model::{gid, parse_gid};

/// The longest list of operations.
const MOST: usize = 250;

/// `bulkOperation(id:)`.
pub(super) fn one<'a>(context: &'a Context<'a>, info: &'a ResolveInfo<'a>) -> ResolvedValue<'a> {
    let found = asked(info).and_then(|id| context.world.bulk.get(id));
    ResolvedValue::nullable_object(found.map(|found| record(context, &found)))
}

/// `bulkOperations(first:, query:)`.
pub(super) fn list<'a>(context: &'a Context<'a>, info: &'a ResolveInfo<'a>) -> ResolvedValue<'a> {
    let query = text_argument(info, "query").unwrap_or_default();
    let wanted = |operation: &Operation| {
        let status = operation.status_at(context.now).graphql().to_lowercase();
        query
            .split_whitespace()
            .all(|term| match term.split_once(':') {
                Some(("status", wanted)) => wanted.eq_ignore_ascii_case(&status),
                Some(("operation_type", wanted)) => wanted.eq_ignore_ascii_case("query"),
                _ => true,
            })
    };
    let first = count_argument(info, "first").unwrap_or(MOST);
    let all = context.world.bulk.all();
    let found = all.iter().filter(|one| wanted(one)).take(first);
    let nodes = found.map(|found| record(context, found)).collect();
    ResolvedValue::object(Record::new("BulkOperationConnection").many("nodes", nodes))
}

/// `bulkOperationRunQuery(query:)`.
pub(super) fn begin(context: &Context<'_>, info: &ResolveInfo<'_>) -> Record {
    let payload = Record::new("BulkOperationRunQueryPayload");
    let refused = |errors: Vec<Record>| {
        payload
            .clone()
            .one("bulkOperation", None)
            .many("userErrors", errors)
    };
    let world = context.world;
    let text = text_argument(info, "query").unwrap_or_default();
    let inner = match Inner::read(&world.schema, text) {
        Ok(inner) => inner,
        Err(faults) => return refused(faults.iter().map(|fault| invalid(fault)).collect()),
    };
    let id = world.ids.next();
    match world.bulk.begin(id, (inner, context.version), context.now) {
        Ok(operation) => payload
            .clone()
            .one("bulkOperation", Some(record(context, &operation)))
            .many("userErrors", Vec::new()),
        Err(TooMany(open)) => refused(vec![in_progress(&open)]),
    }
}

/// `bulkOperationCancel(id:)`.
pub(super) fn cancel(context: &Context<'_>, info: &ResolveInfo<'_>) -> Record {
    let id = asked(info).unwrap_or_default();
    let canceled = context.world.bulk.cancel(id);
    let error = |UnknownOperation| {
        Record::new("UserError")
            .list("field", vec!["id".into()])
            .leaf("message", "Bulk operation does not exist")
    };
    let errors = canceled.as_ref().err().map(|_| error(UnknownOperation));
    let operation = canceled.ok().map(|operation| record(context, &operation));
    Record::new("BulkOperationCancelPayload")
        .one("bulkOperation", operation)
        .many("userErrors", errors.into_iter().collect())
}

fn asked(info: &ResolveInfo<'_>) -> Option<u64> {
    let id = text_argument(info, "id").and_then(parse_gid);
    id.filter(|(kind, _)| *kind == "BulkOperation")
        .map(|(_, id)| id)
}

fn invalid(message: &str) -> Record {
    Record::new("BulkOperationUserError")
        .leaf("code", "INVALID")
        .list("field", vec!["query".into()])
        .leaf("message", message)
}

fn in_progress(open: &[u64]) -> Record {
    let open: Vec<_> = open.iter().map(|id| gid("BulkOperation", *id)).collect();
    let message = format!(
        "A bulk query operation for this app and shop is already in progress: {}.",
        open.join(", ")
    );
    Record::new("BulkOperationUserError")
        .leaf("code", "OPERATION_IN_PROGRESS")
        .leaf("field", JsonValue::Null)
        .leaf("message", message)
}

fn record(context: &Context<'_>, operation: &Operation) -> Record {
    let status = operation.status_at(context.now);
    let url = context.world.bulk.url(operation, context.now);
    let failed = status.error().is_some();
    let size = operation.file.is_some() && !failed;
    Record::new("BulkOperation")
        .leaf("id", gid("BulkOperation", operation.id))
        .leaf("type", "QUERY")
        .leaf("status", status.graphql())
        .opt("errorCode", status.error())
        .leaf("createdAt", time(operation.created_at))
        .opt("completedAt", operation.completed_at.map(time).as_deref())
        .leaf("objectCount", operation.objects.to_string())
        .leaf("rootObjectCount", operation.roots.to_string())
        .opt(
            "fileSize",
            size.then(|| operation.size.to_string()).as_deref(),
        )
        .opt("url", url.as_deref().filter(|_| !failed))
        .opt("partialDataUrl", url.as_deref().filter(|_| failed))
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
