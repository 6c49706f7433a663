//! How much of deliveries is read at once. The route is open to anybody, and a body is read before its signature is known to be good:
//! strangers must not fill the memory, however many connections they open.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_LENGTH, RETRY_AFTER},
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use futures_util::{Stream, StreamExt as _, stream};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};
use tracing::warn;

/// Four of the largest deliveries, or tens of thousands of the usual ones.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// Shopify gives up after 5 s, so whoever takes longer is not Shopify.
const READ_WITHIN: Duration = Duration::from_secs(10);

/// Room for the bodies that are being read. Cheap to clone; clones share it.
#[derive(Debug, Clone)]
pub(super) struct Intake(Arc<Semaphore>);

impl Default for Intake {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST_BYTES)))
    }
}

/// What one body holds of the room, and whether it was turned away.
#[derive(Debug, Default)]
struct Holding {
    /// Held for a moment, never across an await.
    permit: Mutex<Option<OwnedSemaphorePermit>>,
    is_refused: AtomicBool,
}

/// Lets a delivery in while there is room for its body. Room is taken as bytes come and not as they are announced, so that
/// announcing much costs a stranger the sending of it.
pub(super) async fn within(State(intake): State<Intake>, request: Request, next: Next) -> Response {
    if announced(&request) > intake.0.available_permits() {
        warn!("a delivery was turned away: too many bodies are being read");
        return come_again();
    }
    let holding = Arc::<Holding>::default();
    let (parts, body) = request.into_parts();
    let body = counted(body, intake, Arc::clone(&holding));
    let request = Request::from_parts(parts, Body::from_stream(body));
    let response = next.run(request).await;
    if holding.is_refused.load(Ordering::Relaxed) {
        return come_again();
    }
    response
}

/// At least one byte: where there is no room at all, nobody is let in.
fn announced(request: &Request) -> usize {
    let length = request.headers().get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    length.unwrap_or(1).clamp(1, super::LARGEST_DELIVERY)
}

fn counted(
    body: Body,
    intake: Intake,
    holding: Arc<Holding>,
) -> impl Stream<Item = Result<Bytes, axum::Error>> {
    let deadline = Instant::now() + READ_WITHIN;
    let chunks = body.into_data_stream();
    stream::unfold(
        (chunks, intake, holding),
        move |(mut chunks, intake, holding)| async move {
            let chunk = match timeout_at(deadline, chunks.next()).await {
                Ok(None) => return None,
                Ok(Some(Ok(chunk))) => holding.take(&intake, chunk),
                Ok(Some(Err(error))) => Err(error),
                Err(_elapsed) => holding.refuse("its body took too long"),
            };
            Some((chunk, (chunks, intake, holding)))
        },
    )
}

impl Holding {
    fn take(&self, intake: &Intake, chunk: Bytes) -> Result<Bytes, axum::Error> {
        let size = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
        let Ok(more) = Arc::clone(&intake.0).try_acquire_many_owned(size) else {
            return self.refuse("too many bodies are being read");
        };
        let mut permit = self.permit.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *permit {
            Some(permit) => permit.merge(more),
            none @ None => *none = Some(more),
        }
        Ok(chunk)
    }

    fn refuse(&self, why: &'static str) -> Result<Bytes, axum::Error> {
        warn!("a delivery was turned away: {why}");
        self.is_refused.store(true, Ordering::Relaxed);
        Err(axum::Error::new(why))
    }
}

fn come_again() -> Response {
    let mut response = StatusCode::SERVICE_UNAVAILABLE.into_response();
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}
