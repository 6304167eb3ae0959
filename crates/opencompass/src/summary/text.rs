//! The text blocks of upstream's summary files.

use std::fmt::Write;

use indexmap::IndexMap;
use serde_json::Value;

use super::ResultMap;
use crate::prompt::python_str;

/// Width of upstream's rulers in characters.
const WIDTH: usize = 128;

/// Formats the markdown table.
pub(super) fn markdown(rows: &[Vec<String>]) -> String {
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        writeln!(text, "| {} |", row.join(" | ")).expect("a String takes every write");
        if index == 0 {
            writeln!(text, "|{}|", vec!["-----"; row.len()].join(" | ")).expect("a String takes every write");
        }
    }
    text
}

/// Prints the results of every model as Python prints dictionaries.
pub(super) fn raw(models: &[String], results: &IndexMap<String, IndexMap<String, ResultMap>>) -> String {
    let mut names: Vec<&String> = Vec::new();
    for model in models {
        names.extend(results[model].keys().filter(|name| !names.contains(name)).collect::<Vec<_>>());
    }
    let mut lines = Vec::new();
    for model in models {
        lines.push("-".repeat(31));
        lines.push(format!("Model: {model}"));
        for name in &names {
            let result = results[model].get(*name).cloned().unwrap_or_default();
            lines.push(format!("{name}: {}", python_str(&Value::Object(result))));
        }
    }
    lines.join("\n")
}

/// Formats the txt file.
pub(super) fn txt(label: &str, rows: &[Vec<String>], table: &str, raw: &str) -> String {
    let (up, down, dash) = ("^".repeat(WIDTH), "$".repeat(WIDTH), "-".repeat(WIDTH));
    let divider = format!("{dash} THIS IS A DIVIDER {dash}");
    let csv = rows.iter().map(|row| row.join(",")).collect::<Vec<_>>().join("\n");
    let markdown = markdown(rows);
    format!(
        "{label}\ntabulate format\n{up}\n{table}\n{down}\n\n{divider}\n\ncsv format\n{up}\n{csv}\n{down}\n\n\
         markdown format\n{up}\n{markdown}\n{down}\n{divider}\n\nraw format\n{up}\n{raw}\n{down}\n"
    )
}
