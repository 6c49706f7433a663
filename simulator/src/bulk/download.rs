//! `GET /_storage/bulk-{id}.jsonl`: what a signed address leads to. It stands for Google's storage, which knows no token of Shopify's.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::json;

use super::DownloadFault;
use crate::admin::reply;
use crate::net::Line;
use crate::world::World;

/// The name under which the log knows this call.
const OPERATION: &str = "BulkDownload";
/// Bytes sent at a time.
const PIECE: usize = 16 * 1024;

/// What signs an address.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Signed {
    expires: i64,
    signature: String,
}

pub(crate) async fn download(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path(name): Path<String>,
    Query(signed): Query<Signed>,
    headers: HeaderMap,
) -> Response {
    let now = world.clock.now();
    let range = headers.get(header::RANGE);
    let range = range.and_then(|range| range.to_str().ok());
    let running = world.calls.begin(OPERATION, json!({ "range": range }), now);
    let fault = world.faults.next_download();
    let response = answer(&world, (&name, &signed), (range, &headers), (fault, line));
    let status = response.status().as_u16();
    running.note(|call| call.status = Some(status));
    response
}

fn answer(
    world: &World,
    (name, signed): (&str, &Signed),
    (range, headers): (Option<&str>, &HeaderMap),
    (fault, line): (Option<DownloadFault>, Line),
) -> Response {
    // A token that is sent to a stranger is a token lost.
    if headers.contains_key("x-shopify-access-token") || headers.contains_key("authorization") {
        return refusal(400, "InvalidArgument");
    }
    let now = world.clock.now();
    let id = name.strip_prefix("bulk-");
    let id = id.and_then(|id| id.strip_suffix(".jsonl")?.parse::<u64>().ok());
    let good = id.filter(|id| world.bulk.signature(*id, signed.expires) == signed.signature);
    let Some(id) = good else {
        return refusal(403, "SignatureDoesNotMatch");
    };
    match fault {
        Some(DownloadFault::Expired) => return refusal(403, "ExpiredToken"),
        Some(DownloadFault::Status(code)) => return refusal(code, "InternalError"),
        _ => {}
    }
    if signed.expires <= now.timestamp() {
        return refusal(403, "ExpiredToken");
    }
    let file = world.bulk.get(id).and_then(|one| one.file);
    let Some(file) = file.and_then(|path| std::fs::File::open(&*path).ok()) else {
        return refusal(404, "NoSuchKey");
    };
    let range = range.filter(|_| fault != Some(DownloadFault::NoRanges));
    let from = range.and_then(start_of).unwrap_or_default();
    send(file, (id, from), (fault, line)).unwrap_or_else(|_| refusal(416, "InvalidRange"))
}

/// `bytes=100-`, which is all that is asked of it.
fn start_of(range: &str) -> Option<u64> {
    let range = range.strip_prefix("bytes=")?;
    range.strip_suffix('-')?.parse().ok()
}

/// Google's storage speaks XML.
fn refusal(code: u16, word: &str) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = format!("<?xml version='1.0' encoding='UTF-8'?><Error><Code>{word}</Code></Error>");
    reply::of(status, "application/xml; charset=UTF-8", body)
}

/// A file on its way out.
struct Sending {
    file: std::fs::File,
    left: u64,
    /// After how many bytes the fault strikes.
    until_fault: Option<u64>,
    fault: Option<DownloadFault>,
    line: Line,
}

fn send(
    mut file: std::fs::File,
    (id, from): (u64, u64),
    (fault, line): (Option<DownloadFault>, Line),
) -> std::io::Result<Response> {
    let size = file.metadata()?.len();
    if from > 0 && from >= size {
        return Err(std::io::ErrorKind::InvalidInput.into());
    }
    file.seek(SeekFrom::Start(from))?;
    let until_fault = match fault {
        Some(
            DownloadFault::Truncated(after)
            | DownloadFault::Reset(after)
            | DownloadFault::Hang(after),
        ) => Some(after),
        _ => None,
    };
    let sending = Sending {
        file,
        left: size - from,
        until_fault,
        fault,
        line,
    };
    let body = Body::from_stream(stream::unfold(sending, piece));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("application/jsonl");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{id}\"")) {
        headers.insert(header::ETAG, tag);
    }
    // Without a length a file that ends too early looks like a whole one.
    if !matches!(fault, Some(DownloadFault::Truncated(_))) {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size - from));
    }
    if from > 0 {
        let range = format!("bytes {from}-{}/{size}", size - 1);
        if let Ok(range) = HeaderValue::from_str(&range) {
            headers.insert(header::CONTENT_RANGE, range);
        }
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

async fn piece(mut sending: Sending) -> Option<(std::io::Result<Bytes>, Sending)> {
    if sending.until_fault == Some(0) {
        return strike(sending).await;
    }
    if let Some(DownloadFault::Slow(by)) = sending.fault {
        tokio::time::sleep(by).await;
    }
    let most = sending.left.min(sending.until_fault.unwrap_or(u64::MAX));
    let most = usize::try_from(most).unwrap_or(PIECE).min(PIECE);
    let mut buffer = vec![0; most];
    let read = sending
        .file
        .read(&mut buffer)
        .ok()
        .filter(|read| *read > 0)?;
    buffer.truncate(read);
    let read = u64::try_from(read).unwrap_or_default();
    sending.left -= read;
    sending.until_fault = sending.until_fault.map(|left| left - read);
    Some((Ok(Bytes::from(buffer)), sending))
}

async fn strike(sending: Sending) -> Option<(std::io::Result<Bytes>, Sending)> {
    match sending.fault {
        Some(DownloadFault::Reset(_)) => {
            // What was sent is to arrive before the reset does.
            tokio::time::sleep(Duration::from_millis(50)).await;
            sending.line.cut();
            Some((Err(std::io::ErrorKind::ConnectionReset.into()), sending))
        }
        Some(DownloadFault::Hang(_)) => std::future::pending().await,
        _ => None,
    }
}
