//! What `std::fs` does, with errors that name the path.

use std::fs;
use std::path::Path;

use super::{AtPath, FileError};

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
