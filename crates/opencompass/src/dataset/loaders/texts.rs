//! Loaders that compute texts from other columns of the same row.

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use super::cell::{arguments, each, text, texts};
use super::entry::LoaderEntry;
use crate::dataset::Named;
use crate::dataset::columns::Columns;
use crate::prompt::python_str;

/// Entries of the registry.
pub(super) const ENTRIES: &[LoaderEntry] = &[
    LoaderEntry { name: "text", upstream: &[], load: format },
    LoaderEntry { name: "replace", upstream: &["CHIDDataset", "CHIDDatasetV2"], load: replace },
    LoaderEntry { name: "split", upstream: &["HellaswagDataset"], load: split },
    LoaderEntry { name: "after", upstream: &["BoolQDatasetV3"], load: after },
    LoaderEntry { name: "join", upstream: &["CslDataset", "StoryClozeDataset"], load: join },
    LoaderEntry { name: "strip", upstream: &[], load: strip },
    LoaderEntry { name: "capital", upstream: &["BoolQDatasetV3"], load: capital },
];

/// `text`: new columns from texts with `{column}` marks, each replaced once.
fn format(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        columns: IndexMap<String, String>,
    }
    let Arguments { columns: wanted } = arguments(named)?;
    each(rows, |columns| {
        for (name, format) in &wanted {
            let text = filled(format, columns);
            columns.insert(name.clone(), Value::String(text));
        }
        Ok(())
    })
}

/// Replaces `{column}` marks in one pass, so that marks inside values stay. Other braces stay too.
fn filled(format: &str, columns: &Columns) -> String {
    let mut text = String::with_capacity(format.len());
    let mut rest = format;
    while let Some(open) = rest.find('{') {
        text.push_str(&rest[..open]);
        let inside = &rest[open + 1..];
        let named = inside.split_once('}').and_then(|(name, tail)| Some((columns.get(name)?, tail)));
        rest = match named {
            Some((value, tail)) => {
                text.push_str(&python_str(value));
                tail
            }
            None => {
                text.push('{');
                inside
            }
        };
    }
    text + rest
}

/// `replace`: every occurrence of `from` by the text `to`, or by the text of the column or pointer `with`.
fn replace(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        column: String,
        into: Option<String>,
        from: String,
        #[serde(default)]
        to: String,
        with: Option<String>,
    }
    let Arguments { column, into, from, to, with } = arguments(named)?;
    each(rows, |columns| {
        let to = match &with {
            Some(place) => text(columns, place)?,
            None => to.as_str(),
        };
        let replaced = text(columns, &column)?.replace(&from, to);
        columns.insert(into.as_ref().unwrap_or(&column).clone(), Value::String(replaced));
        Ok(())
    })
}

/// `split`: one part of a text, counted from the end if negative, as in Python's `text.split(separator, limit)[part]`.
fn split(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        column: String,
        into: String,
        separator: String,
        limit: Option<usize>,
        part: i64,
    }
    let Arguments { column, into, separator, limit, part } = arguments(named)?;
    each(rows, |columns| {
        let whole = text(columns, &column)?;
        let parts: Vec<&str> = match limit {
            Some(limit) => whole.splitn(limit.saturating_add(1), &separator).collect(),
            None => whole.split(&separator).collect(),
        };
        let place = if part < 0 { part + parts.len() as i64 } else { part };
        let found = usize::try_from(place).ok().and_then(|place| parts.get(place));
        let found = found.ok_or_else(|| {
            format!("{column}: found {} part(s) between `{separator}`, expected part {part}", parts.len())
        })?;
        let found = Value::String((*found).to_owned());
        columns.insert(into.clone(), found);
        Ok(())
    })
}

/// `after`: what follows the first separator of a text; nothing without one.
fn after(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        column: String,
        separator: String,
    }
    let Arguments { column, separator } = arguments(named)?;
    each(rows, |columns| {
        let rest = text(columns, &column)?.split_once(&separator).map(|(_, rest)| rest.to_owned());
        columns.insert(column.clone(), Value::String(rest.unwrap_or_default()));
        Ok(())
    })
}

/// `join`: the texts of a list, or of several columns, with a separator between them.
fn join(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        list: Option<String>,
        #[serde(default)]
        columns: Vec<String>,
        into: String,
        separator: String,
    }
    let Arguments { list, columns: names, into, separator } = arguments(named)?;
    each(rows, |columns| {
        let parts = match &list {
            Some(place) => texts(columns, place)?,
            None => names.iter().map(|name| text(columns, name)).collect::<Result<_, _>>()?,
        };
        let joined = Value::String(parts.join(&separator));
        columns.insert(into.clone(), joined);
        Ok(())
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    columns: Vec<String>,
}

/// `strip`: white space is removed around texts.
fn strip(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    let Names { columns: names } = arguments(named)?;
    each(rows, |columns| {
        for name in &names {
            let stripped = text(columns, name)?.trim().to_owned();
            columns.insert(name.clone(), Value::String(stripped));
        }
        Ok(())
    })
}

/// `capital`: the first letter of texts becomes upper case.
fn capital(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    let Names { columns: names } = arguments(named)?;
    each(rows, |columns| {
        for name in &names {
            let whole = text(columns, name)?;
            let mut letters = whole.chars();
            let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
            let changed = Value::String(first + letters.as_str());
            columns.insert(name.clone(), changed);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn one(named: &Named, row: Value) -> Columns {
        let Value::Object(columns) = row else { panic!("an object") };
        let load = ENTRIES.iter().find(|entry| entry.name == named.name()).expect("an entry").load;
        load(named, vec![columns]).expect("loads").remove(0)
    }

    #[test]
    fn texts_are_composed_split_and_replaced() {
        let named = Named::new("text").with("columns", json!({"x": "{a} {b} {c}"}));
        assert_eq!(one(&named, json!({"a": "{b}", "b": 2}))["x"], "{b} 2 {c}");
        let named = Named::new("split").with("column", "a").with("into", "a").with("separator", ": ");
        let named = named.with("limit", 2).with("part", -1);
        assert_eq!(one(&named, json!({"a": "x: y: z: w"}))["a"], "z: w");
        let named = Named::new("replace")
            .with("column", "a")
            .with("from", "_")
            .with("with", "/o/0")
            .with("into", "b");
        assert_eq!(one(&named, json!({"a": "see _ run", "o": ["Spot"]}))["b"], "see Spot run");
        let named = Named::new("capital").with("columns", json!(["a"]));
        assert_eq!(one(&named, json!({"a": "is it"}))["a"], "Is it");
    }
}
