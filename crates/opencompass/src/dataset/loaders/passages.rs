//! Loaders of reading comprehension: C3, DROP, QASPER, ReCoRD and SQuAD 2.0.

use serde::Deserialize;
use serde_json::{Value, json};

use super::cell::{arguments, each, expand, list, text, texts, value};
use super::entry::LoaderEntry;
use crate::dataset::Named;
use crate::dataset::columns::Columns;
use crate::prompt::python_str;

/// Entries of the registry.
pub(super) const ENTRIES: &[LoaderEntry] = &[
    LoaderEntry { name: "c3", upstream: &["C3Dataset", "C3Dataset_V2"], load: c3 },
    LoaderEntry { name: "drop_answers", upstream: &["dropDataset"], load: drop_answers },
    LoaderEntry { name: "qasper", upstream: &["QASPERCUTDataset", "QASPERDataset"], load: qasper },
    LoaderEntry { name: "record", upstream: &["ReCoRDDataset"], load: record },
    LoaderEntry { name: "squad20", upstream: &["SQuAD20Dataset"], load: squad20 },
];

/// The paragraphs of a C3 document between these.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum C3Form {
    /// Numbers as labels and spaces between paragraphs (`C3Dataset`).
    Numbers,
    /// Letters as labels and nothing between paragraphs (`C3Dataset_V2`).
    Letters,
}

/// `c3`: one row per question of a document, with four choices. The file is a list of lists, whose elements the format
/// `json` names `0`, `1` and so on.
fn c3(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        labels: C3Form,
    }
    const COUNT: usize = 4;
    let Arguments { labels } = arguments(named)?;
    expand(rows, |_, columns| {
        let separator = if matches!(labels, C3Form::Numbers) { " " } else { "" };
        let content = texts(&columns, "0")?.join(separator);
        let question = |entry: &Value| {
            let choices = entry["choice"].as_array().ok_or("choice: found no list")?;
            let answer = choices.iter().position(|choice| *choice == entry["answer"]);
            let answer = answer.ok_or("answer: found none of the choices")?;
            let fill = match labels {
                C3Form::Numbers => choices[0].clone(),
                C3Form::Letters => json!("[NULL]"),
            };
            let mut row = Columns::from_iter([
                ("content".to_owned(), Value::from(content.as_str())),
                ("question".to_owned(), entry["question"].clone()),
            ]);
            for place in 0..COUNT {
                row.insert(format!("choice{place}"), choices.get(place).unwrap_or(&fill).clone());
            }
            let letter = || ["A", "B", "C", "D"].get(answer).copied().ok_or("answer: found a fifth choice");
            let label = match labels {
                C3Form::Numbers => Value::from(answer),
                C3Form::Letters => Value::from(letter()?),
            };
            row.insert("label".to_owned(), label);
            Ok::<Columns, &str>(row)
        };
        list(&columns, "1")?.iter().map(|entry| question(entry).map_err(str::to_owned)).collect()
    })
}

/// `drop_answers`: numbers, dates and spans of DROP as texts; questions without any number are left out.
fn drop_answers(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    named.no_arguments().map_err(|error| error.to_string())?;
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    expand(rows, |_, mut columns| {
        let validated = list(&columns, "validated_answers")?;
        if !validated.iter().any(|answer| !word(&answer["number"]).is_empty()) {
            return Ok(Vec::new());
        }
        let mut answers: Vec<String> = Vec::new();
        for answer in validated {
            let number = word(&answer["number"]);
            let date: Vec<String> =
                ["day", "month", "year"].iter().map(|part| word(&answer["date"][part])).collect();
            if !number.is_empty() {
                answers.push(number);
            } else if date.iter().any(|part| !part.is_empty()) {
                answers.push(date.join(" ").trim().to_owned());
            } else {
                answers.extend(answer["spans"].as_array().into_iter().flatten().map(python_str));
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        answers.retain(|answer| seen.insert(answer.clone()));
        columns.insert("answers".to_owned(), Value::from(answers));
        Ok(vec![columns])
    })
}

/// `qasper`: one row per question with an extractive answer. `cut` begins the article at its first piece of evidence.
fn qasper(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        #[serde(default)]
        cut: Option<bool>,
    }
    let cut = arguments::<Arguments>(named)?.cut == Some(true);
    expand(rows, |_, columns| {
        let sections: Vec<String> = list(&columns, "full_text")?.iter().map(section).collect();
        let article = sections.join("\n");
        let mut found = Vec::new();
        for entry in list(&columns, "qas")? {
            let all = |member: &str| -> Vec<String> {
                let answers = entry["answers"].as_array().into_iter().flatten();
                answers
                    .flat_map(|answer| {
                        answer["answer"][member].as_array().into_iter().flatten().map(python_str)
                    })
                    .collect()
            };
            let answers = all("extractive_spans");
            if answers.is_empty() {
                continue;
            }
            // As upstream: a piece of evidence that is not in the article makes the whole article stay.
            let places: Option<Vec<usize>> =
                if cut { all("evidence").iter().map(|clue| article.find(clue)).collect() } else { None };
            let from = places.and_then(|places| places.into_iter().min()).unwrap_or(0);
            found.push(Columns::from_iter([
                ("answer".to_owned(), Value::from(answers)),
                ("question".to_owned(), entry["question"].clone()),
                ("evidence".to_owned(), Value::from(&article[from..])),
            ]));
        }
        Ok(found)
    })
}

/// A section as upstream prints it: its name, its paragraphs and an empty line.
fn section(section: &Value) -> String {
    let name = section["section_name"].as_str().unwrap_or_default();
    let paragraphs = section["paragraphs"].as_array().into_iter().flatten();
    let paragraphs: Vec<String> = paragraphs.map(python_str).collect();
    format!("{name}\n{}\n", paragraphs.join("\n"))
}

/// `record`: marks of the cloze text become lines to fill in.
fn record(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    named.no_arguments().map_err(|error| error.to_string())?;
    expand(rows, |_, columns| {
        let passage = text(&columns, "/passage/text")?.replace("@highlight", "");
        let question = |entry: &Value| {
            let query = entry["query"].as_str().ok_or_else(|| "qas: found no query".to_owned())?;
            let answers = entry["answers"].as_array().into_iter().flatten();
            let answers: Vec<Value> = answers.map(|answer| answer["text"].clone()).collect();
            Ok::<Columns, String>(Columns::from_iter([
                ("text".to_owned(), Value::from(passage.as_str())),
                ("question".to_owned(), Value::from(query.replace("@placeholder", "____"))),
                ("answers".to_owned(), Value::Array(answers)),
            ]))
        };
        list(&columns, "qas")?.iter().map(question).collect()
    })
}

/// `squad20`: the answers of a question, or the plausible ones and a fixed sentence if there is no answer.
fn squad20(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    named.no_arguments().map_err(|error| error.to_string())?;
    each(rows, |columns| {
        let impossible = value(columns, "is_impossible")? == &Value::Bool(true);
        let place = if impossible { "plausible_answers" } else { "answers" };
        let mut answers: Vec<Value> = Vec::new();
        for answer in list(columns, place)? {
            if !answers.contains(&answer["text"]) {
                answers.push(answer["text"].clone());
            }
        }
        if impossible {
            answers.push(json!("impossible to answer"));
        }
        columns.insert("answers".to_owned(), Value::Array(answers));
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(named: &Named, row: Value) -> Value {
        let Value::Object(columns) = row else { panic!("an object") };
        let load = ENTRIES.iter().find(|entry| entry.name == named.name()).expect("an entry").load;
        json!(load(named, vec![columns]).expect("loads"))
    }

    #[test]
    fn documents_become_questions() {
        let row = json!({"0": ["a", "b"], "1": [{"question": "q", "choice": ["x", "y"], "answer": "y"}]});
        let numbers = load(&Named::new("c3").with("labels", "numbers"), row.clone());
        assert_eq!(
            (&numbers[0]["content"], &numbers[0]["choice3"], &numbers[0]["label"]),
            (&json!("a b"), &json!("x"), &json!(1))
        );
        let letters = load(&Named::new("c3").with("labels", "letters"), row);
        assert_eq!(
            (&letters[0]["content"], &letters[0]["choice3"], &letters[0]["label"]),
            (&json!("ab"), &json!("[NULL]"), &json!("B"))
        );
        let row = json!({"passage": {"text": "t@highlight"}, "qas": [{"query": "@placeholder?", "answers": [{"text": "a"}]}]});
        assert_eq!(
            load(&Named::new("record"), row),
            json!([{"text": "t", "question": "____?", "answers": ["a"]}])
        );
        let row = json!({"is_impossible": true, "answers": [], "plausible_answers": [{"text": "p"}, {"text": "p"}]});
        assert_eq!(load(&Named::new("squad20"), row)[0]["answers"], json!(["p", "impossible to answer"]));
    }

    #[test]
    fn answers_of_drop_and_qasper_are_collected() {
        let row = json!({"validated_answers": [
            {"number": "3", "date": {"day": "", "month": "", "year": ""}, "spans": []},
            {"number": "", "date": {"day": "1", "month": "May", "year": ""}, "spans": []},
            {"number": "", "date": {"day": "", "month": "", "year": ""}, "spans": ["x", "3"]}]});
        assert_eq!(load(&Named::new("drop_answers"), row)[0]["answers"], json!(["3", "1 May", "x"]));
        let answer = json!({"answer": {"extractive_spans": ["s"], "evidence": ["two"]}});
        let row = json!({"full_text": [{"section_name": null, "paragraphs": ["one", "two"]}], "qas": [{"question": "q", "answers": [answer]}]});
        assert_eq!(load(&Named::new("qasper"), row.clone())[0]["evidence"], "\none\ntwo\n");
        assert_eq!(load(&Named::new("qasper").with("cut", true), row)[0]["evidence"], "two\n");
    }
}
