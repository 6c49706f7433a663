//! What it costs to ask nine shops instead of one: cold numbers without a prefix against numbers whose shop is named, in turns, so that
//! what else the machine does falls on both.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use shopify_simulator::Simulator;

use crate::{
    latency::Latencies,
    stage::{SHOPIFY_TAKES, Service},
    table::{Row, Table},
    wire::{Connection, get},
};

const CODES: [&str; 9] = ["de", "es", "eu", "fr", "it", "nl", "pl", "uk", "us"];
/// Lookups of each kind. Each asks for an order that nobody has asked for.
const LOOKUPS: usize = 400;
/// Lookups that count for nothing: connections, here and to the shops, are there after them.
const REHEARSALS: usize = 20;
const RATIO: f64 = 1.3;

pub(crate) async fn measure(table: &mut Table) {
    let directory = tempfile::tempdir().expect("a directory for what is measured");
    let mut vars = vec![("WARMUP_ENABLED".to_owned(), "false".to_owned())];
    let mut shops = Vec::new();
    for (place, code) in (1..).zip(CODES) {
        let shop = shop(place, code).await;
        for (suffix, value) in [
            ("SHOP_DOMAIN", shop.shop_domain().to_owned()),
            ("ACCESS_TOKEN", shop.access_token()),
            ("WEBHOOK_SECRET", shop.webhook_secret().to_owned()),
            ("ADMIN_URL", shop.admin_url()),
        ] {
            vars.push((format!("SHOPIFY_{}_{suffix}", code.to_uppercase()), value));
        }
        shops.push(shop);
    }
    let service = Service::start("serve", vars, directory.path(), Stdio::null());
    service.listens().await;
    let mut connection = service.connect().await;
    until_known(&mut connection).await;
    let (mut one, mut nine) = (Vec::new(), Vec::new());
    for turn in 0..REHEARSALS + LOOKUPS {
        // Orders of all shops in turn, one named and one not.
        let place = turn % CODES.len();
        let (Some(shop), Some(code)) = (shops.get(place), CODES.get(place)) else {
            continue;
        };
        let mut numbers = numbers(shop, turn / CODES.len() * 2);
        let mut number = || numbers.next().expect("the shop has too few orders");
        let named = format!("q={}&site={code}", number());
        let took = (
            miss(&mut connection, &named).await,
            miss(&mut connection, &format!("q={}", number())).await,
        );
        if turn >= REHEARSALS {
            one.push(took.0);
            nine.push(took.1);
        }
    }
    let (one, nine) = (Latencies::of(one), Latencies::of(nine));
    let ratio = nine.percentile(99).as_secs_f64() / one.percentile(99).as_secs_f64();
    table.add(Row {
        what: "cold number over nine sites without a prefix, against one site".to_owned(),
        measured: format!("p99 ratio {ratio:.3}; one: {one}; nine: {nine}; {LOOKUPS} lookups each"),
        bar: Some(("p99 ratio ≤ 1.3", ratio <= RATIO)),
        part: "sites",
    });
}

/// A shop whose numbers are no other's. Its bucket is the largest plan's: nine calls a lookup must not wait for a small one's.
async fn shop(place: u64, code: &str) -> Simulator {
    let shop = Simulator::builder()
        .shop_domain(&format!("nine-{code}.myshopify.com"))
        .order_prefix(&format!("#{}", code.to_uppercase()))
        .first_number(place * 100_000)
        .orders(200)
        .latency(SHOPIFY_TAKES)
        .bucket(40_000, 2000);
    shop.start().await.expect("the simulated shop starts")
}

/// Numbers of a shop without their prefix, from the so manieth on.
fn numbers(shop: &Simulator, skipped: usize) -> impl Iterator<Item = String> {
    let orders = shop.shop();
    let ids = orders.order_ids().into_iter().skip(skipped);
    ids.map(move |id| {
        let name = orders.order_name(id).expect("an order has a name");
        name.trim_start_matches(|c: char| !c.is_ascii_digit())
            .to_owned()
    })
}

/// Waits until all shops have told how their numbers look.
async fn until_known(connection: &mut Connection) {
    loop {
        let reply = connection.get("/api/shopify/sites").await;
        if !reply.holds("\"order_suffix\":null") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn miss(connection: &mut Connection, query: &str) -> Duration {
    let request = get(&format!("/api/shopify/orders/search?{query}"));
    let begun = Instant::now();
    let reply = connection.send(request.as_bytes()).await;
    let took = begun.elapsed();
    let missed = reply.status == 200
        && reply.holds("\"cached\":false")
        && reply.holds("\"order_number\":\"#")
        && !reply.holds("\"incomplete\"");
    assert!(missed, "no miss that was answered: {}", reply.text());
    took
}
