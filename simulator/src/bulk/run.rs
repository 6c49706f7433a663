//! Runs what is asked for, each operation on a task of its own.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use serde_json::json;
use tempfile::TempPath;

use super::export::Export;
use super::{BulkFault, Operation, Status};
use crate::model::gid;
use crate::world::World;

/// Orders rendered at a time.
const AT_ONCE: usize = 100;

/// How an operation ended.
struct Ended {
    status: Status,
    file: Option<TempPath>,
}

impl Ended {
    fn without_data(status: Status) -> Self {
        Self { status, file: None }
    }
}

/// Runs until the simulator stops.
pub(crate) async fn run(world: Arc<World>) {
    loop {
        tokio::select! {
            () = world.stopped.cancelled() => return,
            () = world.bulk.created.notified() => {}
        }
        for id in world.bulk.take_waiting() {
            let inside = Arc::clone(&world);
            world.tasks.spawn(async move { perform(&inside, id).await });
        }
    }
}

async fn perform(world: &Arc<World>, id: u64) {
    let Some(operation) = world.bulk.get(id) else {
        return;
    };
    let ended = tokio::select! {
        biased;
        () = world.stopped.cancelled() => return,
        () = operation.canceled.cancelled() => Ended::without_data(Status::Canceled),
        ended = work(world, &operation) => ended,
    };
    let now = world.clock.now();
    world.bulk.change(id, |operation| {
        operation.status = ended.status;
        operation.completed_at = Some(now);
        operation.file = ended.file.map(Arc::new);
    });
    announce(world, id, &operation, (ended.status, now));
}

/// As the webhook has it, the words are in lower case, and there is no address.
fn announce(world: &World, id: u64, operation: &Operation, (status, now): (Status, DateTime<Utc>)) {
    let at = |at: DateTime<Utc>| at.trunc_subsecs(0).to_rfc3339();
    let body = json!({
        "admin_graphql_api_id": gid("BulkOperation", id),
        "completed_at": at(now),
        "created_at": at(operation.created_at),
        "error_code": status.error().map(str::to_lowercase),
        "status": status.graphql().to_lowercase(),
        "type": "query",
    });
    let topic = "bulk_operations/finish".to_owned();
    world.announce(None, vec![(topic, Bytes::from(body.to_string()))]);
}

async fn work(world: &Arc<World>, operation: &Operation) -> Ended {
    let pace = world.bulk.pace();
    let after = |wait| TimeDelta::from_std(wait).unwrap_or_default();
    let starts_at = operation.created_at + after(pace.queued);
    world.clock.sleep_until(starts_at).await;
    world
        .bulk
        .change(operation.id, |operation| operation.status = Status::Running);
    let fault = world.faults.next_bulk();
    let exported = match fault {
        None => export(world, operation, None).await,
        Some(BulkFault::FailAfter(objects)) => export(world, operation, Some(objects)).await,
        Some(
            BulkFault::Timeout | BulkFault::AccessDenied | BulkFault::Canceled | BulkFault::Expired,
        ) => Ok(None),
    };
    world
        .clock
        .sleep_until(starts_at + after(pace.running))
        .await;
    let status = match (fault, &exported) {
        (Some(BulkFault::AccessDenied), _) | (_, Err(Refused)) => Status::Failed("ACCESS_DENIED"),
        (Some(BulkFault::FailAfter(_)), _) => Status::Failed("INTERNAL_SERVER_ERROR"),
        (Some(BulkFault::Timeout), _) => Status::Failed("TIMEOUT"),
        (Some(BulkFault::Canceled), _) => Status::Canceled,
        (Some(BulkFault::Expired), _) => Status::Expired,
        (None, Ok(_)) => Status::Completed,
    };
    Ended {
        status,
        file: exported.unwrap_or_default(),
    }
}

/// The app may not read orders.
struct Refused;

/// Writes the file, at most so many objects of it. No objects, no file.
async fn export(
    world: &Arc<World>,
    operation: &Operation,
    most: Option<u64>,
) -> Result<Option<TempPath>, Refused> {
    if !world.has_scope("read_orders") {
        return Err(Refused);
    }
    let roots = blocking(world, operation, |world, operation| {
        let Operation { version, .. } = operation;
        operation
            .inner
            .roots(world, (version, operation.created_at))
    });
    let roots = roots.await.unwrap_or_default();
    let Ok(mut export) = Export::new(world.bulk.layout(), most) else {
        return Ok(None);
    };
    for ids in roots.chunks(AT_ONCE) {
        let ids = ids.to_vec();
        let written = blocking(world, operation, move |world, operation| {
            let when = (operation.version.as_str(), operation.created_at);
            let orders = operation.inner.orders(world, when, &ids);
            let written = export.add(&orders);
            (export, written)
        });
        let Some((back, written)) = written.await else {
            return Ok(None);
        };
        export = back;
        note(world, operation.id, &export);
        if written.is_err() || export.is_full() {
            break;
        }
    }
    let Ok((file, size)) = export.finish() else {
        return Ok(None);
    };
    world
        .bulk
        .change(operation.id, |operation| operation.size = size);
    Ok((size > 0).then_some(file))
}

fn note(world: &World, id: u64, export: &Export) {
    world.bulk.change(id, |operation| {
        operation.objects = export.objects;
        operation.roots = export.roots;
    });
}

/// Rendering takes a while, so it must not hold up what else this thread does.
async fn blocking<T: Send + 'static>(
    world: &Arc<World>,
    operation: &Operation,
    work: impl FnOnce(&World, &Operation) -> T + Send + 'static,
) -> Option<T> {
    let (world, operation) = (Arc::clone(world), operation.clone());
    let done = tokio::task::spawn_blocking(move || work(&world, &operation));
    done.await.ok()
}
