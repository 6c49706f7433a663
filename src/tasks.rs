//! Where background work runs, and how it hears that the service stops.

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A tracker that shutdown waits for, and the token its tasks listen to. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    /// Spawn here, so that nothing is left behind.
    pub tracker: TaskTracker,
    /// Ends what runs.
    pub cancel: CancellationToken,
}

impl Tasks {
    /// Runs `work` until it is done or the service stops, whichever is first: for work that can be dropped at any await.
    pub fn spawn_until_stopped(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stopped = self.cancel.clone().cancelled_owned();
        self.tracker.spawn(async move {
            tokio::select! {
                () = stopped => {}
                () = work => {}
            }
        });
    }
}
