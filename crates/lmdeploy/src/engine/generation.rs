//! [`Generation`]: a request under way, as its reader sees it.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::task::{Context, Poll, Wake, Waker};

use super::command::Command;
use super::mailbox::{MailSlot, Taken};
use super::{CancelCause, Output, RequestId};

/// A request under way. Dropping it before its end cancels the request and frees its cache blocks.
#[derive(Debug)]
pub struct Generation {
    id: RequestId,
    slot: MailSlot,
    commands: Sender<Command>,
    ended: bool,
}

impl Generation {
    /// The reader of request `id`, which cancels through `commands`.
    pub(super) fn new(id: RequestId, slot: MailSlot, commands: Sender<Command>) -> Self {
        Self { id, slot, commands, ended: false }
    }

    /// The request's name, unique within its engine.
    #[must_use]
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// The next output; `None` after [`Output::Finished`].
    pub async fn next(&mut self) -> Option<Output> {
        poll_fn(|context| self.poll(context)).await
    }

    /// The next output, waiting on this thread. Async code uses [`Generation::next`].
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
        self.slot.poll(context).map(|Taken { output, makes_room }| {
            if makes_room {
                // Fails when the engine is gone, and with it the request.
                let _ = self.commands.send(Command::Resume { id: self.id });
            }
            self.ended = matches!(output, Output::Finished(_));
            Some(output)
        })
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        if !self.ended && !self.slot.has_end() {
            // Fails when the engine is gone, and with it the request.
            let _ = self.commands.send(Command::Cancel { id: self.id, cause: CancelCause::Disconnect });
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
