//! The routes, and the task that serves them.

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use tokio::net::TcpListener;

use crate::admin::{endpoint, oauth, reply};
use crate::bulk;
use crate::control;
use crate::net::{CuttableListener, Line};
use crate::world::World;

pub(crate) fn routes(world: Arc<World>) -> Router {
    Router::new()
        .route("/admin/api/{version}/graphql.json", post(endpoint::graphql))
        .route("/admin/oauth/access_token", post(oauth::access_token))
        .route("/_storage/{name}", get(bulk::download))
        .merge(control::routes())
        .fallback(async || reply::status(404))
        .layer(endpoint::body_limit())
        .with_state(world)
}

/// Serves until the simulator stops; connections that are open then are closed.
pub(crate) async fn serve(world: Arc<World>, listener: TcpListener) {
    let stopped = world.stopped.clone();
    let router = routes(world);
    let service = router.into_make_service_with_connect_info::<Line>();
    let serving = axum::serve(CuttableListener(listener), service);
    let stopping = stopped.clone();
    let serving = serving.with_graceful_shutdown(stopping.cancelled_owned());
    if let Err(error) = serving.await {
        note(&error);
    }
}

fn note(error: &io::Error) {
    tracing::error!(%error, "the simulator cannot serve");
}
