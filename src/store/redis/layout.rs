//! Which replicas there are to wait for.

use redis::{ErrorKind, RedisResult};

use super::{address::Servers, line::Link, sentinel, wire::Wire};

/// Slots of a cluster.
const SLOTS: u16 = 16_384;

/// The masters and whether any has replicas. Replicas that are down are no replicas: none is put in a master's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Layout {
    /// One master with so many.
    One {
        replicas: usize,
    },
    Cluster(Vec<Master>),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Master {
    id: String,
    /// First and last of each range.
    slots: Vec<(u16, u16)>,
    replicas: usize,
}

impl Layout {
    pub(super) async fn of(link: &Link, wire: &mut Wire) -> RedisResult<Self> {
        if let Servers::Sentinel(sentinels) = &link.address.servers {
            let replicas = sentinel::replicas(&link.address, sentinels).await?;
            return Ok(Self::One { replicas });
        }
        let mut ask = redis::cmd("CLUSTER");
        ask.arg("NODES");
        let nodes: String = redis::from_redis_value(wire.send(&ask).await?.extract_error()?)?;
        Ok(Self::Cluster(masters(&nodes)))
    }

    pub(super) fn has_replicas(&self) -> bool {
        match self {
            Self::One { replicas } => *replicas > 0,
            Self::Cluster(masters) => masters.iter().any(|master| master.replicas > 0),
        }
    }

    /// Which master has the slot of a tag, unless it has no replicas.
    pub(super) fn replicated_master(&self, tag: &[u8]) -> RedisResult<Option<usize>> {
        let Self::Cluster(masters) = self else {
            return Ok(None);
        };
        let slot = crc16::State::<crc16::XMODEM>::calculate(tag) % SLOTS;
        let has_it = |master: &Master| {
            let mut ranges = master.slots.iter();
            ranges.any(|(first, last)| (*first..=*last).contains(&slot))
        };
        let Some(place) = masters.iter().position(has_it) else {
            return Err((
                ErrorKind::ClusterConnectionNotFound,
                "a slot without a master",
            )
                .into());
        };
        let is_replicated = masters.get(place).is_some_and(|master| master.replicas > 0);
        Ok(is_replicated.then_some(place))
    }
}

/// Out of `CLUSTER NODES`: a line a node, `<id> <address> <flags> <id of its master> <ping> <pong> <epoch> <link> <slots …>`.
fn masters(nodes: &str) -> Vec<Master> {
    let lines: Vec<Vec<_>> = nodes
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let is = |line: &[&str], flag: &str| {
        let flags = line.get(2).copied().unwrap_or_default();
        flags.split(',').any(|of| of == flag)
    };
    let replicas = |id: &str| {
        let of_it = lines
            .iter()
            .filter(|line| line.get(3).is_some_and(|master| *master == id));
        of_it
            .filter(|line| is(line, "slave") && !is(line, "fail"))
            .count()
    };
    let masters = lines.iter().filter(|line| is(line, "master"));
    masters
        .filter_map(|line| {
            let id = (*line.first()?).to_owned();
            Some(Master {
                slots: line
                    .iter()
                    .skip(8)
                    .filter_map(|range| bounds(range))
                    .collect(),
                replicas: replicas(&id),
                id,
            })
        })
        .collect()
}

/// `5` or `5-7`; a slot on its way reads `[5->-…]`, and is its old master's still.
fn bounds(range: &str) -> Option<(u16, u16)> {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    Some((first.parse().ok()?, last.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masters_are_read_with_their_slots_and_the_replicas_that_are_up() {
        let nodes = "a 127.0.0.1:1@11 myself,master - 0 0 1 connected 0-5460 16383 [5461->-b]\n\
                     b 127.0.0.1:2@12 master - 0 0 2 connected 5461-16382\n\
                     c 127.0.0.1:3@13 slave a 0 0 1 connected\n\
                     d 127.0.0.1:4@14 slave,fail b 0 0 1 disconnected\n\
                     e 127.0.0.1:5@15 slave,fail? a 0 0 1 connected\n";
        let layout = Layout::Cluster(masters(nodes));
        let Layout::Cluster(masters) = &layout else {
            panic!()
        };
        assert_eq!(masters[0].slots, [(0, 5460), (16383, 16383)]);
        assert_eq!((masters[0].replicas, masters[1].replicas), (2, 0));
        // CRC16 of "foo" is in slot 12182, of "bar" in 5061, as Redis' documentation has it.
        assert_eq!(layout.replicated_master(b"foo").unwrap(), None);
        assert_eq!(layout.replicated_master(b"bar").unwrap(), Some(0));
    }
}
