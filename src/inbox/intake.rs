//! Taking a delivery in where others wait: what it has erased must not wait in the inbox.

use chrono::{DateTime, Utc};
use tracing::warn;

use super::Inbox;
use crate::{
    site::SiteCode,
    store::{Store, StoreError},
    warm::{self, Applied, Erasure, News, Received},
};

/// Takes a delivery into the store, and out of the inbox what it has erased.
///
/// # Errors
/// The store's: nothing is acknowledged then, and applying again does no harm.
pub async fn take(
    (store, inbox): (&Store, &Inbox),
    delivery: &Received,
    now: DateTime<Utc>,
) -> Result<Applied, StoreError> {
    let site = &delivery.site;
    let Ok(News::Erase(mut erasure)) = delivery.news() else {
        return warm::take(store, delivery, now).await;
    };
    let store = &store.noting();
    // At once, even if the store is away.
    let waiting = clear(inbox, &erasure, site).await;
    let (applied, mut receipt) = erasure.apply(store, site, now).await?;
    // By now it is known which orders it concerns besides those it names.
    receipt.deliveries_erased = waiting + clear(inbox, &erasure, site).await;
    receipt.leave(store, site).await?;
    store.secure().await?;
    Ok(applied)
}

/// Takes out of the inbox what is to be erased. A disk that fails is no reason not to erase the rest.
async fn clear(inbox: &Inbox, erasure: &Erasure, site: &SiteCode) -> u64 {
    if !erasure.erases() {
        return 0;
    }
    let (inbox, erasure, site) = (inbox.clone(), erasure.clone(), site.clone());
    let cleared = tokio::task::spawn_blocking(move || {
        inbox.forget(
            |delivery| erasure.concerns(&site, delivery),
            |body| erasure.may_concern(body),
        )
    });
    match cleared.await {
        Ok(Ok(gone)) => gone,
        Ok(Err(error)) => {
            warn!("what is to be erased could not be looked for in the inbox: {error}");
            0
        }
        Err(panicked) => {
            warn!("looking through the inbox for what is to be erased panicked: {panicked}");
            0
        }
    }
}
