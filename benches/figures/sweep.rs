//! The full sweep that a new service begins with, with nothing set but the shop and Redis.

use std::{collections::BTreeMap, time::Duration};

use shopify_simulator::Call;

use crate::{
    stage::{ORDERS, RedisServer, Stage},
    table::{Row, Table},
};

const CALLS: usize = 15;
const WITHIN: Duration = Duration::from_secs(35);
/// Orders whose keys are read in one round trip.
const KEYS_AT_ONCE: usize = 100;

pub(crate) async fn measure(stage: &Stage, table: &mut Table) {
    let what = format!("full sweep of {ORDERS} orders at 0.5 calls/s");
    table.add(Row {
        what: format!("{what}: API calls since the start"),
        measured: format!("{}{}", stage.calls.len(), by_operation(&stage.calls)),
        bar: Some(("≤ 15", stage.calls.len() <= CALLS)),
        part: "sweep",
    });
    table.add(Row {
        what: format!("{what}: start of the service to end of the sweep"),
        measured: format!(
            "{:.1} s; shortest gap between two pages {:.2} s",
            stage.warm_after.as_secs_f64(),
            shortest_gap(&stage.calls).as_secs_f64()
        ),
        bar: Some(("≤ 35 s", stage.warm_after <= WITHIN)),
        part: "sweep",
    });
    let redis = stage
        .redis
        .as_ref()
        .expect("the sweep is measured on Redis");
    let (live, all) = live_orders(stage, redis).await;
    table.add(Row {
        what: format!("{what}: orders whose order, tracking and search keys live in Redis"),
        measured: format!("{live} of {all}"),
        bar: Some(("1,400 of 1,400", live == all && live == ORDERS)),
        part: "sweep",
    });
}

fn by_operation(calls: &[Call]) -> String {
    let mut counts = BTreeMap::<&str, usize>::new();
    for call in calls {
        *counts.entry(&call.operation).or_default() += 1;
    }
    let counts: Vec<_> = counts
        .iter()
        .map(|(operation, count)| format!("{count} {operation}"))
        .collect();
    format!(" ({})", counts.join(", "))
}

fn shortest_gap(calls: &[Call]) -> Duration {
    let pages: Vec<_> = calls
        .iter()
        .filter(|call| call.operation == "OrdersPage")
        .map(|call| call.instant)
        .collect();
    let gaps = pages
        .iter()
        .zip(pages.iter().skip(1))
        .map(|(one, next)| next.duration_since(*one));
    gaps.min().unwrap_or_default()
}

/// How many of the window's orders have all three keys, none about to go, and the search key leading to the order.
async fn live_orders(stage: &Stage, redis: &RedisServer) -> (u32, u32) {
    let mut redis = redis.connect().await;
    let shop = stage.simulator.shop();
    let window: Vec<_> = shop
        .order_ids()
        .into_iter()
        .take(ORDERS.try_into().expect("a small number"))
        .map(|id| (id, shop.order_name(id).expect("an order has a name")))
        .collect();
    let (mut live, mut all) = (0, 0);
    for orders in window.chunks(KEYS_AT_ONCE) {
        let mut read = redis::pipe();
        for (id, name) in orders {
            let search = format!("shopify:uk:search:{}", name.trim_start_matches('#'));
            read.pttl(format!("shopify:{{uk:{id}}}:order"));
            read.pttl(format!("shopify:{{uk:{id}}}:tracking"));
            read.pttl(&search).get(&search);
        }
        let read: Vec<Option<i64>> = read.query_async(&mut redis).await.expect("Redis answers");
        for ((id, _), keys) in orders.iter().zip(read.chunks(4)) {
            all += 1;
            if let [Some(order), Some(tracking), Some(search), Some(leads_to)] = keys
                && [order, tracking, search].iter().all(|left| **left > 0)
                && u64::try_from(*leads_to) == Ok(*id)
            {
                live += 1;
            }
        }
    }
    (live, all)
}
