//! The file of an operation, read as it comes. It lies at a stranger's (Google's storage): no token goes there.

use std::time::Duration;

use http::{StatusCode, header};
use reqwest::{Client, Response, Url, redirect};
use thiserror::Error;

use crate::shopify::BadSettings;

/// An order with hundreds of parcels is a few hundred kilobytes; more than this is no line of Shopify's.
const LONGEST_LINE: usize = 8 * 1024 * 1024;
/// More than any window of sixty days comes to.
const LARGEST_FILE: u64 = 16 * 1024 * 1024 * 1024;
/// Complete lines handed out at a time.
const PIECE: usize = 512 * 1024;
const MOST_REDIRECTS: usize = 5;
const CONNECT: Duration = Duration::from_secs(10);

/// Downloads files. It has no token, and no limit on how long a file takes as long as anything comes.
#[derive(Debug, Clone)]
pub struct Downloads(Client);

/// Why a file did not come through.
#[derive(Debug, Error)]
pub enum BadDownload {
    /// The address is past its time, or leads nowhere.
    #[error("the result is no longer there ({0})")]
    Gone(StatusCode),
    /// The address is none that anything may be fetched from.
    #[error("the address of the result is not to be trusted")]
    Untrusted,
    /// The storage has trouble of its own.
    #[error("the storage answers {0}")]
    Status(StatusCode),
    /// The connection broke, or nothing came for too long.
    #[error("the download broke off")]
    Connection(#[source] reqwest::Error),
    /// It ends before its end.
    #[error("the download ended too early")]
    Truncated,
    /// It is larger than anything Shopify would make.
    #[error("the result is too large")]
    TooLarge,
}

impl BadDownload {
    /// Whether going on where it broke off may help.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Status(status) => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            Self::Connection(_) | Self::Truncated => true,
            Self::Gone(_) | Self::Untrusted | Self::TooLarge => false,
        }
    }
}

/// A file on its way.
#[derive(Debug)]
pub struct Download {
    response: Response,
    /// What came and is not handed out yet.
    buffer: Vec<u8>,
    /// Bytes that were read before, of a file that comes from its start all the same.
    skip: u64,
    /// How far in the file what was handed out reaches.
    reached: u64,
}

impl Downloads {
    /// Downloads that are given up when nothing comes for `idle`.
    pub fn new(idle: Duration) -> Result<Self, BadSettings> {
        let trusted = redirect::Policy::custom(|attempt| {
            if attempt.previous().len() > MOST_REDIRECTS || !is_trusted(attempt.url()) {
                attempt.stop()
            } else {
                attempt.follow()
            }
        });
        Client::builder()
            .connect_timeout(CONNECT)
            .read_timeout(idle)
            .redirect(trusted)
            // Ranges are of the bytes as they lie there.
            .no_gzip()
            .no_brotli()
            .user_agent(concat!("shopify-warmer/", env!("CARGO_PKG_VERSION")))
            .build()
            .map(Self)
            .map_err(BadSettings::Client)
    }

    /// Opens a file to read on `from` so many bytes.
    pub async fn open(&self, url: &str, from: u64) -> Result<Download, BadDownload> {
        let url = Url::parse(url).ok().filter(is_trusted);
        let mut request = self.0.get(url.ok_or(BadDownload::Untrusted)?);
        if from > 0 {
            request = request.header(header::RANGE, format!("bytes={from}-"));
        }
        let response = request.send().await.map_err(broken)?;
        let skip = match response.status() {
            StatusCode::OK => from,
            StatusCode::PARTIAL_CONTENT if begins_at(&response, from) => 0,
            // There is nothing beyond what was read.
            StatusCode::RANGE_NOT_SATISFIABLE => return Err(BadDownload::Truncated),
            status @ (StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::GONE) => {
                return Err(BadDownload::Gone(status));
            }
            status => return Err(BadDownload::Status(status)),
        };
        Ok(Download {
            response,
            buffer: Vec::new(),
            skip,
            reached: from,
        })
    }
}

/// The address comes from Shopify's answer. It is encrypted, or this machine's own, which is a simulator's.
fn is_trusted(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => url.host_str().is_some_and(|host| {
            let host = host.trim_matches(['[', ']']);
            let ip = host.parse::<std::net::IpAddr>();
            host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
        }),
        _other => false,
    }
}

fn begins_at(response: &Response, from: u64) -> bool {
    let range = response.headers().get(header::CONTENT_RANGE);
    let range = range.and_then(|range| range.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {from}-")))
}

fn broken(error: reqwest::Error) -> BadDownload {
    // The address is as good as a password.
    BadDownload::Connection(error.without_url())
}

impl Download {
    /// Some complete lines, each with its end; nothing at the file's end.
    pub async fn lines(&mut self) -> Result<Option<Vec<u8>>, BadDownload> {
        loop {
            if self.buffer.len() >= PIECE
                && let Some(lines) = self.complete_lines()
            {
                return Ok(Some(lines));
            }
            if self.buffer.len() > LONGEST_LINE || self.reached > LARGEST_FILE {
                return Err(BadDownload::TooLarge);
            }
            match self.response.chunk().await.map_err(broken)? {
                Some(chunk) => self.take(&chunk),
                None => return self.rest(),
            }
        }
    }

    /// How far in the file what was handed out reaches: where to go on.
    pub fn reached(&self) -> u64 {
        self.reached
    }

    fn take(&mut self, chunk: &[u8]) {
        let known = self.skip.min(length(chunk));
        self.skip -= known;
        let known = usize::try_from(known).unwrap_or(chunk.len());
        self.buffer
            .extend_from_slice(chunk.get(known..).unwrap_or_default());
    }

    fn complete_lines(&mut self) -> Option<Vec<u8>> {
        let end = self.buffer.iter().rposition(|byte| *byte == b'\n')? + 1;
        let rest = self.buffer.split_off(end);
        let lines = std::mem::replace(&mut self.buffer, rest);
        self.reached += length(&lines);
        Some(lines)
    }

    /// The end of the file: what is left is complete, or cut.
    fn rest(&mut self) -> Result<Option<Vec<u8>>, BadDownload> {
        if let Some(lines) = self.complete_lines() {
            return Ok(Some(lines));
        }
        if self.buffer.is_empty() && self.skip == 0 {
            return Ok(None);
        }
        Err(BadDownload::Truncated)
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
