//! Ringing at the slots. The bell only wakes the warmer, which looks for itself what is due: a stroke that is late, doubled or lost
//! changes nothing but the moment it looks.

use std::sync::Arc;

use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::Schedule;

impl Schedule {
    fn patterns(&self) -> [String; 2] {
        [&self.full, &self.incremental].map(|cron| cron.as_str().to_owned())
    }
}

/// Calls `stroke` at each slot, until it is cancelled.
pub async fn ring(
    schedule: Schedule,
    stroke: impl Fn() + Send + Sync + 'static,
    cancel: CancellationToken,
) {
    match start(&schedule, &Arc::new(stroke)).await {
        Ok(mut scheduler) => {
            cancel.cancelled().await;
            if let Err(error) = scheduler.shutdown().await {
                warn!("the bell could not be stopped: {error}");
            }
        }
        Err(error) => {
            warn!("the bell does not ring, so slots are met by looking every second: {error}");
        }
    }
}

async fn start<F: Fn() + Send + Sync + 'static>(
    schedule: &Schedule,
    stroke: &Arc<F>,
) -> Result<JobScheduler, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    for pattern in schedule.patterns() {
        let stroke = Arc::clone(stroke);
        let job = Job::new(pattern.as_str(), move |_id, _scheduler| stroke())?;
        scheduler.add(job).await?;
    }
    scheduler.start().await?;
    Ok(scheduler)
}
