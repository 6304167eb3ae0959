//! Standard output of a verb. A reader that has seen enough (`| head -1`) ends the verb, and nothing panics; on a
//! terminal, what models, pages and programs wrote is shown as text and not taken as commands
//! ([`visible`](mod@crate::visible)).
//!
//! `println!` panics when the reader has gone. [`outln!`](crate::outln) and [`out!`](crate::out) return an
//! [`io::Result`] instead; `?` carries the closed pipe up to [`exit::main`](crate::exit::main), which ends quietly.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use crate::file::ClosedPipe;
use crate::visible::write_visible;

/// Writes a line to standard output, like `println!`, and gives an [`io::Result`](std::io::Result).
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// internlm_kit::outln!("{} tokens", 12)?;
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! outln {
    () => { $crate::stdout::print(format_args!("\n")) };
    ($($argument:tt)*) => { $crate::stdout::print(format_args!("{}\n", format_args!($($argument)*))) };
}

/// Writes to standard output at once, like `print!` with a flush, and gives an [`io::Result`](std::io::Result).
#[macro_export]
macro_rules! out {
    ($($argument:tt)*) => { $crate::stdout::print(format_args!($($argument)*)) };
}

/// Writes and flushes; [`outln!`](crate::outln) and [`out!`](crate::out) call it.
///
/// # Errors
/// A [`ClosedPipe`] when the reader has gone, and any other error of writing.
pub fn print(text: fmt::Arguments<'_>) -> io::Result<()> {
    let mut stdout = lock();
    stdout.write_fmt(text)?;
    stdout.flush()
}

/// Writes and flushes text with colors of our own. What others wrote has to be made
/// [`visible`](crate::visible::visible) before.
///
/// # Errors
/// As [`print()`].
pub fn print_styled(text: fmt::Arguments<'_>) -> io::Result<()> {
    let mut stdout = Stdout { target: Target::Raw, ..lock() };
    stdout.write_fmt(text)?;
    stdout.flush()
}

/// Standard output for many small writes; flushed by [`Write::flush`].
#[must_use]
pub fn lock() -> Stdout {
    let stdout = io::stdout().lock();
    let target = if stdout.is_terminal() { Target::Terminal } else { Target::Raw };
    Stdout { writer: io::BufWriter::new(stdout), target }
}

/// A locked, buffered standard output whose broken pipe is a [`ClosedPipe`].
#[derive(Debug)]
pub struct Stdout {
    writer: io::BufWriter<io::StdoutLock<'static>>,
    target: Target,
}

/// Whether bytes are written as they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Target {
    /// Files and pipes, and text with colors of our own.
    Raw,
    /// Control characters become text.
    Terminal,
}

impl Target {
    fn write(self, bytes: &[u8], writer: &mut impl Write) -> io::Result<usize> {
        if self == Self::Raw {
            return writer.write(bytes);
        }
        write_visible(bytes, writer)?;
        Ok(bytes.len())
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.target.write(bytes, &mut self.writer).map_err(ClosedPipe::mark)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush().map_err(ClosedPipe::mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(target: Target, pieces: &[&[u8]]) -> String {
        let mut out = Vec::new();
        for piece in pieces {
            assert_eq!(target.write(piece, &mut out).expect("writes"), piece.len());
        }
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn a_terminal_gets_no_commands_and_a_pipe_gets_the_bytes() {
        let answer = "red: \u{1b}[31m\n".as_bytes();
        assert_eq!(written(Target::Terminal, &[answer]), "red: ^[[31m\n");
        assert_eq!(written(Target::Raw, &[answer]), "red: \u{1b}[31m\n");
    }

    #[test]
    fn a_character_in_two_writes_stays_whole() {
        let (head, tail) = "大".as_bytes().split_at(1);
        assert_eq!(written(Target::Terminal, &[head, tail]), "大");
    }
}
