//! Waiting for something to happen, rather than for time to pass.

use std::{future::Future, time::Duration};

/// Waits until `look` finds something; the time allowed is far beyond what any machine needs.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let found = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), found)
        .await
        .unwrap_or_else(|_| panic!("never happened: {what}"))
}
