//! [`Mailbox`]: where the engine thread puts the outputs of one request and its reader takes them.
//!
//! The engine never waits for a reader: outputs that are not taken in time pile up and are taken together later. The
//! context length bounds how many there can be.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::{End, EngineFault, Finished, Output, Piece};
use crate::decode::TokenScores;

/// The outputs that no reader has taken yet.
#[derive(Debug, Default)]
struct Contents {
    prompt: Option<Vec<Option<TokenScores>>>,
    pieces: Vec<Piece>,
    finished: Option<Finished>,
    waker: Option<Waker>,
}

/// The engine's end. Dropping it without [`Mailbox::finish`] tells the reader that the engine is gone.
#[derive(Debug)]
pub(super) struct Mailbox {
    contents: Arc<Mutex<Contents>>,
    open: bool,
}

/// The reader's end.
#[derive(Debug)]
pub(super) struct MailSlot {
    contents: Arc<Mutex<Contents>>,
}

/// Both ends of a new mailbox.
pub(super) fn mailbox() -> (Mailbox, MailSlot) {
    let contents = Arc::new(Mutex::new(Contents::default()));
    (Mailbox { contents: Arc::clone(&contents), open: true }, MailSlot { contents })
}

/// A panic while holding the lock leaves the contents whole: every change is one assignment.
fn lock(contents: &Mutex<Contents>) -> MutexGuard<'_, Contents> {
    contents.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mailbox {
    pub(super) fn prompt(&self, scores: Vec<Option<TokenScores>>) {
        self.put(|contents| contents.prompt = Some(scores));
    }

    pub(super) fn piece(&self, piece: Piece) {
        self.put(|contents| contents.pieces.push(piece));
    }

    pub(super) fn finish(mut self, finished: Finished) {
        self.open = false;
        self.put(|contents| contents.finished = Some(finished));
    }

    fn put(&self, change: impl FnOnce(&mut Contents)) {
        let mut contents = lock(&self.contents);
        change(&mut contents);
        let waker = contents.waker.take();
        drop(contents);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        if self.open {
            let finished = Finished::without_output(End::Error(EngineFault::EngineGone), 0);
            self.put(|contents| contents.finished = Some(finished));
        }
    }
}

impl MailSlot {
    /// The next output: prompt scores, then all pieces that are there, then the end.
    pub(super) fn poll(&self, context: &mut Context<'_>) -> Poll<Output> {
        let mut contents = lock(&self.contents);
        if let Some(scores) = contents.prompt.take() {
            return Poll::Ready(Output::Prompt(scores));
        }
        if !contents.pieces.is_empty() {
            return Poll::Ready(Output::Pieces(std::mem::take(&mut contents.pieces)));
        }
        if let Some(finished) = contents.finished.take() {
            return Poll::Ready(Output::Finished(finished));
        }
        contents.waker = Some(context.waker().clone());
        Poll::Pending
    }

    /// Whether the end has been put and not been taken.
    pub(super) fn has_end(&self) -> bool {
        lock(&self.contents).finished.is_some()
    }
}
