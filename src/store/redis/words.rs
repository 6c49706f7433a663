//! What Redis failed of, for a person.

use redis::{ErrorKind, RedisError};

use super::{super::StoreError, sentinel, wire};

/// Codes of servers' errors, and what a person makes of them.
const WORDS: [(&str, &str); 9] = [
    ("WRONGPASS", "Redis refuses the password of REDIS_URL"),
    ("NOAUTH", "Redis wants a password: write it into REDIS_URL"),
    (
        "NOPERM",
        "Redis does not let this user do what the service needs (NOPERM): the README has the line for its ACL",
    ),
    ("OOM", "Redis is out of memory (OOM)"),
    ("LOADING", "Redis is still loading its data (LOADING)"),
    (
        "NOREPLICAS",
        "Redis takes no writes while too few replicas follow it (NOREPLICAS)",
    ),
    (
        "MASTERDOWN",
        "Redis is a replica without its master here (MASTERDOWN)",
    ),
    (
        "CLUSTERDOWN",
        "Redis Cluster does not serve all of its slots (CLUSTERDOWN)",
    ),
    (
        "DENIED",
        "Redis is in protected mode: give it a password and write that into REDIS_URL",
    ),
];

/// What a server refused with, of one command or of each of a pipeline: `NOAUTH`, `OOM`, `READONLY`.
pub(super) fn codes(error: &RedisError) -> Vec<String> {
    let of_each = error.clone().into_server_errors();
    let of_each = of_each.iter().flat_map(|errors| errors.iter());
    let mut codes: Vec<_> = of_each
        .map(|(_, error)| error.code().to_owned())
        .chain(error.code().map(str::to_owned))
        .collect();
    codes.dedup();
    codes
}

pub(super) fn is_read_only(error: &RedisError) -> bool {
    codes(error).iter().any(|code| code == "READONLY")
}

/// Whether it is the way to Redis that failed, rather than Redis that refused.
pub(super) fn is_no_answer(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_connection_dropped()
        || error.is_timeout()
        || error.kind() == ErrorKind::ClusterConnectionNotFound
}

pub(super) fn told(error: &RedisError) -> StoreError {
    if error.is_timeout() {
        return StoreError::TimedOut;
    }
    StoreError::Unavailable {
        cause: spell(error),
    }
}

/// What a person can do something about, in words; else the kind of error and the server's code. Never the text behind it, which
/// may repeat addresses or values.
fn spell(error: &RedisError) -> String {
    let codes = codes(error);
    let known = WORDS
        .iter()
        .find(|(wanted, _)| codes.iter().any(|code| code == wanted));
    if let Some((_, words)) = known {
        return (*words).to_owned();
    }
    let text = error.to_string();
    if error.kind() == ErrorKind::AuthenticationFailed {
        return "Redis refuses the password of REDIS_URL".to_owned();
    }
    if error.kind() == ErrorKind::InvalidClientConfig && text.contains(wire::TOO_OLD) {
        return format!("{}: 7 or newer is needed, or Valkey", wire::TOO_OLD);
    }
    if error.kind() == ErrorKind::MasterNameNotFoundBySentinel {
        return format!("{}: check REDIS_URL", sentinel::UNKNOWN_MASTER);
    }
    if text.contains("certificate") || text.contains("CertificateError") {
        return "the certificate of Redis is not trusted: name its CA by ?ca=<file> in REDIS_URL, and a host that stands in it"
            .to_owned();
    }
    if error.is_connection_refusal() || text.contains("onnection refused") {
        return "Redis is not there (connection refused)".to_owned();
    }
    if codes.is_empty() {
        return format!("Redis: {}", error.category());
    }
    format!("Redis: {} ({})", error.category(), codes.join(", "))
}
