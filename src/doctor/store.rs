//! The store: whether it is there, new enough, keeps what it is given, and has room.

use super::{Check, Finding};
use crate::store::{Inspection, ServerReport, StoreError, Topology};

/// The least major version; scripts use what came with it.
const OLDEST: u32 = 7;

/// A file that only its owner can look at: the service, or this process if none runs.
pub fn judge_file(opened: Result<(), String>) -> Finding {
    match opened {
        Ok(()) => Finding::ok(Check::Store, "a file in DATA_DIR, which can be written"),
        Err(text) => {
            let fix = "Give the service a DATA_DIR of its own that its user can write; where another process has the file, stop that.";
            Finding::fault(Check::Store, text, fix)
        }
    }
}

/// Servers, as they tell of themselves.
pub fn judge_store(inspected: &Result<Inspection, StoreError>) -> Vec<Finding> {
    let inspection = match inspected {
        Ok(inspection) => inspection,
        Err(error) => {
            let fix = "Check REDIS_URL and that Redis runs; the service serves without it, asks Shopify, and keeps webhooks in its inbox.";
            return vec![Finding::fault(Check::Store, error.to_string(), fix)];
        }
    };
    let mut found = Vec::new();
    for server in &inspection.servers {
        let mut of_it = judge_server(server);
        if inspection.topology == Topology::Sentinel && server.replicas == 0 {
            let text = "Sentinel has no replica to put in this server's place";
            of_it.push(Finding::warning(
                Check::Store,
                text,
                "Start a replica of it.",
            ));
        }
        if of_it.is_empty() {
            of_it.push(Finding::ok(Check::Store, praise(server)));
        }
        let name = |finding: Finding| match &server.address {
            Some(address) => finding.about(address),
            None => finding,
        };
        found.extend(of_it.into_iter().map(name));
    }
    found
}

fn judge_server(server: &ServerReport) -> Vec<Finding> {
    let all = [
        version(server),
        eviction(server),
        room(server),
        disk(server),
        log(server),
    ];
    all.into_iter().flatten().collect()
}

fn version(server: &ServerReport) -> Option<Finding> {
    let major = server.version.split('.').next()?.parse::<u32>().ok();
    let (product, version) = (server.product, &server.version);
    match major {
        Some(major) if major >= OLDEST => None,
        Some(_) => {
            let text = format!("{product} {version} is too old: its scripts fail");
            Some(Finding::fault(
                Check::Store,
                text,
                "Run Redis 7 or newer, or Valkey.",
            ))
        }
        None => {
            let text = format!("{product} does not tell its version");
            Some(Finding::warning(
                Check::Store,
                text,
                "Make sure that it is Redis 7 or newer, or Valkey.",
            ))
        }
    }
}

fn eviction(server: &ServerReport) -> Option<Finding> {
    let policy = server.memory.eviction.as_ref()?;
    let text = format!(
        "maxmemory-policy is {policy}: when it is full it throws away what was acknowledged"
    );
    let fix = "Set maxmemory-policy noeviction (CONFIG SET maxmemory-policy noeviction, and in redis.conf).";
    Some(Finding::fault(Check::Store, text, fix))
}

fn room(server: &ServerReport) -> Option<Finding> {
    let used = server.memory.used;
    let Some(limit) = server.memory.limit else {
        let text = "maxmemory is not set: it grows until the machine has no memory left";
        let fix = "Set maxmemory; ten thousand orders take about 84 MiB.";
        return Some(Finding::warning(Check::Store, text, fix));
    };
    let fix = "Raise maxmemory, or lower WARMUP_ORDER_DAYS.";
    let text = format!("{} of {} MiB are in use", mebibytes(used), mebibytes(limit));
    if used >= limit / 10 * 9 {
        return Some(Finding::fault(Check::Store, text, fix));
    }
    (used >= limit / 4 * 3).then(|| Finding::warning(Check::Store, text, fix))
}

fn disk(server: &ServerReport) -> Option<Finding> {
    let text =
        "its last write to disk failed: it may refuse writes, and loses what it has when it ends";
    let fix = "Look into Redis' log: most often its disk is full, or not its own to write.";
    server
        .last_write_failed
        .then(|| Finding::fault(Check::Store, text, fix))
}

/// Promise 4 goes as far as Redis keeps what it was given.
fn log(server: &ServerReport) -> Option<Finding> {
    if server.aof {
        return None;
    }
    let text = match server.rdb {
        Some(true) => {
            "it writes snapshots only: when it crashes, webhooks of the last minutes are lost until the next sweep"
        }
        Some(false) => {
            "it writes nothing to disk: when it restarts, the cache is empty and acknowledged webhooks are lost until the next sweep"
        }
        None => {
            "it writes no log of what it does (AOF): when it crashes, acknowledged webhooks are lost until the next sweep"
        }
    };
    let fix = "Set appendonly yes and appendfsync everysec.";
    Some(Finding::warning(Check::Store, text, fix))
}

fn praise(server: &ServerReport) -> String {
    let (product, version) = (server.product, &server.version);
    let (used, limit) = (server.memory.used, server.memory.limit.unwrap_or_default());
    format!(
        "{product} {version}, with a log on disk, noeviction, {} of {} MiB in use",
        mebibytes(used),
        mebibytes(limit)
    )
}

fn mebibytes(bytes: u64) -> u64 {
    bytes >> 20
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        doctor::{State, worst},
        store::{Memory, StoreKind},
    };

    fn good() -> ServerReport {
        ServerReport {
            address: None,
            product: "Redis",
            version: "7.4.6".to_owned(),
            aof: true,
            rdb: Some(false),
            last_write_failed: false,
            memory: Memory {
                used: 10 << 20,
                limit: Some(512 << 20),
                eviction: None,
            },
            replicas: 0,
        }
    }

    fn judged(topology: Topology, server: ServerReport) -> Vec<Finding> {
        judge_store(&Ok(Inspection {
            kind: StoreKind::Redis,
            topology,
            tls: false,
            servers: vec![server],
        }))
    }

    #[test]
    fn each_finding_has_its_server() {
        type Change = fn(&mut ServerReport);
        let cases: [(Change, State, &str); 10] = [
            (|_| (), State::Ok, "noeviction"),
            (
                |it| it.version = "6.2.14".to_owned(),
                State::Fault,
                "too old",
            ),
            (
                |it| it.version = "?".to_owned(),
                State::Warning,
                "does not tell",
            ),
            (
                |it| it.memory.eviction = Some("allkeys-lru".to_owned()),
                State::Fault,
                "allkeys-lru",
            ),
            (
                |it| it.memory.limit = None,
                State::Warning,
                "maxmemory is not set",
            ),
            (
                |it| it.memory.used = 400 << 20,
                State::Warning,
                "400 of 512",
            ),
            (|it| it.memory.used = 500 << 20, State::Fault, "500 of 512"),
            (|it| it.last_write_failed = true, State::Fault, "last write"),
            (
                |it| (it.aof, it.rdb) = (false, Some(true)),
                State::Warning,
                "snapshots only",
            ),
            (
                |it| (it.aof, it.rdb) = (false, Some(false)),
                State::Warning,
                "nothing to disk",
            ),
        ];
        for (change, state, word) in cases {
            let mut server = good();
            change(&mut server);
            let found = judged(Topology::Single, server);
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(worst(&found), state, "{found:?}");
            assert!(
                found.iter().any(|finding| finding.text.contains(word)),
                "{found:?}"
            );
        }
    }

    #[test]
    fn a_master_without_a_replica_has_nobody_to_take_its_place() {
        assert_eq!(worst(&judged(Topology::Sentinel, good())), State::Warning);
        let followed = ServerReport {
            replicas: 2,
            ..good()
        };
        assert_eq!(worst(&judged(Topology::Sentinel, followed)), State::Ok);
    }

    #[test]
    fn a_store_that_is_not_there_is_a_fault() {
        let found = judge_store(&Err(StoreError::TimedOut));
        assert_eq!((worst(&found), found.len()), (State::Fault, 1));
        assert_eq!(judge_file(Ok(())).state, State::Ok);
        assert_eq!(judge_file(Err("x".to_owned())).state, State::Fault);
    }
}
