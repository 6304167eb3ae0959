//! Loaders that take the answer out of a longer text.

use serde::Deserialize;
use serde_json::Value;

use super::cell::{arguments, each, text};
use super::entry::LoaderEntry;
use crate::dataset::Named;
use crate::dataset::columns::Columns;

/// Entries of the registry.
pub(super) const ENTRIES: &[LoaderEntry] = &[
    LoaderEntry { name: "boxed", upstream: &["MATHDataset"], load: boxed },
    LoaderEntry { name: "last_word", upstream: &[], load: last_word },
];

/// `boxed`: the content of the last `\boxed{..}`; null without one.
fn boxed(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        column: String,
        into: Option<String>,
    }
    let Arguments { column, into } = arguments(named)?;
    each(rows, |columns| {
        let answer = last_boxed(text(columns, &column)?).map_or(Value::Null, Value::from);
        columns.insert(into.as_ref().unwrap_or(&column).clone(), answer);
        Ok(())
    })
}

/// The content of the last `\boxed` with matched braces; `\fbox` and spaces after the name give nothing, as upstream.
fn last_boxed(solution: &str) -> Option<&str> {
    let start = solution.rfind("\\boxed").or_else(|| solution.rfind("\\fbox"))?;
    let tail = &solution[start..];
    let mut open = 0_i64;
    let mut end = None;
    for (place, letter) in tail.char_indices() {
        match letter {
            '{' => open += 1,
            '}' => {
                open -= 1;
                if open == 0 {
                    end = Some(place);
                    break;
                }
            }
            _ => {}
        }
    }
    tail[..end?].strip_prefix("\\boxed{")
}

/// `last_word`: the last word of a text becomes the answer and the text before it the question, as LAMBADA is asked.
fn last_word(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        column: String,
        before: String,
        word: String,
    }
    let Arguments { column, before, word } = arguments(named)?;
    each(rows, |columns| {
        let whole = text(columns, &column)?.trim_end();
        let (context, last) = whole
            .rsplit_once(char::is_whitespace)
            .ok_or_else(|| format!("{column}: found one word, expected a text of several"))?;
        let (context, last) = (context.to_owned(), last.to_owned());
        columns.insert(before.clone(), Value::String(context));
        columns.insert(word.clone(), Value::String(last));
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_box_is_the_answer() {
        for (solution, answer) in [
            (r"so \boxed{1} or \boxed{\frac{1}{2}}.", Some(r"\frac{1}{2}")),
            (r"\boxed 5", None),
            (r"\fbox{5}", None),
            (r"\boxed{5", None),
            ("none", None),
        ] {
            assert_eq!(last_boxed(solution), answer, "{solution}");
        }
    }

    #[test]
    fn the_last_word_is_the_answer() {
        let named = Named::new("last_word").with("column", "t").with("before", "q").with("word", "a");
        let rows = vec![Columns::from_iter([("t".to_owned(), Value::from("I do not care about signs"))])];
        let row = &last_word(&named, rows).expect("words")[0];
        assert_eq!((row["q"].as_str(), row["a"].as_str()), (Some("I do not care about"), Some("signs")));
    }
}
