//! Where background work runs, and how it hears that the service stops.

use tokio::task::JoinHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A tracker that shutdown waits for, and the token its tasks listen to. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    /// What shutdown waits for.
    pub tracker: TaskTracker,
    /// Ends what runs.
    pub cancel: CancellationToken,
    /// Drops what runs, wherever it is.
    killed: CancellationToken,
}

impl Tasks {
    /// Runs `work`, which listens to the token itself. Spawn here, so that nothing is left behind.
    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let killed = self.killed.clone();
        self.tracker.spawn(async move {
            tokio::select! {
                biased;
                () = killed.cancelled() => std::future::pending().await,
                done = work => done,
            }
        })
    }

    /// Runs `work` until it is done or the service stops, whichever is first: for work that can be dropped at any await.
    pub fn spawn_until_stopped(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stopped = self.cancel.clone().cancelled_owned();
        self.spawn(async move {
            tokio::select! {
                () = stopped => {}
                () = work => {}
            }
        });
    }

    /// Drops all work at once, wherever it awaits, as a process does that is killed. For a simulation of just that: nothing is
    /// finished, told or given back.
    pub fn kill(&self) {
        self.killed.cancel();
        self.cancel.cancel();
    }
}
