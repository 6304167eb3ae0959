//! Collecting what a program writes, up to a limit.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a reader may lag behind the death of the group. A pipe whose writers are all dead ends at
/// once; only a process that escaped its group keeps one open.
const GRACE: Duration = Duration::from_secs(2);

/// One stream being read by its own thread.
#[derive(Debug)]
pub(super) struct Capture {
    shared: Arc<Shared>,
    limit: usize,
    thread: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    bytes: Mutex<Vec<u8>>,
    over: AtomicBool,
}

impl Capture {
    /// Starts reading `stream`, keeping `limit` bytes.
    pub(super) fn start(stream: impl Read + Send + 'static, limit: usize) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let filled = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("sandbox-output".to_owned())
            .spawn(move || filled.fill(stream, limit))?;
        Ok(Self { shared, limit, thread })
    }

    /// Whether more than the limit was written.
    pub(super) fn is_over(&self) -> bool {
        self.shared.over.load(Ordering::Acquire)
    }

    /// The text, with a mark when it was cut. Called after the group is dead.
    pub(super) fn finish(self) -> String {
        let deadline = Instant::now() + GRACE;
        while !self.thread.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
        let bytes = self.shared.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        if self.is_over() {
            text.push_str(&format!("\n[output cut at {} bytes]\n", self.limit));
        }
        text
    }
}

impl Shared {
    fn fill(&self, mut stream: impl Read, limit: usize) {
        let mut buffer = [0; 1 << 13];
        loop {
            let read = match stream.read(&mut buffer) {
                Ok(0) => return,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return,
            };
            let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
            let room = limit - bytes.len();
            bytes.extend_from_slice(&buffer[..read.min(room)]);
            if read > room {
                self.over.store(true, Ordering::Release);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_cut_with_a_mark_only_over_the_limit() {
        let text = |limit| Capture::start(&b"12345"[..], limit).expect("thread").finish();
        assert_eq!(text(5), "12345");
        assert_eq!(text(4), "1234\n[output cut at 4 bytes]\n");
    }
}
