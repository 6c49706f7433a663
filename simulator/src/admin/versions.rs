//! API versions: which are served, and as what.

use chrono::{DateTime, Datelike as _, TimeZone as _, Utc};

/// A quarterly version, as year and month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Quarter {
    year: i32,
    month: u32,
}

impl Quarter {
    fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        if year.len() != 4 || month.len() != 2 {
            return None;
        }
        let (year, month) = (year.parse().ok()?, month.parse().ok()?);
        matches!(month, 1 | 4 | 7 | 10).then_some(Self { year, month })
    }

    fn name(self) -> String {
        format!("{:04}-{:02}", self.year, self.month)
    }

    /// A version is served until 15:00 UTC on the 16th, a year after the month it came out in.
    fn is_over(self, now: DateTime<Utc>) -> bool {
        let end = Utc.with_ymd_and_hms(self.year + 1, self.month, 16, 15, 0, 0);
        end.single().is_some_and(|end| now >= end)
    }

    fn next(self) -> Self {
        let (year, month) = match self.month {
            10 => (self.year + 1, 1),
            month => (self.year, month + 3),
        };
        Self { year, month }
    }

    fn current(now: DateTime<Utc>) -> Self {
        let month = now.month0() / 3 * 3 + 1;
        Self {
            year: now.year(),
            month,
        }
    }
}

/// What serves a request for `version`: itself, or the oldest that is still served when it is over. `None` is no version.
pub(crate) fn served(version: &str, now: DateTime<Utc>) -> Option<String> {
    if version == "unstable" {
        return Some(version.to_owned());
    }
    let mut quarter = Quarter::parse(version)?;
    while quarter.is_over(now) {
        quarter = quarter.next();
    }
    Some(quarter.name())
}

/// The stable versions that are served at `now`, the newest first.
pub(crate) fn stable(now: DateTime<Utc>) -> Vec<String> {
    let newest = Quarter::current(now);
    let mut quarter = Quarter {
        year: newest.year - 2,
        ..newest
    };
    let mut names = Vec::new();
    while quarter <= newest {
        if !quarter.is_over(now) {
            names.push(quarter.name());
        }
        quarter = quarter.next();
    }
    names.reverse();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_are_over_fall_forward() {
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        let served = |version| served(version, now);
        assert_eq!(served("2026-10").as_deref(), Some("2026-10"));
        assert_eq!(served("2025-10").as_deref(), Some("2026-01"));
        assert_eq!(served("2019-04").as_deref(), Some("2026-01"));
        assert_eq!(served("2027-01").as_deref(), Some("2027-01"));
        assert_eq!(served("2026-11"), None);
        assert_eq!(served("latest"), None);
        assert_eq!(stable(now), ["2026-10", "2026-07", "2026-04", "2026-01"]);
    }
}
