//! JSON inputs of the verbs.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::Error;

/// Reads a JSON file; what is wrong with it is reported with its path, line and column.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let bytes = std::fs::read(path).map_err(|source| Error::Io {
        path: path.to_path_buf(),
        action: "read",
        source,
    })?;
    serde_json::from_slice(&bytes).map_err(|error| Error::Invalid(format!("{}: {error}", path.display())))
}
