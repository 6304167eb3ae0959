//! [`Mailbox`]: where the engine thread puts the outputs of one request and its reader takes them.
//!
//! The engine never waits for a reader: outputs that are not taken in time pile up and are taken together later. When
//! too much has piled up, the engine pauses the request until its reader has taken it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use internlm_model::TokenId;

use super::{End, EngineFault, Finished, Output, Piece};
use crate::decode::TokenScores;

/// The outputs that no reader has taken yet.
#[derive(Debug, Default)]
struct Contents {
    prompt: Option<Vec<Option<TokenScores>>>,
    pieces: Vec<Piece>,
    /// Size of the pieces in bytes, log-probabilities not counted.
    unread: usize,
    /// Whether the engine waits for the reader to take the pieces.
    paused: bool,
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

/// How full a mailbox is, for the engine thread.
#[derive(Debug)]
pub(super) struct MailLevel {
    contents: Arc<Mutex<Contents>>,
}

/// An output that the reader has taken.
#[derive(Debug, PartialEq)]
pub(super) struct Taken {
    pub(super) output: Output,
    /// Whether the engine waits to hear that there is room again.
    pub(super) makes_room: bool,
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
        self.put(|contents| {
            contents.unread += piece.text.len() + size_of::<TokenId>();
            contents.pieces.push(piece);
        });
    }

    /// A view of how full it is.
    pub(super) fn level(&self) -> MailLevel {
        MailLevel { contents: Arc::clone(&self.contents) }
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

impl MailLevel {
    /// Whether more than `limit` bytes are unread. Then the reader tells the engine once it has taken them.
    pub(super) fn pauses(&self, limit: usize) -> bool {
        let mut contents = lock(&self.contents);
        contents.paused = contents.unread > limit;
        contents.paused
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
    pub(super) fn poll(&self, context: &mut Context<'_>) -> Poll<Taken> {
        let mut contents = lock(&self.contents);
        if let Some(scores) = contents.prompt.take() {
            return Poll::Ready(Taken { output: Output::Prompt(scores), makes_room: false });
        }
        if !contents.pieces.is_empty() {
            let output = Output::Pieces(std::mem::take(&mut contents.pieces));
            contents.unread = 0;
            return Poll::Ready(Taken { output, makes_room: std::mem::take(&mut contents.paused) });
        }
        if let Some(finished) = contents.finished.take() {
            return Poll::Ready(Taken { output: Output::Finished(finished), makes_room: false });
        }
        contents.waker = Some(context.waker().clone());
        Poll::Pending
    }

    /// Whether the end has been put and not been taken.
    pub(super) fn has_end(&self) -> bool {
        lock(&self.contents).finished.is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn piece(id: u32) -> Piece {
        Piece { id: TokenId(id), text: String::new(), scores: None }
    }

    fn poll(slot: &MailSlot) -> Poll<Output> {
        slot.poll(&mut Context::from_waker(Waker::noop())).map(|taken| taken.output)
    }

    proptest! {
        #[test]
        fn whenever_the_reader_looks_it_gets_every_output_once_and_in_order(
            looks in prop::collection::vec(any::<bool>(), 0..20),
            scored in any::<bool>(),
        ) {
            let (mailbox, slot) = mailbox();
            if scored {
                mailbox.prompt(vec![None]);
            }
            let mut outputs = Vec::new();
            for (id, look) in (0..).zip(&looks) {
                mailbox.piece(piece(id));
                if *look && let Poll::Ready(output) = poll(&slot) {
                    outputs.push(output);
                }
            }
            mailbox.finish(Finished::without_output(End::Length, 3));
            prop_assert!(slot.has_end());
            while let Poll::Ready(output) = poll(&slot) {
                outputs.push(output);
            }
            let ends = outputs.iter().filter(|output| matches!(output, Output::Finished(_))).count();
            prop_assert_eq!(ends, 1);
            prop_assert!(matches!(outputs.last(), Some(Output::Finished(_))));
            prop_assert_eq!(matches!(outputs[0], Output::Prompt(_)), scored);
            let ids: Vec<u32> = outputs
                .iter()
                .flat_map(|output| match output {
                    Output::Pieces(pieces) => pieces.iter().map(|piece| piece.id.0).collect(),
                    Output::Prompt(_) | Output::Finished(_) => Vec::new(),
                })
                .collect();
            prop_assert_eq!(ids, (0..looks.len() as u32).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_mailbox_that_is_dropped_without_an_end_tells_the_reader() {
        let (mailbox, slot) = mailbox();
        mailbox.piece(piece(7));
        drop(mailbox);
        assert_eq!(poll(&slot), Poll::Ready(Output::Pieces(vec![piece(7)])));
        let Poll::Ready(Output::Finished(finished)) = poll(&slot) else { panic!("an end") };
        assert_eq!(finished.end, End::Error(EngineFault::EngineGone));
        assert_eq!(poll(&slot), Poll::Pending, "there is one end");
    }

    #[test]
    fn a_reader_that_was_too_slow_says_once_when_there_is_room() {
        let (mailbox, slot) = mailbox();
        let level = mailbox.level();
        mailbox.piece(Piece { text: "twelve bytes".to_owned(), ..piece(1) });
        assert!(!level.pauses(16), "16 bytes with the id");
        assert!(level.pauses(15));
        let taken = |slot: &MailSlot| match slot.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(taken) => taken.makes_room,
            Poll::Pending => false,
        };
        assert!(taken(&slot));
        mailbox.piece(piece(2));
        assert!(!level.pauses(15), "what was read does not count");
        assert!(!taken(&slot));
    }
}
