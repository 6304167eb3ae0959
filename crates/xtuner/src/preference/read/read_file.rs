//! From a file to what its rows say.

use std::path::Path;

use internlm_kit::file;

use super::opinion::Preference;
use super::row::parse_preference;
use crate::json_rows::json_rows;
use crate::{Error, Result};

/// Reads every row of a jsonl file, or of a file that is one JSON list; blank lines are skipped.
///
/// # Errors
/// A file that cannot be read or has no rows, and [`Error::Line`] for the first row that is not a comparison.
pub fn read_preferences(path: impl AsRef<Path>) -> Result<Vec<Preference>> {
    let path = path.as_ref();
    let text = file::read_to_string(path)?;
    let rows = json_rows(&text, path)?;
    if rows.is_empty() {
        return Err(Error::mismatch(path.display().to_string(), "no comparison", "one per line"));
    }
    let read = rows.iter().map(|row| {
        parse_preference(row.text).map_err(|(found, expected)| row.error(path, &found, &expected))
    });
    read.collect()
}
