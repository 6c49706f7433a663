//! What concerns each server rather than a key: how full it is, what it is, and a search through all of its keys.

use redis::{
    Cmd, ErrorKind, RedisResult, Value,
    aio::ConnectionLike as _,
    cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo, SingleNodeRoutingInfo},
};

use super::{RedisStore, address::Servers, line::Line, wire::Wire};
use crate::store::{Inspection, Memory, ServerReport, StoreError, StoreKind, Topology};

/// One of the servers that hold keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// The only one.
    Only,
    /// One of a cluster's.
    At { host: String, port: u16 },
}

impl Line {
    /// Sends a command to each server that takes writes.
    pub(super) async fn on_each_master(&self, command: &Cmd) -> RedisResult<Vec<(Node, Value)>> {
        let mut wire = self.link.wires().await?.work.clone();
        let Wire::Cluster(cluster) = &mut wire else {
            let value = wire.send(command).await?.extract_error()?;
            return Ok(vec![(Node::Only, value)]);
        };
        let everywhere = (MultipleNodeRoutingInfo::AllMasters, None);
        let answers = cluster
            .route_command(command.clone(), RoutingInfo::MultiNode(everywhere))
            .await?;
        let Value::Map(answers) = answers else {
            return Err((ErrorKind::UnexpectedReturnType, "not one answer a node").into());
        };
        answers
            .into_iter()
            .map(|(node, value)| Ok((Node::named(node)?, value.extract_error()?)))
            .collect()
    }

    /// Sends a command to one server.
    pub(super) async fn on_node(&self, node: &Node, command: &Cmd) -> RedisResult<Value> {
        let mut wire = self.link.wires().await?.work.clone();
        let value = match (&mut wire, node) {
            (Wire::Cluster(cluster), Node::At { host, port }) => {
                let node = SingleNodeRoutingInfo::ByAddress {
                    host: host.clone(),
                    port: *port,
                };
                let node = RoutingInfo::SingleNode(node);
                cluster.route_command(command.clone(), node).await?
            }
            (wire, Node::Only | Node::At { .. }) => wire.send(command).await?,
        };
        value.extract_error()
    }

    /// Fails unless so many servers are all that hold keys: the driver leaves out those it does not reach.
    pub(super) async fn are_all_masters(&mut self, servers: usize) -> RedisResult<()> {
        if !matches!(self.link.address.servers, Servers::Cluster(_)) {
            return Ok(());
        }
        let mut ask = redis::cmd("CLUSTER");
        ask.arg("INFO");
        let info: String = redis::from_redis_value(self.req_packed_command(&ask).await?)?;
        let size = value_of(&info, "cluster_size").and_then(|size| size.parse::<usize>().ok());
        if size.is_some_and(|size| servers < size) {
            return Err((ErrorKind::ClusterConnectionNotFound, "a master is missing").into());
        }
        Ok(())
    }
}

impl Node {
    fn named(name: Value) -> RedisResult<Self> {
        let name: String = redis::from_redis_value(name)?;
        let named = name
            .rsplit_once(':')
            .and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)));
        let Some((host, port)) = named else {
            return Err((ErrorKind::UnexpectedReturnType, "a node without an address").into());
        };
        Ok(Self::At { host, port })
    }

    fn shown(&self) -> Option<String> {
        match self {
            Self::Only => None,
            Self::At { host, port } => Some(format!("{host}:{port}")),
        }
    }
}

impl RedisStore {
    /// How full the fullest server is; a write that it refuses is missing, however empty the others are.
    pub(in crate::store) async fn memory(&self) -> Result<Memory, StoreError> {
        let mut ask = redis::cmd("INFO");
        ask.arg("memory");
        let each = self
            .connection
            .run(async |line| line.on_each_master(&ask).await)
            .await?;
        let each = each.into_iter().map(|(_, info)| read_memory(&text(info)));
        Ok(each.reduce(fuller).unwrap_or_default())
    }

    /// What the servers are and how they keep what they hold.
    pub(in crate::store) async fn inspect(&self) -> Result<Inspection, StoreError> {
        let each = self
            .connection
            .run(async |line| line.on_each_master(&redis::cmd("INFO")).await)
            .await?;
        let mut ask = redis::cmd("CONFIG");
        ask.arg("GET").arg("save");
        // Only some users may ask this.
        let saves = self
            .connection
            .run(async |line| line.on_each_master(&ask).await)
            .await
            .unwrap_or_default();
        let address = self.connection.address();
        let servers = each.into_iter().map(|(node, info)| {
            let save = saves
                .iter()
                .find_map(|(of, save)| (*of == node).then(|| save.clone()));
            report(&node, &text(info), save)
        });
        Ok(Inspection {
            kind: StoreKind::Redis,
            topology: match address.servers {
                Servers::One(_) | Servers::Socket(_) => Topology::Single,
                Servers::Sentinel(_) => Topology::Sentinel,
                Servers::Cluster(_) => Topology::Cluster,
            },
            tls: address.tls.is_some(),
            servers: servers.collect(),
        })
    }
}

fn report(node: &Node, info: &str, save: Option<Value>) -> ServerReport {
    let value = |name: &str| value_of(info, name);
    let valkey = value("valkey_version");
    let save = save.and_then(|save| redis::from_redis_value::<Vec<(String, String)>>(save).ok());
    ServerReport {
        address: node.shown(),
        product: if valkey.is_some() { "Valkey" } else { "Redis" },
        version: valkey
            .or_else(|| value("redis_version"))
            .unwrap_or("unknown")
            .to_owned(),
        aof: value("aof_enabled") == Some("1"),
        rdb: save.map(|save| save.iter().any(|(_, points)| !points.is_empty())),
        last_write_failed: ["aof_last_write_status", "rdb_last_bgsave_status"]
            .iter()
            .any(|name| value(name).is_some_and(|status| status != "ok")),
        memory: read_memory(info),
        replicas: value("connected_slaves")
            .and_then(|count| count.parse().ok())
            .unwrap_or_default(),
    }
}

fn text(info: Value) -> String {
    redis::from_redis_value(info).unwrap_or_default()
}

/// The one with less room left, and whatever may be thrown away of either.
fn fuller(one: Memory, other: Memory) -> Memory {
    let room = |memory: &Memory| {
        memory
            .limit
            .map_or(u64::MAX, |limit| limit.saturating_sub(memory.used))
    };
    let eviction = one.eviction.clone().or_else(|| other.eviction.clone());
    let is_fuller = (room(&other), one.used) < (room(&one), other.used);
    Memory {
        eviction,
        ..if is_fuller { other } else { one }
    }
}

/// Out of `INFO memory`. A policy of `noeviction` throws nothing away; every other may.
fn read_memory(info: &str) -> Memory {
    let number = |name: &str| value_of(info, name).and_then(|text| text.parse::<u64>().ok());
    Memory {
        used: number("used_memory").unwrap_or_default(),
        limit: number("maxmemory").filter(|limit| *limit > 0),
        eviction: value_of(info, "maxmemory_policy")
            .filter(|policy| *policy != "noeviction")
            .map(str::to_owned),
    }
}

fn value_of<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(line.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn info_is_read_by_whole_names() {
        let info = "# Memory\r\nused_memory:1048576\r\nused_memory_human:1.00M\r\nmaxmemory:2097152\r\nmaxmemory_policy:allkeys-lru\r\n";
        let memory = Memory {
            used: 1_048_576,
            limit: Some(2_097_152),
            eviction: Some("allkeys-lru".to_owned()),
        };
        assert_eq!(read_memory(info), memory);
        let unbounded = "used_memory:5\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n";
        assert_eq!(
            read_memory(unbounded),
            Memory {
                used: 5,
                ..Memory::default()
            }
        );
    }

    #[test]
    fn of_several_servers_the_fullest_counts_and_any_that_evicts() {
        let memory = |used, limit, eviction: Option<&str>| Memory {
            used,
            limit,
            eviction: eviction.map(str::to_owned),
        };
        let roomy = memory(50, Some(1000), Some("allkeys-lru"));
        let full = memory(90, Some(100), None);
        let told = memory(90, Some(100), Some("allkeys-lru"));
        assert_eq!(fuller(roomy.clone(), full.clone()), told);
        assert_eq!(fuller(full, roomy), told);
        let unbounded = |used| memory(used, None, None);
        assert_eq!(fuller(unbounded(5), unbounded(7)), unbounded(7));
        assert_eq!(fuller(unbounded(7), unbounded(5)), unbounded(7));
    }
}
