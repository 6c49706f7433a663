//! Whether a replica has what was written, so that it survives its master.
//!
//! Redis answers before its replicas have heard: a master that dies takes with it what it answered last. So whoever must not lose
//! a write waits here until its replicas have it (`WAIT`), on a connection of its own that no other work stands behind.
//!
//! How many must have it? In a cluster one: the replica that is ahead takes over. Sentinel takes the one that is ahead only when the
//! master is dead; when it is told to fail over, the old master goes on for a moment with the other replicas, and all that they
//! confirm is lost. So there all that followed lately must have it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::try_join_all;
use redis::{
    Pipeline, RedisError, RedisResult, Value,
    cluster_async::ClusterConnection,
    cluster_routing::{Route, SingleNodeRoutingInfo, SlotAddr},
    pipe,
};
use tokio::time::Instant;

use super::{layout::Layout, line::Link, wire::Wire};

/// Replicas that follow confirm within a millisecond or two.
const CONFIRMING: Duration = Duration::from_millis(100);
/// So long nobody waits for replicas again that have just kept somebody waiting.
const BEHIND_FOR: Duration = Duration::from_secs(1);
/// So long it is believed which servers there are.
const LAYOUT_FOR: Duration = Duration::from_secs(10);
/// So long a replica that has left is still waited for: it may have left to become the master.
const FOLLOWED_LATELY: Duration = Duration::from_secs(30);
/// A marker outlives its confirmation, and not by much.
const MARKER_TTL_MS: u64 = 10_000;

/// How safe a write is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Confirmed {
    /// Whichever replica may take over has it.
    ByReplica,
    /// There are no replicas: it is as safe as that one server.
    Alone,
    /// There are replicas, but not all that count have said that they have it.
    Behind,
}

/// What was confirmed on one link lately.
#[derive(Debug, Default)]
pub(super) struct Confirmations {
    /// Until when nobody need ask, because replicas are behind. Held for a look, never across an await; so is the next.
    behind_until: Mutex<Option<Instant>>,
    /// The most replicas that followed at one time, and when they last did.
    followed: Mutex<Option<(u64, Instant)>>,
    /// What waits to be confirmed.
    waiting: Mutex<BTreeSet<Vec<u8>>>,
    /// How often a confirmation was asked for.
    asked: AtomicU64,
    /// Whoever holds it asks for all who wait behind him.
    round: tokio::sync::Mutex<Round>,
}

#[derive(Debug, Default)]
struct Round {
    /// Up to which asking all is answered, and how.
    answered: u64,
    confirmed: Option<Confirmed>,
    layout: Option<(Layout, Instant)>,
}

impl Confirmations {
    fn is_behind(&self) -> bool {
        let until = *lock(&self.behind_until);
        until.is_some_and(|until| Instant::now() < until)
    }

    fn followed_lately(&self) -> Option<u64> {
        lock(&self.followed).map(|(count, _)| count)
    }

    fn note_followers(&self, now_following: u64) {
        let mut followed = lock(&self.followed);
        match *followed {
            Some((most, at)) if now_following < most && at.elapsed() < FOLLOWED_LATELY => {}
            Some(_) | None => *followed = Some((now_following, Instant::now())),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until replicas have what was written on the link. `touched` tells the slots, `prefix` what keys begin with. One question
/// answers all who wrote before it was asked.
pub(super) async fn confirm(
    link: &Link,
    touched: BTreeSet<Vec<u8>>,
    prefix: &str,
) -> RedisResult<Confirmed> {
    // What was written, was written on this link's wires: if there are none, nothing was.
    let Some(Some(wire)) = link.opened().map(|wires| wires.confirm.clone()) else {
        return Ok(Confirmed::Alone);
    };
    let confirmations = &link.confirmations;
    if confirmations.is_behind() {
        return Ok(Confirmed::Behind);
    }
    lock(&confirmations.waiting).extend(touched);
    let mine = confirmations.asked.fetch_add(1, Ordering::SeqCst) + 1;
    let mut round = confirmations.round.lock().await;
    if round.answered >= mine
        && let Some(confirmed) = round.confirmed
    {
        return Ok(confirmed);
    }
    let up_to = confirmations.asked.load(Ordering::SeqCst);
    let waiting = std::mem::take(&mut *lock(&confirmations.waiting));
    let confirmed = ask(link, &mut round, wire, (waiting, prefix)).await?;
    if confirmed == Confirmed::Behind {
        *lock(&confirmations.behind_until) = Some(Instant::now() + BEHIND_FOR);
    }
    (round.answered, round.confirmed) = (up_to, Some(confirmed));
    Ok(confirmed)
}

async fn ask(
    link: &Link,
    round: &mut Round,
    mut wire: Wire,
    (waiting, prefix): (BTreeSet<Vec<u8>>, &str),
) -> RedisResult<Confirmed> {
    let layout = match round.layout.take() {
        Some((layout, at)) if at.elapsed() < LAYOUT_FOR => (layout, at),
        Some(_) | None => (Layout::of(link, &mut wire).await?, Instant::now()),
    };
    // Kept only if all goes well: a question that fails may have gone to the wrong servers.
    let confirmed = match &wire {
        Wire::Cluster(cluster) => ask_cluster(cluster, &layout.0, waiting, prefix).await?,
        Wire::Master(_) | Wire::Server(_) => {
            ask_master(&link.confirmations, &mut wire, &layout.0, prefix).await?
        }
    };
    round.layout = Some(layout);
    Ok(confirmed)
}

async fn ask_master(
    confirmations: &Confirmations,
    wire: &mut Wire,
    layout: &Layout,
    prefix: &str,
) -> RedisResult<Confirmed> {
    let followed = if let Some(followed) = confirmations.followed_lately() {
        followed
    } else {
        let mut look = pipe();
        look.cmd("INFO").arg("replication");
        let following = following(wire.send_all(&look, 0, 1).await?)?;
        confirmations.note_followers(following);
        following
    };
    if followed == 0 && !layout.has_replicas() {
        return Ok(Confirmed::Alone);
    }
    let wanted = followed.max(1);
    let mut question = pipe();
    mark(&mut question, prefix, b"all");
    wait(&mut question, wanted);
    question.cmd("INFO").arg("replication");
    let mut values = wire.send_all(&question, 0, 3).await?;
    let info = values.pop();
    let confirmed = confirmed_by(values)? >= wanted;
    confirmations.note_followers(following(info)?);
    Ok(if confirmed {
        Confirmed::ByReplica
    } else {
        Confirmed::Behind
    })
}

/// One question to each master that was written to and has replicas.
async fn ask_cluster(
    cluster: &ClusterConnection,
    layout: &Layout,
    waiting: BTreeSet<Vec<u8>>,
    prefix: &str,
) -> RedisResult<Confirmed> {
    let mut of_masters: BTreeMap<usize, Vec<Vec<u8>>> = BTreeMap::new();
    for tag in waiting {
        if let Some(master) = layout.replicated_master(&tag)? {
            of_masters.entry(master).or_default().push(tag);
        }
    }
    if of_masters.is_empty() {
        return Ok(Confirmed::Alone);
    }
    let asked = of_masters.into_values().map(|tags| {
        let mut question = pipe();
        for tag in &tags {
            mark(&mut question, prefix, tag);
        }
        wait(&mut question, 1);
        let (mut cluster, count) = (cluster.clone(), tags.len() + 1);
        let slot = tags.first().map(|tag| marker(prefix, tag));
        let route = Route::with_key(slot.unwrap_or_default(), SlotAddr::Master);
        async move {
            let node = SingleNodeRoutingInfo::SpecificNode(route);
            let values = cluster.route_pipeline(question, 0, count, node).await?;
            Ok::<_, RedisError>(confirmed_by(values)? > 0)
        }
    });
    let confirmed = try_join_all(asked).await?.into_iter().all(|each| each);
    Ok(if confirmed {
        Confirmed::ByReplica
    } else {
        Confirmed::Behind
    })
}

/// A write of the connection's own: replicas hear of writes in one order, whoever wrote.
fn mark(question: &mut Pipeline, prefix: &str, tag: &[u8]) {
    question.pset_ex(marker(prefix, tag), 1, MARKER_TTL_MS);
}

fn wait(question: &mut Pipeline, replicas: u64) {
    let patience = u64::try_from(CONFIRMING.as_millis()).unwrap_or(u64::MAX);
    question.cmd("WAIT").arg(replicas).arg(patience);
}

fn marker(prefix: &str, tag: &[u8]) -> Vec<u8> {
    let mut marker = format!("{prefix}:confirm:{{").into_bytes();
    marker.extend_from_slice(tag);
    marker.push(b'}');
    marker
}

/// What the last of the answers says; an error of the server's may stand among them.
fn confirmed_by(values: Vec<Value>) -> RedisResult<u64> {
    let mut replicas = 0;
    for value in values {
        replicas = redis::from_redis_value(value.extract_error()?).unwrap_or_default();
    }
    Ok(replicas)
}

/// How many replicas follow, out of `INFO replication`.
fn following(answers: impl IntoIterator<Item = Value>) -> RedisResult<u64> {
    let mut following = 0;
    for answer in answers {
        let info: String = redis::from_redis_value(answer.extract_error()?).unwrap_or_default();
        let online = info.lines().filter(|line| line.contains("state=online"));
        following = u64::try_from(online.count()).unwrap_or_default();
    }
    Ok(following)
}
