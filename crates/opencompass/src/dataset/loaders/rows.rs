//! Loaders that change which rows there are.

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use super::cell::{arguments, each, expand, list, value};
use super::entry::LoaderEntry;
use crate::dataset::Named;
use crate::dataset::columns::Columns;
use crate::prompt::python_str;

/// Entries of the registry.
pub(super) const ENTRIES: &[LoaderEntry] = &[
    LoaderEntry {
        name: "explode",
        upstream: &["CMRCDataset", "DRCDDataset", "MultiRCDataset", "MultiRCDatasetV2", "QuALITYDataset"],
        load: explode,
    },
    LoaderEntry { name: "together", upstream: &["LEvalCourseraDataset", "LEvalTPODataset"], load: together },
    LoaderEntry { name: "drop", upstream: &["CMNLIDataset"], load: drop_rows },
    LoaderEntry { name: "keep", upstream: &[], load: keep },
    LoaderEntry { name: "limit", upstream: &["XsumDataset"], load: limit },
    LoaderEntry {
        name: "pair",
        upstream: &["FloresFirst100Dataset", "LCSTSDataset", "PIQADataset"],
        load: pair,
    },
    LoaderEntry { name: "number_rows", upstream: &[], load: number_rows },
];

/// `explode`: one row per element of a list. An object's members become columns, and anything else the column `into`.
/// The column that the list is in is left out.
fn explode(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        list: String,
        into: Option<String>,
    }
    let Arguments { list: place, into } = arguments(named)?;
    let root = place.trim_start_matches('/').split('/').next().unwrap_or_default().to_owned();
    expand(rows, |_, columns| {
        let elements = list(&columns, &place)?.to_vec();
        let mut parent = columns;
        parent.shift_remove(&root);
        let row = |element: Value| {
            let mut row = parent.clone();
            match (element, &into) {
                (element, Some(name)) => {
                    row.insert(name.clone(), element);
                }
                (Value::Object(members), None) => row.extend(members),
                (other, None) => return Err(format!("{place}: found {other}, expected objects or `into`")),
            }
            Ok(row)
        };
        elements.into_iter().map(row).collect()
    })
}

/// `together`: lists of equal length become columns with one row per place.
fn together(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        /// New column -> column of the list, which is left out.
        columns: IndexMap<String, String>,
    }
    let Arguments { columns: wanted } = arguments(named)?;
    expand(rows, |_, columns| {
        let lists: Vec<Vec<Value>> = wanted
            .values()
            .map(|place| list(&columns, place).map(<[Value]>::to_vec))
            .collect::<Result<_, _>>()?;
        let mut parent = columns;
        for place in wanted.values() {
            parent.shift_remove(place);
        }
        // As Python's `zip`: the shortest list ends it.
        let length = lists.iter().map(Vec::len).min().unwrap_or(0);
        let row = |place: usize| {
            let mut row = parent.clone();
            row.extend(wanted.keys().zip(&lists).map(|(name, list)| (name.clone(), list[place].clone())));
            row
        };
        Ok((0..length).map(row).collect())
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chosen {
    column: String,
    values: Vec<String>,
}

fn is_chosen(columns: &Columns, chosen: &Chosen) -> Result<bool, String> {
    let found = python_str(value(columns, &chosen.column)?);
    Ok(chosen.values.contains(&found))
}

/// `drop`: leaves rows out whose column has one of the values, as Python prints them.
fn drop_rows(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    let chosen: Chosen = arguments(named)?;
    expand(rows, |_, row| Ok(if is_chosen(&row, &chosen)? { Vec::new() } else { vec![row] }))
}

/// `keep`: leaves all other rows out.
fn keep(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    let chosen: Chosen = arguments(named)?;
    expand(rows, |_, row| Ok(if is_chosen(&row, &chosen)? { vec![row] } else { Vec::new() }))
}

/// `limit`: leaves out the first `skip` rows, and all rows after the next `count` if that is given.
fn limit(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        #[serde(default)]
        skip: usize,
        count: Option<usize>,
    }
    let Arguments { skip, count } = arguments(named)?;
    Ok(rows.into_iter().skip(skip).take(count.unwrap_or(usize::MAX)).collect())
}

/// `pair`: files of equal length whose lines belong together. The column of each file gets its own name.
fn pair(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        column: String,
        names: Vec<String>,
    }
    let Arguments { column, names } = arguments(named)?;
    if names.is_empty() || !rows.len().is_multiple_of(names.len()) {
        let (found, files) = (rows.len(), names.len());
        return Err(format!("names: found {files} for {found} lines, expected files of equal length"));
    }
    let length = rows.len() / names.len();
    let mut joined = vec![Columns::new(); length];
    for (place, row) in rows.into_iter().enumerate() {
        let value = value(&row, &column).map_err(|message| format!("row {place}: {message}"))?;
        joined[place % length].insert(names[place / length].clone(), value.clone());
    }
    Ok(joined)
}

/// `number_rows`: a column with the number of the row, counted from 0.
fn number_rows(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        into: String,
    }
    let Arguments { into } = arguments(named)?;
    let next = std::cell::Cell::new(0_usize);
    each(rows, |columns| {
        columns.insert(into.clone(), Value::from(next.replace(next.get() + 1)));
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn load(named: &Named, rows: Value) -> Result<Value, String> {
        let rows: Vec<Columns> = serde_json::from_value(rows).expect("objects");
        let load = ENTRIES.iter().find(|entry| entry.name == named.name()).expect("an entry").load;
        load(named, rows).map(|rows| json!(rows))
    }

    #[test]
    fn lists_become_rows() {
        let named = Named::new("explode").with("list", "/p/q");
        let rows = json!([{"id": 1, "p": {"text": "t", "q": [{"a": 1}, {"a": 2}]}}]);
        assert_eq!(load(&named, rows).expect("explodes"), json!([{"id": 1, "a": 1}, {"id": 1, "a": 2}]));
        let named = Named::new("explode").with("list", "q");
        let error = load(&named, json!([{"q": [1]}])).expect_err("not an object");
        assert_eq!(error, "row 0: q: found 1, expected objects or `into`");
        let named = named.with("into", "x");
        assert_eq!(load(&named, json!([{"q": [1, 2]}])).expect("explodes"), json!([{"x": 1}, {"x": 2}]));
    }

    #[test]
    fn lists_of_one_length_become_rows_together() {
        let named = Named::new("together").with("columns", json!({"q": "qs", "a": "as"}));
        let rows = json!([{"c": 0, "qs": ["x", "y"], "as": [1, 2]}]);
        let expected = json!([{"c": 0, "q": "x", "a": 1}, {"c": 0, "q": "y", "a": 2}]);
        assert_eq!(load(&named, rows).expect("rows"), expected);
    }

    #[test]
    fn files_are_joined_line_by_line() {
        let named = Named::new("pair").with("column", "text").with("names", json!(["a", "b"]));
        let rows = json!([{"text": "1"}, {"text": "2"}, {"text": "x"}, {"text": "y"}]);
        assert_eq!(load(&named, rows).expect("pairs"), json!([{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]));
        assert!(load(&named, json!([{"text": "1"}])).is_err());
        assert_eq!(load(&named, json!([])).expect("nothing"), json!([]));
    }

    #[test]
    fn rows_are_chosen() {
        let rows = || json!([{"l": "-"}, {"l": "x"}, {"l": true}]);
        let named = |name: &str| Named::new(name).with("column", "l").with("values", json!(["-", "True"]));
        assert_eq!(load(&named("drop"), rows()).expect("drops"), json!([{"l": "x"}]));
        assert_eq!(load(&named("keep"), rows()).expect("keeps"), json!([{"l": "-"}, {"l": true}]));
        let named = Named::new("limit").with("skip", 1).with("count", 1);
        assert_eq!(load(&named, rows()).expect("limits"), json!([{"l": "x"}]));
    }
}
