//! The columns of a row before the reader's rules are applied.

use serde_json::{Map, Value};

/// The columns of one row, in the order of the file.
pub(super) type Columns = Map<String, Value>;

/// Returns the value at a JSON pointer whose first step is a column.
pub(super) fn pointed<'a>(columns: &'a Columns, pointer: &str) -> Option<&'a Value> {
    let path = pointer.strip_prefix('/')?;
    match path.split_once('/') {
        None => columns.get(path),
        Some((column, rest)) => columns.get(column)?.pointer(&format!("/{rest}")),
    }
}

/// Returns the message for a column or pointer that a row lacks.
pub(super) fn missing(name: &str, columns: &Columns) -> String {
    let known: Vec<&str> = columns.keys().map(String::as_str).collect();
    format!("found the columns {}, expected `{name}`", known.join(", "))
}
