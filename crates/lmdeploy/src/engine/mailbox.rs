//! The mailbox of one request: the engine thread puts, a handler or a plain thread takes.
//!
//! The engine never waits for a reader: what is not taken in time is taken together later. What can pile up is
//! bounded by the context length.

use std::future::poll_fn;
use std::sync::mpsc::Sender as CommandSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use internlm_model::TokenId;

use super::handle::Command;
use super::{CancelCause, End, EngineFault, RequestId};
use crate::decode::TokenScores;

/// One generated id that does not end the sequence; the one that does is in [`Finished::end`].
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// The id.
    pub id: TokenId,
    /// The text that became certain with it: it may belong to ids before, or be empty.
    pub text: String,
    /// Its log-probability, when asked for.
    pub scores: Option<TokenScores>,
}

/// What a reader gets: at most one `Prompt`, any number of `Pieces`, exactly one `Finished`.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Log-probabilities of the prompt's ids, when asked for; none for the first.
    Prompt(Vec<Option<TokenScores>>),
    /// The next generated ids; at least one.
    Pieces(Vec<Piece>),
    /// The end.
    Finished(Finished),
}

/// The end of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finished {
    /// Why.
    pub end: End,
    /// Text that was held back until now.
    pub rest: String,
    /// Ids of the prompt.
    pub prompt_tokens: usize,
    /// Ids generated, one that ended the sequence included.
    pub generated_tokens: usize,
}

#[derive(Debug, Default)]
struct Contents {
    prompt: Option<Vec<Option<TokenScores>>>,
    pieces: Vec<Piece>,
    finished: Option<Finished>,
    waker: Option<Waker>,
}

/// The engine's end.
#[derive(Debug)]
pub(super) struct Mailbox {
    contents: Arc<Mutex<Contents>>,
    open: bool,
}

/// The reader's end: a request under way. Dropping it cancels the request.
#[derive(Debug)]
pub struct Generation {
    id: RequestId,
    contents: Arc<Mutex<Contents>>,
    commands: Option<CommandSender<Command>>,
    ended: bool,
}

/// Both ends for request `id`; the reader cancels through `commands`.
pub(super) fn mailbox(id: RequestId, commands: CommandSender<Command>) -> (Mailbox, Generation) {
    let contents = Arc::new(Mutex::new(Contents::default()));
    let generation =
        Generation { id, contents: Arc::clone(&contents), commands: Some(commands), ended: false };
    (Mailbox { contents, open: true }, generation)
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
    /// The engine thread ended without ending the request: the reader still gets its end.
    fn drop(&mut self) {
        if self.open {
            let end = End::Error(EngineFault::EngineGone);
            let rest = String::new();
            let finished = Finished { end, rest, prompt_tokens: 0, generated_tokens: 0 };
            self.put(|contents| contents.finished = Some(finished));
        }
    }
}

impl Generation {
    /// The request's name.
    #[must_use]
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// The next output; nothing after [`Output::Finished`].
    pub async fn next(&mut self) -> Option<Output> {
        poll_fn(|context| self.poll(context)).await
    }

    /// The next output, waiting on this thread. Not for async code.
    pub fn wait(&mut self) -> Option<Output> {
        let waker = Waker::from(Arc::new(ThreadWaker(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            match self.poll(&mut context) {
                Poll::Ready(output) => return output,
                Poll::Pending => std::thread::park(),
            }
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Output>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let mut contents = lock(&self.contents);
        if let Some(scores) = contents.prompt.take() {
            return Poll::Ready(Some(Output::Prompt(scores)));
        }
        if !contents.pieces.is_empty() {
            return Poll::Ready(Some(Output::Pieces(std::mem::take(&mut contents.pieces))));
        }
        if let Some(finished) = contents.finished.take() {
            self.ended = true;
            return Poll::Ready(Some(Output::Finished(finished)));
        }
        contents.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        let running = !self.ended && lock(&self.contents).finished.is_none();
        if let Some(commands) = self.commands.take().filter(|_| running) {
            // Fails when the engine is gone, and with it the request.
            let _ = commands.send(Command::Cancel { id: self.id, cause: CancelCause::Disconnect });
        }
    }
}

/// Wakes a parked thread.
struct ThreadWaker(std::thread::Thread);

impl Wake for ThreadWaker {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
