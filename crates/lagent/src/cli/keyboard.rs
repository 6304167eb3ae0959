//! The person at the terminal: lines of standard input, and Ctrl-C.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use internlm_kit::terminal::visible_on;
use tokio::runtime::Handle;

/// How often somebody who waits looks whether Ctrl-C was pressed.
const POLL: Duration = Duration::from_millis(20);

/// What a person has done when asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Typed {
    /// A line without its end and without white space around it.
    Line(String),
    /// The end of the input.
    End,
    /// Ctrl-C.
    Interrupt,
}

/// Lines of standard input, read on a thread of their own so that Ctrl-C can end the waiting.
#[derive(Debug)]
pub(super) struct Keyboard {
    lines: Mutex<Receiver<io::Result<String>>>,
    interrupted: Arc<AtomicBool>,
}

impl Keyboard {
    /// Begins to read standard input. The thread ends with the process.
    pub(super) fn start() -> Self {
        // A line is read only when the one before was taken, so that another reader could have the rest.
        let (sender, lines) = sync_channel(0);
        std::thread::spawn(move || {
            for line in io::stdin().lock().lines() {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { lines: Mutex::new(lines), interrupted: Arc::new(AtomicBool::new(false)) }
    }

    /// From now on Ctrl-C does not end the process.
    pub(super) fn hear_interrupts(&self, runtime: &Handle) {
        let interrupted = Arc::clone(&self.interrupted);
        runtime.spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                interrupted.store(true, Ordering::SeqCst);
            }
        });
    }

    /// Whether a person can answer.
    pub(super) fn is_person() -> bool {
        io::stdin().is_terminal()
    }

    /// Shows a prompt on stderr and waits for a line.
    pub(super) fn ask(&self, prompt: &str) -> io::Result<Typed> {
        let mut stderr = io::stderr();
        // It may quote the arguments of a call.
        stderr.write_all(visible_on(prompt, &stderr).as_bytes())?;
        stderr.flush()?;
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match lines.recv_timeout(POLL) {
                Ok(line) => return Ok(Typed::Line(line?.trim().to_owned())),
                Err(RecvTimeoutError::Disconnected) => return Ok(Typed::End),
                Err(RecvTimeoutError::Timeout) if self.take_interrupt() => return Ok(Typed::Interrupt),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Waits for Ctrl-C.
    pub(super) async fn interrupt(&self) {
        while !self.take_interrupt() {
            tokio::time::sleep(POLL).await;
        }
    }

    /// Ends the question that is being answered, as Ctrl-C does.
    pub(super) fn pass_interrupt_on(&self) {
        self.interrupted.store(true, Ordering::SeqCst);
    }

    fn take_interrupt(&self) -> bool {
        self.interrupted.swap(false, Ordering::SeqCst)
    }
}
