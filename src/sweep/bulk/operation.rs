//! An operation at Shopify: begun, asked after, ended.

use std::{pin::pin, time::Duration};

use tokio::{
    select,
    time::{Instant, sleep, timeout},
};
use tracing::{info, warn};

use super::{Import, Operation, Step};
use crate::{
    calls::Priority,
    shopify::{AdminError, BulkCancel, BulkFile, BulkPoll, BulkRun, BulkState, NotBegun},
    sweep::{Interrupted, Sweep, checkpoint::Position},
};

/// How long a stop waits for Shopify to name an operation that it is just beginning, so that it can be cancelled.
const JUST_BEGINNING: Duration = Duration::from_millis(1500);
/// How long a stop waits for a cancellation to be heard.
const CANCELLING: Duration = Duration::from_secs(5);

/// How an operation ended.
pub(super) enum Ending {
    /// With a file.
    File(Found),
    /// It found nothing.
    Nothing,
    /// With no file; another would do no better.
    Failed,
    /// Somebody cancelled it, or it was not looked at in time.
    Gone,
}

/// What an operation found.
pub(super) struct Found {
    pub(super) file: BulkFile,
    /// Orders in it, as far as Shopify counted.
    pub(super) orders: u64,
    pub(super) whole: Whole,
}

/// Whether everything is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    /// Everything is.
    Yes,
    /// The operation failed on the way.
    No,
}

/// Begins an operation; waits a while where others run. None where Shopify will not have it.
pub(super) async fn begin(
    sweep: &mut Sweep<'_>,
    import: &mut Import,
) -> Result<Option<Operation>, Interrupted> {
    let patience = sweep.around.bulk.patience;
    let (since, mut pause) = (Instant::now(), patience.first);
    loop {
        let asked_at = sweep.around.clock.now();
        let refusal = match run(sweep, &import.search()).await? {
            Ok(id) => {
                info!(site = %sweep.site.code, task = %sweep.at.plan.task, bulk.operation = %id, "a bulk operation was begun");
                let operation = Operation {
                    id,
                    asked_at,
                    objects: 0,
                };
                import.begun += 1;
                import.step = Step::Waiting;
                import.operation = Some(operation.clone());
                sweep.save(Position::Bulk(import.clone())).await?;
                return Ok(Some(operation));
            }
            Err(refusal) => refusal,
        };
        let goes_on = refusal == NotBegun::Busy && since.elapsed() < patience.others;
        if !goes_on {
            note(sweep, &format!("no bulk operation: {refusal}"));
            return Ok(None);
        }
        sweep.until_stopped(sleep(pause)).await?;
        pause = (pause * 2).min(patience.longest);
    }
}

/// Asks for an operation. A stop that comes meanwhile leaves none behind that nobody knows of.
async fn run(sweep: &mut Sweep<'_>, search: &str) -> Result<Result<String, NotBegun>, Interrupted> {
    let query = BulkRun {
        search: search.to_owned(),
    };
    let mut tries = 0;
    loop {
        sweep.may_go_on().await?;
        let calls = sweep.calls.clone();
        let mut call = pin!(calls.run(Priority::Background, &query));
        let error = match sweep.until_stopped(call.as_mut()).await {
            Ok(Ok(answer)) => return Ok(answer.data.begun().map(|begun| begun.id)),
            Ok(Err(error)) => error,
            Err(interrupted) => {
                if let Ok(Ok(answer)) = timeout(JUST_BEGINNING, call).await
                    && let Ok(begun) = answer.data.begun()
                {
                    cancel(sweep, begun.id).await;
                }
                return Err(interrupted);
            }
        };
        tries = sweep.after_error(error, tries).await?;
    }
}

/// Waits for an operation to end, and writes down how far it is. The webhook of its end is a hint to ask at once.
pub(super) async fn ended(
    sweep: &mut Sweep<'_>,
    import: &mut Import,
    operation: &Operation,
) -> Result<Ending, Interrupted> {
    let patience = sweep.around.bulk.patience;
    let mut pause = patience.first;
    loop {
        let answer = sweep.ask(&BulkPoll(operation.id.clone())).await?;
        let Some(polled) = answer.data.bulk_operation else {
            return Ok(gone(sweep, "Shopify knows it no more"));
        };
        let found = |file, whole| {
            Ending::File(Found {
                file,
                orders: polled.roots(),
                whole,
            })
        };
        match polled.state() {
            BulkState::Open => {}
            BulkState::Completed(None) => return Ok(Ending::Nothing),
            BulkState::Completed(Some(file)) => return Ok(found(file, Whole::Yes)),
            BulkState::Failed { code, .. } if code == "ACCESS_DENIED" => {
                let path = "orders, in a bulk operation".to_owned();
                return Err(AdminError::AccessDenied { path }.into());
            }
            BulkState::Failed { code, partial } => {
                note(sweep, &format!("a bulk operation failed ({code})"));
                return Ok(partial.map_or(Ending::Failed, |file| found(file, Whole::No)));
            }
            BulkState::Gone => return Ok(gone(sweep, "it was cancelled or expired")),
        }
        keep_count(sweep, import, polled.objects()).await?;
        let site = sweep.site;
        let next = async {
            select! {
                () = sleep(pause) => {}
                () = site.bulk_finished.notified() => {}
            }
        };
        sweep.until_stopped(next).await?;
        pause = (pause * 2).min(patience.longest);
    }
}

/// An operation that gets on is one that the sweep gets on with.
async fn keep_count(
    sweep: &mut Sweep<'_>,
    import: &mut Import,
    objects: u64,
) -> Result<(), Interrupted> {
    match &mut import.operation {
        Some(operation) if operation.objects < objects => operation.objects = objects,
        Some(_) | None => return Ok(()),
    }
    sweep.save(Position::Bulk(import.clone())).await
}

fn gone(sweep: &mut Sweep<'_>, why: &str) -> Ending {
    note(sweep, &format!("a bulk operation came to nothing: {why}"));
    Ending::Gone
}

/// Says in the log and in the record what went wrong without ending the sweep.
pub(super) fn note(sweep: &mut Sweep<'_>, what: &str) {
    warn!(site = %sweep.site.code, task = %sweep.at.plan.task, "{what}");
    sweep.at.findings.trouble(what);
}

/// Ends an operation at Shopify, for whoever asked for the stop and waits for it: before what warming has in line.
pub(super) async fn cancel(sweep: &Sweep<'_>, id: String) {
    let cancel = BulkCancel(id);
    let call = sweep.calls.run(Priority::Foreground, &cancel);
    match timeout(CANCELLING, call).await {
        Ok(Ok(_heard)) => {
            info!(site = %sweep.site.code, bulk.operation = %cancel.0, "a bulk operation was cancelled");
        }
        Ok(Err(error)) => {
            warn!(site = %sweep.site.code, bulk.operation = %cancel.0, "a bulk operation could not be cancelled and ends by itself: {error}");
        }
        Err(_too_late) => {
            warn!(site = %sweep.site.code, bulk.operation = %cancel.0, "Shopify did not say in time whether a bulk operation is cancelled");
        }
    }
}
