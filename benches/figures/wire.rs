//! HTTP/1.1 over one kept-alive connection, as small as can be: the client shares the cores with what it measures.

use std::{net::SocketAddr, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// No answer takes this long, unless something is broken.
const PATIENCE: Duration = Duration::from_secs(30);

/// The service knows itself by this name; by another one it may be a browser that was led astray.
pub(crate) const HOST: &str = "host: localhost";

/// A kept-alive connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn holds(&self, text: &str) -> bool {
        holds(&self.body, text)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the service answers JSON")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Connection {
    pub(crate) async fn open(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr)
            .await
            .expect("the service takes a connection");
        stream
            .set_nodelay(true)
            .expect("a socket takes TCP_NODELAY");
        Self {
            stream,
            received: Vec::with_capacity(16 * 1024),
        }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Reply {
        self.send(get(path).as_bytes()).await
    }

    pub(crate) async fn post(&mut self, path: &str) -> Reply {
        let request = format!("POST {path} HTTP/1.1\r\n{HOST}\r\ncontent-length: 0\r\n\r\n");
        self.send(request.as_bytes()).await
    }

    /// Sends a request that is spelt out and reads the whole answer.
    pub(crate) async fn send(&mut self, request: &[u8]) -> Reply {
        timeout(PATIENCE, self.exchange(request))
            .await
            .expect("the service answers in time")
    }

    async fn exchange(&mut self, request: &[u8]) -> Reply {
        self.stream
            .write_all(request)
            .await
            .expect("the service reads the request");
        self.received.clear();
        let head_end = loop {
            let searched = self.received.len().saturating_sub(3);
            self.read_more().await;
            let unsearched = self.received.get(searched..).unwrap_or_default();
            let found = unsearched.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(found) = found {
                break searched + found + 4;
            }
        };
        let (status, length) = head(self.received.get(..head_end).unwrap_or_default());
        while self.received.len() < head_end + length {
            self.read_more().await;
        }
        Reply {
            status,
            body: self.received.split_off(head_end),
        }
    }

    async fn read_more(&mut self) {
        let read = self
            .stream
            .read_buf(&mut self.received)
            .await
            .expect("the service answers");
        assert!(read > 0, "the service closed a connection");
    }
}

/// A GET, spelt out.
pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\n{HOST}\r\n\r\n")
}

pub(crate) fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

/// The status and the body's length.
fn head(head: &[u8]) -> (u16, usize) {
    let head = std::str::from_utf8(head).expect("a head is text");
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|status| status.parse().ok())
        .expect("an answer begins with its status");
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, length)| length.trim().parse().ok())
        .expect("the service says how long its answer is");
    (status, length)
}
