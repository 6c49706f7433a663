//! Downloads a file into the spool, however often the line breaks.

use std::io;

use tokio::time::sleep;
use tracing::warn;

use super::{
    operation::{Found, Whole},
    spool::Spool,
};
use crate::{
    calls::backoff,
    shopify::{BadDownload, BadSettings, BulkFile, Downloads},
    sweep::{Interrupted, Sweep},
};

/// How often a download is gone on with that brings nothing new.
const MOST_FAILURES: u32 = 4;

/// Why a file is not there.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotFetched {
    /// It did not come through.
    #[error(transparent)]
    Download(#[from] BadDownload),
    /// No client for it.
    #[error(transparent)]
    Client(#[from] BadSettings),
    /// The disk.
    #[error("the disk does not take the result of the bulk operation: {0}")]
    Disk(#[from] io::Error),
}

/// The whole file in the spool; of a failed operation, as much as there is.
pub(super) async fn fetch(
    sweep: &mut Sweep<'_>,
    found: &Found,
    shares: u32,
) -> Result<Result<Spool, NotFetched>, Interrupted> {
    let settings = sweep.around.bulk;
    let downloads = match Downloads::new(settings.patience.idle) {
        Ok(downloads) => downloads,
        Err(error) => return Ok(Err(error.into())),
    };
    let mut spool = match Spool::create(&settings.spool, shares) {
        Ok(spool) => spool,
        Err(error) => return Ok(Err(error.into())),
    };
    let mut failures = 0;
    loop {
        sweep.may_go_on().await?;
        let before = spool.bytes();
        let poured = sweep.until_stopped(pour(&downloads, &found.file, spool));
        let error = match poured.await? {
            (Some(spool), None) => return Ok(Ok(spool)),
            (None, Some(error)) | (Some(_), Some(error @ NotFetched::Disk(_))) => {
                return Ok(Err(error));
            }
            (Some(back), Some(error)) => {
                spool = back;
                error
            }
            (None, None) => return Ok(Err(io::Error::other("the spool is lost").into())),
        };
        failures = if spool.bytes() > before {
            0
        } else {
            failures + 1
        };
        if failures > MOST_FAILURES || !is_retryable(&error) {
            // What a failed operation leaves may end in the middle of a line.
            let enough = found.whole == Whole::No && is_cut(&error);
            return Ok(if enough { Ok(spool) } else { Err(error) });
        }
        warn!(site = %sweep.site.code, task = %sweep.at.plan.task, bytes = spool.bytes(), "a download is gone on with: {error}");
        sweep.until_stopped(sleep(backoff(failures))).await?;
    }
}

fn is_retryable(error: &NotFetched) -> bool {
    match error {
        NotFetched::Download(error) => error.is_retryable(),
        NotFetched::Client(_) | NotFetched::Disk(_) => false,
    }
}

fn is_cut(error: &NotFetched) -> bool {
    matches!(error, NotFetched::Download(BadDownload::Truncated))
}

/// Reads on where the spool ends, to the end of the file. The spool comes back also where that fails.
async fn pour(
    downloads: &Downloads,
    file: &BulkFile,
    mut spool: Spool,
) -> (Option<Spool>, Option<NotFetched>) {
    let mut download = match downloads.open(&file.url, spool.bytes()).await {
        Ok(download) => download,
        Err(error) => return (Some(spool), Some(error.into())),
    };
    loop {
        let lines = match download.lines().await {
            Ok(Some(lines)) => lines,
            Ok(None) if is_whole(file, &spool) => return (Some(spool), None),
            Ok(None) => return (Some(spool), Some(BadDownload::Truncated.into())),
            Err(error) => return (Some(spool), Some(error.into())),
        };
        let written = tokio::task::spawn_blocking(move || {
            let written = spool.write(&lines);
            (spool, written)
        });
        match written.await {
            Ok((back, Ok(()))) => spool = back,
            Ok((back, Err(error))) => return (Some(back), Some(error.into())),
            Err(crashed) => return (None, Some(io::Error::other(crashed).into())),
        }
    }
}

/// Whether nothing is missing that Shopify counted.
fn is_whole(file: &BulkFile, spool: &Spool) -> bool {
    let lines = file.objects.is_none_or(|objects| spool.lines() >= objects);
    let bytes = file.bytes.is_none_or(|bytes| spool.bytes() >= bytes);
    lines && bytes
}
