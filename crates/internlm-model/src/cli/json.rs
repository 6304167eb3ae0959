//! JSON inputs of the verbs.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::Error;

/// Reads a JSON file; what is wrong with it is reported with its path, line and column. `expected` says what the file
/// should hold.
pub(super) fn read<T: DeserializeOwned>(path: &Path, expected: &'static str) -> Result<T, Error> {
    let bytes = internlm_kit::file::read(path)?;
    serde_json::from_slice(&bytes).map_err(|error| Error::Json {
        path: path.to_path_buf(),
        expected,
        message: error.to_string(),
    })
}
