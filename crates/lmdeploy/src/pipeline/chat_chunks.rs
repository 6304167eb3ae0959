//! [`ChatChunks`]: the chunks of all choices of a chat answer, as they come.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use crate::Result;
use crate::engine::{Generation, Output};
use crate::protocol::ChatChunk;
use crate::respond::ChatAnswer;

/// Chunks of a chat answer, from [`Pipeline::chat_stream`](crate::Pipeline::chat_stream); those of several choices are
/// interleaved. `next` waits on its thread. Nothing follows an error.
#[derive(Debug)]
pub struct ChatChunks {
    /// Empty once the answer has ended or failed.
    generations: Vec<Generation>,
    answers: Vec<ChatAnswer>,
    ready: std::vec::IntoIter<ChatChunk>,
    /// The choice that is looked at first, so that a fast one does not hide the others.
    first: usize,
}

impl ChatChunks {
    pub(super) fn new(generations: Vec<Generation>, answers: Vec<ChatAnswer>) -> Self {
        Self { generations, answers, ready: Vec::new().into_iter(), first: 0 }
    }

    /// The next output of any choice, with the choice's place; none when all have ended.
    fn wait(&mut self) -> Option<(usize, Output)> {
        let waker = Waker::from(Arc::new(ThreadWaker(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        let count = self.generations.len();
        loop {
            let mut ended = 0;
            for index in (0..count).map(|offset| (self.first + offset) % count) {
                match pin!(self.generations[index].next()).poll(&mut context) {
                    Poll::Ready(Some(output)) => {
                        self.first = index + 1;
                        return Some((index, output));
                    }
                    Poll::Ready(None) => ended += 1,
                    Poll::Pending => {}
                }
            }
            if ended == count {
                return None;
            }
            std::thread::park();
        }
    }
}

impl Iterator for ChatChunks {
    type Item = Result<ChatChunk>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(chunk) = self.ready.next() {
                return Some(Ok(chunk));
            }
            let (index, output) = self.wait()?;
            match self.answers[index].chunks(output) {
                Ok(chunks) => self.ready = chunks.into_iter(),
                Err(error) => {
                    self.generations.clear();
                    return Some(Err(error));
                }
            }
        }
    }
}

/// Wakes a parked thread.
struct ThreadWaker(Thread);

impl Wake for ThreadWaker {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
