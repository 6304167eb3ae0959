//! Parses the bytes of a data file into rows of named columns.

use internlm_model::chat::json_kind;
use serde_json::Value;

use super::columns::Columns;
use super::{Format, SourceConfig};

/// Parses rows. The error is a message that names the line.
pub(super) fn rows(bytes: &[u8], source: &SourceConfig) -> Result<Vec<Columns>, String> {
    match source.format {
        Format::Jsonl => text_lines(bytes)?.map(|(line, text)| json_row(text, line)).collect(),
        Format::Json => json_rows(bytes, source.records.as_deref()),
        Format::Csv => table(bytes, b',', &source.columns),
        Format::Tsv => table(bytes, b'\t', &source.columns),
        Format::Txt => {
            let row = |(_, text): (usize, &str)| Columns::from_iter([("text".to_owned(), Value::from(text))]);
            Ok(text_lines(bytes)?.map(row).collect())
        }
        Format::Lines => {
            let row = |text: &str| Columns::from_iter([("text".to_owned(), Value::from(text.trim()))]);
            Ok(utf8(bytes)?.lines().map(row).collect())
        }
        Format::Whole => Ok(vec![Columns::from_iter([("text".to_owned(), Value::from(utf8(bytes)?))])]),
        Format::Parquet => Err("parquet is not read; convert the file, for instance with Python: \
             pandas.read_parquet(\"x.parquet\").to_json(\"x.jsonl\", orient=\"records\", lines=True)"
            .to_owned()),
    }
}

/// Returns the lines that are not empty, numbered from 1. A byte order mark is skipped.
fn text_lines(bytes: &[u8]) -> Result<impl Iterator<Item = (usize, &str)>, String> {
    Ok(utf8(bytes)?
        .lines()
        .enumerate()
        .map(|(index, text)| (index + 1, text))
        .filter(|(_, text)| !text.trim().is_empty()))
}

/// Returns the text without a byte order mark.
fn utf8(bytes: &[u8]) -> Result<&str, String> {
    let text = str::from_utf8(bytes)
        .map_err(|error| format!("byte {}: found bytes that are not UTF-8", error.valid_up_to()))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn json_row(text: &str, line: usize) -> Result<Columns, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(columns)) => Ok(columns),
        Ok(other) => Err(format!("line {line}: found {}, expected a JSON object", json_kind(&other))),
        Err(error) => Err(format!("line {line}: {error}, expected a JSON object")),
    }
}

/// Reads the rows at `records` inside of a JSON value, or the value itself: the objects of a list, or the members of an
/// object, whose names become the column `key`. The elements of a list of lists become columns `0`, `1` and so on.
fn json_rows(bytes: &[u8], records: Option<&str>) -> Result<Vec<Columns>, String> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let mut value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if let Some(pointer) = records {
        let inside = value.pointer_mut(pointer).map(Value::take);
        value = inside.ok_or_else(|| format!("found no `{pointer}`, expected the rows there"))?;
    }
    match value {
        Value::Array(items) => {
            items.into_iter().enumerate().map(|(index, item)| json_item(index, item)).collect()
        }
        Value::Object(members) if members.values().all(Value::is_object) => {
            let row = |(index, (key, item))| {
                let mut columns = json_item(index, item)?;
                columns.entry("key").or_insert(Value::String(key));
                Ok::<Columns, String>(columns)
            };
            members.into_iter().enumerate().map(row).collect()
        }
        other => Err(format!("found {}, expected a JSON list of rows", json_kind(&other))),
    }
}

fn json_item(index: usize, item: Value) -> Result<Columns, String> {
    match item {
        Value::Object(columns) => Ok(columns),
        Value::Array(elements) => {
            let named = elements.into_iter().enumerate().map(|(place, element)| (place.to_string(), element));
            Ok(named.collect())
        }
        other => Err(format!("item {index}: found {}, expected a JSON object", json_kind(&other))),
    }
}

fn table(bytes: &[u8], delimiter: u8, names: &[String]) -> Result<Vec<Columns>, String> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(names.is_empty())
        .flexible(true)
        .from_reader(bytes);
    let names: Vec<String> = if names.is_empty() {
        reader.headers().map_err(|error| error.to_string())?.iter().map(str::to_owned).collect()
    } else {
        names.to_vec()
    };
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != names.len() {
            let (found, expected) = (record.len(), names.len());
            return Err(format!(
                "line {line}: found {found} columns, expected {expected} ({})",
                names.join(", ")
            ));
        }
        rows.push(names.iter().cloned().zip(record.iter().map(Value::from)).collect());
    }
    Ok(rows)
}
