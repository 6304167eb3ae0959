//! From files to what their rows say.

use std::path::Path;

use super::opinion::Preference;
use super::row::parse_preference;
use crate::Result;
use crate::dataset::format::read_rows;

/// Reads every row of a file, or of all files below a folder: JSON lines, one JSON list or, with the feature `parquet`,
/// a Parquet table; blank lines are skipped.
///
/// # Errors
/// A file that cannot be read or has no rows, and the first row that is not a comparison, with its place.
pub fn read_preferences(path: impl AsRef<Path>) -> Result<Vec<Preference>> {
    read_rows(path.as_ref(), "comparison", |_, row| parse_preference(row.text))
}
