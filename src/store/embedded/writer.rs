//! The one writer: it takes what has gathered meanwhile, commits it at once, and only then answers.
//!
//! A sync of the disk is nearly the whole cost of a write, so many writers share one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use chrono::{DateTime, Utc};
use redb::WriteTransaction;
use tokio::sync::{mpsc, oneshot};
use tracing::{error, info, warn};

use super::{LONGEST_WINDOW, Redb, Result, StoreError, WINDOW, entries::Entries};
use crate::clock::Clock;
use crate::redb_file::{Check, Fault, Generation, RedbFile, guarded};

/// Writes that share one commit at most.
const MOST_IN_A_COMMIT: usize = 256;
/// Writes that may wait; beyond it callers wait to get in, which their own timeouts bound.
const QUEUE: usize = 1024;
/// Commits between two sweeps of what has expired.
const COMMITS_A_SWEEP: u32 = 64;

type Work = Box<dyn FnOnce(&WriteTransaction) -> Redb<()> + Send>;

/// Something to write, and whom to tell whether it is on disk.
struct Job {
    work: Work,
    committed: oneshot::Sender<Result<()>>,
}

enum Message {
    /// What to write, and when it is written; `None` for what does not depend on the time.
    Write {
        now: Option<DateTime<Utc>>,
        job: Job,
    },
    /// A reader could not read the file as it was then.
    Failed(Generation, Check),
    /// What was removed must not lie in the file any longer.
    Rewrite,
    Close(oneshot::Sender<()>),
}

/// The writer's end of its queue. Cheap to clone; the thread ends with the last one.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    /// Whether the last commit failed.
    has_failed: Arc<AtomicBool>,
    clock: Clock,
}

impl Writer {
    pub(super) fn start(file: Arc<RedbFile>, clock: Clock) -> Result<Self> {
        let (sender, queue) = mpsc::channel(QUEUE);
        let has_failed = Arc::<AtomicBool>::default();
        let thread = Thread {
            file,
            queue,
            has_failed: Arc::clone(&has_failed),
            now: None,
            commits: 0,
            expired_are_left: false,
            must_reopen: None,
            must_rewrite: false,
        };
        thread::Builder::new()
            .name("cache-writer".to_owned())
            .spawn(|| thread.run())
            .map_err(|error| StoreError::Unavailable {
                cause: error.to_string(),
            })?;
        Ok(Self {
            queue: sender,
            has_failed,
            clock,
        })
    }

    /// Runs `work` in a transaction; when this returns, what it wrote is on disk.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        now: Option<DateTime<Utc>>,
        work: impl FnOnce(&WriteTransaction) -> Redb<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let (committed, is_committed) = oneshot::channel();
        let work = Box::new(move |write: &WriteTransaction| {
            // Who no longer waits needs no answer.
            drop(answer.send(work(write)?));
            Ok(())
        });
        let job = Job { work, committed };
        let message = Message::Write { now, job };
        let on_disk = async {
            self.queue
                .send(message)
                .await
                .map_err(|_closed| stopped())?;
            is_committed.await.map_err(|_gone| stopped())??;
            answered.await.map_err(|_gone| stopped())
        };
        self.clock.at_the_store(on_disk).await
    }

    /// Whether the last commit went well and there is somebody to do the next. An empty commit finds out whether a failure has
    /// passed.
    pub(super) async fn ping(&self) -> Result<()> {
        if self.queue.is_closed() {
            return Err(stopped());
        }
        if self.has_failed.load(Ordering::Relaxed) {
            return self.run(None, |_| Ok(())).await;
        }
        Ok(())
    }

    /// Has the file opened anew, since it could not be read.
    pub(super) fn note_failed_read(&self, generation: Generation, check: Check) {
        // A queue that is full has writes in it, which will find out for themselves.
        if self
            .queue
            .try_send(Message::Failed(generation, check))
            .is_err()
        {
            tracing::trace!("the writer is busy");
        }
    }

    /// Has the file written anew once what was sent before is on disk. Whoever closes the store meanwhile leaves the mark that
    /// demands it to the next start.
    pub(super) async fn rewrite(&self) {
        if self.queue.send(Message::Rewrite).await.is_err() {
            tracing::trace!("the writer has stopped");
        }
    }

    /// Waits until everything sent before is on disk, ends the writer and lets the file go.
    pub(super) async fn close(&self) {
        let (closed, done) = oneshot::channel();
        if self.queue.send(Message::Close(closed)).await.is_ok() {
            drop(done.await);
        }
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable {
        cause: "the cache's writer has stopped".to_owned(),
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Message")
    }
}

struct Thread {
    file: Arc<RedbFile>,
    queue: mpsc::Receiver<Message>,
    has_failed: Arc<AtomicBool>,
    /// The time the last writer named. Not the greatest of all: a clock that once was years ahead must not empty the cache for
    /// as long as the process lives.
    now: Option<DateTime<Utc>>,
    commits: u32,
    /// Whether the last sweep left expired values behind, so that the next commit goes on with it.
    expired_are_left: bool,
    /// Set when the last transaction failed. redb would refuse all others, or carry on with what a panic left.
    must_reopen: Option<Check>,
    /// Set by a redaction, until the file is written anew.
    must_rewrite: bool,
}

impl Thread {
    fn run(mut self) {
        while let Some(first) = self.queue.blocking_recv() {
            let mut jobs = Vec::new();
            let mut closing = self.take(first, &mut jobs);
            while closing.is_none() && jobs.len() < MOST_IN_A_COMMIT {
                let Ok(next) = self.queue.try_recv() else {
                    break;
                };
                closing = self.take(next, &mut jobs);
            }
            if !jobs.is_empty() || (self.must_reopen.is_some() && closing.is_none()) {
                self.commit(jobs);
            }
            if self.must_rewrite && self.must_reopen.is_none() && closing.is_none() {
                self.rewrite();
            }
            if let Some(closed) = closing {
                // The file is let go before anybody is told: who reopens it at once must not find it in use.
                self.file.close();
                if closed.send(()).is_err() {
                    tracing::trace!("nobody waits for the writer to close");
                }
                return;
            }
        }
    }

    fn take(&mut self, message: Message, jobs: &mut Vec<Job>) -> Option<oneshot::Sender<()>> {
        match message {
            Message::Write { now, job } => {
                self.now = now.or(self.now);
                jobs.push(job);
                None
            }
            Message::Failed(generation, check) => {
                if self.file.generation() == Some(generation) {
                    self.must_reopen = self.must_reopen.max(Some(check));
                }
                None
            }
            Message::Rewrite => {
                self.must_rewrite = true;
                None
            }
            Message::Close(closed) => Some(closed),
        }
    }

    /// Tried again with the next write if it fails. Readers go on meanwhile; writers wait.
    fn rewrite(&mut self) {
        match guarded(|| self.file.rewrite()) {
            Ok(()) => {
                self.must_rewrite = false;
                info!("the cache file is written anew: nothing that was redacted is left in it");
            }
            Err(fault) => {
                error!("the cache file could not be written anew after a redaction: {fault}");
            }
        }
    }

    /// Commits all or none, and only then tells those who wait.
    fn commit(&mut self, jobs: Vec<Job>) {
        let (work, waiting): (Vec<_>, Vec<_>) = jobs
            .into_iter()
            .map(|job| (job.work, job.committed))
            .unzip();
        let outcome = self.begin().and_then(|write| self.write(write, work));
        if let Err(fault) = &outcome {
            self.must_reopen = Some(fault.check());
        }
        self.note(&outcome);
        for committed in waiting {
            let told = outcome.as_ref().map_err(StoreError::from);
            // Who no longer waits needs no answer.
            drop(committed.send(told.copied()));
        }
    }

    /// Says once that writing fails, and once that it does no more.
    fn note(&self, outcome: &std::result::Result<(), Fault>) {
        let had_failed = self.has_failed.swap(outcome.is_err(), Ordering::Relaxed);
        match outcome {
            Err(fault) if !had_failed => error!(
                "the cache file cannot be written, and is opened anew for the next write: {fault}"
            ),
            Ok(()) if had_failed => info!("the cache file is written again"),
            Err(_) | Ok(()) => {}
        }
    }

    /// Begins a transaction, on the file opened anew if it has failed since.
    fn begin(&mut self) -> std::result::Result<WriteTransaction, Fault> {
        let check = match self.must_reopen {
            Some(check) => check,
            None => match guarded(|| self.file.begin_write()) {
                Ok(write) => return Ok(write),
                Err(fault) => {
                    warn!("the cache file is opened anew: {fault}");
                    fault.check()
                }
            },
        };
        guarded(|| self.file.reopen(check))?;
        self.must_reopen = None;
        guarded(|| self.file.begin_write())
    }

    fn write(
        &mut self,
        write: WriteTransaction,
        work: Vec<Work>,
    ) -> std::result::Result<(), Fault> {
        self.commits += 1;
        let sweeps = self.expired_are_left || self.commits % COMMITS_A_SWEEP == 1;
        let now = self.now.filter(|_| sweeps);
        let left = guarded(move || {
            for work in work {
                work(&write)?;
            }
            let left = now.map(|now| sweep(&write, now)).transpose()?;
            write.commit()?;
            Ok(left)
        })?;
        self.expired_are_left = left.unwrap_or(self.expired_are_left);
        Ok(())
    }
}

/// Removes what has expired and what no window reaches any more; whether there may be more of it.
fn sweep(write: &WriteTransaction, now: DateTime<Utc>) -> Redb<bool> {
    let are_left = Entries::of(write, now)?.sweep()?;
    let too_old = (now - LONGEST_WINDOW).timestamp_millis();
    write
        .open_table(WINDOW)?
        .retain(|_, (created_at, _)| created_at >= too_old)?;
    Ok(are_left)
}
