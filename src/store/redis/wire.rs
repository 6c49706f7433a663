//! Open connections to the servers that an address means.

use std::{path::Path, time::Duration};

use futures_util::FutureExt as _;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind,
    IntoConnectionInfo as _, Pipeline, ProtocolVersion, RedisConnectionInfo, RedisError,
    RedisFuture, RedisResult, TlsCertificates, Value,
    aio::{ConnectionLike as _, ConnectionManager, ConnectionManagerConfig, MultiplexedConnection},
    cluster::ClusterClientBuilder,
    cluster_async::ClusterConnection,
    cluster_routing::{Route, SingleNodeRoutingInfo, Slot, SlotAddr},
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};
use secrecy::ExposeSecret as _;

use super::{
    address::{Address, Login, Place, Servers, Tls},
    connection::PATIENCE,
    key, sentinel,
};

/// A server that does not let us in by then is left for another, while whoever asked is still there.
const CONNECTING: Duration = Duration::from_millis(400);
/// Tries of one command in a cluster: slots move and masters change under it.
const CLUSTER_TRIES: u32 = 6;
/// Pauses between those tries, in milliseconds.
const CLUSTER_PAUSES: (u64, u64) = (10, 150);
/// How often we ask again, and after which pause, when the driver has given up.
const CLUSTER_ROUNDS: u32 = 8;
const CLUSTER_PAUSE: Duration = Duration::from_millis(60);
/// The first version that has all that is used here.
const OLDEST: u64 = 7;

/// A connection to one server or to a cluster. Cheap to clone.
#[derive(Clone)]
pub(super) enum Wire {
    /// To one server, wherever its name leads: it connects again by itself.
    Server(ConnectionManager),
    /// To the master that Sentinel named: it breaks with it, so that the next is asked for.
    Master(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// What is open to one address.
#[derive(Clone)]
pub(super) struct Wires {
    pub(super) work: Wire,
    /// Where replicas are waited for, so that nobody else's work stands behind that. None where there are none to wait for.
    pub(super) confirm: Option<Wire>,
}

impl Wires {
    /// Connects. Both wires at once: what the second confirms must have been written to the same process by the first.
    pub(super) async fn open(address: &Address) -> RedisResult<Self> {
        let wires = match &address.servers {
            Servers::One(_) | Servers::Socket(_) => Self {
                work: Wire::Server(manager(&client(address)?)?),
                confirm: None,
            },
            Servers::Sentinel(sentinels) => {
                let (work, confirm) = sentinel::master(address, sentinels).await?;
                Self {
                    work: Wire::Master(work),
                    confirm: Some(Wire::Master(confirm)),
                }
            }
            Servers::Cluster(places) => {
                let (work, confirm) =
                    tokio::try_join!(cluster(address, places), cluster(address, places))?;
                Self {
                    work: Wire::Cluster(work),
                    confirm: Some(Wire::Cluster(confirm)),
                }
            }
        };
        check_version(wires.work.clone()).await?;
        Ok(wires)
    }
}

impl Wire {
    pub(super) async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::Server(server) => server.req_packed_command(command).await,
            Self::Master(master) => master.req_packed_command(command).await,
            Self::Cluster(cluster) => {
                persistently(|| {
                    let mut cluster = cluster.clone();
                    async move { cluster.req_packed_command(command).await }.boxed()
                })
                .await
            }
        }
    }

    pub(super) async fn send_all(
        &mut self,
        pipeline: &Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisResult<Vec<Value>> {
        match self {
            Self::Server(server) => server.req_packed_commands(pipeline, offset, count).await,
            Self::Master(master) => master.req_packed_commands(pipeline, offset, count).await,
            Self::Cluster(cluster) if pipeline.is_transaction() => {
                persistently(|| {
                    let mut cluster = cluster.clone();
                    async move { cluster.req_packed_commands(pipeline, offset, count).await }
                        .boxed()
                })
                .await
            }
            Self::Cluster(cluster) => send_by_slots(cluster, pipeline).await,
        }
    }
}

/// A cluster takes pipelines of one slot only. The order is kept: what comes later may rely on what came before.
async fn send_by_slots(
    cluster: &mut ClusterConnection,
    pipeline: &Pipeline,
) -> RedisResult<Vec<Value>> {
    let mut values = Vec::new();
    let mut run: Option<(Slot, Pipeline, usize)> = None;
    for command in pipeline.cmd_iter() {
        let slot = key::of(command).map(Slot::for_key);
        if let Some((of_run, commands, count)) = &mut run
            && Some(*of_run) == slot
        {
            commands.add_command(command.clone());
            *count += 1;
            continue;
        }
        send_run(cluster, run.take(), &mut values).await?;
        match slot {
            Some(slot) => {
                let mut commands = Pipeline::new();
                commands.add_command(command.clone());
                run = Some((slot, commands, 1));
            }
            None => values.push(cluster.req_packed_command(command).await?),
        }
    }
    send_run(cluster, run, &mut values).await?;
    Ok(values)
}

async fn send_run(
    cluster: &mut ClusterConnection,
    run: Option<(Slot, Pipeline, usize)>,
    values: &mut Vec<Value>,
) -> RedisResult<()> {
    let Some((slot, commands, count)) = run else {
        return Ok(());
    };
    let node = SingleNodeRoutingInfo::SpecificNode(Route::with_slot(slot, SlotAddr::Master));
    let answers = persistently(|| {
        let (mut cluster, commands, node) = (cluster.clone(), commands.clone(), node.clone());
        async move { cluster.route_pipeline(commands, 0, count, node).await }.boxed()
    });
    values.extend(answers.await?);
    Ok(())
}

/// Asks again while a slot is on its way from one master to another: the driver follows from one to the next without a pause, and
/// gives up before they agree. What was sent away was not done.
async fn persistently<'a, T>(ask: impl Fn() -> RedisFuture<'a, T>) -> RedisResult<T> {
    for _ in 0..CLUSTER_ROUNDS {
        match ask().await {
            Err(error) if error.is_cluster_error() => tokio::time::sleep(CLUSTER_PAUSE).await,
            answer => return answer,
        }
    }
    ask().await
}

/// A connection that connects when it is first used.
fn manager(client: &Client) -> RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE))
        // The breaker decides when to try again; whoever waits is told at once.
        .set_number_of_retries(0);
    ConnectionManager::new_lazy_with_config(client.clone(), config)
}

async fn cluster(address: &Address, places: &[Place]) -> RedisResult<ClusterConnection> {
    let nodes = places
        .iter()
        .map(|place| info(address, place, &address.login, 0))
        .collect::<RedisResult<Vec<_>>>()?;
    let mut builder = ClusterClientBuilder::new(nodes)
        .retries(CLUSTER_TRIES)
        .min_retry_wait(CLUSTER_PAUSES.0)
        .max_retry_wait(CLUSTER_PAUSES.1)
        .connection_timeout(CONNECTING)
        .response_timeout(PATIENCE)
        .tcp_settings(tcp());
    if let Some(certificates) = certificates(address.tls.as_ref())? {
        builder = builder.certs(certificates);
    }
    builder.build()?.get_async_connection().await
}

/// To one server, at once or not at all.
pub(super) async fn connect(
    info: ConnectionInfo,
    tls: Option<&Tls>,
) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECTING))
        .set_response_timeout(Some(PATIENCE));
    let client = open(info, tls)?;
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
}

/// Checks an address as far as that goes without connecting: above all, that its certificates can be read.
pub(super) fn check(address: &Address) -> RedisResult<()> {
    let place = Place {
        host: "localhost".to_owned(),
        port: 1,
    };
    open(
        info(address, &place, &address.login, 0)?,
        address.tls.as_ref(),
    )
    .map(drop)
}

fn client(address: &Address) -> RedisResult<Client> {
    let place = match &address.servers {
        Servers::One(place) => place,
        Servers::Socket(path) => {
            let socket = ConnectionAddr::Unix(path.clone()).into_connection_info()?;
            let settings = settings(&address.login, address.database);
            return Client::open(socket.set_redis_settings(settings));
        }
        Servers::Sentinel(_) | Servers::Cluster(_) => {
            return Err((ErrorKind::InvalidClientConfig, "several servers").into());
        }
    };
    let info = info(address, place, &address.login, address.database)?;
    open(info, address.tls.as_ref())
}

fn open(info: ConnectionInfo, tls: Option<&Tls>) -> RedisResult<Client> {
    match certificates(tls)? {
        Some(certificates) => Client::build_with_tls(info, certificates),
        None => Client::open(info),
    }
}

pub(super) fn info(
    address: &Address,
    place: &Place,
    login: &Login,
    database: i64,
) -> RedisResult<ConnectionInfo> {
    let (host, port) = (place.host.clone(), place.port);
    let place = match address.tls {
        Some(_) => ConnectionAddr::TcpTls {
            host,
            port,
            insecure: false,
            tls_params: None,
        },
        None => ConnectionAddr::Tcp(host, port),
    };
    let info = place.into_connection_info()?;
    let settings = settings(login, database);
    Ok(info.set_redis_settings(settings).set_tcp_settings(tcp()))
}

fn settings(login: &Login, database: i64) -> RedisConnectionInfo {
    // RESP3 notices a server that went away while we were idle; RESP2 fails the first command after it.
    let mut settings = RedisConnectionInfo::default()
        .set_protocol(ProtocolVersion::RESP3)
        .set_db(database);
    if let Some(user) = &login.user {
        settings = settings.set_username(user);
    }
    if let Some(password) = &login.password {
        settings = settings.set_password(password.expose_secret());
    }
    settings
}

/// A half-open connection is noticed by then, whatever the driver waits for.
fn tcp() -> TcpSettings {
    TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(TcpKeepalive::new().with_time(Duration::from_secs(15)))
        .set_user_timeout(Duration::from_secs(10))
}

/// None where the machine's own roots are to be used. The file is read with each connection, so that it can be renewed.
fn certificates(tls: Option<&Tls>) -> RedisResult<Option<TlsCertificates>> {
    let Some(roots) = tls.and_then(|tls| tls.roots.as_deref()) else {
        return Ok(None);
    };
    Ok(Some(TlsCertificates {
        client_tls: None,
        root_cert: Some(read_roots(roots)?),
    }))
}

fn read_roots(path: &Path) -> RedisResult<Vec<u8>> {
    let roots = std::fs::read(path)?;
    if !roots
        .windows(BEGIN.len())
        .any(|window| window == BEGIN.as_bytes())
    {
        return Err((ErrorKind::InvalidClientConfig, "no certificate in the file").into());
    }
    Ok(roots)
}

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";

/// Refuses a server that lacks what is used here. One that does not tell its version to our user is believed.
async fn check_version(mut wire: Wire) -> RedisResult<()> {
    let mut ask = redis::cmd("INFO");
    ask.arg("server");
    let info: String = match wire.send(&ask).await {
        Ok(Value::Map(nodes)) => {
            let first = nodes.into_iter().next().map(|(_, text)| text);
            redis::from_redis_value(first.unwrap_or(Value::Nil)).unwrap_or_default()
        }
        Ok(text) => redis::from_redis_value(text).unwrap_or_default(),
        Err(error) if error.code() == Some("NOPERM") => return Ok(()),
        Err(error) => return Err(error),
    };
    match too_old(&info) {
        None => Ok(()),
        Some(version) => Err(RedisError::from((
            ErrorKind::InvalidClientConfig,
            TOO_OLD,
            version.to_owned(),
        ))),
    }
}

/// How a version that cannot be used is told from other failures.
pub(super) const TOO_OLD: &str = "Redis is older than version 7";

fn too_old(info: &str) -> Option<&str> {
    let version = info
        .lines()
        .find_map(|line| line.strip_prefix("redis_version:"))?
        .trim();
    let major = version.split('.').next()?.parse::<u64>().ok()?;
    (major < OLDEST).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_below_seven_are_refused() {
        assert_eq!(
            too_old("# Server\r\nredis_version:6.2.14\r\nx:1\r\n"),
            Some("6.2.14")
        );
        for new in ["7.0.15", "8.2.1", "10.0.0", "255.255.255"] {
            assert_eq!(too_old(&format!("redis_version:{new}\r\n")), None, "{new}");
        }
        assert_eq!(too_old("nothing"), None);
    }
}
