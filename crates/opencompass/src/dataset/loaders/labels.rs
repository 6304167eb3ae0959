//! Loaders that turn labels into letters and back.

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use super::cell::{arguments, each, expand, integer, list, value};
use super::entry::LoaderEntry;
use crate::dataset::answer_key::letter as letter_of;
use crate::dataset::columns::Columns;
use crate::dataset::{AnswerKey, Named};
use crate::prompt::python_str;

/// Entries of the registry.
pub(super) const ENTRIES: &[LoaderEntry] = &[
    LoaderEntry {
        name: "values",
        upstream: &[
            "AXDatasetV2",
            "AnliDataset",
            "BoolQDatasetV2",
            "CBDatasetV2",
            "CMNLIDatasetV2",
            "EprstmtDatasetV2",
            "TNewsDataset",
            "TNewsDatasetV2",
            "WiCDataset",
            "WiCDatasetV2",
        ],
        load: values,
    },
    LoaderEntry {
        name: "letter",
        upstream: &[
            "AFQMCDatasetV2",
            "COPADatasetV2",
            "CslDatasetV2",
            "HellaswagDataset_V2",
            "PIQADatasetV2",
            "SiqaDatasetV3",
            "StoryClozeDatasetV2",
            "SummeditsDataset_V2",
        ],
        load: letter,
    },
    LoaderEntry { name: "answer_key", upstream: &[], load: answer_key },
    LoaderEntry { name: "position", upstream: &[], load: position },
    LoaderEntry { name: "matching_letter", upstream: &["AiRiskDataset"], load: matching_letter },
    LoaderEntry { name: "integer_text", upstream: &["SVAMPDataset"], load: integer_text },
    LoaderEntry { name: "python_text", upstream: &["GSMHardDataset"], load: python_text },
];

/// `values`: looks a value up in a table. Keys are values as Python prints them.
fn values(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        column: String,
        into: Option<String>,
        map: IndexMap<String, Value>,
        default: Option<Value>,
    }
    let Arguments { column, into, map, default } = arguments(named)?;
    each(rows, |columns| {
        let found = python_str(value(columns, &column)?);
        let new = map.get(&found).or(default.as_ref()).cloned().ok_or_else(|| {
            let known: Vec<&str> = map.keys().map(String::as_str).collect();
            format!("{column}: found `{found}`, expected one of {}", known.join(", "))
        })?;
        columns.insert(into.as_ref().unwrap_or(&column).clone(), new);
        Ok(())
    })
}

/// `letter`: the letter of a number that counts from `from`. Numbers below it become `none` if that is given.
fn letter(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        column: String,
        into: Option<String>,
        letters: String,
        #[serde(default)]
        from: i64,
        none: Option<String>,
    }
    let Arguments { column, into, letters, from, none } = arguments(named)?;
    each(rows, |columns| {
        let absent = none.is_some() && value(columns, &column)?.as_str() == Some("");
        let number = if absent { from - 1 } else { integer(columns, &column)? };
        let letter = usize::try_from(number - from).ok().and_then(|place| letters.chars().nth(place));
        let letter = match (letter, &none) {
            (Some(letter), _) => letter.to_string(),
            (None, Some(none)) if number < from => none.clone(),
            _ => return Err(format!("{column}: found {number}, expected a number of one of {letters}")),
        };
        columns.insert(into.as_ref().unwrap_or(&column).clone(), Value::String(letter));
        Ok(())
    })
}

/// `answer_key`: what `reader.answer_key` does, for loaders that come after it.
fn answer_key(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    let key: AnswerKey = arguments(named)?;
    expand(rows, |_, mut columns| {
        let Some(letter) = letter_of(&columns, &key)? else { return Ok(Vec::new()) };
        columns.insert(key.column.clone(), Value::String(letter));
        Ok(vec![columns])
    })
}

/// `position`: the place of a value in a list, as a letter or, without letters, as a number from 0.
fn position(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        column: String,
        among: String,
        into: Option<String>,
        #[serde(default)]
        letters: String,
    }
    let Arguments { column, among, into, letters } = arguments(named)?;
    each(rows, |columns| {
        let wanted = value(columns, &column)?;
        let place = list(columns, &among)?.iter().position(|value| value == wanted);
        let place = place.ok_or_else(|| format!("{column}: found {wanted}, expected one of {among}"))?;
        let new = if letters.is_empty() {
            Value::from(place)
        } else {
            let letter = letters.chars().nth(place);
            letter.ok_or_else(|| format!("{among}: found more values than {letters}"))?.to_string().into()
        };
        columns.insert(into.as_ref().unwrap_or(&column).clone(), new);
        Ok(())
    })
}

/// `matching_letter`: the first letter, in the given order, that a text contains. A text without one stays.
fn matching_letter(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        column: String,
        letters: String,
    }
    let Arguments { column, letters } = arguments(named)?;
    each(rows, |columns| {
        let whole = python_str(value(columns, &column)?);
        if let Some(letter) = letters.chars().find(|letter| whole.contains(*letter)) {
            columns.insert(column.clone(), Value::String(letter.to_string()));
        }
        Ok(())
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    columns: Vec<String>,
}

/// `integer_text`: a number without its fraction, as text: Python's `str(int(x))`.
fn integer_text(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    let Names { columns: names } = arguments(named)?;
    each(rows, |columns| {
        for name in &names {
            let found = value(columns, name)?;
            let number = match found {
                Value::String(text) => text.trim().parse::<f64>().ok(),
                other => other.as_f64(),
            };
            let number = number.ok_or_else(|| format!("{name}: found {found}, expected a number"))?;
            columns.insert(name.clone(), Value::String(format!("{:.0}", number.trunc())));
        }
        Ok(())
    })
}

/// `python_text`: a value as Python's `str` prints it.
fn python_text(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    let Names { columns: names } = arguments(named)?;
    each(rows, |columns| {
        for name in &names {
            let text = python_str(value(columns, name)?);
            columns.insert(name.clone(), Value::String(text));
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn one(named: &Named, row: Value) -> Result<Columns, String> {
        let Value::Object(columns) = row else { panic!("an object") };
        let load = ENTRIES.iter().find(|entry| entry.name == named.name()).expect("an entry").load;
        load(named, vec![columns]).map(|mut rows| rows.remove(0))
    }

    #[test]
    fn labels_become_letters() {
        let named = Named::new("letter")
            .with("column", "a")
            .with("letters", "AB")
            .with("from", 1)
            .with("none", "NULL");
        for (found, letter) in [(json!(1), "A"), (json!("2"), "B"), (json!(""), "NULL"), (json!(0), "NULL")] {
            assert_eq!(one(&named, json!({"a": found})).expect("a letter")["a"], letter);
        }
        let error = one(&named, json!({"a": 3})).expect_err("only two letters");
        assert_eq!(error, "row 0: a: found 3, expected a number of one of AB");
        let named = Named::new("values").with("column", "a").with("map", json!({"True": 1, "no": 0}));
        assert_eq!(one(&named, json!({"a": true})).expect("known")["a"], 1);
        assert!(
            one(&named, json!({"a": "maybe"})).expect_err("unknown").contains("expected one of True, no")
        );
        let named = Named::new("position").with("column", "a").with("among", "/o").with("letters", "AB");
        assert_eq!(one(&named, json!({"a": "y", "o": ["x", "y"]})).expect("there")["a"], "B");
        let named = Named::new("integer_text").with("columns", json!(["a"]));
        assert_eq!(one(&named, json!({"a": -145.7})).expect("a number")["a"], "-145");
    }
}
