//! Standard output of a verb. A reader that has seen enough (`| head -1`) ends the verb, and nothing panics.
//!
//! `println!` panics when the reader has gone. [`outln!`](crate::outln) and [`out!`](crate::out) return an
//! [`io::Result`] instead; `?` carries the closed pipe up to [`exit::main`](crate::exit::main), which ends quietly.

use std::fmt;
use std::io::{self, Write};

use crate::file::ClosedPipe;

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

/// Standard output for many small writes; flushed by [`Write::flush`].
#[must_use]
pub fn lock() -> Stdout {
    Stdout(io::BufWriter::new(io::stdout().lock()))
}

/// A locked, buffered standard output whose broken pipe is a [`ClosedPipe`].
#[derive(Debug)]
pub struct Stdout(io::BufWriter<io::StdoutLock<'static>>);

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(ClosedPipe::mark)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(ClosedPipe::mark)
    }
}
