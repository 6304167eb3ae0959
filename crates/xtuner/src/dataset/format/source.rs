//! [`Source`]: the rows of a file, whatever it is: JSON lines, a JSON list, or a Parquet table; and [`read_rows`], what
//! a parser makes of them.

use std::path::{Path, PathBuf};

use internlm_kit::file::{self, files_below};

#[cfg(feature = "parquet")]
use super::parquet;
use super::value::Problem;
use crate::json_rows::{JsonRow, json_rows};
use crate::{Error, Result};

/// How a Parquet file begins and ends.
const PARQUET: &[u8] = b"PAR1";

/// Ends of names of files with rows; `.bin` is what InternEvo calls its lines of ids.
const EXTENSIONS: [&str; 4] = ["bin", "json", "jsonl", "parquet"];

/// The files with rows at `path`: the file itself, or all of them below a folder, by name.
///
/// # Errors
/// A folder that cannot be read or holds no such file.
pub(super) fn data_files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let is_set = |path: &PathBuf| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
    };
    let files: Vec<PathBuf> = files_below(path)?.into_iter().filter(is_set).collect();
    if files.is_empty() {
        let expected = format!("files that end in {}", EXTENSIONS.join(", "));
        return Err(Error::mismatch(path.display().to_string(), "a folder without data", expected));
    }
    Ok(files)
}

/// What `parse` makes of every row of the file at `path`, or of all files below a folder; it is told the file. `what`
/// names a row in messages.
///
/// # Errors
/// A file that cannot be read or has no rows, and the first row that `parse` refuses, with its place.
pub(crate) fn read_rows<T>(
    path: &Path,
    what: &str,
    parse: impl Fn(&Path, &JsonRow<'_>) -> Result<T, Problem>,
) -> Result<Vec<T>> {
    let mut read = Vec::new();
    for file in data_files(path)? {
        let source = Source::open(&file)?;
        let rows = source.rows()?;
        if rows.is_empty() {
            return Err(Error::mismatch(file.display().to_string(), format!("no {what}"), "one per line"));
        }
        for row in &rows {
            read.push(parse(&file, row).map_err(|problem| source.error(row, problem))?);
        }
    }
    Ok(read)
}

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

    /// An error about one of the rows: what was found, and what was expected.
    pub(super) fn error(&self, row: &JsonRow<'_>, (found, expected): Problem) -> Error {
        match &self.content {
            Content::Text(_) => row.error(self.path, &found, &expected),
            #[cfg(feature = "parquet")]
            Content::Table(_) => {
                Error::mismatch(format!("{}: row {}", self.path.display(), row.line), found, expected)
            }
        }
    }
}
