//! The simulated Shopify, on a thread and a runtime of its own: its time is real, and what it shows is not.

use std::time::Duration;

use shopify_simulator::{Clock, HandedOver, Simulator};
use tokio::{
    runtime::{Builder, Runtime},
    sync::mpsc,
};

use shopify_warmer::warm::SECTION_NAME;

use crate::scenario::Scenario;

/// Far beyond what any machine needs to hand a few webhooks over; beyond it somebody waits for a timer while time is held.
const REAL_PATIENCE: Duration = Duration::from_secs(60);
/// Orders that are there when the days begin: a week's, and some that no window reaches.
const OLDER_ORDERS: u32 = 300;
const WINDOW_DAYS: u32 = 7;

/// Shopify, and whom it hands webhooks to.
pub(crate) struct Shopify {
    runtime: Runtime,
    pub(crate) simulator: Simulator,
    pub(crate) clock: Clock,
}

impl Shopify {
    /// A shop at the design size. Its webhooks come out of the second value.
    pub(crate) fn start(
        scenario: &Scenario,
        clock: Clock,
    ) -> (Self, mpsc::UnboundedReceiver<HandedOver>) {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime for Shopify");
        let shop = Simulator::builder()
            .seed(scenario.seed)
            .clock(clock.clone())
            .orders(scenario.orders_a_day * WINDOW_DAYS)
            .older_orders(OLDER_ORDERS)
            .event_bump(scenario.event_bump);
        let simulator = runtime.block_on(shop.start()).expect("Shopify starts");
        let (courier, webhooks) = mpsc::unbounded_channel();
        simulator.hand_over_to(courier);
        simulator.name_deliveries(SECTION_NAME);
        simulator.set_search_lag(scenario.lag.search);
        simulator.set_replica_lag(scenario.lag.replica);
        let shopify = Self {
            runtime,
            simulator,
            clock,
        };
        (shopify, webhooks)
    }

    /// Waits until every webhook that is due was handed over and answered. Time must be held.
    pub(crate) async fn settled(&self) {
        let simulator = self.simulator.clone();
        let settled = async move {
            tokio::time::timeout(REAL_PATIENCE, simulator.settled())
                .await
                .is_ok()
        };
        let settled = self.runtime.spawn(settled).await;
        assert!(
            settled.expect("Shopify does not panic"),
            "a webhook is never answered while time stands still"
        );
    }

    pub(crate) fn stop(self) {
        self.runtime.block_on(self.simulator.stop());
        self.runtime.shutdown_background();
    }
}
