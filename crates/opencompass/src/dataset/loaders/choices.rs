//! Loaders for the choices of multiple-choice questions.

use serde::Deserialize;
use serde_json::Value;

use super::cell::{arguments, each, list, text, value};
use super::entry::LoaderEntry;
use crate::dataset::Named;
use crate::dataset::columns::Columns;
use crate::prompt::python_str;

/// Entries of the registry.
pub(super) const ENTRIES: &[LoaderEntry] = &[
    LoaderEntry {
        name: "spread",
        upstream: &["CommonsenseQADataset_CN", "RaceDataset", "WinogradDataset"],
        load: spread,
    },
    LoaderEntry { name: "option_lines", upstream: &["CMBDataset", "KaoshiDataset"], load: option_lines },
];

/// `spread`: the elements of a list become columns, in order. Missing ones are an error unless `fill` has a value.
fn spread(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        list: String,
        names: Vec<String>,
        fill: Option<Value>,
    }
    let Arguments { list: place, names, fill } = arguments(named)?;
    each(rows, |columns| {
        let elements = list(columns, &place)?.to_vec();
        for (index, name) in names.iter().enumerate() {
            let element = elements.get(index).or(fill.as_ref());
            let element = element.ok_or_else(|| {
                format!("{place}: found {} element(s), expected {}", elements.len(), names.len())
            })?;
            columns.insert(name.clone(), element.clone());
        }
        Ok(())
    })
}

/// `option_lines`: one line per choice, from a list, an object of letters or columns.
fn option_lines(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        choices: String,
        into: String,
        /// Text in front of the lines. A place of a column, whose white space is removed around it.
        after: Option<String>,
        /// Whether a newline follows each line; otherwise newlines only separate them.
        #[serde(default)]
        closed: bool,
        /// Choices with fewer letters than this are left out.
        #[serde(default)]
        min_letters: usize,
    }
    let Arguments { choices, into, after, closed, min_letters } = arguments(named)?;
    each(rows, |columns| {
        let lines: Vec<String> = lettered(value(columns, &choices)?)
            .ok_or_else(|| format!("{choices}: found no list of choices"))?
            .into_iter()
            .filter(|(_, choice)| choice.chars().count() >= min_letters)
            .map(|(letter, choice)| format!("{letter}. {choice}"))
            .collect();
        let mut joined = match &after {
            Some(place) => format!("{}\n", text(columns, place)?.trim()),
            None => String::new(),
        };
        joined.push_str(&lines.join("\n"));
        if closed && !lines.is_empty() {
            joined.push('\n');
        }
        columns.insert(into.clone(), Value::String(joined));
        Ok(())
    })
}

/// Returns choices with their letters: those of an object, or A, B, C in the order of a list.
pub(super) fn lettered(choices: &Value) -> Option<Vec<(String, String)>> {
    match choices {
        Value::Object(members) => {
            Some(members.iter().map(|(letter, choice)| (letter.clone(), python_str(choice))).collect())
        }
        Value::Array(elements) => {
            let letters = ('A'..='Z').map(String::from);
            Some(letters.zip(elements.iter().map(python_str)).collect())
        }
        _ => None,
    }
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
    fn choices_become_columns_or_lines() {
        let named = Named::new("spread").with("list", "o").with("names", json!(["A", "B", "C"]));
        let row = json!({"o": ["x", "y"]});
        let error = one(&named, row.clone()).expect_err("too few");
        assert_eq!(error, "row 0: o: found 2 element(s), expected 3");
        assert_eq!(one(&named.with("fill", "[NULL]"), row.clone()).expect("filled")["C"], "[NULL]");
        let named = Named::new("option_lines").with("choices", "o").with("into", "q").with("after", "q");
        let row = json!({"o": ["x", "y"], "q": " why? "});
        assert_eq!(
            one(&named.clone().with("closed", true), row.clone()).expect("lines")["q"],
            "why?\nA. x\nB. y\n"
        );
        assert_eq!(one(&named.with("min_letters", 2), row).expect("lines")["q"], "why?\n");
    }
}
