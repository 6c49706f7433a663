//! Carries messages to `ALERT_WEBHOOK_URL`, one after the other.

use std::{
    fmt,
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use reqwest::{Client, Response, StatusCode, Url};
use serde::Serialize;
use thiserror::Error;
use tracing::{debug, error, warn};

use super::format::{AlertFormat, Message, Refused};

/// A chat that takes longer is down.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is waited before the second and the third try.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];
/// The chats answer in a line; more is not theirs, and not read.
const LARGEST_ANSWER: usize = 64 * 1024;

/// Where alerts are posted. Whoever knows it can write into the chat, so it is never shown.
#[derive(Clone)]
pub struct AlertUrl(Url);

/// A text that is no address to post to.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("alerts are posted to an http or https address")]
pub struct BadAlertUrl;

impl FromStr for AlertUrl {
    type Err = BadAlertUrl;

    fn from_str(text: &str) -> Result<Self, BadAlertUrl> {
        let url = Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        url.map(Self).ok_or(BadAlertUrl)
    }
}

impl fmt::Debug for AlertUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AlertUrl([REDACTED])")
    }
}

/// Messages since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct PostCounts {
    /// Taken by the receiver.
    pub sent: u64,
    /// Given up.
    pub failed: u64,
}

/// Posts messages and counts what became of them.
#[derive(Debug)]
pub(super) struct Post {
    http: Client,
    url: AlertUrl,
    format: AlertFormat,
    sent: AtomicU64,
    failed: AtomicU64,
}

/// Why a message did not get through.
#[derive(Debug, Error)]
enum Failure {
    #[error("the receiver cannot be reached: {0}")]
    Transport(String),
    #[error("the receiver answered with status {0}")]
    Status(StatusCode),
    #[error("the chat refused it with code {0}")]
    Code(i64),
    #[error("the answer is not one of ALERT_FORMAT's chat")]
    Unreadable,
}

impl Failure {
    fn is_retryable(&self) -> bool {
        match self {
            Self::Transport(_) => true,
            Self::Status(status) => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            Self::Code(_) | Self::Unreadable => false,
        }
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        // With its sources: "error sending request" alone says nothing. Only the outermost holds the address.
        let error = error.without_url();
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        Self::Transport(text)
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Code(code) => Self::Code(code),
            Refused::Unreadable => Self::Unreadable,
        }
    }
}

impl Post {
    /// None if the HTTPS client cannot be built; alerts are in the log then, and nowhere else.
    pub(super) fn new(url: AlertUrl, format: AlertFormat) -> Option<Self> {
        let http = Client::builder()
            .timeout(PATIENCE)
            .connect_timeout(PATIENCE / 2)
            // A redirect would carry the message to wherever it points.
            .redirect(reqwest::redirect::Policy::none())
            .build();
        let http = http.inspect_err(|error| {
            error!("alerts cannot be posted, as there is no HTTPS client: is the package ca-certificates installed? {error}");
        });
        Some(Self {
            http: http.ok()?,
            url,
            format,
            sent: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        })
    }

    /// Posts a message, in up to three tries.
    pub(super) async fn carry(&self, message: &Message) {
        match self.tried(message).await {
            Ok(()) => {
                self.sent.fetch_add(1, Ordering::Relaxed);
                debug!(alert = %message.cause, "an alert was posted");
            }
            Err(failure) => {
                self.lost();
                warn!(alert = %message.cause, "an alert could not be posted: {failure}");
            }
        }
    }

    /// Counts a message that was given up.
    pub(super) fn lost(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn counts(&self) -> PostCounts {
        PostCounts {
            sent: self.sent.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        }
    }

    async fn tried(&self, message: &Message) -> Result<(), Failure> {
        let body = message.body(self.format);
        for pause in PAUSES {
            match self.once(&body).await {
                Err(failure) if failure.is_retryable() => {
                    debug!(alert = %message.cause, "posting an alert is tried again: {failure}");
                }
                last => return last,
            }
            tokio::time::sleep(pause).await;
        }
        self.once(&body).await
    }

    async fn once(&self, body: &serde_json::Value) -> Result<(), Failure> {
        let request = self.http.post(self.url.0.clone()).json(body);
        let response = request.send().await?;
        let status = response.status();
        if !status.is_success() {
            return Err(Failure::Status(status));
        }
        let answer = beginning(response).await?;
        Ok(self.format.check(&answer)?)
    }
}

/// As much of an answer as is read.
async fn beginning(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST_ANSWER {
            break;
        }
    }
    Ok(body)
}
