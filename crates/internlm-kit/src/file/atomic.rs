//! [`AtomicFile`]: temporary file next to the target, fsync, rename, fsync of the folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::target::{Descriptor, descriptor, follow, parent};
use super::temporary::Temporary;
use super::{AtPath, ClosedPipe, FileError, create_folders, sync_parent};
use crate::visible::write_visible;

/// Bytes that are collected before they go to the system.
const BUFFER: usize = 1 << 18;

/// Writes `bytes` to `path` as [`AtomicFile`] does.
///
/// # Errors
/// [`FileError`] naming `path`; a regular file is then untouched.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("runs/first/summary.json");
/// internlm_kit::file::write(&path, "{}\n")?;
/// assert_eq!(std::fs::read_to_string(path)?, "{}\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> Result<(), FileError> {
    let path = path.as_ref();
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes.as_ref()).at(path, "write")?;
    file.commit()
}

/// A file that appears under its name only when [`AtomicFile::commit`] succeeded.
///
/// - `-` and `/dev/stdout` are standard output, `/dev/stderr` is standard error.
/// - Another open descriptor, such as `/dev/fd/3`, is appended to; the file behind it is not replaced.
/// - A symbolic link is followed: its target is replaced and the link stays.
/// - A pipe or a device is written to as it is; there is nothing to replace.
/// - An existing regular file keeps its permissions.
#[derive(Debug)]
pub struct AtomicFile {
    /// As the caller named it, for errors.
    path: PathBuf,
    writer: BufWriter<Sink>,
}

/// Where the bytes go.
#[derive(Debug)]
enum Sink {
    /// Renamed to the second path in the end.
    Temporary(Temporary, PathBuf),
    /// A pipe, a device or an open descriptor.
    Special(File),
    Stdout(io::Stdout),
    Stderr(io::Stderr),
}

impl AtomicFile {
    /// Opens `path` for writing, creating its parent folders.
    ///
    /// # Errors
    /// [`FileError`]: the folders or the file cannot be created, or `path` is a folder.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref();
        let sink = Sink::open(path).at(path, "write")?;
        Ok(Self { path: path.to_path_buf(), writer: BufWriter::with_capacity(BUFFER, sink) })
    }

    /// Makes the bytes durable and gives them their name.
    ///
    /// # Errors
    /// [`FileError`]; a regular file is then untouched.
    pub fn commit(self) -> Result<(), FileError> {
        let Self { path, writer } = self;
        let commit = || match writer.into_inner().map_err(io::IntoInnerError::into_error)? {
            Sink::Temporary(temporary, target) => {
                temporary.rename(&target)?;
                sync_parent(&target)
            }
            Sink::Special(mut file) => file.flush().map_err(ClosedPipe::mark),
            Sink::Stdout(mut stdout) => stdout.flush().map_err(ClosedPipe::mark),
            Sink::Stderr(mut stderr) => stderr.flush().map_err(ClosedPipe::mark),
        };
        commit().at(path, "write")
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl Sink {
    fn open(path: &Path) -> io::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::Stdout(io::stdout()));
        }
        let target = follow(path)?;
        match descriptor(&target) {
            Some(Descriptor::Stdout) => return Ok(Self::Stdout(io::stdout())),
            Some(Descriptor::Stderr) => return Ok(Self::Stderr(io::stderr())),
            // At its end: what others wrote through this descriptor stays.
            Some(Descriptor::Other) => {
                return OpenOptions::new().append(true).open(&target).map(Self::Special);
            }
            None => {}
        }
        let existing = match fs::metadata(&target) {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if let Some(metadata) = &existing {
            let kind = metadata.file_type();
            if kind.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            if kind.is_fifo() || kind.is_char_device() || kind.is_block_device() || kind.is_socket() {
                return OpenOptions::new().write(true).open(&target).map(Self::Special);
            }
        }
        if let Some(parent) = parent(&target) {
            create_folders(parent)?;
        }
        let mut temporary = Temporary::next_to(&target)?;
        if let Some(metadata) = existing {
            temporary.file().set_permissions(metadata.permissions())?;
        }
        Ok(Self::Temporary(temporary, target))
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Temporary(temporary, _) => temporary.file().write(bytes),
            Self::Special(file) => file.write(bytes).map_err(ClosedPipe::mark),
            // As every other standard output of a binary.
            Self::Stdout(stdout) if stdout.is_terminal() => {
                write_visible(bytes, stdout).map_err(ClosedPipe::mark)?;
                Ok(bytes.len())
            }
            Self::Stdout(stdout) => stdout.write(bytes).map_err(ClosedPipe::mark),
            Self::Stderr(stderr) => stderr.write(bytes).map_err(ClosedPipe::mark),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Temporary(temporary, _) => temporary.file().flush(),
            Self::Special(file) => file.flush().map_err(ClosedPipe::mark),
            Self::Stdout(stdout) => stdout.flush().map_err(ClosedPipe::mark),
            Self::Stderr(stderr) => stderr.flush().map_err(ClosedPipe::mark),
        }
    }
}

#[cfg(test)]
mod tests;
