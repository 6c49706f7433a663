//! The demo, from its start to the first answer out of the cache: what it prints is taken at its word.

use std::{
    io::{BufRead as _, BufReader},
    process::{ChildStdout, Stdio},
    time::{Duration, Instant},
};

use crate::{
    stage::Service,
    table::{Row, Table},
};

const WITHIN: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn measure(table: &mut Table) {
    eprintln!("figures: the demo");
    let directory = tempfile::tempdir().expect("a directory for the demo");
    let begun = Instant::now();
    let mut demo = Service::start::<&str>("demo", Vec::new(), directory.path(), Stdio::piped());
    let stdout = demo.child.stdout.take().expect("its output is piped");
    let path = tokio::task::spawn_blocking(move || first_lookup(stdout))
        .await
        .expect("the demo's output can be read");
    let printed_after = begun.elapsed();
    let mut connection = demo.connect().await;
    let cached_after = loop {
        let reply = connection.get(&path).await;
        assert_eq!(reply.status, 200, "the demo's lookup: {}", reply.text());
        if reply.holds("\"cached\":true") && !reply.holds("\"order\":null") {
            break begun.elapsed();
        }
        assert!(begun.elapsed() < PATIENCE, "never cached: {}", reply.text());
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    table.add(Row {
        what: "`demo` (make demo, once built): start to the first answer from the cache".to_owned(),
        measured: format!(
            "{:.2} s; its URLs printed after {:.2} s",
            cached_after.as_secs_f64(),
            printed_after.as_secs_f64()
        ),
        bar: Some(("≤ 10 s", cached_after <= WITHIN)),
        part: "demo",
    });
}

/// The path of the first lookup that the demo tells one to try.
fn first_lookup(stdout: ChildStdout) -> String {
    let lines = BufReader::new(stdout).lines();
    let path = lines.map_while(Result::ok).find_map(|line| {
        let (_, rest) = line.split_once("curl -s 'http://")?;
        let (url, _) = rest.split_once('\'')?;
        let (_, path) = url.split_once('/')?;
        Some(format!("/{path}"))
    });
    path.expect("the demo prints a lookup to try; run `shopify-warmer demo` to see why not")
}
