//! How a search reads a time.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, TimeDelta, TimeZone as _, Utc};

use super::lexer::Text;

/// An instant, or a whole day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct When {
    pub(super) from: DateTime<Utc>,
    /// Where it ends, exclusively: a second or a day later.
    pub(super) to: DateTime<Utc>,
}

/// Reads a time. A quoted one is taken as it is; of an unquoted one only the date is left, which is the shop's.
pub(super) fn read(value: &Text, zone: FixedOffset) -> Option<When> {
    if value.quoted
        && let Some(from) = exact(&value.text, zone)
    {
        let to = from + TimeDelta::seconds(1);
        return Some(When { from, to });
    }
    let date: NaiveDate = value.text.get(..10)?.parse().ok()?;
    let midnight = date.and_hms_opt(0, 0, 0)?;
    let from = local(midnight, zone)?;
    let to = from + TimeDelta::days(1);
    Some(When { from, to })
}

fn exact(text: &str, zone: FixedOffset) -> Option<DateTime<Utc>> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc());
    }
    let naive: NaiveDateTime = text.parse().ok()?;
    local(naive, zone)
}

fn local(naive: NaiveDateTime, zone: FixedOffset) -> Option<DateTime<Utc>> {
    let at = zone.from_local_datetime(&naive).single()?;
    Some(at.to_utc())
}
