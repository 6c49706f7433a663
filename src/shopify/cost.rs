//! What a query costs and what the shop's bucket still holds, in Shopify's points.

use std::time::Duration;

use serde::Deserialize;

/// Points of Shopify's calculated query cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost(pub u32);

/// `extensions.cost` of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CostReport {
    /// What admission asked for. Integers and floats have both been seen.
    pub requested_query_cost: f64,
    /// What was charged; none if the query was not run.
    pub actual_query_cost: Option<f64>,
    /// The bucket after it.
    pub throttle_status: Throttle,
}

/// The shop's bucket.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Throttle {
    /// What it holds when full.
    pub maximum_available: f64,
    /// What it holds now.
    pub currently_available: f64,
    /// Points a second that flow back.
    pub restore_rate: f64,
}

impl CostReport {
    /// What was charged, in whole points.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::as_conversions,
        reason = "points are small and not negative, and `as` saturates"
    )]
    pub fn charged(&self) -> u64 {
        self.actual_query_cost.unwrap_or(0.0).round() as u64
    }

    /// How long until the bucket admits the query again. A THROTTLED answer has no `Retry-After`.
    pub fn wait(&self) -> Duration {
        let missing = self.requested_query_cost - self.throttle_status.currently_available;
        let seconds = missing / self.throttle_status.restore_rate;
        Duration::try_from_secs_f64(seconds.clamp(0.0, 60.0)).unwrap_or(Duration::from_secs(1))
    }
}

/// The requested cost of a connection: `2 + floor(2·ln(max(2, first)))` times a node's cost.
///
/// Source: Shopify staff's formula (graphql-ruby #5460), which reproduces measured values. It is what we spend before the
/// first answer tells better. The thresholds are where `2·ln(first)` reaches 1, 2, 3 …
pub fn connection_cost(first: u32, node: u32) -> u32 {
    const THRESHOLDS: [u32; 11] = [2, 3, 5, 8, 13, 21, 34, 55, 91, 149, 245];
    let multiplier = THRESHOLDS
        .iter()
        .filter(|threshold| first.max(2) >= **threshold)
        .count();
    2 + u32::try_from(multiplier)
        .unwrap_or(u32::MAX)
        .saturating_mul(node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formula_gives_the_measured_multipliers() {
        for (first, multiplier) in [
            (1, 1),
            (2, 1),
            (5, 3),
            (10, 4),
            (20, 5),
            (25, 6),
            (50, 7),
            (100, 9),
            (250, 11),
        ] {
            assert_eq!(connection_cost(first, 1), 2 + multiplier, "first: {first}");
        }
        assert_eq!(connection_cost(250, 21), 233);
    }

    #[test]
    fn the_wait_is_what_the_bucket_lacks() {
        let report = CostReport {
            requested_query_cost: 862.0,
            actual_query_cost: None,
            throttle_status: Throttle {
                maximum_available: 4000.0,
                currently_available: 572.0,
                restore_rate: 200.0,
            },
        };
        assert_eq!(report.wait(), Duration::from_millis(1450));
        let nonsense = CostReport {
            throttle_status: Throttle {
                restore_rate: 0.0,
                ..report.throttle_status
            },
            ..report
        };
        assert_eq!(nonsense.wait(), Duration::from_secs(60));
    }
}
