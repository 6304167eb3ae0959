//! Loaders of reasoning over stories and invented rules: MuSR and KOR-Bench.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::cell::{arguments, expand, integer, list, text, texts, value};
use super::entry::LoaderEntry;
use crate::dataset::Named;
use crate::dataset::columns::Columns;
use crate::prompt::python_str;

/// Entries of the registry.
pub(super) const ENTRIES: &[LoaderEntry] = &[
    LoaderEntry { name: "musr", upstream: &["MusrDataset"], load: musr },
    LoaderEntry { name: "korbench", upstream: &["korbenchDataset"], load: korbench },
];

const SYSTEM: &str = "You are a helpful assistant that will answer the questions given by the user.";

/// Where the hint of a kind of story is.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    /// Between the story and the question.
    Before,
    /// After the choices.
    After,
}

/// `musr`: one row per question of a story, with numbered choices and a hint (upstream's form `cot+`).
fn musr(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        hint: String,
        place: Place,
    }
    let Arguments { hint, place } = arguments(named)?;
    expand(rows, |_, columns| {
        let story = text(&columns, "context")?;
        let row = |question: &Value| {
            let Value::Object(mut row) = question.clone() else {
                return Err(format!("questions: found {question}, expected objects"));
            };
            let asked = text(&row, "question")?;
            let choices = texts(&row, "choices")?;
            let choices: Vec<String> = choices
                .iter()
                .enumerate()
                .map(|(index, choice)| format!("{} - {choice}", index + 1))
                .collect();
            let (before, after) = match place {
                Place::Before => (format!("{hint}\n\n"), String::new()),
                Place::After => (String::new(), format!("{hint} ")),
            };
            let prompt = format!(
                "{story}\n\n{before}{asked}\n\nPick one of the following choices:\n{}\n\nYou must pick one option. \
                 {after}Explain your reasoning step by step before you answer. Finally, the last thing you generate \
                 should be \"ANSWER: (your answer here, including the choice number)\"",
                choices.join("\n"),
            );
            let gold = integer(&row, "answer")? + 1;
            row.insert("prompt".to_owned(), Value::String(prompt));
            row.insert("system_prompt".to_owned(), Value::from(SYSTEM));
            row.insert("gold_answer".to_owned(), Value::from(gold));
            Ok(row)
        };
        list(&columns, "questions")?.iter().map(row).collect()
    })
}

/// `korbench`: the rules of the first file are put to the questions of the second, by `idx` and `rule_id`.
fn korbench(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    named.no_arguments().map_err(|error| error.to_string())?;
    let (samples, rules): (Vec<Columns>, Vec<Columns>) =
        rows.into_iter().partition(|row| row.contains_key("rule_id"));
    let mut contents = BTreeMap::new();
    for (place, rule) in rules.iter().enumerate() {
        let content = |name: &str| value(rule, name).map_err(|message| format!("rule {place}: {message}"));
        // The first of several rules with one name counts.
        contents.entry(python_str(content("idx")?)).or_insert(content("rule_content")?.clone());
    }
    expand(samples, |_, mut columns| {
        let name = python_str(value(&columns, "rule_id")?);
        let content = contents
            .get(&name)
            .ok_or_else(|| format!("rule_id: found {name}, expected the idx of a rule"))?;
        columns.insert("rule_content".to_owned(), content.clone());
        Ok(vec![columns])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rows(value: Value) -> Vec<Columns> {
        serde_json::from_value(value).expect("objects")
    }

    #[test]
    fn stories_are_asked_with_a_hint() {
        let story = || {
            rows(json!([{
                "context": "A story.",
                "questions": [{ "question": "Who?", "choices": ["Ann", "Bob"], "answer": 1 }],
            }]))
        };
        let named = |place: &str| Named::new("musr").with("hint", "Think.").with("place", place);
        let load = |place: &str| musr(&named(place), story()).expect("loads").remove(0);
        let row = load("after");
        // As upstream's loader writes it.
        let expected = "A story.\n\nWho?\n\nPick one of the following choices:\n1 - Ann\n2 - Bob\n\nYou must pick one \
            option. Think. Explain your reasoning step by step before you answer. Finally, the last thing you generate \
            should be \"ANSWER: (your answer here, including the choice number)\"";
        assert_eq!((row["prompt"].as_str(), row["gold_answer"].as_i64()), (Some(expected), Some(2)));
        let prompt = load("before")["prompt"].to_string();
        assert!(prompt.starts_with("\"A story.\\n\\nThink.\\n\\nWho?"), "{prompt}");
        assert!(prompt.contains("You must pick one option. Explain"), "{prompt}");
    }

    #[test]
    fn questions_find_their_rules() {
        let files = |rule: &str| {
            rows(json!([
                { "idx": "1", "rule_content": "Shift." },
                { "idx": "7", "rule_id": rule, "question": "q", "answer": "[[A]]" },
            ]))
        };
        let load = |rule: &str| korbench(&Named::new("korbench"), files(rule));
        let loaded = load("1").expect("loads");
        assert_eq!((loaded.len(), &loaded[0]["rule_content"]), (1, &json!("Shift.")));
        let error = load("2").expect_err("no rule");
        assert_eq!(error, "row 0: rule_id: found 2, expected the idx of a rule");
    }
}
