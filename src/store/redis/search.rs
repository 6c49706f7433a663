//! A search through all keys, on every server that holds some.

use redis::Cmd;

use super::{RedisStore, nodes::Node};
use crate::store::StoreError;

/// Keys looked at in one step.
const STEP: usize = 500;

/// A search under way: each step gives some keys, perhaps none.
pub(super) struct Search<'a> {
    store: &'a RedisStore,
    pattern: String,
    /// Servers still to be searched, each with what its last step found.
    left: Vec<(Node, Found)>,
}

/// Where the next step begins, 0 at the end, and what this one found.
type Found = (u64, Vec<Vec<u8>>);

impl RedisStore {
    /// Begins a search for keys of a pattern. It fails if a server that holds keys cannot be reached.
    pub(super) async fn search(&self, pattern: &str) -> Result<Search<'_>, StoreError> {
        let begin = scan(0, pattern);
        let left = self
            .connection
            .run(async |mut line| {
                let each = line.on_each_master(&begin).await?;
                line.are_all_masters(each.len()).await?;
                let found = |(node, value)| Ok((node, redis::from_redis_value(value)?));
                each.into_iter().map(found).collect()
            })
            .await?;
        Ok(Search {
            store: self,
            pattern: pattern.to_owned(),
            left,
        })
    }
}

impl Search<'_> {
    /// The next keys; none at the end. A key may come twice.
    pub(super) async fn step(&mut self) -> Result<Option<Vec<String>>, StoreError> {
        let Some((node, (next, keys))) = self.left.pop() else {
            return Ok(None);
        };
        if next != 0 {
            let go_on = scan(next, &self.pattern);
            let found = self
                .store
                .connection
                .run(async |line| Ok(redis::from_redis_value(line.on_node(&node, &go_on).await?)?))
                .await?;
            self.left.push((node, found));
        }
        // None of ours is anything but text.
        let keys = keys.into_iter().map(String::from_utf8);
        Ok(Some(keys.filter_map(Result::ok).collect()))
    }
}

fn scan(cursor: u64, pattern: &str) -> Cmd {
    let mut scan = redis::cmd("SCAN");
    scan.arg(cursor).arg("MATCH").arg(pattern);
    scan.arg("COUNT").arg(STEP);
    scan
}
