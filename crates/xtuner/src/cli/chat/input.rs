//! [`Input`]: messages and commands out of the lines of standard input.

use std::io::{self, BufRead};

use internlm_kit::file::FileError;

/// What errors call the input.
const NAME: &str = "standard input";

/// What a person asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Entry {
    /// To end the program: `EXIT`, or the end of the input.
    Leave,
    /// To begin a new conversation: `RESET`.
    Reset,
    /// An answer of the model.
    Say(String),
}

/// Messages, each of which an empty line ends.
pub(super) struct Input<R> {
    lines: R,
}

impl Input<io::StdinLock<'static>> {
    /// The messages of standard input.
    pub(super) fn start() -> Self {
        Self { lines: io::stdin().lock() }
    }
}

impl<R: BufRead> Input<R> {
    /// The next message or command.
    pub(super) fn entry(&mut self) -> Result<Entry, FileError> {
        let mut message = String::new();
        loop {
            let mut line = String::new();
            let length =
                self.lines.read_line(&mut line).map_err(|error| FileError::new(NAME, "read", error))?;
            let is_first = message.is_empty();
            match line.trim() {
                "" if length == 0 && is_first => return Ok(Entry::Leave),
                "" if length > 0 && is_first => {}
                "" => return Ok(Entry::Say(message.trim_end().to_owned())),
                "EXIT" if is_first => return Ok(Entry::Leave),
                "RESET" if is_first => return Ok(Entry::Reset),
                _ => message.push_str(&line),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str) -> Vec<Entry> {
        let mut input = Input { lines: text.as_bytes() };
        let mut entries = Vec::new();
        loop {
            let entry = input.entry().expect("text");
            entries.push(entry.clone());
            if entry == Entry::Leave {
                return entries;
            }
        }
    }

    #[test]
    fn empty_lines_end_messages_and_commands_stand_alone() {
        let say = |text: &str| Entry::Say(text.to_owned());
        let expected = [say("a\nb"), Entry::Reset, say("c\nEXIT"), say("RESET it"), Entry::Leave];
        assert_eq!(entries("\n\na\nb\n\n\nRESET\nc\nEXIT\n\nRESET it\n\nEXIT\nd\n"), expected);
        assert_eq!(entries("the end"), [say("the end"), Entry::Leave]);
    }

    #[test]
    fn bytes_that_are_not_text_are_refused() {
        let problem = Input { lines: &b"a\xff\n"[..] }.entry().expect_err("not UTF-8");
        assert!(problem.to_string().starts_with("standard input: cannot read"), "{problem}");
    }
}
