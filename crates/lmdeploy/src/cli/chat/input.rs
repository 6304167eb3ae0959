//! [`Input`]: messages out of the lines of a terminal or a pipe.

use std::io::{self, BufRead, IsTerminal};
use std::time::{Duration, Instant};

use internlm_kit::file::FileError;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::timeout;

/// Maximum time between two lines that are pasted; nobody types a line as fast.
const PASTE: Duration = Duration::from_millis(50);
/// Number of lines that are read ahead.
const AHEAD: usize = 4096;
/// What errors call the input.
const NAME: &str = "standard input";

/// A line with its end.
#[derive(Debug)]
struct Line {
    text: String,
    /// When it was read.
    at: Instant,
}

/// Messages, each of which an empty line ends. On a terminal, the empty lines of a text that is pasted belong to it.
#[derive(Debug)]
pub(super) struct Input {
    lines: Receiver<Result<Line, FileError>>,
    /// A line that was received and is not part of a message yet.
    next: Option<Result<Line, FileError>>,
    is_terminal: bool,
}

impl Input {
    /// The messages of standard input. The thread that reads it ends with the process.
    pub(super) fn start() -> Self {
        let (sender, lines) = channel(AHEAD);
        let is_terminal = io::stdin().is_terminal();
        std::thread::spawn(move || send_lines(io::stdin().lock(), &sender));
        Self { lines, next: None, is_terminal }
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// The next message; none at the end of the input. A call that is dropped forgets the lines of its message.
    pub(super) async fn message(&mut self) -> Result<Option<String>, FileError> {
        let mut message = String::new();
        loop {
            let Some(line) = self.line().await else {
                return Ok((!message.trim().is_empty()).then(|| message.trim_end().to_owned()));
            };
            let line = line?;
            let (is_empty, has_begun) = (line.text.trim().is_empty(), !message.is_empty());
            if is_empty && has_begun && !self.continues(line.at).await {
                return Ok(Some(message.trim_end().to_owned()));
            }
            if !is_empty || has_begun {
                message += &line.text;
            }
        }
    }

    async fn line(&mut self) -> Option<Result<Line, FileError>> {
        match self.next.take() {
            Some(line) => Some(line),
            None => self.lines.recv().await,
        }
    }

    /// Whether the line after an empty one comes so soon that both were pasted.
    async fn continues(&mut self, at: Instant) -> bool {
        if !self.is_terminal {
            return false;
        }
        if self.next.is_none() {
            self.next = timeout(PASTE, self.lines.recv()).await.ok().flatten();
        }
        matches!(&self.next, Some(Ok(next)) if next.at.duration_since(at) < PASTE)
    }
}

/// Reads lines until the input ends, cannot be read, or nobody wants more of them.
fn send_lines(mut input: impl BufRead, sender: &Sender<Result<Line, FileError>>) {
    for number in 1_usize.. {
        let line = read_line(&mut input, number);
        let is_last = line.is_err();
        let Some(line) = line.transpose() else { return };
        if sender.blocking_send(line).is_err() || is_last {
            return;
        }
    }
}

/// The next line; none at the end.
fn read_line(input: &mut impl BufRead, number: usize) -> Result<Option<Line>, FileError> {
    let failed = |error| FileError::new(NAME, "read", error);
    let mut bytes = Vec::new();
    if input.read_until(b'\n', &mut bytes).map_err(failed)? == 0 {
        return Ok(None);
    }
    let text = String::from_utf8(bytes).map_err(|_| {
        let message = format!("line {number}: found bytes that are not UTF-8");
        failed(io::Error::new(io::ErrorKind::InvalidData, message))
    })?;
    Ok(Some(Line { text, at: Instant::now() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An input of lines, each with the milliseconds of its arrival.
    fn input(is_terminal: bool, lines: &[(u64, &str)]) -> Input {
        let (sender, receiver) = channel(AHEAD);
        let start = Instant::now();
        for (milliseconds, text) in lines {
            let line = Line { text: format!("{text}\n"), at: start + Duration::from_millis(*milliseconds) };
            sender.try_send(Ok(line)).expect("there is room");
        }
        Input { lines: receiver, next: None, is_terminal }
    }

    fn messages(mut input: Input) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut messages = Vec::new();
            while let Some(message) = input.message().await.expect("UTF-8") {
                messages.push(message);
            }
            messages
        })
    }

    #[test]
    fn an_empty_line_ends_a_message_of_a_pipe_however_fast_it_comes() {
        let lines = [(0, ""), (0, "  a"), (0, "b "), (0, ""), (0, " "), (0, "c"), (0, ""), (0, "")];
        assert_eq!(messages(input(false, &lines)), ["  a\nb", "c"]);
    }

    #[test]
    fn what_is_pasted_may_have_empty_lines() {
        let pasted = [(0, "a"), (1, ""), (2, "b"), (3, ""), (4, ""), (5, "c"), (900, "")];
        assert_eq!(messages(input(true, &pasted)), ["a\n\nb\n\n\nc"]);
        let typed = [(0, "a"), (200, ""), (900, "b"), (1800, ""), (1900, "end")];
        assert_eq!(messages(input(true, &typed)), ["a", "b", "end"]);
    }

    #[test]
    fn lines_that_are_not_text_are_named() {
        let (sender, mut receiver) = channel(AHEAD);
        send_lines(&b"a\n\xff\nb\n"[..], &sender);
        assert_eq!(receiver.try_recv().expect("a line").expect("text").text, "a\n");
        let error = receiver.try_recv().expect("an error").expect_err("not text");
        let expected = "standard input: cannot read: line 2: found bytes that are not UTF-8";
        assert_eq!(error.to_string(), expected);
        assert!(receiver.try_recv().is_err(), "nothing follows");
    }
}
