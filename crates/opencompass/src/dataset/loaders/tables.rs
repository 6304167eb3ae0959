//! The loader of TabMWP: questions about small tables.

use serde_json::{Value, json};

use super::cell::{each, text, value};
use super::entry::LoaderEntry;
use crate::dataset::Named;
use crate::dataset::columns::Columns;
use crate::prompt::python_str;

/// Entries of the registry.
pub(super) const ENTRIES: &[LoaderEntry] =
    &[LoaderEntry { name: "tabmwp", upstream: &["TabMWPDataset"], load: tabmwp }];

/// `tabmwp`: title, unit and options become part of the table and the question.
fn tabmwp(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    named.no_arguments().map_err(|error| error.to_string())?;
    each(rows, |columns| {
        let (table, question) = (table(columns)?, question(columns)?);
        let answer = python_str(value(columns, "answer")?);
        let solution = text(columns, "solution")?.replace('\n', "\\n");
        let elements = json!({
            "answer": value(columns, "answer")?,
            "unit": value(columns, "unit")?,
            "choices": value(columns, "choices")?,
        });
        *columns = Columns::from_iter([
            ("question".to_owned(), Value::String(question)),
            ("table".to_owned(), Value::String(table)),
            ("test_elements".to_owned(), elements),
            ("answer".to_owned(), Value::from(format!("Answer: The answer is {answer}."))),
            ("solution".to_owned(), Value::from(format!("Solution: {solution}"))),
            (
                "answer_and_solution".to_owned(),
                Value::from(format!("Answer: The answer is {answer}. BECAUSE: {solution}")),
            ),
            (
                "solution_and_answer".to_owned(),
                Value::from(format!("Answer: {solution} The answer is {answer}.")),
            ),
        ]);
        Ok(())
    })
}

fn table(columns: &Columns) -> Result<String, String> {
    let table = text(columns, "table")?;
    Ok(match value(columns, "table_title")?.as_str() {
        Some(title) if !title.is_empty() => format!("[TITLE]: {title}\n{table}"),
        _ => table.to_owned(),
    })
}

fn question(columns: &Columns) -> Result<String, String> {
    let mut question = text(columns, "question")?.to_owned();
    if let Some(unit) = value(columns, "unit")?.as_str().filter(|unit| !unit.is_empty()) {
        question.push_str(&format!(" (Unit: {unit})"));
    }
    let choices = value(columns, "choices")?.as_array().map(Vec::as_slice).unwrap_or_default();
    if !choices.is_empty() {
        let choices =
            ('A'..='H').zip(choices).map(|(letter, choice)| format!("({letter}) {}", python_str(choice)));
        let choices: Vec<String> = choices.collect();
        question.push_str(&format!("\nOptions: {}", choices.join(" ")));
    }
    Ok(question)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_titles_and_options_are_in_the_texts() {
        let row = json!({"question": "How many?", "choices": ["one", "two"], "answer": "two", "unit": "m",
            "table_title": "T", "table": "a | b", "solution": "x\ny"});
        let Value::Object(columns) = row else { panic!("an object") };
        let row = &tabmwp(&Named::new("tabmwp"), vec![columns]).expect("loads")[0];
        assert_eq!(row["question"], "How many? (Unit: m)\nOptions: (A) one (B) two");
        assert_eq!(row["table"], "[TITLE]: T\na | b");
        assert_eq!(row["solution_and_answer"], "Answer: x\\ny The answer is two.");
        assert_eq!(row["test_elements"]["unit"], "m");
    }
}
