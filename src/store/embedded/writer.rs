//! The one writer: it takes what has gathered meanwhile, commits it at once, and only then answers.
//!
//! A sync of the disk is nearly the whole cost of a write, so many writers share one.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
};

use chrono::{DateTime, Utc};
use redb::{Database, WriteTransaction};
use tokio::sync::{mpsc, oneshot};
use tracing::error;

use super::{
    LONGEST_WINDOW, Redb, Result, StoreError, WINDOW, entries::Entries, file::unavailable,
};

/// Writes that share one commit at most.
const MOST_IN_A_COMMIT: usize = 256;
/// Writes that may wait; beyond it callers wait to get in, which their own timeouts bound.
const QUEUE: usize = 1024;
/// Commits between two sweeps of what has expired.
const COMMITS_A_SWEEP: u32 = 64;

/// Work on a transaction; what it returns is run once the transaction is committed, with how that went.
type Job = Box<dyn FnOnce(&WriteTransaction) -> Redb<Answer> + Send>;
type Answer = Box<dyn FnOnce() + Send>;

enum Message {
    Write { now: DateTime<Utc>, job: Job },
    Close(oneshot::Sender<()>),
}

/// The writer's end of its queue. Cheap to clone; the thread ends with the last one.
#[derive(Debug, Clone)]
pub(super) struct Writer(mpsc::Sender<Message>);

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Message")
    }
}

impl Writer {
    pub(super) fn start(database: Arc<Database>) -> Result<Self> {
        let (sender, queue) = mpsc::channel(QUEUE);
        let writing = move || {
            Thread {
                database,
                queue,
                latest: DateTime::UNIX_EPOCH,
                commits: 0,
                expired_are_left: false,
            }
            .run();
        };
        thread::Builder::new()
            .name("cache-writer".to_owned())
            .spawn(writing)
            .map_err(|error| StoreError::Unavailable {
                cause: error.to_string(),
            })?;
        Ok(Self(sender))
    }

    /// Runs `work` in a transaction; when this returns, what it wrote is on disk.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        now: DateTime<Utc>,
        work: impl FnOnce(&WriteTransaction) -> Redb<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |write| {
            let value = work(write)?;
            // Who no longer waits needs no answer.
            Ok(Box::new(move || {
                if answer.send(value).is_err() {
                    tracing::trace!("nobody waits for this write any more");
                }
            }))
        });
        let stopped = || StoreError::Unavailable {
            cause: "the cache's writer has stopped".to_owned(),
        };
        self.0
            .send(Message::Write { now, job })
            .await
            .map_err(|_closed| stopped())?;
        answered
            .await
            .map_err(|_not_committed| StoreError::Unavailable {
                cause: "the write was not committed".to_owned(),
            })
    }

    /// Waits until everything sent before is on disk, and ends the writer.
    pub(super) async fn close(&self) {
        let (closed, done) = oneshot::channel();
        if self.0.send(Message::Close(closed)).await.is_ok() {
            drop(done.await);
        }
    }
}

struct Thread {
    database: Arc<Database>,
    queue: mpsc::Receiver<Message>,
    /// The greatest time any writer has named.
    latest: DateTime<Utc>,
    commits: u32,
    /// Whether the last sweep left expired values behind, so that the next commit goes on with it.
    expired_are_left: bool,
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
            self.commit(jobs);
            if let Some(closed) = closing {
                // The file is let go before anybody is told: who reopens it at once must not find it in use.
                drop(self.database);
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
                self.latest = self.latest.max(now);
                jobs.push(job);
                None
            }
            Message::Close(closed) => Some(closed),
        }
    }

    /// Commits all or none: whoever gets no answer knows that nothing of his was written.
    fn commit(&mut self, jobs: Vec<Job>) {
        self.commits += 1;
        let sweep = self.expired_are_left || self.commits % COMMITS_A_SWEEP == 1;
        let committed = catch_unwind(AssertUnwindSafe(|| self.write(jobs, sweep)));
        match committed {
            Ok(Ok(answers)) => answers.into_iter().for_each(|answer| answer()),
            Ok(Err(error)) => error!(
                "the cache file could not be written: {}",
                unavailable(&error)
            ),
            Err(_panic) => error!(
                "the cache file is damaged: stop the service, move cache.redb away and start it again"
            ),
        }
    }

    fn write(&mut self, jobs: Vec<Job>, sweep: bool) -> Redb<Vec<Answer>> {
        let write = self.database.begin_write()?;
        let answers = jobs
            .into_iter()
            .map(|job| job(&write))
            .collect::<Redb<Vec<_>>>()?;
        if sweep {
            self.expired_are_left = Entries::of(&write, self.latest)?.sweep()?;
            let too_old = (self.latest - LONGEST_WINDOW).timestamp_millis();
            write
                .open_table(WINDOW)?
                .retain(|_, (created_at, _)| created_at >= too_old)?;
        }
        write.commit()?;
        Ok(answers)
    }
}
