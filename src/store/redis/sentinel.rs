//! Who the master is, by Sentinel's word and by its own.
//!
//! The driver's own client asks one Sentinel after the other, without a limit of time: one that hangs would hide those that answer.

use std::collections::BTreeMap;

use futures_util::future::select_ok;
use redis::{ErrorKind, RedisError, RedisResult, Value, aio::MultiplexedConnection};

use super::{
    address::{Address, Place, Sentinels},
    wire,
};

/// Two connections to the master. All Sentinels are asked at once; the first answer that proves true is taken.
pub(super) async fn master(
    address: &Address,
    sentinels: &Sentinels,
) -> RedisResult<(MultiplexedConnection, MultiplexedConnection)> {
    let asked = sentinels
        .places
        .iter()
        .map(|place| Box::pin(master_by(address, sentinels, place)));
    let (wires, _others) = select_ok(asked).await?;
    Ok(wires)
}

async fn master_by(
    address: &Address,
    sentinels: &Sentinels,
    place: &Place,
) -> RedisResult<(MultiplexedConnection, MultiplexedConnection)> {
    let tls = address.tls.as_ref();
    let mut sentinel = ask(address, sentinels, place).await?;
    let named: Option<(String, u16)> = redis::cmd("SENTINEL")
        .arg("GET-MASTER-ADDR-BY-NAME")
        .arg(&sentinels.master)
        .query_async(&mut sentinel)
        .await?;
    let Some((host, port)) = named else {
        return Err((ErrorKind::MasterNameNotFoundBySentinel, UNKNOWN_MASTER).into());
    };
    let place = Place { host, port };
    let info = wire::info(address, &place, &address.login, address.database)?;
    let (mut work, confirm) =
        tokio::try_join!(wire::connect(info.clone(), tls), wire::connect(info, tls))?;
    // For a moment after a failover a Sentinel may still name the one that was.
    match role(&mut work).await {
        Ok(role) if role != "master" => Err(not_the_master()),
        Ok(_) => Ok((work, confirm)),
        // A user that may not ask finds out when it writes.
        Err(error) if error.code() == Some("NOPERM") => Ok((work, confirm)),
        Err(error) => Err(error),
    }
}

/// How many replicas are known and not held for down: of those none is put in the master's place.
pub(super) async fn replicas(address: &Address, sentinels: &Sentinels) -> RedisResult<usize> {
    let asked = sentinels.places.iter().map(|place| {
        Box::pin(async move {
            let mut sentinel = ask(address, sentinels, place).await?;
            let replicas: Vec<BTreeMap<String, String>> = redis::cmd("SENTINEL")
                .arg("REPLICAS")
                .arg(&sentinels.master)
                .query_async(&mut sentinel)
                .await?;
            let is_up = |replica: &&BTreeMap<String, String>| {
                let flags = replica.get("flags").map_or("", String::as_str);
                !flags
                    .split(',')
                    .any(|flag| matches!(flag, "s_down" | "o_down"))
            };
            Ok::<_, RedisError>(replicas.iter().filter(is_up).count())
        })
    });
    select_ok(asked).await.map(|(count, _others)| count)
}

async fn ask(
    address: &Address,
    sentinels: &Sentinels,
    place: &Place,
) -> RedisResult<MultiplexedConnection> {
    // A Sentinel has no databases.
    let info = wire::info(address, place, &sentinels.login, 0)?;
    wire::connect(info, address.tls.as_ref()).await
}

async fn role(server: &mut MultiplexedConnection) -> RedisResult<String> {
    let role: Vec<Value> = redis::cmd("ROLE").query_async(server).await?;
    let name = role.into_iter().next().unwrap_or(Value::Nil);
    Ok(redis::from_redis_value(name)?)
}

pub(super) const UNKNOWN_MASTER: &str = "Sentinel knows no master of this name";

fn not_the_master() -> RedisError {
    RedisError::from((ErrorKind::Io, "Sentinel names a server that is no master"))
}
