//! [`FileError`]: what the system refused, where, and whether the path is at fault.

use std::io;
use std::path::{Path, PathBuf};

use crate::bad_input::BadInput;

/// The system refused something that was tried at `path`.
///
/// ```
/// use internlm_kit::exit::BadInput;
///
/// let error = internlm_kit::file::read("no/such/file").expect_err("there is no such file");
/// assert!(error.to_string().starts_with("no/such/file: cannot read: "));
/// assert!(error.is_bad_input());
/// ```
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot {action}: {source}", path.display())]
pub struct FileError {
    /// The file or folder.
    pub path: PathBuf,
    /// What was tried, to be read after "cannot": `read`, `write`, `list`.
    pub action: &'static str,
    /// What the system said.
    pub source: io::Error,
}

impl FileError {
    /// An error of `action` at `path`.
    #[must_use]
    pub fn new(path: impl AsRef<Path>, action: &'static str, source: io::Error) -> Self {
        Self { path: path.as_ref().to_path_buf(), action, source }
    }
}

impl BadInput for FileError {
    /// A path that cannot mean what it was given for (missing, of another kind, forbidden, in use, not the promised
    /// encoding) is bad input, whether it was read or written. A full disk or a failing device is not.
    fn is_bad_input(&self) -> bool {
        use io::ErrorKind as Kind;
        matches!(
            self.source.kind(),
            Kind::NotFound
                | Kind::PermissionDenied
                | Kind::AlreadyExists
                | Kind::ResourceBusy
                | Kind::IsADirectory
                | Kind::NotADirectory
                | Kind::InvalidData
                | Kind::InvalidInput
                | Kind::InvalidFilename
                | Kind::UnexpectedEof
        )
    }
}

/// Names the path of an I/O result.
pub trait AtPath<T> {
    /// Turns the error into a [`FileError`] of `action` at `path`.
    ///
    /// # Errors
    /// The same error with its place.
    fn at(self, path: impl AsRef<Path>, action: &'static str) -> Result<T, FileError>;
}

impl<T> AtPath<T> for io::Result<T> {
    fn at(self, path: impl AsRef<Path>, action: &'static str) -> Result<T, FileError> {
        self.map_err(|source| FileError::new(path, action, source))
    }
}

/// The reader of standard output or of a named pipe has gone: it has seen enough (`| head -1`).
///
/// It travels inside an [`io::Error`] of the kind `BrokenPipe`, so that a broken network connection is not taken for
/// it. [`exit::main`](crate::exit) ends quietly on it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the reader of the output has closed it")]
pub struct ClosedPipe;

impl ClosedPipe {
    /// Marks a `BrokenPipe` of an output as one that its reader closed; other errors stay as they are.
    #[must_use]
    pub fn mark(error: io::Error) -> io::Error {
        if error.kind() == io::ErrorKind::BrokenPipe {
            io::Error::new(io::ErrorKind::BrokenPipe, Self)
        } else {
            error
        }
    }

    /// Whether `error` says so.
    #[must_use]
    pub fn is(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<Self>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_decides_who_is_at_fault_and_not_the_action() {
        for action in ["read", "write"] {
            let of = |kind: io::ErrorKind| FileError::new("a", action, kind.into()).is_bad_input();
            assert!(of(io::ErrorKind::NotFound) && of(io::ErrorKind::IsADirectory), "{action}");
            assert!(of(io::ErrorKind::PermissionDenied) && of(io::ErrorKind::InvalidData), "{action}");
            assert!(of(io::ErrorKind::AlreadyExists) && of(io::ErrorKind::ResourceBusy), "{action}");
            assert!(!of(io::ErrorKind::StorageFull) && !of(io::ErrorKind::Other), "{action}");
        }
    }

    #[test]
    fn only_a_marked_broken_pipe_is_a_closed_pipe() {
        let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(!ClosedPipe::is(&broken()));
        assert!(ClosedPipe::is(&ClosedPipe::mark(broken())));
        assert!(!ClosedPipe::is(&ClosedPipe::mark(io::ErrorKind::NotFound.into())));
    }
}
