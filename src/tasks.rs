//! Where background work runs, how it hears that the service stops, and which of it lives.

mod pulse;

use std::time::Duration;

use tokio::{task::JoinHandle, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::pulse::{Beat, Pulse};

/// A tracker that shutdown waits for, and the token its tasks listen to. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    /// What shutdown waits for.
    pub tracker: TaskTracker,
    /// Ends what runs.
    pub cancel: CancellationToken,
    /// Drops what runs, wherever it is.
    killed: CancellationToken,
    /// Which of the loops that the service is made of live.
    pub pulse: Pulse,
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

    /// Runs a loop that the service cannot do without, which listens to the token itself and says through its beat when it works and
    /// when it only waits.
    pub fn spawn_loop<F: Future<Output = ()> + Send + 'static>(
        &self,
        name: impl Into<String>,
        work: impl FnOnce(Beat) -> F,
    ) {
        self.spawn(work(self.pulse.attach(name)));
    }

    /// Whether work of either kind still gets its turn: a task among the others, and one that blocks.
    pub async fn are_served(&self, within: Duration) -> bool {
        let both = self.spawn(async { tokio::task::spawn_blocking(|| ()).await.is_ok() });
        matches!(timeout(within, both).await, Ok(Ok(true)))
    }

    /// Drops all work at once, wherever it awaits, as a process does that is killed. For a simulation of just that: nothing is
    /// finished, told or given back.
    pub fn kill(&self) {
        self.killed.cancel();
        self.cancel.cancel();
    }
}
