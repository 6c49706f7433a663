//! Accepting connections: bounded in number and in how long a client may take over its headers, and closed in good order.
//!
//! `axum::serve` sets no timer, so a client that never finishes its headers would hold a connection for good.

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, warn};

/// Also bounds how long a kept-alive connection may idle: longer than load balancers' 60 s, so that they close first.
const HEADERS_WITHIN: Duration = Duration::from_secs(75);
/// Open connections, so that memory stays bounded. Each costs a file descriptor: give the process more of them than this, or it
/// stops at its own limit, which is waited out and not fatal.
const MOST_CONNECTIONS: usize = 10_000;

/// Serves until `cancel`, then lets open requests end within `drain`. Connections run on `tracker`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tracker: &TaskTracker,
    cancel: &CancellationToken,
    drain: Duration,
) {
    let graceful = GracefulShutdown::new();
    let permits = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        let Some((stream, permit)) = accepted else {
            continue;
        };
        // A lookup's answer is small and waited for: it must not sit in a buffer.
        if let Err(error) = stream.set_nodelay(true) {
            debug!("a connection refused TCP_NODELAY: {error}");
        }
        let service = TowerToHyperService::new(router.clone());
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADERS_WITHIN)
            .serve_connection(TokioIo::new(stream), service);
        let watched = graceful.watch(connection);
        tracker.spawn(async move {
            if let Err(error) = watched.await {
                debug!("a connection ended early: {error}");
            }
            drop(permit);
        });
    }
    drop(listener);
    if timeout(drain, graceful.shutdown()).await.is_err() {
        warn!("some requests were still open when the time to finish them ran out");
    }
}

async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _peer)) => Some((stream, permit)),
        Err(error) => {
            warn!("a connection could not be accepted: {error}");
            // Out of file descriptors, most likely: accepting again at once would only spin.
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}
