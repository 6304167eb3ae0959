//! [`Fault`]: why a configuration cannot be read, with the file and the line.

use std::path::{Path, PathBuf};

use crate::Error;

/// The reason why a configuration cannot be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Fault {
    /// The file, once it is known. It is the innermost one if files import each other.
    path: Option<PathBuf>,
    /// Line of the file, from 1.
    line: usize,
    /// The construct, what was found and what is supported.
    message: String,
}

impl Fault {
    /// Creates a fault in a file that is named later.
    pub(super) fn new(line: usize, message: impl Into<String>) -> Self {
        Self { path: None, line, message: message.into() }
    }

    /// Names the file, unless an inner one is named already.
    pub(super) fn in_file(mut self, path: &Path) -> Self {
        self.path.get_or_insert_with(|| path.to_path_buf());
        self
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let Fault { path, line, message } = fault;
        Self::Content { path: path.unwrap_or_default(), message: format!("line {line}: {message}") }
    }
}
