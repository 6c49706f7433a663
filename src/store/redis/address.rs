//! `REDIS_URL`, taken apart. It names several hosts where Sentinel or Cluster is meant, which no parser of URLs reads.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;

const DEFAULT_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// Where Redis is, and how to log in.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) servers: Servers,
    pub(super) login: Login,
    /// None without TLS.
    pub(super) tls: Option<Tls>,
    pub(super) database: i64,
}

/// Which servers are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Servers {
    One(Place),
    Socket(PathBuf),
    Cluster(Vec<Place>),
    Sentinel(Sentinels),
}

/// Who knows the master.
#[derive(Debug, Clone)]
pub(super) struct Sentinels {
    pub(super) places: Vec<Place>,
    pub(super) master: String,
    pub(super) login: Login,
}

/// Passwords are not compared.
impl PartialEq for Sentinels {
    fn eq(&self, other: &Self) -> bool {
        self.places == other.places && self.master == other.master
    }
}

impl Eq for Sentinels {}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
}

/// A user of Redis's own, its default one if none is named.
#[derive(Debug, Clone, Default)]
pub(super) struct Login {
    pub(super) user: Option<String>,
    pub(super) password: Option<SecretString>,
}

/// Certificates are checked against the machine's roots, or against this file alone.
#[derive(Debug, Clone, Default)]
pub(super) struct Tls {
    pub(super) roots: Option<PathBuf>,
}

/// What is wrong with an address and how to write it. Never repeats any of it.
pub(super) type Advice = &'static str;

const NO_ADDRESS: Advice = "is no Redis address: write one such as redis://127.0.0.1:6379/0 (or rediss://, redis+sentinel://, redis+cluster://, unix://)";
const HOST: Advice = "names no usable host: write redis://127.0.0.1:6379/0 or redis://user:password@host:6379/0, with characters such as @ / # % of the password percent-encoded";
const LOGIN: Advice = "holds a user, password or name that is not percent-encoded UTF-8: write redis://127.0.0.1:6379/0 or redis://user:password@host:6379/0";
const DATABASE: Advice =
    "ends in something that is no database number: write redis://127.0.0.1:6379/0";
const MASTER: Advice = "names no master: write redis+sentinel://host1:26379,host2:26379,host3:26379/mymaster/0, as in redis://127.0.0.1:6379/0 with the master's name first";
const ONE_HOST: Advice = "names several hosts: that is for redis+sentinel:// or redis+cluster://, while redis://127.0.0.1:6379/0 is one server";
const CLUSTER_DATABASE: Advice = "names a database, of which Redis Cluster has only number 0: write redis+cluster://host1:6379,host2:6379";
const QUERY: Advice = "has a query that is not known: ?ca=<file> with rediss://, ?sentinel_user= and ?sentinel_password= with redis+sentinel://, ?db=, ?user= and ?pass= with unix://";
const CA_WITHOUT_TLS: Advice =
    "has ?ca= without TLS: write rediss:// (or rediss+sentinel://, rediss+cluster://)";

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, Advice> {
        let (scheme, rest) = url.split_once("://").ok_or(NO_ADDRESS)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let query = Query::parse(query)?;
        let (scheme, tls) = match scheme.strip_prefix("rediss") {
            Some(kind) => (format!("redis{kind}"), Some(Tls::default())),
            None => (scheme.to_owned(), None),
        };
        let mut address = match scheme.as_str() {
            "redis" => one(rest, tls),
            "redis+sentinel" => sentinel(rest, tls),
            "redis+cluster" => cluster(rest, tls),
            "unix" | "redis+unix" => socket(rest, &query),
            _ => Err(NO_ADDRESS),
        }?;
        query.apply(&mut address)?;
        Ok(address)
    }

    pub(super) fn is_replicated(&self) -> bool {
        match self.servers {
            Servers::One(_) | Servers::Socket(_) => false,
            Servers::Cluster(_) | Servers::Sentinel(_) => true,
        }
    }
}

fn one(rest: &str, tls: Option<Tls>) -> Result<Address, Advice> {
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, hosts) = login_and_hosts(authority)?;
    let mut places = places(hosts, DEFAULT_PORT)?;
    let place = places.pop().ok_or(HOST)?;
    if !places.is_empty() {
        return Err(ONE_HOST);
    }
    Ok(Address {
        servers: Servers::One(place),
        login,
        tls,
        database: database(path)?,
    })
}

fn sentinel(rest: &str, tls: Option<Tls>) -> Result<Address, Advice> {
    let (authority, path) = rest.split_once('/').ok_or(MASTER)?;
    let (login, hosts) = login_and_hosts(authority)?;
    let (master, number) = path.split_once('/').unwrap_or((path, ""));
    let master = decoded(master)?;
    if master.is_empty() {
        return Err(MASTER);
    }
    let sentinels = Sentinels {
        places: places(hosts, SENTINEL_PORT)?,
        master,
        login: Login::default(),
    };
    Ok(Address {
        servers: Servers::Sentinel(sentinels),
        login,
        tls,
        database: database(number)?,
    })
}

fn cluster(rest: &str, tls: Option<Tls>) -> Result<Address, Advice> {
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, hosts) = login_and_hosts(authority)?;
    if database(path)? != 0 {
        return Err(CLUSTER_DATABASE);
    }
    Ok(Address {
        servers: Servers::Cluster(places(hosts, DEFAULT_PORT)?),
        login,
        tls,
        database: 0,
    })
}

fn socket(rest: &str, query: &Query) -> Result<Address, Advice> {
    if !rest.starts_with('/') {
        return Err(HOST);
    }
    Ok(Address {
        servers: Servers::Socket(PathBuf::from(decoded(rest)?)),
        login: Login {
            user: query.user.clone(),
            password: query.pass.clone().map(SecretString::from),
        },
        tls: None,
        database: database(query.db.as_deref().unwrap_or_default())?,
    })
}

fn login_and_hosts(authority: &str) -> Result<(Login, &str), Advice> {
    let Some((login, hosts)) = authority.rsplit_once('@') else {
        return Ok((Login::default(), authority));
    };
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let given = |text: &str| decoded(text).map(|text| Some(text).filter(|text| !text.is_empty()));
    let login = Login {
        user: given(user)?,
        password: given(password)?.map(SecretString::from),
    };
    Ok((login, hosts))
}

fn places(hosts: &str, default_port: u16) -> Result<Vec<Place>, Advice> {
    hosts
        .split(',')
        .map(|host| place(host.trim(), default_port))
        .collect()
}

/// `host`, `host:port`, `[::1]:port`.
fn place(text: &str, default_port: u16) -> Result<Place, Advice> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or(HOST)?;
            let port = match port {
                "" => None,
                port => Some(port.strip_prefix(':').ok_or(HOST)?),
            };
            (host, port)
        }
        None => text
            .split_once(':')
            .map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
    if host.is_empty() || !host.chars().all(is_host) {
        return Err(HOST);
    }
    let port = match port {
        None => default_port,
        Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or(HOST)?,
    };
    Ok(Place {
        host: host.to_owned(),
        port,
    })
}

fn database(text: &str) -> Result<i64, Advice> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse()
        .ok()
        .filter(|number| *number >= 0)
        .ok_or(DATABASE)
}

fn decoded(text: &str) -> Result<String, Advice> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_would_repeat_it: std::str::Utf8Error| LOGIN)
}

/// What stands behind the question mark.
#[derive(Default)]
struct Query {
    ca: Option<String>,
    sentinel_user: Option<String>,
    sentinel_password: Option<String>,
    db: Option<String>,
    user: Option<String>,
    pass: Option<String>,
}

impl Query {
    fn parse(text: &str) -> Result<Self, Advice> {
        let mut query = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or(QUERY)?;
            let field = match name {
                "ca" => &mut query.ca,
                "sentinel_user" => &mut query.sentinel_user,
                "sentinel_password" => &mut query.sentinel_password,
                "db" => &mut query.db,
                "user" => &mut query.user,
                "pass" => &mut query.pass,
                _ => return Err(QUERY),
            };
            *field = Some(decoded(value)?);
        }
        Ok(query)
    }

    fn apply(self, address: &mut Address) -> Result<(), Advice> {
        match (self.ca, &mut address.tls) {
            (None, _) => {}
            (Some(_), None) => return Err(CA_WITHOUT_TLS),
            (Some(ca), Some(tls)) => tls.roots = Some(PathBuf::from(ca)),
        }
        let of_sentinels = self.sentinel_user.is_some() || self.sentinel_password.is_some();
        let of_a_socket = self.db.is_some() || self.user.is_some() || self.pass.is_some();
        match &mut address.servers {
            Servers::Sentinel(sentinels) if !of_a_socket => {
                sentinels.login = Login {
                    user: self.sentinel_user,
                    password: self.sentinel_password.map(SecretString::from),
                };
                Ok(())
            }
            Servers::Socket(_) if !of_sentinels => Ok(()),
            Servers::One(_) | Servers::Cluster(_) if !of_sentinels && !of_a_socket => Ok(()),
            Servers::One(_) | Servers::Cluster(_) | Servers::Sentinel(_) | Servers::Socket(_) => {
                Err(QUERY)
            }
        }
    }
}

#[cfg(test)]
mod tests;
