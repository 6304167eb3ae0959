//! `babilong`: prompts from the rows of BABILong's files.

use serde::Deserialize;
use serde_json::json;

use super::super::cell::{arguments, each, text};
use super::super::entry::LoaderEntry;
use super::prompts::prompt;
use crate::dataset::Named;
use crate::dataset::columns::Columns;

/// Entries of the registry.
pub(in crate::dataset) const ENTRIES: &[LoaderEntry] =
    &[LoaderEntry { name: "babilong", upstream: &["BabiLongDataset"], load: babilong }];

/// `babilong`: the columns `input`, `question` and `target` become `prompt` and `answer`. Upstream keeps both as lists of
/// one text, so that a model reads the prompt as Python prints a list, with `\n` for line breaks.
fn babilong(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        task: String,
    }
    let Arguments { task } = arguments(named)?;
    let head = prompt(&task).ok_or_else(|| format!("task: found `{task}`, expected qa1 to qa20"))?;
    each(rows, |columns| {
        let (context, question) = (text(columns, "input")?.trim(), text(columns, "question")?);
        let prompt = format!("{head}\n\n<context>\n{context}\n</context>\n\nQuestion: {question}");
        let (prompt, answer) = (json!([prompt.trim()]), json!([text(columns, "target")?]));
        columns.insert("prompt".to_owned(), prompt);
        columns.insert("answer".to_owned(), answer);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_has_examples_text_and_question() {
        let row = json!({"input": " Ann is here. ", "question": "Where is Ann?", "target": "here"});
        let row = row.as_object().cloned().expect("an object");
        for task in 1..=20 {
            let named = Named::new("babilong").with("task", format!("qa{task}"));
            let rows = babilong(&named, vec![row.clone()]).expect("loads");
            let prompt = rows[0]["prompt"][0].as_str().expect("text");
            assert!(prompt.contains("<example>"), "{prompt}");
            let tail = "\n\n<context>\nAnn is here.\n</context>\n\nQuestion: Where is Ann?";
            assert!(prompt.ends_with(tail), "{prompt}");
            assert_eq!(rows[0]["answer"], json!(["here"]));
        }
        let named = Named::new("babilong").with("task", "qa21");
        let error = babilong(&named, Vec::new()).expect_err("no such task");
        assert!(error.contains("qa21"), "{error}");
    }
}
