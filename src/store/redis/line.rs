//! What work is done on: an address, connected when it is first used, and a note of what was touched.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::FutureExt as _;
use redis::{Cmd, Pipeline, RedisFuture, RedisResult, Value, aio::ConnectionLike};
use tokio::sync::OnceCell;

use super::{
    address::Address,
    key,
    replicas::Confirmations,
    wire::{Wire, Wires},
};

/// An address and what is open to it. Dropped for another when it fails.
pub(super) struct Link {
    pub(super) address: Arc<Address>,
    wires: OnceCell<Wires>,
    /// What replicas have confirmed on these wires.
    pub(super) confirmations: Confirmations,
}

impl Link {
    pub(super) fn new(address: &Arc<Address>) -> Self {
        Self {
            address: Arc::clone(address),
            wires: OnceCell::new(),
            confirmations: Confirmations::default(),
        }
    }

    pub(super) async fn wires(&self) -> RedisResult<&Wires> {
        self.wires
            .get_or_try_init(async || Wires::open(&self.address).await)
            .await
    }

    /// What is open, without opening it.
    pub(super) fn opened(&self) -> Option<&Wires> {
        self.wires.get()
    }
}

/// What a piece of work touched, and on which link. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Touched(Arc<Mutex<Notes>>);

/// Notes of what was touched.
#[derive(Default)]
pub(super) struct Notes {
    /// What decides about the keys' slots.
    pub(super) tags: BTreeSet<Vec<u8>>,
    /// On which link, or on which in the order they were used.
    pub(super) links: Vec<Arc<Link>>,
}

impl Touched {
    fn note(&self, link: &Arc<Link>, command: &Cmd) {
        let Some(key) = key::of(command) else {
            return;
        };
        let mut notes = self.lock();
        notes.tags.insert(key::tag(key).to_vec());
        if !notes.links.iter().any(|known| Arc::ptr_eq(known, link)) {
            notes.links.push(Arc::clone(link));
        }
    }

    pub(super) fn take(&self) -> Notes {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A link as one piece of work sees it.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) link: Arc<Link>,
    /// None where nobody asks what was touched.
    pub(super) touched: Option<Touched>,
}

impl Line {
    async fn wire(&self) -> RedisResult<Wire> {
        Ok(self.link.wires().await?.work.clone())
    }

    fn note(&self, command: &Cmd) {
        if let Some(touched) = &self.touched {
            touched.note(&self.link, command);
        }
    }
}

impl ConnectionLike for Line {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        self.note(command);
        async move { self.wire().await?.send(command).await }.boxed()
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        for command in pipeline.cmd_iter() {
            self.note(command);
        }
        async move { self.wire().await?.send_all(pipeline, offset, count).await }.boxed()
    }

    fn get_db(&self) -> i64 {
        self.link.address.database
    }
}
