//! A real Redis Cluster of three masters, with or without a replica for each.

use std::sync::atomic::{AtomicU16, Ordering};

use crate::{
    redis_server::{RedisServer, free_port},
    until::until,
};

/// The slots that three masters share.
const SLOTS: [(&str, &str); 3] = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];

/// The servers of a cluster: three masters, then their replicas in the same order.
pub(crate) struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Three masters.
    pub(crate) async fn start() -> Self {
        Self::of(3).await
    }

    /// Three masters, each with a replica.
    pub(crate) async fn with_replicas() -> Self {
        Self::of(6).await
    }

    async fn of(count: usize) -> Self {
        let mut nodes = Vec::new();
        let mut buses = Vec::new();
        for _ in 0..count {
            let bus = AtomicU16::new(0);
            let node = RedisServer::start_set(|| {
                bus.store(free_port(), Ordering::SeqCst);
                settings(bus.load(Ordering::SeqCst))
            })
            .await;
            nodes.push(node);
            buses.push(bus.into_inner());
        }
        let cluster = Self { nodes };
        cluster.join(&buses).await;
        cluster.until_whole().await;
        cluster
    }

    pub(crate) fn url(&self) -> String {
        let places: Vec<_> = self
            .nodes
            .iter()
            .map(|node| format!("127.0.0.1:{}", node.port()))
            .collect();
        format!("redis+cluster://{}", places.join(","))
    }

    /// Empties every master.
    pub(crate) async fn flush(&self) {
        for node in self.nodes.iter().take(3) {
            let () = node.cli(&["FLUSHALL"]).await;
        }
    }

    /// Which of the nodes has a key's slot.
    pub(crate) async fn owner(&self, key: &str) -> usize {
        let nodes: String = self.nodes[0].cli(&["CLUSTER", "NODES"]).await;
        let slot: u16 = self.nodes[0].cli(&["CLUSTER", "KEYSLOT", key]).await;
        let has = |line: &&str| {
            line.split_whitespace().skip(8).any(|range| {
                let (from, to) = range.split_once('-').unwrap_or((range, range));
                let bounds = from.parse().ok().zip(to.parse::<u16>().ok());
                bounds.is_some_and(|(from, to): (u16, u16)| (from..=to).contains(&slot))
            })
        };
        let line = nodes.lines().find(has).expect("each slot has its node");
        let owner = self
            .nodes
            .iter()
            .position(|node| line.contains(&format!(":{}@", node.port())));
        owner.expect("one of ours")
    }

    pub(crate) fn kill(&mut self, node: usize) {
        self.nodes[node].kill();
    }

    /// Moves the slot of a key, with what it holds, to another master, as `redis-cli --cluster reshard` does. Between the first
    /// and the last step the old one answers `ASK`, after them `MOVED`.
    pub(crate) async fn move_slot(&self, key: &str, to: usize) {
        let from = self.owner(key).await;
        assert_ne!(from, to);
        let slot: u16 = self.nodes[0].cli(&["CLUSTER", "KEYSLOT", key]).await;
        let slot = slot.to_string();
        let (source, target) = (&self.nodes[from], &self.nodes[to]);
        let (source_id, target_id) = (id(source).await, id(target).await);
        let () = target
            .cli(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &source_id])
            .await;
        let () = source
            .cli(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &target_id])
            .await;
        loop {
            let keys: Vec<String> = source.cli(&["CLUSTER", "GETKEYSINSLOT", &slot, "10"]).await;
            if keys.is_empty() {
                break;
            }
            let port = target.port().to_string();
            let mut migrate = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
            migrate.extend(keys.iter().map(String::as_str));
            let _: redis::Value = source.cli(&migrate).await;
        }
        for node in [target, source] {
            let () = node
                .cli(&["CLUSTER", "SETSLOT", &slot, "NODE", &target_id])
                .await;
        }
    }

    async fn join(&self, buses: &[u16]) {
        for (epoch, node) in (1_u32..).zip(&self.nodes) {
            let () = node
                .cli(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch.to_string()])
                .await;
        }
        for (node, (from, to)) in self.nodes.iter().zip(SLOTS) {
            let () = node.cli(&["CLUSTER", "ADDSLOTSRANGE", from, to]).await;
        }
        for (node, bus) in self.nodes.iter().zip(buses).skip(1) {
            let (port, bus) = (node.port().to_string(), bus.to_string());
            let () = self.nodes[0]
                .cli(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus])
                .await;
        }
        let count = self.nodes.len();
        for node in &self.nodes {
            until("all nodes know each other", || async {
                let nodes: String = node.cli(&["CLUSTER", "NODES"]).await;
                let sound = nodes
                    .lines()
                    .filter(|line| line.contains(" connected"))
                    .count();
                (sound == count && !nodes.contains("handshake")).then_some(())
            })
            .await;
        }
        for (replica, master) in self.nodes.iter().skip(3).zip(&self.nodes) {
            let master = id(master).await;
            let () = replica.cli(&["CLUSTER", "REPLICATE", &master]).await;
        }
    }

    async fn until_whole(&self) {
        let replicas = self.nodes.len() - 3;
        for node in &self.nodes {
            until("the cluster is whole", || async {
                let info: String = node.cli(&["CLUSTER", "INFO"]).await;
                let nodes: String = node.cli(&["CLUSTER", "NODES"]).await;
                let slaves = nodes.lines().filter(|line| line.contains("slave")).count();
                (info.contains("cluster_state:ok") && slaves == replicas).then_some(())
            })
            .await;
        }
        for replica in self.nodes.iter().skip(3) {
            until("each replica follows", || async {
                let info: String = replica.cli(&["INFO", "replication"]).await;
                info.contains("master_link_status:up").then_some(())
            })
            .await;
        }
    }
}

async fn id(node: &RedisServer) -> String {
    node.cli(&["CLUSTER", "MYID"]).await
}

fn settings(bus: u16) -> Vec<String> {
    let bus = bus.to_string();
    let settings = [
        ("--cluster-enabled", "yes"),
        ("--cluster-config-file", "nodes.conf"),
        ("--cluster-node-timeout", "2000"),
        ("--cluster-port", &bus),
    ];
    let pairs = settings.iter().flat_map(|(name, value)| [*name, *value]);
    pairs.map(str::to_owned).collect()
}
