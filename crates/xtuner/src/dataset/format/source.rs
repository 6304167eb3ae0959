//! [`Source`]: the rows of a file, whatever it is: JSON lines, a JSON list, or a Parquet table.

use std::path::Path;

use internlm_kit::file;

#[cfg(feature = "parquet")]
use super::parquet;
use crate::json_rows::{JsonRow, json_rows};
use crate::{Error, Result};

/// How a Parquet file begins and ends.
const PARQUET: &[u8] = b"PAR1";

/// A file in memory.
pub(super) struct Source<'a> {
    path: &'a Path,
    content: Content,
}

enum Content {
    /// JSON lines, or one list.
    Text(String),
    /// Rows of a table, each as JSON.
    #[cfg(feature = "parquet")]
    Table(Vec<String>),
}

impl<'a> Source<'a> {
    /// Reads the file at `path`; a table is known by its first bytes.
    ///
    /// # Errors
    /// A file that cannot be read, and a table in a build that reads none.
    pub(super) fn open(path: &'a Path) -> Result<Self> {
        let bytes = file::read(path)?;
        if bytes.starts_with(PARQUET) {
            return Self::table(path);
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let place = path.display().to_string();
            let found = format!("bytes that are not UTF-8 at {}", error.utf8_error().valid_up_to());
            Error::mismatch(place, found, "JSON in UTF-8, or a Parquet table")
        })?;
        Ok(Self { path, content: Content::Text(text) })
    }

    #[cfg(feature = "parquet")]
    fn table(path: &'a Path) -> Result<Self> {
        Ok(Self { path, content: Content::Table(parquet::rows(path)?) })
    }

    #[cfg(not(feature = "parquet"))]
    fn table(path: &'a Path) -> Result<Self> {
        let expected = "JSON lines, or a build with the feature `parquet`";
        Err(Error::mismatch(path.display().to_string(), "a Parquet table", expected))
    }

    /// The rows in the order of the file.
    ///
    /// # Errors
    /// A JSON list that is not well-formed.
    pub(super) fn rows(&self) -> Result<Vec<JsonRow<'_>>> {
        match &self.content {
            Content::Text(text) => json_rows(text, self.path),
            #[cfg(feature = "parquet")]
            Content::Table(rows) => {
                let numbered = (1..).zip(rows);
                Ok(numbered.map(|(line, text)| JsonRow { line, element: None, text }).collect())
            }
        }
    }

    /// An error about one of the rows.
    pub(super) fn error(&self, row: &JsonRow<'_>, (found, expected): (String, String)) -> Error {
        match &self.content {
            Content::Text(_) => row.error(self.path, &found, &expected),
            #[cfg(feature = "parquet")]
            Content::Table(_) => {
                Error::mismatch(format!("{}: row {}", self.path.display(), row.line), found, expected)
            }
        }
    }
}
