//! Parses the bytes of a data file into rows of named columns.

use internlm_model::chat::json_kind;
use serde_json::Value;

use super::columns::Columns;
use super::{Format, SourceConfig};

/// Parses rows. The error is a message that names the line.
pub(super) fn rows(bytes: &[u8], source: &SourceConfig) -> Result<Vec<Columns>, String> {
    match source.format {
        Format::Jsonl => text_lines(bytes)?.map(|(line, text)| json_row(text, line)).collect(),
        Format::Json => json_list(bytes),
        Format::Csv => table(bytes, b',', &source.columns),
        Format::Tsv => table(bytes, b'\t', &source.columns),
        Format::Txt => {
            let row = |(_, text): (usize, &str)| Columns::from_iter([("text".to_owned(), Value::from(text))]);
            Ok(text_lines(bytes)?.map(row).collect())
        }
    }
}

/// Returns the lines that are not empty, numbered from 1. A byte order mark is skipped.
fn text_lines(bytes: &[u8]) -> Result<impl Iterator<Item = (usize, &str)>, String> {
    let text = str::from_utf8(bytes)
        .map_err(|error| format!("byte {}: found bytes that are not UTF-8", error.valid_up_to()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Ok(text
        .lines()
        .enumerate()
        .map(|(index, text)| (index + 1, text))
        .filter(|(_, text)| !text.trim().is_empty()))
}

fn json_row(text: &str, line: usize) -> Result<Columns, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(columns)) => Ok(columns),
        Ok(other) => Err(format!("line {line}: found {}, expected a JSON object", json_kind(&other))),
        Err(error) => Err(format!("line {line}: {error}, expected a JSON object")),
    }
}

fn json_list(bytes: &[u8]) -> Result<Vec<Columns>, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let Value::Array(items) = value else {
        return Err(format!("found {}, expected a JSON list", json_kind(&value)));
    };
    let object = |(index, item)| match item {
        Value::Object(columns) => Ok(columns),
        other => Err(format!("item {index}: found {}, expected a JSON object", json_kind(&other))),
    };
    items.into_iter().enumerate().map(object).collect()
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
