//! Loaders of exams: AGIEval, GPQA, MMLU-Pro and Xiezhi.

use serde::Deserialize;
use serde_json::Value;

use super::cell::{arguments, each, expand, list, text, texts, value};
use super::entry::LoaderEntry;
use crate::dataset::Named;
use crate::dataset::columns::Columns;
use crate::prompt::python_str;

/// Entries of the registry.
pub(super) const ENTRIES: &[LoaderEntry] = &[
    LoaderEntry { name: "agieval", upstream: &["AGIEvalDataset_v2"], load: agieval },
    LoaderEntry { name: "gpqa", upstream: &["GPQADataset"], load: gpqa },
    LoaderEntry { name: "mmlu_pro", upstream: &["MMLUProDataset"], load: mmlu_pro },
    LoaderEntry { name: "xiezhi", upstream: &["XiezhiDataset"], load: xiezhi },
];

/// `agieval`: passage and question become one text, the options lines, and a list of letters one word.
fn agieval(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    named.no_arguments().map_err(|error| error.to_string())?;
    let present = |columns: &Columns, name: &str| columns.get(name).filter(|value| is_true(value)).cloned();
    each(rows, |columns| {
        let passage = present(columns, "passage").map_or_else(String::new, |passage| python_str(&passage));
        let question = format!("{passage}{}", text(columns, "question")?);
        let options = match present(columns, "options") {
            Some(_) => texts(columns, "options")?.join("\n"),
            None => String::new(),
        };
        let label = match present(columns, "label") {
            Some(label) => label,
            None => value(columns, "answer")?.clone(),
        };
        let label = match label {
            Value::Array(letters) => Value::String(letters.iter().map(python_str).collect()),
            Value::Null => Value::Null,
            other => Value::String(python_str(&other)),
        };
        *columns = Columns::from_iter([
            ("question".to_owned(), Value::String(question)),
            ("options".to_owned(), Value::String(options)),
            ("label".to_owned(), label),
        ]);
        Ok(())
    })
}

/// Whether Python takes a value as true.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

/// `gpqa`: the right answer and three wrong ones become A to D, turned by the number of the row.
fn gpqa(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    const CHOICES: [&str; 4] =
        ["Correct Answer", "Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3"];
    const LETTERS: [&str; 4] = ["A", "B", "C", "D"];
    named.no_arguments().map_err(|error| error.to_string())?;
    expand(rows, |index, columns| {
        let question = text(&columns, "Question")?.to_owned();
        let choices: Vec<&str> = CHOICES.iter().map(|name| text(&columns, name)).collect::<Result<_, _>>()?;
        // Upstream counts rows from 1.
        let turn = (index + 1) % CHOICES.len();
        let shown: Vec<&str> =
            (0..CHOICES.len()).map(|place| choices[(turn + place) % CHOICES.len()]).collect();
        // Where two choices say the same, the first counts.
        let right = shown.iter().position(|choice| *choice == choices[0]).unwrap_or_default();
        let mut row = Columns::from_iter([("question".to_owned(), Value::String(question))]);
        row.extend(
            LETTERS.iter().zip(&shown).map(|(letter, choice)| ((*letter).to_owned(), Value::from(*choice))),
        );
        row.insert("answer".to_owned(), Value::from(LETTERS[right]));
        Ok(vec![row])
    })
}

/// `mmlu_pro`: rows of one category; the options without "N/A" become lettered lines.
fn mmlu_pro(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        category: String,
    }
    const COT_HEAD: &str = "A: Let's think step by step.";
    let Arguments { category } = arguments(named)?;
    expand(rows, |_, mut columns| {
        if text(&columns, "category")? != category {
            return Ok(Vec::new());
        }
        let answer = text(&columns, "answer")?;
        let options = texts(&columns, "options")?;
        let lettered = ('A'..='Z').zip(options).filter(|(_, option)| *option != "N/A");
        let lines: Vec<(String, String)> =
            lettered.map(|(letter, option)| (letter.to_string(), format!("{letter}. {option}\n"))).collect();
        let right = lines.iter().find(|(letter, _)| letter == answer);
        let right = right.map(|(_, line)| line.clone()).unwrap_or_default();
        let all: String = lines.iter().map(|(_, line)| line.as_str()).collect();
        let cot = columns.get("cot_content").map_or_else(String::new, python_str);
        let cot = cot.strip_prefix(COT_HEAD).unwrap_or(&cot).trim().to_owned();
        columns.insert("answer_string".to_owned(), Value::String(right));
        columns.insert("options_str".to_owned(), Value::from(all.trim()));
        columns.insert("cot_content".to_owned(), Value::String(cot));
        Ok(vec![columns])
    })
}

/// `xiezhi`: four options in the lines of one text become A to D; rows with more or fewer are left out.
fn xiezhi(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        /// Column of the fields of knowledge.
        labels: String,
    }
    const LETTERS: [&str; 4] = ["A", "B", "C", "D"];
    let Arguments { labels } = arguments(named)?;
    expand(rows, |_, columns| {
        let options = text(&columns, "options")?;
        let options: Vec<&str> = options.strip_suffix("\"\n").unwrap_or(options).split('\n').collect();
        if options.len() != LETTERS.len() {
            return Ok(Vec::new());
        }
        let answer = text(&columns, "answer")?;
        let place = options.iter().position(|option| *option == answer);
        let place = place.ok_or_else(|| format!("answer: found `{answer}`, expected one of the options"))?;
        let mut fields = list(&columns, &labels)?.to_vec();
        fields.sort_by_key(|field| std::cmp::Reverse(python_str(field).chars().count()));
        let mut row = Columns::from_iter([("question".to_owned(), value(&columns, "question")?.clone())]);
        row.extend(
            LETTERS.iter().zip(&options).map(|(letter, option)| ((*letter).to_owned(), Value::from(*option))),
        );
        row.insert("labels".to_owned(), Value::Array(fields));
        row.insert("answer".to_owned(), Value::from(LETTERS[place]));
        Ok(vec![row])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn load(named: &Named, row: Value) -> Vec<Columns> {
        let Value::Object(columns) = row else { panic!("an object") };
        let load = ENTRIES.iter().find(|entry| entry.name == named.name()).expect("an entry").load;
        load(named, vec![columns]).expect("loads")
    }

    #[test]
    fn exam_rows_get_upstreams_columns() {
        let row = json!({"passage": null, "question": "q", "options": ["(A)x", "(B)y"], "label": ["A", "B"]});
        let row = &load(&Named::new("agieval"), row)[0];
        assert_eq!(json!(row), json!({"question": "q", "options": "(A)x\n(B)y", "label": "AB"}));
        let row = json!({"passage": "p ", "question": "q", "options": null, "label": null, "answer": "2"});
        assert_eq!(load(&Named::new("agieval"), row)[0]["question"], "p q");
        let row = json!({"Question": "q", "Correct Answer": "r", "Incorrect Answer 1": "1", "Incorrect Answer 2": "2", "Incorrect Answer 3": "3"});
        let row = &load(&Named::new("gpqa"), row)[0];
        assert_eq!(
            json!(row),
            json!({"question": "q", "A": "1", "B": "2", "C": "3", "D": "r", "answer": "D"})
        );
        let named = Named::new("mmlu_pro").with("category", "math");
        let row = json!({"category": "math", "answer": "B", "options": ["x", "y", "N/A"]});
        let row = &load(&named, row)[0];
        assert_eq!(
            (row["options_str"].as_str(), row["answer_string"].as_str()),
            (Some("A. x\nB. y"), Some("B. y\n"))
        );
        assert!(load(&named, json!({"category": "law"})).is_empty());
        let named = Named::new("xiezhi").with("labels", "label");
        let row =
            json!({"question": "q", "options": "w\nx\ny\nz\"\n", "answer": "z", "label": ["a", "long"]});
        let row = &load(&named, row)[0];
        assert_eq!((&row["answer"], &row["labels"]), (&json!("D"), &json!(["long", "a"])));
    }
}
