//! Writes JSON files with upstream's indentation, and removes files.

use std::path::Path;

use internlm_kit::file;
use serde::Serialize;
use serde_json::Value;

use crate::Result;

/// Writes a value as JSON that is indented by four spaces and ends with a newline.
pub(super) fn write_json(path: &Path, value: &Value) -> Result<()> {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    value.serialize(&mut serializer).expect("a JSON value can be serialized");
    bytes.push(b'\n');
    Ok(file::write(path, bytes)?)
}

/// Removes a file; a file that does not exist is left alone.
pub(super) fn remove_file(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(file::FileError::new(path, "remove", error).into())
        }
        _ => Ok(()),
    }
}
