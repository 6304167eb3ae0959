//! Loaders of sets that keep questions and expected answers in separate files.

use indexmap::IndexMap;
use serde::Deserialize;

use super::cell::{arguments, value};
use super::entry::LoaderEntry;
use crate::dataset::Named;
use crate::dataset::columns::Columns;
use crate::prompt::python_str;

/// Entries of the registry.
pub(super) const ENTRIES: &[LoaderEntry] = &[LoaderEntry { name: "merge", upstream: &[], load: merge }];

/// `merge`: rows with the same value of `key` become one row with the columns of all of them. Every key has to be in as
/// many rows as the others, so that no question is without its answer.
fn merge(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        key: String,
    }
    let Arguments { key } = arguments(named)?;
    let mut merged: IndexMap<String, (usize, Columns)> = IndexMap::new();
    for (place, row) in rows.into_iter().enumerate() {
        let name = python_str(value(&row, &key).map_err(|message| format!("row {place}: {message}"))?);
        let (count, columns) = merged.entry(name).or_default();
        *count += 1;
        columns.extend(row);
    }
    let expected = merged.values().map(|(count, _)| *count).max().unwrap_or(0);
    if let Some((name, (count, _))) = merged.iter().find(|(_, (count, _))| *count != expected) {
        return Err(format!("{key}: found {count} rows of `{name}`, expected {expected} as of the others"));
    }
    Ok(merged.into_values().map(|(_, columns)| columns).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn rows(value: &Value) -> Vec<Columns> {
        value.as_array().into_iter().flatten().filter_map(Value::as_object).cloned().collect()
    }

    #[test]
    fn questions_find_their_answers() {
        let named = Named::new("merge").with("key", "id");
        let all = rows(
            &json!([{"id": 1, "q": "a"}, {"id": 2, "q": "b"}, {"id": 2, "a": "B"}, {"id": 1, "a": "A"}]),
        );
        let expected = rows(&json!([{"id": 1, "q": "a", "a": "A"}, {"id": 2, "q": "b", "a": "B"}]));
        assert_eq!(merge(&named, all.clone()), Ok(expected));
        let message = merge(&named, all[..3].to_vec()).expect_err("one answer is missing");
        assert_eq!(message, "id: found 1 rows of `1`, expected 2 as of the others");
    }
}
