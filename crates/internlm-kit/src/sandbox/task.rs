//! One program to run: its arguments, input, files and environment.

use super::filter::Sockets;

/// What to run. Paths of input files are plain names inside the private work folder.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Task {
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
    pub(super) stdin: Vec<u8>,
    pub(super) files: Vec<(String, Vec<u8>)>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) collect: Vec<String>,
    pub(super) sockets: Sockets,
}

impl Task {
    /// A program by name (looked up in `/usr/local/bin`, `/usr/bin`, `/bin`) or by absolute path.
    #[must_use]
    pub fn new(program: impl Into<String>) -> Self {
        Self { program: program.into(), ..Self::default() }
    }

    /// Appends arguments to the command line.
    #[must_use]
    pub fn args<T: Into<String>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets what the program reads on stdin; default nothing.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Adds a file to the work folder, which is the program's current directory.
    #[must_use]
    pub fn file(mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.push((name.into(), bytes.into()));
        self
    }

    /// Adds a variable to the otherwise minimal environment.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Asks for a file of the work folder's top level; [`Outcome::files`](super::Outcome::files) holds it afterwards.
    #[must_use]
    pub fn collect(mut self, name: impl Into<String>) -> Self {
        self.collect.push(name.into());
        self
    }

    /// Lets the program make Unix sockets in its work folder, for this process to connect to. The program itself
    /// can connect to nothing.
    #[must_use]
    pub fn serves_sockets(mut self) -> Self {
        self.sockets = Sockets::Served;
        self
    }
}
