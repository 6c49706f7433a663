//! Bulk operations that Shopify says have ended: a hint to whoever waits for one, who polls all the same.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use tokio::sync::Notify;

/// More than Shopify lets an app run at once.
const MOST_ENDS: usize = 16;

/// The ends that this process heard of.
#[derive(Debug, Default)]
pub struct BulkEnds {
    /// Held for a look, never across an await.
    ended: Mutex<VecDeque<String>>,
    bell: Notify,
}

impl BulkEnds {
    /// An operation has ended, by its global id. What nobody waits for is forgotten in time.
    pub fn note(&self, operation: String) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.len() == MOST_ENDS {
            ended.pop_front();
        }
        ended.push_back(operation);
        drop(ended);
        self.bell.notify_one();
    }

    /// Whether this operation was heard to end.
    pub fn heard_of(&self, operation: &str) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.iter().any(|ended| ended == operation)
    }

    /// Waits until one ends. One that ended before anybody waited counts.
    pub async fn next(&self) {
        self.bell.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_end_is_heard_of_before_and_while_somebody_waits() {
        let ends = BulkEnds::default();
        ends.note("gid://shopify/BulkOperation/1".to_owned());
        ends.next().await;
        assert!(ends.heard_of("gid://shopify/BulkOperation/1"));
        assert!(!ends.heard_of("gid://shopify/BulkOperation/2"));
        for other in 0..MOST_ENDS {
            ends.note(other.to_string());
        }
        assert!(!ends.heard_of("gid://shopify/BulkOperation/1"));
    }
}
