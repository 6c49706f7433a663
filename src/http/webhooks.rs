//! `POST /webhooks/shopify`: verified, then safe in the store or the inbox, then acknowledged.

use std::time::Duration;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use shopify_webhooks::{Delivery, DeliveryRejection, EventId, Headers, Topic, WebhookId};
use tokio::time::timeout;
use tracing::{debug, error, info, warn};

use super::AppState;
use crate::{
    inbox,
    site::Site,
    store::StoreError,
    warm::{self, Applied, Arrival, News, Received, Repeated},
};

/// Shopify gives up after 5 s; a store that has not answered by now is not waited for.
const STORE_PATIENCE: Duration = Duration::from_millis(250);
/// Erasing looks at every order of a site: it is worth a longer wait than the inbox, as long as Shopify waits as well.
const ERASING_PATIENCE: Duration = Duration::from_secs(3);

/// Takes a delivery from Shopify.
///
/// Answered 200 once it is safe. The body is what Shopify sends for the topic, up to 16 MiB; bodies that are not Shopify's are refused
/// without detail. Answers have no body.
#[utoipa::path(
    post,
    path = "/webhooks/shopify",
    operation_id = "receiveWebhook",
    tag = "webhooks",
    params(
        ("X-Shopify-Topic" = String, Header, description = "The topic.", example = "orders/updated"),
        ("X-Shopify-Shop-Domain" = String, Header, description = "The shop's permanent domain.", example = "my-shop.myshopify.com"),
        ("X-Shopify-Webhook-Id" = Option<String>, Header, description = "The delivery's id, for the log.",
            example = "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"),
        ("X-Shopify-Triggered-At" = Option<String>, Header, description = "When it happened.", example = "2025-12-10T15:00:00Z")
    ),
    request_body(content = Object, content_type = "application/json", description = "Shopify's payload for the topic."),
    security(("shopify_signature" = [])),
    responses(
        (status = 200, description = "It is safe: in the store, or in the inbox."),
        (status = 400, description = "The body broke off."),
        (status = 401, description = "It is not signed with a known shop's secret."),
        (status = 413, description = "The body is larger than 16 MiB."),
        (status = 503, description = "It cannot be kept: send it again.")
    )
)]
pub(super) async fn receive(
    State(state): State<AppState>,
    delivery: Result<Delivery, DeliveryRejection>,
) -> Response {
    let now = state.clock.now();
    let delivery = match delivery {
        Ok(delivery) => delivery,
        Err(rejection) => {
            state.tally.rejected(now);
            info!("a delivery was refused: {rejection}");
            return rejection.into_response();
        }
    };
    let Some(site) = state.sites.by_domain(&delivery.headers.shop_domain) else {
        // Secrets are looked up by the same domains, so this cannot be reached; a stranger gets the stranger's answer.
        return StatusCode::UNAUTHORIZED.into_response();
    };
    state.postmarks.note(&site.code, &delivery, now);
    if delivery.headers.topic == Topic::AppScopesUpdate {
        site.scopes_have_changed();
    }
    let Headers {
        name,
        event_id,
        webhook_id,
        ..
    } = delivery.headers.clone();
    let received = Received {
        site: site.code.clone(),
        shop_domain: delivery.headers.shop_domain,
        topic: delivery.headers.topic,
        triggered_at: delivery.headers.triggered_at,
        received_at: now,
        body: delivery.body,
    };
    let applied = take(&state, &received).await;
    state.tally.received(
        &received.topic,
        applied.as_ref().ok().copied().flatten(),
        now,
    );
    let arrival = Arrival {
        topic: &received.topic,
        name: name.as_deref(),
        event_id: event_id.as_ref().map(EventId::as_str),
        webhook_id: webhook_id.as_ref().map(WebhookId::as_str),
        body: &received.body,
    };
    if state.hearing.heard(&received.site, &arrival, now) != Repeated::Not {
        state.tally.doubled(&received.topic);
    }
    heed(&state, site, &received).await;
    debug!(site = %received.site, webhook.topic = %received.topic, webhook.id = arrival.webhook_id, ?applied, "delivery");
    match applied {
        Ok(_) => StatusCode::OK.into_response(),
        Err(NotSafe) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// Neither the store nor the inbox has it: Shopify must send it again.
#[derive(Debug)]
struct NotSafe;

/// `None` when it went to the inbox.
async fn take(state: &AppState, received: &Received) -> Result<Option<Applied>, NotSafe> {
    let patience = if received.is_sign_of_installation() {
        STORE_PATIENCE
    } else {
        ERASING_PATIENCE
    };
    let places = (&state.store, &state.inbox);
    let taken = inbox::take(places, received, received.received_at);
    let taken = timeout(patience, taken).await;
    // One copy is better than none: it will do where the inbox is full.
    let has_one_copy = matches!(taken, Ok(Err(StoreError::OneCopy)));
    match taken {
        Ok(Ok(applied)) => return Ok(Some(applied)),
        Ok(Err(error)) => {
            warn!(site = %received.site, "the store did not take a delivery, so the inbox keeps it: {error}");
        }
        Err(_elapsed) => {
            warn!(site = %received.site, "the store is slow to take a delivery, so the inbox keeps it");
        }
    }
    match keep(state, received).await {
        Err(NotSafe) if has_one_copy => {
            error!("a delivery is in one server of the store alone");
            Ok(None)
        }
        kept => kept.map(|()| None),
    }
}

/// Has the inbox keep it.
async fn keep(state: &AppState, received: &Received) -> Result<(), NotSafe> {
    let (inbox, received) = (state.inbox.clone(), received.clone());
    let kept = tokio::task::spawn_blocking(move || inbox.keep(&received)).await;
    match kept {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            error!("the inbox cannot keep a delivery: {error}");
            Err(NotSafe)
        }
        Err(panicked) => {
            error!("the inbox panicked over a delivery: {panicked}");
            Err(NotSafe)
        }
    }
}

/// What a delivery means for the site, besides what it says of its orders. None of it is lost for good if the store does not answer: the
/// warmer looks each second.
async fn heed(state: &AppState, site: &Site, received: &Received) {
    if received.topic == Topic::BulkOperationsFinish
        && let Ok(News::BulkFinished) = received.news()
    {
        site.bulk_finished.notify_one();
    }
    let concerns_standing = async {
        if !received.is_sign_of_installation() {
            warm::heed_standing(&state.store, site).await?;
        } else if site.calls.is_closed() {
            state
                .store
                .note_sign(&site.code, received.said_at())
                .await?;
        }
        Ok::<_, StoreError>(())
    };
    match timeout(STORE_PATIENCE, concerns_standing).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            debug!(site = %site.code, "whether the app is installed is seen later: {error}");
        }
        Err(_elapsed) => debug!(site = %site.code, "whether the app is installed is seen later"),
    }
}
