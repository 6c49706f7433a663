//! Faults, over HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::refuse;
use crate::admin::reply;
use crate::faults::{ApiFault, DeliveryFault, Times};
use crate::world::World;

/// A fault, or the end of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Asked {
    api: Option<String>,
    delivery: Option<String>,
    clear: bool,
    code: Option<u16>,
    operation: Option<String>,
    topic: Option<String>,
    times: Option<u32>,
    milliseconds: Option<u64>,
}

pub(super) async fn set(State(world): State<Arc<World>>, Json(asked): Json<Asked>) -> Response {
    if asked.clear {
        world.faults.clear();
        world.outbox.release_held(world.clock.now());
    }
    let times = asked.times.map_or(Times::UntilCleared, Times::Next);
    if let Some(name) = &asked.api {
        let Some(fault) = asked.api_fault(name) else {
            return refuse("no such fault of the API");
        };
        let operation = asked.operation.as_deref();
        world.faults.set_api(fault, operation, times);
    }
    if let Some(name) = &asked.delivery {
        let Some(fault) = asked.delivery_fault(name) else {
            return refuse("no such fault of deliveries");
        };
        let topic = asked.topic.as_deref();
        world.faults.set_delivery(fault, topic, times);
    }
    reply::json(StatusCode::OK, &json!({}))
}

impl Asked {
    fn time(&self) -> Duration {
        Duration::from_millis(self.milliseconds.unwrap_or(1000))
    }

    fn api_fault(&self, name: &str) -> Option<ApiFault> {
        Some(match name {
            "status" => ApiFault::Status(self.code?),
            "throttled" => ApiFault::Throttled,
            "internal_error" => ApiFault::InternalError,
            "reset" => ApiFault::Reset,
            "hang" => ApiFault::Hang,
            "truncated" => ApiFault::Truncated,
            "empty" => ApiFault::Empty,
            "html" => ApiFault::Html,
            "slow" => ApiFault::Slow(self.time()),
            _ => return None,
        })
    }

    fn delivery_fault(&self, name: &str) -> Option<DeliveryFault> {
        Some(match name {
            "drop" => DeliveryFault::Drop,
            "duplicate" => DeliveryFault::Duplicate,
            "delay" => DeliveryFault::Delay(self.time()),
            "reorder" => DeliveryFault::Reorder,
            "wrong_secret" => DeliveryFault::WrongSecret,
            _ => return None,
        })
    }
}
