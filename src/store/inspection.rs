//! What the store is, for a person who checks it.

use serde::Serialize;

use super::{Memory, StoreKind};

/// What the store is and how it keeps what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Redis or a file.
    pub kind: StoreKind,
    /// How many servers there are, and who is in charge.
    pub topology: Topology,
    /// Whether the way to the servers is encrypted.
    pub tls: bool,
    /// The servers that take writes. Empty for a file.
    pub servers: Vec<ServerReport>,
}

/// How the servers stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Topology {
    /// A file of our own.
    File,
    /// One server, as far as we know.
    Single,
    /// One master; Sentinel puts a replica in its place.
    Sentinel,
    /// Several masters, each with a part of the keys.
    Cluster,
}

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerReport {
    /// Where it is, where there are several.
    pub address: Option<String>,
    /// `Redis` or `Valkey`.
    pub product: &'static str,
    /// Its version.
    pub version: String,
    /// Whether it writes a log of what it does (AOF).
    pub aof: bool,
    /// Whether it writes snapshots (RDB); none if our user may not ask.
    pub rdb: Option<bool>,
    /// Whether its last write to disk failed.
    pub last_write_failed: bool,
    /// Its memory.
    pub memory: Memory,
    /// Replicas that follow it.
    pub replicas: u64,
}

impl Inspection {
    pub(super) fn of_a_file() -> Self {
        Self {
            kind: StoreKind::Embedded,
            topology: Topology::File,
            tls: false,
            servers: Vec::new(),
        }
    }
}
