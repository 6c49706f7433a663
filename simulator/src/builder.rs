//! What a simulator starts with.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{FixedOffset, TimeDelta};
use fastrand::Rng;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::admin::auth::Tokens;
use crate::admin::bucket::Bucket;
use crate::admin::calls::CallLog;
use crate::admin::subscriptions::Subscriptions;
use crate::book::Book;
use crate::bulk::Desk;
use crate::clock::Clock;
use crate::delivery::Outbox;
use crate::faults::FaultBoard;
use crate::graphql::Schema;
use crate::model::{Currency, ShopFacts};
use crate::shop::{self, Wanted};
use crate::simulator::Simulator;
use crate::world::{EventBump, Ids, Numbers, Settings, World};

/// Sets a simulator up; every setting has a default.
#[must_use = "a builder does nothing until it is used"]
#[derive(Debug, Clone)]
pub struct Builder {
    shop_domain: String,
    order_prefix: String,
    order_suffix: String,
    currency: String,
    zone: (String, i32),
    access_token: String,
    credentials: Option<(String, String)>,
    webhook_secret: String,
    orders: u32,
    older_orders: u32,
    window_days: u32,
    first_number: u64,
    seed: u64,
    clock: Clock,
    latency: Duration,
    bucket: (u32, u32),
    scopes: Vec<String>,
    event_bump: EventBump,
    bind: SocketAddr,
    deliver_to: Option<String>,
}

impl Default for Builder {
    fn default() -> Self {
        let scopes = ["read_orders", "read_fulfillments"];
        Self {
            shop_domain: "warmer-demo.myshopify.com".to_owned(),
            order_prefix: "#UK".to_owned(),
            order_suffix: String::new(),
            currency: "GBP".to_owned(),
            zone: ("Asia/Shanghai".to_owned(), 8),
            access_token: "shpat_simulated".to_owned(),
            credentials: None,
            webhook_secret: "simulated-webhook-secret".to_owned(),
            orders: 0,
            older_orders: 0,
            window_days: 7,
            first_number: 22_080,
            seed: 1,
            clock: Clock::system(),
            latency: Duration::ZERO,
            bucket: (2000, 100),
            scopes: scopes.map(str::to_owned).to_vec(),
            event_bump: EventBump::default(),
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            deliver_to: None,
        }
    }
}

impl Builder {
    /// The shop's `….myshopify.com`.
    pub fn shop_domain(mut self, domain: &str) -> Self {
        domain.clone_into(&mut self.shop_domain);
        self
    }

    /// What order names begin with, `#UK` by default.
    pub fn order_prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.order_prefix);
        self
    }

    /// What order names end with, nothing by default.
    pub fn order_suffix(mut self, suffix: &str) -> Self {
        suffix.clone_into(&mut self.order_suffix);
        self
    }

    /// The shop's currency, `GBP` by default.
    pub fn currency(mut self, code: &str) -> Self {
        code.clone_into(&mut self.currency);
        self
    }

    /// The shop's time zone, by name and hours east of Greenwich; `Asia/Shanghai`, 8, by default.
    pub fn time_zone(mut self, name: &str, hours_east: i32) -> Self {
        self.zone = (name.to_owned(), hours_east);
        self
    }

    /// The token of the Admin API that never expires.
    pub fn access_token(mut self, token: &str) -> Self {
        token.clone_into(&mut self.access_token);
        self
    }

    /// The id and secret that the client credentials grant takes. Without them it refuses everybody.
    pub fn client_credentials(mut self, id: &str, secret: &str) -> Self {
        self.credentials = Some((id.to_owned(), secret.to_owned()));
        self
    }

    /// The secret that webhooks are signed with.
    pub fn webhook_secret(mut self, secret: &str) -> Self {
        secret.clone_into(&mut self.webhook_secret);
        self
    }

    /// How many orders lie in the window, evenly spread; numbers rise from `first_number`.
    pub fn orders(mut self, count: u32) -> Self {
        self.orders = count;
        self
    }

    /// How many orders lie in the 45 days before the window; their numbers lie below `first_number`.
    pub fn older_orders(mut self, count: u32) -> Self {
        self.older_orders = count;
        self
    }

    /// How long the window is, 7 days by default.
    pub fn window_days(mut self, days: u32) -> Self {
        self.window_days = days;
        self
    }

    /// The number of the oldest order in the window, 22080 by default.
    pub fn first_number(mut self, number: u64) -> Self {
        self.first_number = number;
        self
    }

    /// The seed of everything made up.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The clock, the system's by default.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// How long each API call takes at least.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// The bucket's size and what it restores a second; 2000 and 100 by default.
    pub fn bucket(mut self, maximum: u32, restore_per_second: u32) -> Self {
        self.bucket = (maximum, restore_per_second);
        self
    }

    /// The app's scopes; `read_orders` and `read_fulfillments` by default.
    pub fn scopes<'a>(mut self, scopes: impl IntoIterator<Item = &'a str>) -> Self {
        self.scopes = scopes.into_iter().map(str::to_owned).collect();
        self
    }

    /// Whether fulfilment events move the order's `updated_at`.
    pub fn event_bump(mut self, bump: EventBump) -> Self {
        self.event_bump = bump;
        self
    }

    /// Where to listen; a free port of the loopback by default.
    pub fn bind(mut self, address: SocketAddr) -> Self {
        self.bind = address;
        self
    }

    /// Where the app's webhooks go. Nowhere, until it is set here or later.
    pub fn deliver_to(mut self, url: &str) -> Self {
        self.deliver_to = Some(url.to_owned());
        self
    }

    /// Fills the shop and starts to listen.
    pub async fn start(self) -> io::Result<Simulator> {
        let listener = TcpListener::bind(self.bind).await?;
        let address = listener.local_addr()?;
        let wanted = Wanted {
            orders: self.orders,
            older_orders: self.older_orders,
            window: TimeDelta::days(i64::from(self.window_days)),
        };
        let world = Arc::new(self.world()?);
        shop::generate(&world, wanted);
        Simulator::run(world, listener, address)
    }

    fn world(self) -> io::Result<World> {
        let zone = FixedOffset::east_opt(self.zone.1 * 3600);
        let zone = zone.ok_or_else(|| io::Error::other("the time zone is no offset of a day"))?;
        let now = self.clock.now();
        let first = self
            .first_number
            .saturating_sub(u64::from(self.older_orders));
        Ok(World {
            facts: ShopFacts {
                id: 548_380_009,
                name: "Warmer Demo".to_owned(),
                domain: self.shop_domain,
                prefix: self.order_prefix,
                suffix: self.order_suffix,
                currency: Currency::new(&self.currency),
                zone_name: self.zone.0,
                zone,
            },
            schema: Schema::load()?,
            book: Mutex::new(Book::default()),
            rng: Mutex::new(Rng::with_seed(self.seed)),
            uuids: Mutex::new(Rng::with_seed(!self.seed)),
            ids: Ids::new(),
            numbers: Numbers::new(first.max(1)),
            settings: Mutex::new(Settings {
                latency: self.latency,
                event_bump: self.event_bump,
                scopes: self.scopes,
                deprecated: None,
            }),
            tokens: Mutex::new(Tokens::new(self.access_token, self.credentials)),
            bucket: Mutex::new(Bucket::new(self.bucket.0, self.bucket.1, now)),
            subscriptions: Mutex::new(Subscriptions::default()),
            calls: CallLog::default(),
            faults: FaultBoard::default(),
            bulk: Desk::new(&self.webhook_secret),
            outbox: Outbox::new(self.webhook_secret, self.deliver_to),
            tasks: TaskTracker::new(),
            stopped: CancellationToken::new(),
            clock: self.clock,
        })
    }
}
