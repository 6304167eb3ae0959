//! Loaders of sets that set true against false, and attacked against original: TruthfulQA and Adversarial GLUE.

use serde::Deserialize;
use serde_json::{Value, json};

use super::cell::{arguments, each, text};
use super::entry::LoaderEntry;
use crate::dataset::Named;
use crate::dataset::columns::Columns;

/// Entries of the registry.
pub(super) const ENTRIES: &[LoaderEntry] = &[
    LoaderEntry { name: "truthfulqa", upstream: &["TruthfulQADataset"], load: truthfulqa },
    LoaderEntry {
        name: "adversarial",
        upstream: &[
            "AdvMnliDataset",
            "AdvMnliMMDataset",
            "AdvQnliDataset",
            "AdvQqpDataset",
            "AdvRteDataset",
            "AdvSst2Dataset",
        ],
        load: adversarial,
    },
];

/// `truthfulqa`: the columns of the authors' table become `question` and `reference`; lists are split at semicolons.
fn truthfulqa(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    named.no_arguments().map_err(|error| error.to_string())?;
    let split = |cell: &str| -> Vec<String> {
        cell.split(';').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    each(rows, |columns| {
        let question = text(columns, "Question")?.to_owned();
        let reference = json!({
            "answers": {
                "best_answer": text(columns, "Best Answer")?.trim(),
                "correct_answers": split(text(columns, "Correct Answers")?),
                "incorrect_answers": split(text(columns, "Incorrect Answers")?),
            },
            "question": question,
        });
        columns.insert("question".to_owned(), Value::String(question));
        columns.insert("reference".to_owned(), reference);
        Ok(())
    })
}

/// `adversarial`: rows that have an original, followed by the same rows as they were before the attack. The column
/// `original_x` is the original of the column `x`.
fn adversarial(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        columns: Vec<String>,
    }
    let Arguments { columns: names } = arguments(named)?;
    let original = |row: &Columns, name: &str| {
        let value = row.get(&format!("original_{name}"));
        value.filter(|value| value.as_str().is_some_and(|text| !text.is_empty())).cloned()
    };
    let mut attacked = rows;
    attacked.retain(|row| names.iter().any(|name| original(row, name).is_some()));
    let mut all = attacked.clone();
    for mut row in attacked {
        for name in &names {
            if let Some(value) = original(&row, name) {
                row.insert(name.clone(), value);
                row.insert("type".to_owned(), Value::from("original"));
            }
        }
        all.push(row);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(value: Value) -> Vec<Columns> {
        serde_json::from_value(value).expect("objects")
    }

    #[test]
    fn references_are_lists() {
        let table = json!([{"Question": "q", "Best Answer": "a", "Correct Answers": "a; b", "Incorrect Answers": "c;"}]);
        let row = &truthfulqa(&Named::new("truthfulqa"), rows(table)).expect("loads")[0];
        let answers = json!({"best_answer": "a", "correct_answers": ["a", "b"], "incorrect_answers": ["c"]});
        assert_eq!(row["reference"], json!({"answers": answers, "question": "q"}));
    }

    #[test]
    fn originals_follow_the_attacked_rows() {
        let named = Named::new("adversarial").with("columns", json!(["s"]));
        let table = json!([{"s": "bad", "original_s": "good"}, {"s": "kept"}]);
        let loaded = adversarial(&named, rows(table)).expect("loads");
        let texts: Vec<&Value> = loaded.iter().map(|row| &row["s"]).collect();
        assert_eq!(texts, ["bad", "good"]);
    }
}
