//! What the health routes answer.
#![expect(dead_code, reason = "these types are described, never made")]

use std::collections::BTreeMap;

use utoipa::ToSchema;

/// The process lives.
#[derive(ToSchema)]
pub(in crate::http) struct Alive {
    /// Always `ok`.
    #[schema(examples("ok"))]
    status: String,
    /// The service's version.
    version: String,
}

/// Whether the service can do its work.
#[derive(ToSchema)]
pub(in crate::http) struct Readiness {
    /// Whether the store answers.
    ready: bool,
    /// The store.
    store: StoreState,
    /// Each site's Admin API: `ok`, the class of what went wrong with the last call, `wrong_shop` or `scope_missing`.
    #[schema(examples(json!({ "uk": "ok" })))]
    shopify: BTreeMap<String, String>,
}

/// The store.
#[derive(ToSchema)]
pub(in crate::http) struct StoreState {
    /// Which it is.
    kind: StoreKind,
    /// Whether it answers.
    state: Reached,
}

/// Which store it is.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(in crate::http) enum StoreKind {
    /// A file of ours.
    Embedded,
    /// Redis.
    Redis,
}

/// Whether it answers.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(in crate::http) enum Reached {
    /// It does.
    Ok,
    /// It does not.
    Unreachable,
}
