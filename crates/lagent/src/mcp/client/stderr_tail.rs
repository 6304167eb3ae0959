//! [`StderrTail`]: the last lines that a program has written to its standard error.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt};

/// Number of bytes that are kept.
const KEPT: usize = 2000;
/// Number of bytes that are read at a time.
const CHUNK: usize = 4096;

/// The end of what a program has written. It is part of the error when the program fails, and of nothing else.
#[derive(Debug, Default)]
pub(super) struct StderrTail {
    bytes: Mutex<VecDeque<u8>>,
}

impl StderrTail {
    /// Reads to the end. A program whose standard error nobody reads would block.
    pub(super) async fn read(&self, mut from: impl AsyncRead + Unpin) {
        let mut chunk = vec![0; CHUNK];
        while let Ok(count @ 1..) = from.read(&mut chunk).await {
            self.add(chunk.get(..count).unwrap_or_default());
        }
    }

    fn add(&self, read: &[u8]) {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        bytes.extend(read);
        let excess = bytes.len().saturating_sub(KEPT);
        bytes.drain(..excess);
    }

    /// What is kept, without the white space around it.
    pub(super) fn text(&self) -> String {
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = bytes.iter().copied().collect();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_is_kept() {
        let tail = StderrTail::default();
        tail.add(b"first\n");
        assert_eq!(tail.text(), "first");
        tail.add(&[b'x'; KEPT]);
        tail.add(b"\nlast\n");
        assert!(tail.text().ends_with("x\nlast") && tail.text().len() < KEPT);
    }
}
