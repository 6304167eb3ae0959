//! The texts by which rows are compared: their input columns, joined by spaces (`generate_input_field_corpus`).

use crate::dataset::{ReaderConfig, Row};
use crate::prompt::python_str;

/// Returns one text per row.
pub(super) fn corpus(rows: &[Row], reader: &ReaderConfig) -> Vec<String> {
    let text = |row: &Row| {
        let columns = reader.input.iter().filter_map(|column| row.columns.get(column));
        columns.map(python_str).collect::<Vec<_>>().join(" ")
    };
    rows.iter().map(text).collect()
}
