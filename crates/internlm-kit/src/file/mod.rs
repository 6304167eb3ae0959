//! Files whose errors name them, and writes that are whole or not at all.
//!
//! | item | for |
//! |---|---|
//! | [`read`], [`read_to_string`], [`create_dir_all`], [`remove_dir_all`] | what `std::fs` does, with a [`FileError`] that names the path |
//! | [`AtPath::at`] | the same for any other `io::Result` |
//! | [`write`], [`AtomicFile`] | a reader sees the old bytes or the new bytes, never half of either |
//! | [`replace_folder`] | the same for a folder of files |
//!
//! Every writer of the workspace goes through here. `-` is standard output, symbolic links are followed, and pipes
//! and devices are written to: only regular files are replaced.

mod atomic;
mod error;
mod folder;
mod temporary;

use std::fs;
use std::path::Path;

pub use atomic::{AtomicFile, sync_parent, write};
pub use error::{AtPath, ClosedPipe, FileError};
pub use folder::replace_folder;

/// Reads a whole file.
///
/// # Errors
/// [`FileError`] naming `path`.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<u8>, FileError> {
    let path = path.as_ref();
    fs::read(path).at(path, "read")
}

/// Reads a whole UTF-8 file; other bytes are an error of the kind `InvalidData`.
///
/// # Errors
/// [`FileError`] naming `path`.
pub fn read_to_string(path: impl AsRef<Path>) -> Result<String, FileError> {
    let path = path.as_ref();
    fs::read_to_string(path).at(path, "read")
}

/// Creates a folder and its parents; a folder that exists is left alone.
///
/// # Errors
/// [`FileError`] naming `path`.
pub fn create_dir_all(path: impl AsRef<Path>) -> Result<(), FileError> {
    let path = path.as_ref();
    fs::create_dir_all(path).at(path, "create the folder")
}

/// Removes a folder with everything in it; a folder that does not exist is left alone.
///
/// # Errors
/// [`FileError`] naming `path`.
pub fn remove_dir_all(path: impl AsRef<Path>) -> Result<(), FileError> {
    let path = path.as_ref();
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        result => result.at(path, "remove"),
    }
}
