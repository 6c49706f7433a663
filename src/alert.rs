//! Alerts: what a person should look at. Each is a log line, a metric, and a message to `ALERT_WEBHOOK_URL`.
//!
//! Raising and clearing only notes; one background task posts. A cause that comes and goes is told at most once a cool-down.

mod book;
mod cause;
mod format;
mod post;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

pub use self::{
    book::ActiveAlert,
    cause::{Cause, Severity},
    format::{AlertFormat, BadAlertFormat},
    post::{AlertUrl, BadAlertUrl, PostCounts},
};
use self::{
    book::Book,
    format::{Message, State},
    post::Post,
};
use crate::{clock::Clock, site::SiteCode, tasks::Tasks};

/// Messages that wait to be posted. More than all causes of a dozen shops at once; beyond it the log has them.
const LONGEST_QUEUE: usize = 256;
/// How often it is looked whether a cool-down has ended over an alert that was not told.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);
/// What is queued when the service stops may take this long.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// The chat with the smallest limit takes 2,048 bytes, title and advice included.
const LONGEST_TEXT: usize = 1200;

/// Where alerts go, and how often.
#[derive(Debug, Clone)]
pub struct AlertSettings {
    /// Where they are posted; nowhere if it is not set.
    pub url: Option<AlertUrl>,
    /// What the receiver understands.
    pub format: AlertFormat,
    /// The least time between two messages that one cause of one site is raised.
    pub cool_down: Duration,
}

impl Default for AlertSettings {
    fn default() -> Self {
        Self {
            url: None,
            format: AlertFormat::default(),
            cool_down: Duration::from_secs(3600),
        }
    }
}

/// All alerts. Cheap to clone; clones share them.
#[derive(Debug, Clone)]
pub struct Alerts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    /// Held to note and to queue, never across an await.
    book: Mutex<Book>,
    queue: mpsc::Sender<Message>,
    post: Option<Post>,
}

impl Alerts {
    /// Starts the task that posts. Must be called within a runtime.
    pub fn new(settings: AlertSettings, clock: Clock, tasks: &Tasks) -> Self {
        let (queue, waiting) = mpsc::channel(LONGEST_QUEUE);
        let alerts = Self(Arc::new(Inner {
            clock,
            book: Mutex::new(Book::new(settings.cool_down)),
            queue,
            post: settings.url.and_then(|url| Post::new(url, settings.format)),
        }));
        let (background, cancel) = (alerts.clone(), tasks.cancel.clone());
        tasks.spawn(async move { background.run(waiting, &cancel).await });
        alerts
    }

    /// Something is wrong. `text` says what, without personal data; saying it again while it is wrong only changes the text, and
    /// tells it anew once the cool-down is over.
    pub fn raise(&self, cause: Cause, site: Option<&SiteCode>, text: impl Into<String>) {
        let (text, now) = (shortened(text.into()), self.0.clock.now());
        let mut book = self.book();
        // Queued while the book is held, so that messages go out in the order of what happened.
        if let Some(message) = book.raise(&(cause, site.cloned()), text, now) {
            self.tell(message);
        }
    }

    /// It is well again; nothing happens if it was not raised.
    pub fn clear(&self, cause: Cause, site: Option<&SiteCode>) {
        let now = self.0.clock.now();
        let mut book = self.book();
        if let Some(message) = book.clear(&(cause, site.cloned()), now) {
            self.tell(message);
        }
    }

    /// What is wrong now.
    pub fn active(&self) -> Vec<ActiveAlert> {
        self.book().active()
    }

    /// What became of the messages.
    pub fn posts(&self) -> PostCounts {
        let post = self.0.post.as_ref();
        post.map(Post::counts).unwrap_or_default()
    }

    /// Tells what has become due by the mere passing of time.
    fn look(&self) {
        let now = self.0.clock.now();
        let mut book = self.book();
        for message in book.overdue(now) {
            self.tell(message);
        }
    }

    fn tell(&self, message: Message) {
        log(&message);
        let Some(post) = &self.0.post else {
            return;
        };
        if self.0.queue.try_send(message).is_err() {
            post.lost();
            warn!(
                "an alert is in the log only: too many wait to be posted, or the service has stopped"
            );
        }
    }

    /// Posts what is queued, in order. Once the service stops, what is queued has two seconds.
    async fn run(&self, mut waiting: mpsc::Receiver<Message>, cancel: &CancellationToken) {
        let deadline = async {
            cancel.cancelled().await;
            tokio::time::sleep(LAST_WORDS).await;
        };
        tokio::select! {
            () = self.post_until_stopped(&mut waiting, cancel) => {}
            () = deadline => warn!("alerts that were not posted yet are in the log only"),
        }
    }

    async fn post_until_stopped(
        &self,
        waiting: &mut mpsc::Receiver<Message>,
        cancel: &CancellationToken,
    ) {
        let mut looks = tokio::time::interval(LOOK_INTERVAL);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // What is queued goes before the end.
                biased;
                Some(message) = waiting.recv() => if let Some(post) = &self.0.post {
                    post.carry(&message).await;
                },
                () = cancel.cancelled() => return,
                _ = looks.tick() => self.look(),
            }
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn log(message: &Message) {
    let (cause, site) = (message.cause, message.site.as_ref().map(SiteCode::as_str));
    let (title, text, advice) = (cause.title(), &message.text, cause.advice());
    match (message.state, cause.severity()) {
        (State::Raised, Severity::Error) => {
            error!(alert = %cause, site, advice, "{title}: {text}");
        }
        (State::Raised, Severity::Warning) => {
            warn!(alert = %cause, site, advice, "{title}: {text}");
        }
        (State::Cleared, Severity::Error | Severity::Warning) => {
            info!(alert = %cause, site, "no longer: {title}");
        }
    }
}

/// As much of a text as every chat takes.
fn shortened(mut text: String) -> String {
    if text.len() > LONGEST_TEXT {
        let end = (0..=LONGEST_TEXT)
            .rev()
            .find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or_default());
        text.push('…');
    }
    text
}
