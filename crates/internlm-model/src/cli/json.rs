//! JSON inputs of the verbs.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::Error;

/// Reads a JSON file; what is wrong with it is reported with its path, line and column. `expected` says what the file
/// should hold.
pub(super) fn read<T: DeserializeOwned>(path: &Path, expected: &'static str) -> Result<T, Error> {
    let bytes = std::fs::read(path).map_err(|source| Error::read(path, source))?;
    serde_json::from_slice(&bytes).map_err(|error| Error::Json {
        path: path.to_path_buf(),
        expected,
        message: error.to_string(),
    })
}
