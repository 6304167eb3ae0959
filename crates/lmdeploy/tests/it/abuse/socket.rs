//! A connection as bytes, and what comes back over it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use lmdeploy::testing::MockServer;
use serde_json::Value;

/// Time within which everything here is answered or closed.
const LIMIT: Duration = Duration::from_secs(60);

/// A connection to a server.
pub(super) struct Socket {
    stream: TcpStream,
    /// What has come and was not part of an answer yet.
    buffer: Vec<u8>,
}

/// An answer, whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Status line and headers, in lower case.
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Socket {
    pub(super) fn connect(server: &MockServer) -> Self {
        let address = server.url().trim_start_matches("http://");
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(LIMIT)).expect("a time limit");
        stream.set_write_timeout(Some(LIMIT)).expect("a time limit");
        stream.set_nodelay(true).expect("small packets");
        Self { stream, buffer: Vec::new() }
    }

    /// Sends what the server takes: it may close the connection before the end.
    pub(super) fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Says that nothing more is sent.
    pub(super) fn end(&self) {
        // The server may have closed the connection already.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// The next answer; none when the connection is closed before its end.
    pub(super) fn answer(&mut self) -> Option<Answer> {
        let head = self.until(|bytes| find(bytes, b"\r\n\r\n").map(|end| end + 4))?;
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let body = match value(&head, "content-length") {
            Some(length) => {
                let length: usize = length.parse().expect("a length");
                self.until(|bytes| (bytes.len() >= length).then_some(length))?
            }
            None if head.contains("transfer-encoding: chunked") => self.chunks()?,
            None if head.starts_with("http/1.0") => self.rest(),
            None => Vec::new(),
        };
        Some(Answer { status, head, body })
    }

    fn chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.until(|bytes| find(bytes, b"\r\n").map(|end| end + 2))?;
            let line = String::from_utf8_lossy(&line);
            let size = usize::from_str_radix(line.trim(), 16).expect("the size of a chunk");
            let chunk = self.until(|bytes| (bytes.len() >= size + 2).then_some(size + 2))?;
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                return Some(body);
            }
        }
    }

    /// Everything that comes until the connection is closed.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.buffer);
        while self.read() {
            rest.append(&mut self.buffer);
        }
        rest
    }

    /// Reads until `end` finds an end, and takes what is before it.
    fn until(&mut self, end: impl Fn(&[u8]) -> Option<usize>) -> Option<Vec<u8>> {
        loop {
            if let Some(end) = end(&self.buffer) {
                let rest = self.buffer.split_off(end);
                return Some(std::mem::replace(&mut self.buffer, rest));
            }
            if !self.read() {
                return None;
            }
        }
    }

    /// Whether something came; a connection that stays open and silent is a hang.
    fn read(&mut self) -> bool {
        let mut bytes = [0; 1 << 16];
        match self.stream.read(&mut bytes) {
            Ok(count) => {
                self.buffer.extend_from_slice(&bytes[..count]);
                count > 0
            }
            Err(error) => {
                use std::io::ErrorKind::{TimedOut, WouldBlock};
                assert!(!matches!(error.kind(), TimedOut | WouldBlock), "neither answered nor closed");
                false
            }
        }
    }
}

impl Answer {
    /// The body, which must be JSON.
    pub(super) fn json(&self) -> Value {
        let text = || String::from_utf8_lossy(&self.body).into_owned();
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", text()))
    }

    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        value(&self.head, name)
    }

    /// The message of an error, which has one in every form.
    pub(super) fn message(&self) -> String {
        self.json()["error"]["message"].as_str().expect("the message of an error").to_owned()
    }
}

fn value<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let named = |line: &'h str| line.strip_prefix(name)?.strip_prefix(':').map(str::trim);
    head.lines().find_map(named)
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}
