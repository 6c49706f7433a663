//! The handle of a running simulator.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::json;
use tokio::net::TcpListener;

use crate::admin::auth::{Grant, OldTokens};
use crate::admin::calls::Call;
use crate::admin::subscriptions::Subscriptions;
use crate::builder::Builder;
use crate::bulk::{self, BulkLayout, BulkPace};
use crate::clock::Clock;
use tokio::sync::mpsc;

use crate::delivery::{self, Delivery, HandedOver, Occasion, Receiver};
use crate::faults::Faults;
use crate::locked::lock;
use crate::server;
use crate::shop::Shop;
use crate::traffic;
use crate::world::{EventBump, World};

/// A running Shopify. Clones are the same one; when the last is dropped, it stops.
#[derive(Debug, Clone)]
pub struct Simulator {
    running: Arc<Running>,
}

#[derive(Debug)]
struct Running {
    world: Arc<World>,
    address: SocketAddr,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.world.stopped.cancel();
    }
}

impl Simulator {
    /// A simulator with every default.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn run(
        world: Arc<World>,
        listener: TcpListener,
        address: SocketAddr,
    ) -> io::Result<Self> {
        let client = delivery::client().map_err(io::Error::other)?;
        world
            .tasks
            .spawn(server::serve(Arc::clone(&world), listener));
        world.tasks.spawn(delivery::run(Arc::clone(&world), client));
        world.bulk.listens_at(address);
        world.tasks.spawn(bulk::run(Arc::clone(&world)));
        let running = Arc::new(Running { world, address });
        Ok(Self { running })
    }

    fn world(&self) -> &Arc<World> {
        &self.running.world
    }

    /// Stops it and waits until its tasks have ended, five seconds at most.
    pub async fn stop(self) {
        let world = Arc::clone(self.world());
        world.stopped.cancel();
        world.tasks.close();
        let ended = tokio::time::timeout(Duration::from_secs(5), world.tasks.wait()).await;
        if ended.is_err() {
            tracing::warn!("the simulator's tasks did not end in time");
        }
    }

    /// Where it listens: `http://127.0.0.1:port`, in place of `https://{shop}.myshopify.com`.
    pub fn admin_url(&self) -> String {
        format!("http://{}", self.running.address)
    }

    /// The shop's domain.
    pub fn shop_domain(&self) -> &str {
        &self.world().facts.domain
    }

    /// The access token that does not expire; empty once tokens were revoked.
    pub fn access_token(&self) -> String {
        lock(&self.world().tokens).fixed.clone().unwrap_or_default()
    }

    /// The secret that webhooks are signed with.
    pub fn webhook_secret(&self) -> &str {
        self.world().outbox.secret()
    }

    /// Its clock.
    pub fn clock(&self) -> Clock {
        self.world().clock.clone()
    }

    /// What people do in the shop.
    pub fn shop(&self) -> Shop {
        Shop::new(Arc::clone(self.world()))
    }

    /// What is to go wrong.
    pub fn faults(&self) -> Faults {
        Faults::new(Arc::clone(self.world()))
    }

    /// Sends webhooks to this URL from now on.
    pub fn deliver_to(&self, url: &str) {
        self.world().outbox.set_target(Some(url.to_owned()));
    }

    /// Names the subscription of the app's own configuration, as `name` in `shopify.app.toml` does: it comes with what goes to
    /// [`Self::deliver_to`]. The API shows nothing of it.
    pub fn name_deliveries(&self, name: &str) {
        self.world().outbox.set_target_name(Some(name.to_owned()));
    }

    /// Ends the subscriptions that were made through the API, as somebody might by hand.
    pub fn forget_subscriptions(&self) {
        *lock(&self.world().subscriptions) = Subscriptions::default();
    }

    /// Hands webhooks over in this process from now on, for whoever has no socket to take them from: a simulation of days. Retries,
    /// faults and the log are as ever.
    pub fn hand_over_to(&self, courier: mpsc::UnboundedSender<HandedOver>) {
        self.world().outbox.set_courier(courier);
        self.deliver_to("in-process:");
    }

    /// Sends no webhooks about what happens from now on: it is as if they were lost.
    pub fn stop_delivering(&self) {
        self.world().outbox.set_target(None);
    }

    /// Sends only these topics, as an app does that is subscribed to no others.
    pub fn set_topics<'a>(&self, topics: impl IntoIterator<Item = &'a str>) {
        let topics = topics.into_iter().map(str::to_owned).collect();
        self.world().outbox.set_topics(Some(topics));
    }

    /// Every delivery so far, in the order they arose.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.world().outbox.log()
    }

    /// Forgets the deliveries that are done with.
    pub fn clear_deliveries(&self) {
        self.world().outbox.clear_log();
    }

    /// Sends an old delivery again, byte for byte, with its old headers.
    pub fn redeliver(&self, delivery: &Delivery) {
        let world = self.world();
        world.outbox.redeliver(delivery, world.clock.now());
    }

    /// Waits until no webhook is in flight or due. Retries that are due later, by the clock, do not count.
    pub async fn settled(&self) {
        let clock = self.world().clock.clone();
        self.world().outbox.settled(move || clock.now()).await;
    }

    /// Lets people order, ship and track by themselves: about `per_second` deeds a second, until it stops.
    pub fn live_traffic(&self, per_second: f64) {
        traffic::start(self.world(), per_second);
    }

    /// Signs a body as webhooks are signed.
    pub fn sign(&self, body: &[u8]) -> String {
        delivery::sign(self.webhook_secret(), body)
    }

    /// Sends a hand-made webhook to where they go, now and once, and returns the answer's status.
    pub async fn deliver(
        &self,
        topic: &str,
        body: impl Into<Bytes>,
        triggered_at: DateTime<Utc>,
    ) -> io::Result<u16> {
        let world = self.world();
        let Some(url) = world.outbox.target() else {
            return Err(io::Error::other(
                "webhooks go nowhere: call deliver_to first",
            ));
        };
        let receiver = Receiver {
            url,
            subscription: None,
            name: world.outbox.target_name(),
            filter: None,
            include_fields: Vec::new(),
        };
        let occasion = Occasion {
            webhook_id: world.uuid(),
            event_id: world.uuid(),
            triggered_at,
        };
        let domain = &world.facts.domain;
        let parcel = world
            .outbox
            .parcel(domain, occasion, (topic, body.into()), receiver);
        delivery::post_now(&parcel).await
    }

    /// Every API call so far.
    pub fn calls(&self) -> Vec<Call> {
        self.world().calls.all()
    }

    /// The calls of one operation, such as `OrdersPage`; those of the token grant are named `AccessToken`.
    pub fn calls_named(&self, operation: &str) -> Vec<Call> {
        let calls = self.calls().into_iter();
        calls.filter(|call| call.operation == operation).collect()
    }

    /// Forgets the calls, and the highest concurrency with them.
    pub fn clear_calls(&self) {
        self.world().calls.clear();
    }

    /// The most API calls that ran at the same time.
    pub fn highest_concurrency(&self) -> usize {
        self.world().calls.highest_concurrency()
    }

    /// Lets searches see each order only as it was this long ago. Orders from the start are seen.
    pub fn set_search_lag(&self, lag: Duration) {
        lock(&self.world().book).search_lag = delta(lag);
    }

    /// Lets reads of orders see them as they were this long ago.
    pub fn set_replica_lag(&self, lag: Duration) {
        lock(&self.world().book).replica_lag = delta(lag);
    }

    /// Lets bulk operations take this long, by the clock.
    pub fn set_bulk_pace(&self, pace: BulkPace) {
        self.world().bulk.set_pace(pace);
    }

    /// Says where in the files of bulk operations children stand.
    pub fn set_bulk_layout(&self, layout: BulkLayout) {
        self.world().bulk.set_layout(layout);
    }

    /// Lets each API call take at least this long.
    pub fn set_latency(&self, latency: Duration) {
        lock(&self.world().settings).latency = latency;
    }

    /// Replaces the app's scopes.
    pub fn set_scopes<'a>(&self, scopes: impl IntoIterator<Item = &'a str>) {
        lock(&self.world().settings).scopes = scopes.into_iter().map(str::to_owned).collect();
    }

    /// Replaces the app's scopes, and tells the app by `app/scopes_update`.
    pub fn change_scopes<'a>(&self, scopes: impl IntoIterator<Item = &'a str>) {
        let world = self.world();
        let previous = world.settings().scopes;
        self.set_scopes(scopes);
        let body = json!({
            "id": 1, "shop_id": world.facts.id, "previous": previous, "current": world.settings().scopes,
            "updated_at": world.clock.now().to_rfc3339_opts(SecondsFormat::Secs, true),
        });
        let news = (
            "app/scopes_update".to_owned(),
            Bytes::from(body.to_string()),
        );
        world.announce(None, vec![news]);
    }

    /// Lets each answer of the API say that something which was asked for is deprecated.
    pub fn set_deprecation(&self, reason: Option<&str>) {
        lock(&self.world().settings).deprecated = reason.map(str::to_owned);
    }

    /// Says in which API version webhooks are written from now on; their bodies stay as they are.
    pub fn set_webhook_version(&self, version: &str) {
        self.world().outbox.set_version(version);
    }

    /// Says whether fulfilment events move the order's `updated_at`.
    pub fn set_event_bump(&self, bump: EventBump) {
        lock(&self.world().settings).event_bump = bump;
    }

    /// Leaves so many points in the bucket.
    pub fn set_available_points(&self, points: u32) {
        let now = self.world().clock.now();
        lock(&self.world().bucket).set_available(points, now);
    }

    /// Says how the client credentials grant answers.
    pub fn set_grant(&self, grant: Grant) {
        lock(&self.world().tokens).grant = grant;
    }

    /// Says how long tokens are good that are granted from now on; a day, if nothing is said.
    pub fn set_token_lifetime(&self, lifetime: Duration) {
        lock(&self.world().tokens).lifetime = lifetime;
    }

    /// Says what becomes of old tokens when another is granted.
    pub fn set_old_tokens(&self, fate: OldTokens) {
        lock(&self.world().tokens).old = fate;
    }

    /// How many tokens were granted.
    pub fn granted_tokens(&self) -> u64 {
        lock(&self.world().tokens).granted
    }

    /// Makes every token bad. A new one can be had by the client credentials grant.
    pub fn revoke_tokens(&self) {
        lock(&self.world().tokens).revoke();
    }
}

fn delta(lag: Duration) -> TimeDelta {
    // A year is longer than any lag and safe to subtract from any time.
    TimeDelta::from_std(lag).map_or(TimeDelta::days(365), |lag| lag.min(TimeDelta::days(365)))
}
