//! Whether a shop still has the app, as the store says; calls go out to it only while it has.

use tracing::{info, warn};

use crate::{
    site::Site,
    store::{Standing, Store, StoreError},
};

/// Reads how the app stands with a shop, and lets calls out or holds them back accordingly.
pub async fn heed_standing(store: &Store, site: &Site) -> Result<Standing, StoreError> {
    let standing = store.standing(&site.code).await?;
    match (standing.removed_since(), site.calls.is_closed()) {
        (Some(since), false) => {
            warn!(site = %site.code, %since, "the shop removed the app: it is not asked any more");
            site.calls.close();
        }
        (None, true) => {
            info!(site = %site.code, "the app is installed again: the shop is asked again");
            site.calls.open();
        }
        (Some(_), true) | (None, false) => {}
    }
    Ok(standing)
}
