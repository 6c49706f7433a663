//! A granted token with its times, and an attempt that brought none.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use tokio::time::Instant;

use super::{
    Token,
    grant::{Fresh, GrantError},
};

/// How long the grant rests after Shopify refused it: somebody has to mend that first, and a lookup is not to wait for the same refusal.
const REST: Duration = Duration::from_secs(5);
/// Tokens in a row that Shopify grants and then does not accept, before it is left alone with that: one may be revoked before its
/// first call is answered, and on a busy machine another.
const HOPELESS_AFTER: u32 = 3;
/// For how long.
const HOPELESS_FOR: Duration = Duration::from_secs(30);
/// The longest life that is believed: no clock of ours is right for longer without a look.
const LONGEST_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);
/// When a token is renewed, in hundredths of its life: with a quarter of a day left, so that Shopify may be down for hours meanwhile;
/// and each replica at a time of its own.
const RENEWED_AT: std::ops::RangeInclusive<u32> = 70..=80;

/// A granted token.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) token: Token,
    pub(super) granted_at: DateTime<Utc>,
    pub(super) renew_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
    since: Instant,
    life: Duration,
    /// Whether a call was let in with it.
    proven: AtomicBool,
    /// Whether a call was refused with it, within its life.
    refused: AtomicBool,
    /// Tokens in a row before it that let no call in and refused one.
    useless_before: u32,
}

/// An attempt that failed.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) number: u64,
    pub(super) error: Arc<GrantError>,
    /// Until when another is not worth while.
    pub(super) rest_until: Instant,
}

/// Which of the two ways in a site has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// A token that does not expire.
    Static,
    /// Tokens that are granted for a day, and renewed by itself.
    ClientCredentials,
}

/// What there is to see of a site's token; never the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TokenStatus {
    /// Which way in.
    pub kind: TokenKind,
    /// When this process was granted the one it shows.
    pub granted_at: Option<DateTime<Utc>>,
    /// Until when that is good. It is renewed in the last third of its life.
    pub expires_at: Option<DateTime<Utc>>,
    /// How many this process was granted.
    pub granted: u64,
    /// The class of what keeps the next from being granted, if the last attempt failed.
    pub trouble: Option<&'static str>,
}

impl TokenStatus {
    pub(super) fn fixed() -> Self {
        Self {
            kind: TokenKind::Static,
            granted_at: None,
            expires_at: None,
            granted: 0,
            trouble: None,
        }
    }
}

impl Held {
    pub(super) fn new(
        fresh: Fresh,
        number: u64,
        before: Option<&Self>,
        now: DateTime<Utc>,
    ) -> Self {
        let life = fresh.life.min(LONGEST_LIFE);
        let share = f64::from(fastrand::u32(RENEWED_AT)) / 100.0;
        let after = |life| now + TimeDelta::from_std(life).unwrap_or_default();
        Self {
            token: Token {
                header: fresh.header,
                number,
            },
            granted_at: now,
            renew_at: after(life.mul_f64(share)),
            expires_at: after(life),
            since: Instant::now(),
            life,
            proven: AtomicBool::new(false),
            refused: AtomicBool::new(false),
            useless_before: before.map_or(0, Self::useless),
        }
    }

    pub(super) fn worked(&self) {
        self.proven.store(true, Ordering::Relaxed);
    }

    /// Shopify did not let a call in with it. One that came to its end is no surprise.
    pub(super) fn was_refused(&self) {
        if self.since.elapsed() < self.life {
            self.refused.store(true, Ordering::Relaxed);
        }
    }

    /// Tokens in a row, up to this one, that let no call in and refused one.
    fn useless(&self) -> u32 {
        if self.proven.load(Ordering::Relaxed) {
            return 0;
        }
        let refused = self.refused.load(Ordering::Relaxed);
        self.useless_before.saturating_add(u32::from(refused))
    }

    /// Whether another token would be refused like this one, and those before: the grant is not at fault, and asking for a token
    /// with each call would change nothing.
    pub(super) fn is_hopeless(&self) -> bool {
        self.useless() >= HOPELESS_AFTER && self.since.elapsed() < HOPELESS_FOR
    }
}

impl Attempt {
    pub(super) fn failed(number: u64, error: GrantError) -> Self {
        let now = Instant::now();
        // How long to leave a Shopify that is down alone is the breaker's to say.
        let refused = error.refusal().is_some();
        Self {
            number,
            error: Arc::new(error),
            rest_until: if refused { now + REST } else { now },
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// A token after another, if there was one, which was refused.
    fn held(before: Option<&Held>) -> Held {
        if let Some(before) = before {
            before.was_refused();
        }
        let fresh = Fresh {
            header: HeaderValue::from_static("shpat_x"),
            life: Duration::from_secs(86_399),
        };
        Held::new(fresh, 1, before, DateTime::UNIX_EPOCH)
    }

    #[test]
    fn a_token_is_renewed_hours_before_its_end_and_never_at_one_time() {
        let hours = |at: DateTime<Utc>| (at - DateTime::UNIX_EPOCH).as_seconds_f64() / 3600.0;
        let all: Vec<_> = (0..50).map(|_| hours(held(None).renew_at)).collect();
        assert!(
            all.iter().all(|hours| (16.7..19.3).contains(hours)),
            "{all:?}"
        );
        assert!(all.iter().any(|hours| (hours - all[0]).abs() > 0.1));
        assert!((hours(held(None).expires_at) - 24.0).abs() < 0.01);
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_that_never_work_do_not_follow_each_other_without_end() {
        let first = held(None);
        first.was_refused();
        assert!(!first.is_hopeless(), "it may have been revoked just now");
        let second = held(Some(&first));
        let third = held(Some(&second));
        assert!(!third.is_hopeless(), "nobody has tried it");
        third.was_refused();
        assert!(third.is_hopeless());
        tokio::time::advance(HOPELESS_FOR).await;
        assert!(!third.is_hopeless(), "somebody may have mended it");
        second.worked();
        let fourth = held(Some(&second));
        fourth.was_refused();
        assert!(!fourth.is_hopeless());
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_came_to_its_end_is_not_useless() {
        let mut last = held(None);
        for _day in 0..5 {
            tokio::time::advance(Duration::from_secs(86_399)).await;
            last = held(Some(&last));
        }
        assert_eq!(last.useless(), 0);
    }
}
