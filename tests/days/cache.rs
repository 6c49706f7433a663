//! What the replicas keep their orders in, whose clock is the simulation's.

use std::path::Path;

use shopify_warmer::{
    clock::Clock,
    store::{CustomerKeys, Store, StoreSettings, Ttls},
    warmer::Rhythm,
};

use crate::{redis::Redis, scenario::Kind, time::ReplicaTime, world::World};

/// An open cache.
pub(crate) enum Cache {
    Embedded(Store),
    Redis(Redis, StoreSettings),
}

impl Cache {
    pub(crate) fn open(world: &World, directory: &Path) -> Self {
        let settings = StoreSettings {
            prefix: "shopify".to_owned(),
            ttls: Ttls::default(),
            customers: CustomerKeys::default(),
            // Always right, whatever a replica's clock is.
            clock: Clock::Simulated(ReplicaTime::new(&world.time)),
        };
        match world.scenario.store {
            Kind::Embedded => {
                let store = Store::embedded(directory, settings);
                Self::Embedded(store.expect("the file can be opened"))
            }
            Kind::Redis => Self::Redis(Redis::start(world, directory), settings),
        }
    }

    /// Replicas in one process share the file; each has connections of its own to Redis.
    pub(crate) fn store(&self) -> Store {
        match self {
            Self::Embedded(store) => store.clone(),
            Self::Redis(redis, settings) => {
                let store = Store::redis(&redis.url(), settings.clone());
                store.expect("an address")
            }
        }
    }

    /// A pulse a second would be most of what a run takes.
    pub(crate) fn rhythm() -> Rhythm {
        Rhythm {
            pulse: std::time::Duration::from_secs(20),
            lease: std::time::Duration::from_secs(100),
            refresh: std::time::Duration::from_secs(10),
        }
    }

    pub(crate) async fn close(self) {
        match self {
            Self::Embedded(store) => store.close().await,
            Self::Redis(redis, _) => redis.stop(),
        }
    }
}
