//! `POST /admin/oauth/access_token`: the client credentials grant.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{StatusCode, header};
use serde_json::{Value, json};

use super::auth::Grant;
use super::misbehave;
use super::reply;
use crate::locked::lock;
use crate::net::Line;
use crate::world::World;

/// The name under which faults and the log know this call.
pub(crate) const OPERATION: &str = "AccessToken";

pub(crate) async fn access_token(
    State(world): State<Arc<World>>,
    axum::extract::ConnectInfo(line): axum::extract::ConnectInfo<Line>,
    headers: http::HeaderMap,
    body: Bytes,
) -> Response {
    let now = world.clock.now();
    let running = world.calls.begin(OPERATION, Value::Null, now);
    tokio::time::sleep(world.settings().latency).await;
    let answer = async { grant(&world, &headers, &body) };
    let response = match world.faults.next_api(OPERATION) {
        Some(fault) => misbehave::instead(&world, fault, &line, answer).await,
        None => answer.await,
    };
    let status = response.status().as_u16();
    running.note(|call| call.status = Some(status));
    response
}

fn grant(world: &World, headers: &http::HeaderMap, body: &Bytes) -> Response {
    let asked = Asked::read(headers, body);
    let now = world.clock.now();
    if asked.grant_type != "client_credentials" {
        return refuse("unsupported_grant_type", "The grant type is not supported.");
    }
    let mut tokens = lock(&world.tokens);
    let given = (asked.client_id, asked.client_secret);
    if tokens.credentials.as_ref() != Some(&given) {
        return refuse("invalid_client", "The client credentials are not valid.");
    }
    match tokens.grant {
        Grant::Given => {}
        Grant::ShopNotPermitted => {
            return refuse(
                "shop_not_permitted",
                "Client credentials cannot be performed on this shop.",
            );
        }
        Grant::NotInstalled => {
            return refuse(
                "app_not_installed",
                "The app is not installed on this shop.",
            );
        }
    }
    let token = format!("shpat_{}", world.uuid().replace('-', ""));
    tokens.issue(token.clone(), now);
    let scope = world.settings().scopes.join(",");
    reply::json(
        StatusCode::OK,
        &json!({ "access_token": token, "scope": scope, "expires_in": tokens.lifetime.as_secs() }),
    )
}

fn refuse(error: &str, description: &str) -> Response {
    let body = json!({ "error": error, "error_description": format!("Oauth error {error}: {description}") });
    reply::json(StatusCode::BAD_REQUEST, &body)
}

/// The parameters, from a form or from JSON.
#[derive(Debug, Default)]
struct Asked {
    grant_type: String,
    client_id: String,
    client_secret: String,
}

impl Asked {
    fn read(headers: &http::HeaderMap, body: &Bytes) -> Self {
        let kind = headers.get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let text = |value: &Value, key: &str| {
            let value = value.get(key).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        let value = if kind.starts_with("application/json") {
            serde_json::from_slice(body).unwrap_or_default()
        } else {
            form(body)
        };
        Self {
            grant_type: text(&value, "grant_type"),
            client_id: text(&value, "client_id"),
            client_secret: text(&value, "client_secret"),
        }
    }
}

fn form(body: &Bytes) -> Value {
    // axum's own reader of forms, through its query extractor, which takes the same syntax.
    let text = String::from_utf8_lossy(body);
    let uri = format!("/?{text}").parse::<http::Uri>();
    let pairs = uri.ok().and_then(|uri| {
        let query =
            axum::extract::Query::<std::collections::HashMap<String, String>>::try_from_uri(&uri);
        query.ok()
    });
    pairs.map(|pairs| json!(pairs.0)).unwrap_or_default()
}
