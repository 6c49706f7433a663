//! Single flight: any number of askers of one thing share one fetch, which outlives them all.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::tasks::Tasks;
use thiserror::Error;
use tokio::{sync::watch, time::timeout};

/// Fetches in the air at once: each may wait seconds for Shopify, and more would only wait for its bucket.
const MOST_FLIGHTS: usize = 256;

/// A fetch with all its tries; beyond it whoever asks again starts anew.
const LONGEST_FLIGHT: Duration = Duration::from_secs(30);

/// Why neither the cache nor Shopify could tell.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Shopify could not be asked.
    #[error(
        "the order is not in the cache and Shopify cannot be asked right now: try again in a few seconds"
    )]
    Shopify,
    /// Too many fetches are in the air.
    #[error("too many orders are being fetched at once: try again in a few seconds")]
    Busy,
    /// Too many numbers begin like the one asked for.
    #[error("too many order numbers begin like this one: send the whole number, such as UK22080")]
    Vague,
}

type Landing<T> = watch::Receiver<Option<Result<T, Failure>>>;

/// The fetches in the air, by what they fetch. Cheap to clone.
#[derive(Debug)]
pub(super) struct Flights<K, T> {
    /// Held for a look-up, never across an await.
    airborne: Arc<Mutex<HashMap<K, Landing<T>>>>,
    tasks: Tasks,
}

impl<K, T> Clone for Flights<K, T> {
    fn clone(&self) -> Self {
        Self {
            airborne: Arc::clone(&self.airborne),
            tasks: self.tasks.clone(),
        }
    }
}

impl<K, T> Flights<K, T>
where
    K: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    pub(super) fn new(tasks: Tasks) -> Self {
        Self {
            airborne: Arc::default(),
            tasks,
        }
    }

    /// Joins the flight of `key`, or starts one. The fetch runs on a task of its own: an asker who leaves strands nobody.
    pub(super) async fn join<F>(&self, key: K, fetch: impl FnOnce() -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let mut landing = self.board(key, fetch)?;
        // The sender goes without a word only if the fetch panicked.
        let landed = landing
            .wait_for(Option::is_some)
            .await
            .map_err(|_panicked: watch::error::RecvError| Failure::Shopify)?;
        landed.clone().unwrap_or(Err(Failure::Shopify))
    }

    fn board<F>(&self, key: K, fetch: impl FnOnce() -> F) -> Result<Landing<T>, Failure>
    where
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let mut airborne = self.airborne();
        if let Some(landing) = airborne.get(&key) {
            return Ok(landing.clone());
        }
        if airborne.len() >= MOST_FLIGHTS {
            return Err(Failure::Busy);
        }
        let (sender, landing) = watch::channel(None);
        airborne.insert(key.clone(), landing.clone());
        let gone = Gone {
            flights: self.clone(),
            key,
        };
        let fetch = fetch();
        let stopped = self.tasks.cancel.clone().cancelled_owned();
        self.tasks.spawn(async move {
            let landed = tokio::select! {
                () = stopped => Err(Failure::Shopify),
                landed = timeout(LONGEST_FLIGHT, fetch) => landed.unwrap_or(Err(Failure::Shopify)),
            };
            // Off the board before the news is out: whoever asks from here on finds the cache filled.
            drop(gone);
            sender.send_replace(Some(landed));
        });
        Ok(landing)
    }

    fn airborne(&self) -> MutexGuard<'_, HashMap<K, Landing<T>>> {
        self.airborne.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a flight off the board when it ends, a panic included.
struct Gone<K: Eq + Hash, T> {
    flights: Flights<K, T>,
    key: K,
}

impl<K: Eq + Hash, T> Drop for Gone<K, T> {
    fn drop(&mut self) {
        let airborne = &self.flights.airborne;
        let mut airborne = airborne.lock().unwrap_or_else(PoisonError::into_inner);
        airborne.remove(&self.key);
    }
}
