//! Loaders that draw rows as the library `datasets` does, and turn numbers into classes.

use serde::Deserialize;
use serde_json::Value;

use super::cell::{arguments, each, value};
use super::entry::LoaderEntry;
use crate::dataset::Named;
use crate::dataset::columns::Columns;
use crate::random::Pcg64;

/// Entries of the registry.
pub(super) const ENTRIES: &[LoaderEntry] = &[
    LoaderEntry { name: "shuffle", upstream: &["CivilCommentsDataset"], load: shuffle },
    LoaderEntry { name: "at_least", upstream: &["CivilCommentsDataset"], load: at_least },
];

/// `shuffle`: the order of `Dataset.shuffle(seed)`, of which the first `count` rows stay.
fn shuffle(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        seed: u64,
        count: Option<usize>,
    }
    let Arguments { seed, count } = arguments(named)?;
    let wanted = count.unwrap_or(rows.len());
    if wanted > rows.len() && !rows.is_empty() {
        return Err(format!("count: found {} rows, expected {wanted} or more", rows.len()));
    }
    let order = Pcg64::new(seed).permutation(rows.len());
    let mut rows: Vec<Option<Columns>> = rows.into_iter().map(Some).collect();
    Ok(order.into_iter().take(wanted).filter_map(|place| rows[place].take()).collect())
}

/// `at_least`: 1 for numbers from `threshold` on, and 0 for those below it.
fn at_least(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        column: String,
        threshold: f64,
        into: String,
    }
    let Arguments { column, threshold, into } = arguments(named)?;
    each(rows, |columns| {
        let found = value(columns, &column)?;
        let number = match found {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_f64(),
        };
        let number: f64 = number.ok_or_else(|| format!("{column}: found {found}, expected a number"))?;
        columns.insert(into.clone(), Value::from(i32::from(number >= threshold)));
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_are_drawn_as_upstream_draws_them() {
        let rows = || -> Vec<Columns> {
            (0..10).map(|id| Columns::from_iter([("id".to_owned(), json!(id))])).collect()
        };
        let named = Named::new("shuffle").with("seed", 42);
        let ids =
            |rows: &[Columns]| -> Vec<u64> { rows.iter().filter_map(|row| row["id"].as_u64()).collect() };
        assert_eq!(ids(&shuffle(&named, rows()).expect("rows")), [5, 6, 0, 7, 3, 2, 4, 9, 1, 8]);
        let named = named.with("count", 3);
        assert_eq!(ids(&shuffle(&named, rows()).expect("rows")), [5, 6, 0]);
        assert_eq!(shuffle(&named, Vec::new()), Ok(Vec::new()));
        let error = shuffle(&named.with("count", 11), rows()).expect_err("too few");
        assert_eq!(error, "count: found 10 rows, expected 11 or more");
    }

    #[test]
    fn numbers_become_classes() {
        let named = Named::new("at_least").with("column", "x").with("threshold", 0.5).with("into", "y");
        let load = |found: Value| at_least(&named, vec![Columns::from_iter([("x".to_owned(), found)])]);
        assert_eq!(load(json!(0.5)).expect("a number")[0]["y"], 1);
        assert_eq!(load(json!("0.4999")).expect("a number")[0]["y"], 0);
        assert_eq!(load(json!("none")).expect_err("a word"), "row 0: x: found \"none\", expected a number");
    }
}
