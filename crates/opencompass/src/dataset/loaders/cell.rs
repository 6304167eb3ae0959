//! Access to the columns of a row, with messages that name the row and the column.

use internlm_model::chat::json_kind;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::dataset::Named;
use crate::dataset::columns::{Columns, missing, pointed};

/// Reads the arguments of a loader.
pub(super) fn arguments<T: DeserializeOwned>(named: &Named) -> Result<T, String> {
    named.arguments().map_err(|error| error.to_string())
}

/// Changes every row. The error names the row.
pub(super) fn each(
    rows: Vec<Columns>,
    change: impl Fn(&mut Columns) -> Result<(), String>,
) -> Result<Vec<Columns>, String> {
    let changed = |(index, mut columns): (usize, Columns)| match change(&mut columns) {
        Ok(()) => Ok(columns),
        Err(message) => Err(format!("row {index}: {message}")),
    };
    rows.into_iter().enumerate().map(changed).collect()
}

/// Turns every row into any number of rows. The error names the row.
pub(super) fn expand(
    rows: Vec<Columns>,
    expand: impl Fn(usize, Columns) -> Result<Vec<Columns>, String>,
) -> Result<Vec<Columns>, String> {
    let mut all = Vec::with_capacity(rows.len());
    for (index, columns) in rows.into_iter().enumerate() {
        all.extend(expand(index, columns).map_err(|message| format!("row {index}: {message}"))?);
    }
    Ok(all)
}

/// Returns the value of a column, or of a JSON pointer whose first step is a column.
pub(super) fn value<'a>(columns: &'a Columns, place: &str) -> Result<&'a Value, String> {
    let value = if place.starts_with('/') { pointed(columns, place) } else { columns.get(place) };
    value.ok_or_else(|| missing(place, columns))
}

/// Returns the text at a place.
pub(super) fn text<'a>(columns: &'a Columns, place: &str) -> Result<&'a str, String> {
    let value = value(columns, place)?;
    value.as_str().ok_or_else(|| format!("{place}: found {}, expected text", json_kind(value)))
}

/// Returns the list at a place.
pub(super) fn list<'a>(columns: &'a Columns, place: &str) -> Result<&'a [Value], String> {
    let value = value(columns, place)?;
    let list =
        value.as_array().ok_or_else(|| format!("{place}: found {}, expected a list", json_kind(value)))?;
    Ok(list)
}

/// Returns the list of texts at a place.
pub(super) fn texts<'a>(columns: &'a Columns, place: &str) -> Result<Vec<&'a str>, String> {
    let text = |value: &'a Value| {
        value.as_str().ok_or_else(|| format!("{place}: found {}, expected a list of texts", json_kind(value)))
    };
    list(columns, place)?.iter().map(text).collect()
}

/// Returns the integer at a place, which may be written as text.
pub(super) fn integer(columns: &Columns, place: &str) -> Result<i64, String> {
    let value = value(columns, place)?;
    let number = match value {
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(flag) => Some(i64::from(*flag)),
        other => other.as_i64(),
    };
    number.ok_or_else(|| format!("{place}: found {value}, expected an integer"))
}
