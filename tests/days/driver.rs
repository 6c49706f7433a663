//! Runs the days: leaps from event to event, and lets each happen.

use std::{path::Path, sync::Arc, time::Instant};

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;
use shopify_simulator::{ApiFault, Clock, HandedOver, Times};
use tempfile::TempDir;
use tokio::{runtime::Builder, sync::mpsc};
use tokio_util::task::TaskTracker;

use crate::{
    asker::{Question, ask},
    cache::Cache,
    courier, ending,
    life::{fate_of, new_order, next_arrival},
    look::Looks,
    queue::Event,
    replica::Replica,
    scenario::{Scenario, log_filter},
    shop,
    shopify::Shopify,
    time::VirtualTime,
    world::World,
};

/// A Sunday, some minutes before the first hour of the table of slots.
const START: &str = "2026-11-01T00:10:00Z";
/// How often is looked at what must hold at every moment.
const LOOK: TimeDelta = TimeDelta::minutes(1);
/// A kernel's file system in memory, where there is one: the days hold more syncs than a disk does in minutes.
const IN_MEMORY: &str = "/dev/shm";

/// Runs a scenario, prints its table, and fails with all promises that were broken.
pub(crate) fn run(scenario: Scenario) {
    if let Some(filter) = log_filter() {
        shopify_warmer::observe::init(shopify_warmer::observe::LogFormat::Text, &filter);
    }
    let began = Instant::now();
    println!(
        "{}: seed {}, {} days",
        scenario.name, scenario.seed, scenario.days
    );
    // The service's own jitter; its tasks run on this thread.
    fastrand::seed(scenario.seed);
    let clock = Clock::manual(START.parse().expect("a time"));
    let (shopify, webhooks) = Shopify::start(&scenario, clock);
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let command = scenario.command();
    let world = runtime.block_on(async {
        let time = VirtualTime::begin(shopify.clock.clone(), scenario.seed);
        let world = World::new(scenario, time);
        Days::new(&world, &shopify).run(webhooks).await;
        world
    });
    drop(runtime);
    shopify.stop();
    println!("{}", world.figures().table(began.elapsed()));
    let violations = world.violations();
    assert!(
        violations.is_empty(),
        "promises were broken:\n{}\nagain: {command}",
        violations.join("\n")
    );
}

struct Days<'a> {
    world: Arc<World>,
    shopify: &'a Shopify,
    rng: Rng,
    looks: Looks,
    tasks: TaskTracker,
    directory: TempDir,
    /// While the service runs.
    cache: Option<Cache>,
}

impl<'a> Days<'a> {
    fn new(world: &Arc<World>, shopify: &'a Shopify) -> Self {
        let directory = if Path::new(IN_MEMORY).is_dir() {
            tempfile::tempdir_in(IN_MEMORY)
        } else {
            tempfile::tempdir()
        };
        Self {
            world: Arc::clone(world),
            shopify,
            rng: Rng::with_seed(world.scenario.seed),
            looks: Looks::default(),
            tasks: TaskTracker::new(),
            directory: directory.expect("a directory for the caches"),
            cache: None,
        }
    }

    async fn run(mut self, webhooks: mpsc::UnboundedReceiver<HandedOver>) {
        let world = Arc::clone(&self.world);
        let courier = courier::run(Arc::clone(&world), webhooks, self.rng.fork());
        let courier = self.tasks.spawn(courier);
        self.start_all().await;
        self.plan();
        let end = world.start + world.scenario.length();
        while let Some(at) = self.next_at().filter(|at| *at < end) {
            world.time.sleep_until(at).await;
            let event = world.queue().pop();
            if let Some(event) = event {
                self.happen(event).await;
            }
            if world.is_beyond_help() {
                break;
            }
        }
        self.looks.slots.check(&world);
        self.stop_all().await;
        courier.abort();
        self.tasks.close();
        self.tasks.wait().await;
        ending::sum_up(&world, &self.shopify.simulator.calls());
    }

    fn next_at(&self) -> Option<DateTime<Utc>> {
        self.world.queue().next_at()
    }

    /// Puts in what is known from the start. Everything else follows from something.
    fn plan(&mut self) {
        let world = Arc::clone(&self.world);
        let (scenario, start) = (&world.scenario, world.start);
        let mut queue = world.queue();
        shop::take_over(
            &world,
            &self.shopify.simulator.shop(),
            &mut queue,
            &mut self.rng,
        );
        queue.put(
            next_arrival(start, scenario.orders_a_day, &mut self.rng),
            Event::Order,
        );
        queue.put(
            next_arrival(start, scenario.lookups_a_day, &mut self.rng),
            Event::Lookup,
        );
        queue.put(start + LOOK, Event::Look);
        for span in scenario.outages.iter().chain(&scenario.storms) {
            queue.put(start + span.from, Event::Weather);
            queue.put(start + span.until(), Event::Weather);
        }
        for (span, off_by) in &scenario.clock_jumps {
            queue.put(start + span.from, Event::ClockJump(*off_by));
            queue.put(start + span.until(), Event::ClockJump(TimeDelta::zero()));
        }
        for span in &scenario.kills {
            queue.put(start + span.from, Event::Kill(span.lasts));
        }
        for span in &scenario.restarts {
            queue.put(start + span.from, Event::Stop);
            queue.put(start + span.until(), Event::Start);
        }
    }

    async fn happen(&mut self, event: Event) {
        let world = Arc::clone(&self.world);
        let now = world.time.now();
        match event {
            Event::Order => {
                self.place_order().await;
                let next = next_arrival(now, world.scenario.orders_a_day, &mut self.rng);
                world.queue().put(next, Event::Order);
            }
            Event::Deed(order, deed) => {
                let _held = world.time.hold();
                shop::act(&world, &self.shopify.simulator.shop(), order, deed);
                self.shopify.settled().await;
            }
            Event::Lookup => {
                let question = Question::draw(&world, &mut self.rng);
                world.figures().lookups += 1;
                if let Some(replica) = world.fleet.any() {
                    let asked = ask(Arc::clone(&world), replica, question);
                    drop(self.tasks.spawn(asked));
                } else {
                    world.figures().not_answered += 1;
                }
                let next = next_arrival(now, world.scenario.lookups_a_day, &mut self.rng);
                world.queue().put(next, Event::Lookup);
            }
            Event::Deliver(letter) => {
                courier::deliver(&world, &letter).await;
            }
            Event::Look => {
                self.look().await;
                world.queue().put(now + LOOK, Event::Look);
            }
            Event::Weather => self.turn_weather(now),
            Event::ClockJump(off_by) => {
                // Until a full sweep has run on the right time, the cache may have forgotten what it thought expired.
                world.figures().is_covered = false;
                for replica in world.fleet.running().iter().take(1) {
                    replica.clock.jump_to(off_by);
                }
            }
            Event::Stop => self.stop_all().await,
            Event::Start => self.start_all().await,
            Event::Kill(lasts) => {
                if let Some(place) = self.kill_the_warmer() {
                    world.queue().put(now + lasts, Event::Revive(place));
                }
            }
            Event::Revive(place) => self.start(place).await,
        }
    }

    async fn place_order(&mut self) {
        let now = self.world.time.now();
        let (new, is_paid) = new_order(&mut self.rng);
        let _held = self.world.time.hold();
        let order = shop::place(&self.world, &self.shopify.simulator.shop(), new);
        for (at, deed) in fate_of(now, is_paid, &mut self.rng) {
            self.world.queue().put(at, Event::Deed(order, deed));
        }
        self.shopify.settled().await;
    }

    /// Also lets Shopify see the time, so that retries that are due go out.
    async fn look(&mut self) {
        let held = self.world.time.hold();
        self.shopify.settled().await;
        self.looks.look(&self.world).await;
        drop(held);
        self.shopify.simulator.clear_deliveries();
    }

    fn turn_weather(&self, now: DateTime<Utc>) {
        let since = now - self.world.start;
        let faults = self.shopify.simulator.faults();
        let is_in = |spans: &[crate::scenario::Span]| {
            spans
                .iter()
                .any(|span| span.from <= since && since < span.until())
        };
        faults.clear();
        if is_in(&self.world.scenario.outages) {
            faults.api(ApiFault::Reset, Times::Next(3));
            faults.api(ApiFault::Status(503), Times::UntilCleared);
        } else if is_in(&self.world.scenario.storms) {
            // Each kind so often, then the other: a storm has gusts.
            for _gust in 0..20 {
                faults.api(ApiFault::RateLimited("2.0".to_owned()), Times::Next(5));
                faults.api(ApiFault::Throttled, Times::Next(5));
            }
        }
    }

    async fn start_all(&mut self) {
        self.cache = Some(Cache::open(&self.world, self.directory.path()));
        for place in 0..self.world.fleet.size() {
            self.start(place).await;
        }
    }

    async fn start(&self, place: usize) {
        let data_dir = self.directory.path().join(place.to_string());
        let cache = self.cache.as_ref().expect("the service runs");
        let replica = Replica::start(self.shopify, &self.world.time, (cache, &data_dir)).await;
        self.world.fleet.put(place, replica);
    }

    /// As `kill -9` does; the file of its inbox stays. Its clients see connections that break.
    fn kill_the_warmer(&self) -> Option<usize> {
        let place = self.world.fleet.warmer(&self.world.site)?;
        self.world.fleet.take(place)?.app.kill();
        Some(place)
    }

    async fn stop_all(&mut self) {
        for place in 0..self.world.fleet.size() {
            let Some(mut replica) = self.world.fleet.take(place) else {
                continue;
            };
            // Whoever asked it something still holds it.
            let replica = loop {
                match Arc::try_unwrap(replica) {
                    Ok(alone) => break alone,
                    Err(shared) => replica = shared,
                }
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            };
            if !replica.app.stop().await {
                self.world
                    .broken("4 (nothing is lost)", "the service left work behind");
            }
        }
        if let Some(cache) = self.cache.take() {
            cache.close().await;
        }
    }
}
