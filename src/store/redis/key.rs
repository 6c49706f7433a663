//! Which key a command is about, and with it which slot of a cluster.

use redis::{Arg, Cmd};

/// The first key of a command; all keys of one of ours lie in one slot. None for commands about a server.
pub(super) fn of(command: &Cmd) -> Option<&[u8]> {
    let name = simple(command, 0)?;
    match name {
        b"PING" | b"INFO" | b"CONFIG" | b"SCAN" | b"CLUSTER" | b"ROLE" | b"SCRIPT" | b"TIME"
        | b"WAIT" => None,
        b"EVAL" | b"EVALSHA" => simple(command, 2)
            .filter(|count| *count != b"0")
            .and_then(|_| simple(command, 3)),
        _ => simple(command, 1),
    }
}

/// What decides about a key's slot: what stands in its braces, or all of it.
pub(super) fn tag(key: &[u8]) -> &[u8] {
    let within = || {
        let open = key.iter().position(|byte| *byte == b'{')?;
        let rest = key.get(open + 1..)?;
        let close = rest.iter().position(|byte| *byte == b'}')?;
        rest.get(..close).filter(|tag| !tag.is_empty())
    };
    within().unwrap_or(key)
}

fn simple(command: &Cmd, index: usize) -> Option<&[u8]> {
    let Arg::Simple(bytes) = command.args_iter().nth(index)? else {
        return None;
    };
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use redis::cluster_routing::Slot;

    use super::*;

    #[test]
    fn a_command_is_about_its_first_key() {
        let mut script = redis::cmd("EVALSHA");
        script.arg("sha").arg(2).arg("a").arg("b").arg("value");
        assert_eq!(of(&script), Some(&b"a"[..]));
        let mut get = redis::cmd("GET");
        get.arg("a");
        assert_eq!(of(&get), Some(&b"a"[..]));
        let mut info = redis::cmd("INFO");
        info.arg("memory");
        assert_eq!(of(&info), None);
    }

    #[test]
    fn a_marker_lies_in_the_slot_of_the_key_it_is_for() {
        for key in [
            "shopify:{uk:5551}:order",
            "shopify:{uk}:refresh",
            "shopify:uk:search:UK1",
        ] {
            let tag = String::from_utf8(tag(key.as_bytes()).to_vec()).unwrap();
            let marker = format!("shopify:confirm:{{{tag}}}");
            assert_eq!(Slot::for_key(&marker), Slot::for_key(key), "{marker}");
        }
    }
}
