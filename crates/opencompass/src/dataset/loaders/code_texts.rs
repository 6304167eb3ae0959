//! Loaders of CodeXGLUE (Lu et al. 2021, arXiv:2102.04664): lines of programs that continue or lack a word.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::cell::{each, text, texts};
use super::entry::LoaderEntry;
use crate::dataset::Named;
use crate::dataset::columns::Columns;
use crate::prompt::python_str;

/// Entries of the registry.
pub(super) const ENTRIES: &[LoaderEntry] = &[
    LoaderEntry { name: "py150", upstream: &["Py150Dataset"], load: py150 },
    LoaderEntry { name: "maxmin", upstream: &["MaxminDataset"], load: maxmin },
];

/// Between the name of a question and its answer.
const SPLIT: &str = "<CODESPLIT>";

static LITERAL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?s)<(?:STR|NUM|CHAR)_LIT:(.*?)>").expect("the pattern is a constant that compiles")
});

/// `py150`: marks of literals become the literals, and marks of lines become lines. A literal that was left out when the
/// set was made is 0 or empty.
fn py150(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    named.no_arguments().map_err(|error| error.to_string())?;
    each(rows, |columns| {
        let code = literals(text(columns, "input")?).replace("<s>", "").replace("<EOL>", "\n");
        let next = literals(text(columns, "gt")?);
        columns.insert("input".to_owned(), Value::String(code));
        columns.insert("gt".to_owned(), Value::String(next));
        Ok(())
    })
}

fn literals(code: &str) -> String {
    let code = code.replace("<NUM_LIT>", "0").replace("<STR_LIT>", "").replace("<CHAR_LIT>", "");
    LITERAL.replace_all(&code, "$1").into_owned()
}

/// `maxmin`: the questions of the first file with the answers of the second, one `name<CODESPLIT>max` per line. Both are
/// read whole.
fn maxmin(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    named.no_arguments().map_err(|error| error.to_string())?;
    let [questions, answers] = rows.as_slice() else {
        let found = rows.len();
        return match found {
            0 => Ok(Vec::new()),
            _ => Err(format!("files: found {found}, expected the questions and the answers")),
        };
    };
    let answers: BTreeMap<&str, &str> =
        text(answers, "text")?.lines().filter_map(|line| line.trim().split_once(SPLIT)).collect();
    let questions: Vec<Columns> =
        serde_json::from_str(text(questions, "text")?).map_err(|error| format!("questions: {error}"))?;
    each(questions, |columns| {
        let name = columns.get("idx").map(python_str).unwrap_or_default();
        let answer =
            *answers.get(name.as_str()).ok_or_else(|| format!("found no answer of question {name}"))?;
        for column in ["nl_tokens", "pl_tokens"] {
            let joined = texts(columns, column)?.join(" ");
            columns.insert(column.to_owned(), Value::String(joined));
        }
        columns.insert("answer".to_owned(), Value::from(if answer == "max" { "A" } else { "B" }));
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rows(value: &Value) -> Vec<Columns> {
        value.as_array().into_iter().flatten().filter_map(Value::as_object).cloned().collect()
    }

    #[test]
    fn marks_become_code() {
        // As upstream's `py150_post_process` gives it.
        let row = json!([{
            "id": 1,
            "input": "<s> import os <EOL> x = <NUM_LIT:1> <EOL> y = \"<STR_LIT:a b>\" + \"<STR_LIT>\" + <NUM_LIT>",
            "gt": "print(\"<STR_LIT:%s>\")",
        }]);
        let loaded = py150(&Named::new("py150"), rows(&row)).expect("loads");
        assert_eq!(loaded[0]["input"], " import os \n x = 1 \n y = \"a b\" + \"\" + 0");
        assert_eq!(loaded[0]["gt"], "print(\"%s\")");
    }

    #[test]
    fn questions_find_their_answers() {
        let questions =
            json!([{ "idx": "maxmin-1", "nl_tokens": ["the", "largest"], "pl_tokens": ["<mask>", "("] }]);
        let files = |answers: &str| json!([{ "text": questions.to_string() }, { "text": answers }]);
        let load = |answers: &str| maxmin(&Named::new("maxmin"), rows(&files(answers)));
        let loaded = load("maxmin-0<CODESPLIT>min\nmaxmin-1<CODESPLIT>max\n").expect("loads");
        assert_eq!(json!(loaded[0]["nl_tokens"]), "the largest");
        assert_eq!((&loaded[0]["pl_tokens"], &loaded[0]["answer"]), (&json!("<mask> ("), &json!("A")));
        assert_eq!(load("maxmin-1<CODESPLIT>min").expect("loads")[0]["answer"], "B");
        assert_eq!(load("").expect_err("no answer"), "row 0: found no answer of question maxmin-1");
    }
}
