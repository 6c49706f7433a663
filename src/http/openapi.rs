//! The description of the HTTP API, OpenAPI 3.1, generated from the handlers' annotations and the types they answer with.
//!
//! Below are the shapes that answers have on the wire where no type of ours has exactly that shape. A test compares each of them
//! with what the service answers, field by field.

mod coze;
mod envelope;
mod health;
mod lookups;
mod warming;

use std::sync::LazyLock;

use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        self, Ref, RefOr, Schema,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

pub(super) use self::{
    coze::coze_yaml,
    envelope::{
        BadRequest, BodyTooLarge, Busy, Failure, NoSuchFile, Running, ShopOrStoreUnavailable,
        StoreUnavailable, Success, TimedOut, Unauthorized,
    },
    health::{Alive, Readiness, StoreState},
    lookups::{
        CountQuery, CustomerLookup, CustomerQuery, OrderLookup, OrderQuery, SearchQuery, SiteList,
        TrackingLookup, TrackingQuery,
    },
    warming::{History, HistoryQuery, Settings, Started, Stopped, TriggerBody, TriggerQuery},
};
use super::{
    coverage, customers, docs, health as health_routes, metrics, orders, shops, status, warmup,
    webhooks,
};

pub use self::coze::coze;

static DOCUMENT: LazyLock<openapi::OpenApi> = LazyLock::new(Described::openapi);

/// The document that `GET /openapi.json` answers with.
pub fn document() -> &'static openapi::OpenApi {
    &DOCUMENT
}

/// The description of this API.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "openapi",
    tag = "service",
    responses((status = 200, description = "This document, OpenAPI 3.1.", body = Object))
)]
pub(super) async fn openapi_json() -> Response {
    Json(document()).into_response()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "shopify-warmer",
        description = "Orders and tracking of Shopify shops from a cache that is kept warm.\n\n\
            Every answer is JSON: `{\"success\":true,\"data\":…}`, or `{\"success\":false,\"error\":{\"code\":…,\"detail\":…}}` where \
            `detail` says what to do. Times are RFC 3339 in UTC, amounts are decimal texts, ids are texts. No field is left out: null \
            stands where there is nothing.\n\n\
            A path that does not exist is answered 404 `NOT_FOUND`, another method than the one named here 405 `METHOD_NOT_ALLOWED` \
            with an `Allow` header.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    servers((url = "/", description = "The service that serves this document")),
    tags(
        (name = "lookups", description = "Orders and where their parcels are. `LOOKUP_TOKEN` or `ADMIN_TOKEN`."),
        (name = "warming", description = "Seeing and steering the warming. `ADMIN_TOKEN`."),
        (name = "webhooks", description = "What Shopify sends. Signed, no token."),
        (name = "service", description = "Health and this description. Open, without personal data.")
    ),
    paths(
        orders::search,
        orders::by_id,
        orders::tracking_of,
        orders::tracking,
        customers::by_email,
        shops::count,
        shops::sites,
        status::status,
        coverage::coverage,
        warmup::trigger,
        warmup::stop,
        warmup::history,
        webhooks::receive,
        health_routes::alive,
        health_routes::ready,
        metrics::scrape,
        openapi_json,
        coze::coze_yaml,
        docs::page,
        docs::file
    ),
    components(schemas(Failure, Running, TriggerBody), responses(
        BadRequest,
        Unauthorized,
        NoSuchFile,
        Busy,
        BodyTooLarge,
        ShopOrStoreUnavailable,
        StoreUnavailable,
        TimedOut
    )),
    modifiers(&Security, &Alias, &Envelopes, &NothingLeftOut)
)]
struct Described;

/// How tokens are shown.
struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let token = "`LOOKUP_TOKEN` opens lookups, `ADMIN_TOKEN` opens everything. Where a token is not set, its routes are open to requests \
            from the service's own machine alone.";
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(token))
            .build();
        let header = |name, description| {
            SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
                name,
                description,
            )))
        };
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        components.add_security_scheme("api_key", header("X-API-Key", token));
        components.add_security_scheme(
            "shopify_signature",
            header(
                "X-Shopify-Hmac-Sha256",
                "HMAC-SHA256 of the raw body with the app's client secret, in base64.",
            ),
        );
    }
}

/// One handler serves two paths; `utoipa` describes one of them.
struct Alias;

/// Paths, what they are another name of, and their operations.
const ALIASES: [(&str, &str, &str); 2] = [
    (
        "/api/shopify/orders/global-search",
        "/api/shopify/orders/search",
        "globalSearchOrder",
    ),
    (
        "/api/shopify/orders/global-email-search",
        "/api/shopify/orders",
        "globalEmailSearch",
    ),
];

impl Modify for Alias {
    fn modify(&self, document: &mut openapi::OpenApi) {
        for (alias, path, id) in ALIASES {
            let Some(mut item) = document.paths.paths.get(path).cloned() else {
                continue;
            };
            if let Some(operation) = &mut item.get {
                operation.operation_id = Some(id.to_owned());
                operation.summary = Some(format!("The same as `{path}`."));
            }
            document.paths.paths.insert(alias.to_owned(), item);
        }
    }
}

/// Names what an envelope holds, where `utoipa` would write it out a second time.
struct Envelopes;

impl Modify for Envelopes {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        for (name, schema) in &mut components.schemas {
            if let (Some(held), RefOr::T(Schema::Object(object))) =
                (name.strip_prefix("Success_"), schema)
            {
                let held = RefOr::Ref(Ref::from_schema_name(held));
                object.properties.insert("data".to_owned(), held);
            }
        }
    }
}

/// Says of every answer that no field is left out, which `utoipa` would say of those alone that cannot be null.
struct NothingLeftOut;

/// What is sent to us, and answers that have parts only at times.
const WITH_OPTIONAL_FIELDS: &[&str] = &["TriggerBody", "OrderLookup", "TrackingLookup"];

impl Modify for NothingLeftOut {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        for (name, schema) in &mut components.schemas {
            if WITH_OPTIONAL_FIELDS.contains(&name.as_str()) {
                continue;
            }
            if let RefOr::T(Schema::Object(object)) = schema {
                object.required = object.properties.keys().cloned().collect();
            }
        }
    }
}

#[cfg(test)]
mod tests;
