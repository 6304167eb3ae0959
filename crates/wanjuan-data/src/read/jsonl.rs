//! Documents as lines of JSON.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::{Document, Error, Result};

/// The documents of a jsonl file; needs `id` and `content`.
///
/// # Errors
/// A missing file; a line that is not a document, with its byte offset.
pub fn read_documents(path: &Path) -> Result<impl Iterator<Item = Result<Document>>> {
    read_lines(path)
}

/// The values of a jsonl file, one line at a time; empty lines are skipped.
///
/// # Errors
/// A missing file; a line that is not a `T`, with its byte offset.
pub fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<impl Iterator<Item = Result<T>>> {
    let mut reader = BufReader::with_capacity(1 << 18, File::open(path).map_err(Error::io(path, "read"))?);
    let path = path.to_path_buf();
    let mut line = Vec::new();
    let mut offset = 0;
    Ok(std::iter::from_fn(move || {
        loop {
            line.clear();
            let start = offset;
            match reader.read_until(b'\n', &mut line) {
                Err(error) => return Some(Err(Error::io(&path, "read")(error))),
                Ok(0) => return None,
                Ok(read) => offset += read as u64,
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            return Some(serde_json::from_slice(&line).map_err(|error| Error::Format {
                path: path.clone(),
                offset: start,
                found: error.to_string(),
                expected: "one JSON object per line".to_owned(),
            }));
        }
    }))
}
