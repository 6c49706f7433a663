//! One message a cause and cool-down, and one when it ends.

use chrono::{DateTime, TimeDelta};

use super::*;

const HOUR: TimeDelta = TimeDelta::hours(1);

/// Alerts whose task is never started, so that what is queued stays to be looked at.
struct Bench {
    alerts: Alerts,
    waiting: mpsc::Receiver<Message>,
    clock: Clock,
}

impl Bench {
    fn new() -> Self {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let (queue, waiting) = mpsc::channel(LONGEST_QUEUE);
        let url = "http://127.0.0.1:9/".parse().unwrap();
        let alerts = Alerts(Arc::new(Inner {
            clock: clock.clone(),
            book: Mutex::new(Book::new(AlertSettings::default().cool_down)),
            queue,
            post: Post::new(url, AlertFormat::Json),
        }));
        Self {
            alerts,
            waiting,
            clock,
        }
    }

    /// What was told since the last look: `+text` raised, `-` cleared.
    fn told(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        while let Ok(message) = self.waiting.try_recv() {
            told.push(match message.state {
                State::Raised => format!("+{}", message.text),
                State::Cleared => "-".to_owned(),
            });
        }
        told
    }

    fn raise(&self, text: &str) {
        self.alerts.raise(Cause::StoreMemory, None, text);
    }

    fn clear(&self) {
        self.alerts.clear(Cause::StoreMemory, None);
    }
}

#[test]
fn one_message_a_cool_down_and_one_when_it_clears() {
    let mut bench = Bench::new();
    bench.raise("81%");
    bench.raise("82%");
    assert_eq!(bench.told(), ["+81%"]);
    assert_eq!(bench.alerts.active()[0].text, "82%");
    bench.clock.advance(HOUR - TimeDelta::seconds(1));
    bench.raise("83%");
    assert!(bench.told().is_empty());
    bench.clock.advance(TimeDelta::seconds(1));
    bench.raise("84%");
    assert_eq!(bench.told(), ["+84%"]);
    let active = bench.alerts.active();
    assert_eq!(
        (active.len(), active[0].since),
        (1, DateTime::UNIX_EPOCH),
        "{active:?}"
    );
    bench.clear();
    bench.clear();
    assert_eq!(bench.told(), ["-"]);
    assert!(bench.alerts.active().is_empty());
}

#[test]
fn what_was_never_raised_is_not_cleared() {
    let mut bench = Bench::new();
    bench.clear();
    assert!(bench.told().is_empty());
}

#[test]
fn what_comes_and_goes_is_told_once_a_cool_down() {
    let mut bench = Bench::new();
    for _ in 0..10 {
        bench.raise("full");
        bench.clear();
        bench.clock.advance(TimeDelta::minutes(1));
    }
    assert_eq!(bench.told(), ["+full", "-"]);
    // It is wrong when the cool-down ends, though nobody raises it anew: "cleared" must not be the last word.
    bench.raise("full again");
    assert_eq!(bench.alerts.active().len(), 1);
    bench.alerts.look();
    assert!(bench.told().is_empty());
    bench.clock.advance(HOUR);
    bench.alerts.look();
    bench.alerts.look();
    assert_eq!(bench.told(), ["+full again"]);
    bench.clear();
    assert_eq!(bench.told(), ["-"]);
}

#[test]
fn causes_and_sites_do_not_silence_each_other() {
    let mut bench = Bench::new();
    let (uk, de) = ("uk".parse().unwrap(), "de".parse().unwrap());
    bench.alerts.raise(Cause::ShopifyDown, Some(&uk), "uk");
    bench.alerts.raise(Cause::ShopifyDown, Some(&de), "de");
    bench.alerts.raise(Cause::SweepFailed, Some(&uk), "sweep");
    bench.alerts.clear(Cause::ShopifyDown, Some(&uk));
    assert_eq!(bench.told(), ["+uk", "+de", "+sweep", "-"]);
    let active = serde_json::json!(bench.alerts.active());
    assert_eq!(active[0]["cause"], "sweep_failed");
    assert_eq!(active[1]["site"], "de");
    assert_eq!(active[1]["since"], "1970-01-01T00:00:00Z");
}

#[test]
fn a_clock_set_back_silences_nothing() {
    let mut bench = Bench::new();
    bench.raise("first");
    bench.clock.advance(-HOUR);
    bench.raise("second");
    assert_eq!(bench.told(), ["+first", "+second"]);
}

#[test]
fn a_full_queue_loses_messages_and_not_the_alert() {
    let bench = Bench::new();
    for site in 0..=LONGEST_QUEUE {
        let site = format!("s{site}").parse().unwrap();
        bench.alerts.raise(Cause::ShopifyDown, Some(&site), "down");
    }
    assert_eq!(bench.alerts.active().len(), LONGEST_QUEUE + 1);
    assert_eq!(bench.alerts.posts().failed, 1);
}

#[test]
fn a_long_text_is_cut_between_characters() {
    let text = shortened("é".repeat(LONGEST_TEXT));
    assert_eq!(text.len(), LONGEST_TEXT + '…'.len_utf8());
    assert_eq!(
        shortened(format!("a{}", "é".repeat(LONGEST_TEXT))).len(),
        LONGEST_TEXT + 2
    );
    assert_eq!(shortened("short".to_owned()), "short");
}
