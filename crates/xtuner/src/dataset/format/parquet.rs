//! Rows of a Parquet table as JSON objects, one row group after the other.

use std::fs::File;
use std::path::Path;

use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::reader::RowIter;
use internlm_kit::file::FileError;

use crate::{Error, Result};

/// Every row as JSON; columns without a value are null.
///
/// # Errors
/// A damaged table, and a compression that this build does not read.
pub(super) fn rows(path: &Path) -> Result<Vec<String>> {
    let damaged = |error: ParquetError| {
        let found = format!("a table that cannot be read ({error})");
        Error::mismatch(path.display().to_string(), found, "a whole Parquet table")
    };
    let file = File::open(path).map_err(|error| FileError::new(path, "open", error))?;
    let reader = SerializedFileReader::new(file).map_err(damaged)?;
    let mut rows = Vec::new();
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(damaged)?;
        for row in RowIter::from_row_group(None, group.as_ref()).map_err(damaged)? {
            rows.push(row.map_err(damaged)?.to_json_value().to_string());
        }
    }
    Ok(rows)
}
