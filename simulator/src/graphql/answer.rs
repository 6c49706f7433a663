//! The body of an answer.

use apollo_compiler::response::JsonMap;
use serde::Serialize;
use serde_json::{Value, json};

use super::Outcome;
use super::problem::Problem;
use crate::locked::lock;
use crate::world::World;

/// Serialises in Shopify's order: errors, if any, then data, then extensions.
#[derive(Debug, Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Data::is_absent")]
    data: Data<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extensions: Option<&'a Value>,
}

/// What was executed has data, which a refused field can make null; what was not executed has none.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Absent,
    There(Option<&'a JsonMap>),
}

impl Data<'_> {
    fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// The answer to a request that was executed.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) data: Option<JsonMap>,
    pub(super) errors: Vec<Problem>,
    pub(super) extensions: Option<Value>,
}

impl Answer {
    pub(super) fn outcome(self, requested: Option<u32>, actual: Option<u32>) -> Outcome {
        let body = Body {
            errors: errors(&self.errors),
            data: Data::There(self.data.as_ref()),
            extensions: self.extensions.as_ref(),
        };
        outcome(&body, &self.errors, requested, actual)
    }
}

impl Outcome {
    /// A request that was not executed: errors, and nothing else.
    pub(super) fn refused(problems: &[Problem], requested: Option<u32>) -> Self {
        let body = Body {
            errors: errors(problems),
            data: Data::Absent,
            extensions: None,
        };
        outcome(&body, problems, requested, None)
    }

    /// The bucket is too empty.
    pub(super) fn throttled(world: &World, requested: u32) -> Self {
        let status = lock(&world.bucket).status(world.clock.now());
        let problem = Problem::throttled();
        let extensions = json!({ "cost": {
            "requestedQueryCost": requested, "actualQueryCost": null, "throttleStatus": status } });
        let problems = vec![problem];
        let body = Body {
            errors: errors(&problems),
            data: Data::Absent,
            extensions: Some(&extensions),
        };
        outcome(&body, &problems, Some(requested), None)
    }
}

fn errors(problems: &[Problem]) -> Option<Vec<Value>> {
    (!problems.is_empty()).then(|| problems.iter().map(Problem::to_json).collect())
}

fn outcome(
    body: &Body<'_>,
    problems: &[Problem],
    requested: Option<u32>,
    actual: Option<u32>,
) -> Outcome {
    // Every part is JSON already, so that writing it cannot fail; an empty body would be noticed at once.
    let body = serde_json::to_string(body).unwrap_or_default();
    Outcome {
        body,
        requested,
        actual,
        error: problems.iter().find_map(Problem::code),
    }
}
