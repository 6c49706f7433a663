//! Whether a replica has what was written, so that it survives its master.
//!
//! Redis answers before its replicas have heard: a master that dies takes with it what it answered last. So whoever must not lose
//! a write waits here until one replica has it (`WAIT`), on a connection of its own that no other work stands behind.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::try_join_all;
use redis::{
    Pipeline, RedisResult, Value,
    cluster_routing::{Route, SingleNodeRoutingInfo, SlotAddr},
    pipe,
};
use tokio::time::Instant;

use super::{
    address::{Address, Servers},
    line::Link,
    sentinel,
    wire::Wire,
};

/// A replica that follows confirms within a millisecond or two.
const CONFIRMING: Duration = Duration::from_millis(100);
/// So long nobody waits for replicas again that have just kept somebody waiting.
const BEHIND_FOR: Duration = Duration::from_secs(1);
/// So long it is believed that there are no replicas.
const ALONE_FOR: Duration = Duration::from_secs(10);
/// Slots of a cluster that are confirmed after one piece of work; whoever touched more touched every master of it.
const MOST_SLOTS: usize = 64;
/// A marker outlives its confirmation, and not by much.
const MARKER_TTL_MS: u64 = 10_000;

/// How safe a write is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Confirmed {
    /// A replica has it.
    ByReplica,
    /// There are no replicas: it is as safe as that one server.
    Alone,
    /// There are replicas, but none has said that it has it.
    Behind,
}

/// What was confirmed on one link lately.
#[derive(Debug, Default)]
pub(super) struct Confirmations {
    /// What need not be asked again, until when. Held for a look, never across an await.
    known: Mutex<Option<(Confirmed, Instant)>>,
    /// How often a confirmation was asked for.
    asked: AtomicU64,
    /// Up to which asking everything is answered, and how. Whoever holds it asks for all who wait behind him.
    answered: tokio::sync::Mutex<(u64, Option<Confirmed>)>,
}

impl Confirmations {
    fn known(&self) -> Option<Confirmed> {
        let known = *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .filter(|(_, until)| Instant::now() < *until)
            .map(|(confirmed, _)| confirmed)
    }

    fn note(&self, confirmed: Confirmed) {
        let for_ = match confirmed {
            Confirmed::ByReplica => return,
            Confirmed::Alone => ALONE_FOR,
            Confirmed::Behind => BEHIND_FOR,
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((confirmed, Instant::now() + for_));
    }
}

/// Waits until a replica has what was written on the link. `touched` tells the slots, `prefix` what keys begin with.
pub(super) async fn confirm(
    link: &Link,
    touched: BTreeSet<Vec<u8>>,
    prefix: &str,
) -> RedisResult<Confirmed> {
    // What was written, was written on this link's wires: if there are none, nothing was.
    let Some(Some(wire)) = link.opened().map(|wires| wires.confirm.clone()) else {
        return Ok(Confirmed::Alone);
    };
    if let Some(known) = link.confirmations.known() {
        return Ok(known);
    }
    let confirmed = match wire {
        Wire::Cluster(_) => confirm_slots(&wire, &touched, prefix).await?,
        Wire::Master(_) | Wire::Server(_) => confirm_together(link, wire.clone(), prefix).await?,
    };
    if confirmed {
        return Ok(Confirmed::ByReplica);
    }
    let confirmed = if has_replicas(&link.address, wire).await? {
        Confirmed::Behind
    } else {
        Confirmed::Alone
    };
    link.confirmations.note(confirmed);
    Ok(confirmed)
}

/// One question answers all who wrote before it was asked.
async fn confirm_together(link: &Link, mut wire: Wire, prefix: &str) -> RedisResult<bool> {
    let confirmations = &link.confirmations;
    let mine = confirmations.asked.fetch_add(1, Ordering::SeqCst) + 1;
    let mut answered = confirmations.answered.lock().await;
    if answered.0 >= mine
        && let Some(confirmed) = answered.1
    {
        return Ok(confirmed == Confirmed::ByReplica);
    }
    let up_to = confirmations.asked.load(Ordering::SeqCst);
    let values = wire.send_all(&question(prefix, b"all"), 0, 2).await?;
    let confirmed = is_confirmed(values)?;
    let told = if confirmed {
        Confirmed::ByReplica
    } else {
        Confirmed::Behind
    };
    *answered = (up_to, Some(told));
    Ok(confirmed)
}

async fn confirm_slots(
    wire: &Wire,
    touched: &BTreeSet<Vec<u8>>,
    prefix: &str,
) -> RedisResult<bool> {
    let Wire::Cluster(cluster) = wire else {
        return Ok(false);
    };
    let step = touched.len().div_ceil(MOST_SLOTS).max(1);
    let asked = touched.iter().step_by(step).map(|tag| {
        let (mut cluster, question) = (cluster.clone(), question(prefix, tag));
        let route = Route::with_key(marker(prefix, tag), SlotAddr::Master);
        async move {
            let node = SingleNodeRoutingInfo::SpecificNode(route);
            is_confirmed(cluster.route_pipeline(question, 0, 2, node).await?)
        }
    });
    let confirmed = try_join_all(asked).await?;
    Ok(confirmed.into_iter().all(|confirmed| confirmed))
}

/// A write of the connection's own, and how many replicas have it: they hear of writes in one order, whoever wrote.
fn question(prefix: &str, tag: &[u8]) -> Pipeline {
    let mut question = pipe();
    question.pset_ex(marker(prefix, tag), 1, MARKER_TTL_MS);
    let patience = u64::try_from(CONFIRMING.as_millis()).unwrap_or(u64::MAX);
    question.cmd("WAIT").arg(1).arg(patience);
    question
}

fn marker(prefix: &str, tag: &[u8]) -> Vec<u8> {
    let mut marker = format!("{prefix}:confirm:{{").into_bytes();
    marker.extend_from_slice(tag);
    marker.push(b'}');
    marker
}

fn is_confirmed(values: Vec<Value>) -> RedisResult<bool> {
    let mut replicas = 0_u64;
    for value in values {
        // An error of the server's stands among the values.
        replicas = redis::from_redis_value(value.extract_error()?).unwrap_or_default();
    }
    Ok(replicas > 0)
}

/// Whether there are replicas, also such as are down: one that comes back may become the master.
async fn has_replicas(address: &Address, mut wire: Wire) -> RedisResult<bool> {
    if let Servers::Sentinel(sentinels) = &address.servers {
        return Ok(sentinel::replicas(address, sentinels).await? > 0);
    }
    let mut ask = redis::cmd("CLUSTER");
    ask.arg("NODES");
    let nodes: String = redis::from_redis_value(wire.send(&ask).await?)?;
    Ok(nodes.lines().any(|line| {
        let flags = line.split_whitespace().nth(2).unwrap_or_default();
        flags.split(',').any(|flag| flag == "slave")
    }))
}
