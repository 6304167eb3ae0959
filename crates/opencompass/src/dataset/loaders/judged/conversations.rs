//! MT-Bench-101 (Bai et al. 2024, arXiv:2402.14762): every turn of a conversation becomes a row, with the turns before it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::cell::{expand, text};
use crate::dataset::Named;
use crate::dataset::columns::Columns;
use crate::prompt::python_str;

const TOLD: &str = include_str!("mtbench101.json");

/// What the judge is told.
#[derive(Deserialize)]
struct Told {
    /// The beginning, the same for all tasks.
    judge: String,
    /// The form of the rating.
    format: String,
    /// Tasks whose first turn is only a beginning.
    skip_first: Vec<String>,
    /// Tasks whose judge sees the recorded conversation as the solution.
    with_reference: Vec<String>,
    /// What each task is about.
    tasks: BTreeMap<String, String>,
}

/// A turn of the file.
#[derive(Deserialize)]
struct Turn {
    user: String,
    bot: String,
}

/// `mtbench101`: one row per turn. The judge's prompt is the answer between `judge_before` and `judge_after`.
pub(super) fn mtbench101(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    named.no_arguments().map_err(|error| error.to_string())?;
    let told: Told = serde_json::from_str(TOLD).map_err(|error| format!("embedded instructions: {error}"))?;
    expand(rows, |_, columns| {
        let task = text(&columns, "task")?;
        let about = told.tasks.get(task).ok_or_else(|| {
            let known: Vec<&str> = told.tasks.keys().map(String::as_str).collect();
            format!("task: found {task}, expected one of {}", known.join(", "))
        })?;
        let system = format!("{}{about}{}", told.judge, told.format);
        let turns: Vec<Turn> = serde_json::from_value(columns.get("history").cloned().unwrap_or_default())
            .map_err(|error| format!("history: {error}, expected turns of user and bot"))?;
        let skipped = usize::from(told.skip_first.iter().any(|name| name == task));
        let with_reference = told.with_reference.iter().any(|name| name == task);
        let (mut dialogue, mut history) = (Vec::new(), String::new());
        let mut rows = Vec::new();
        for (index, turn) in turns.iter().enumerate() {
            history += &format!("\n\n Human: {}\n\nAssistant: ", turn.user);
            dialogue.push(json!({ "role": "user", "content": turn.user }));
            // The last message is the answer that is asked for, so it is there even if the file has none.
            dialogue.push(json!({ "role": "assistant", "content": turn.bot }));
            if index >= skipped {
                let mut row = columns.clone();
                row.shift_remove("history");
                row.insert("multi_id".to_owned(), columns.get("id").cloned().unwrap_or_default());
                row.insert("turn_id".to_owned(), Value::from((index + 1).to_string()));
                row.insert("system_prompt".to_owned(), Value::from(system.as_str()));
                row.insert("judge_before".to_owned(), Value::from(before(&history)));
                row.insert("judge_after".to_owned(), Value::from(after(with_reference.then_some(&dialogue))));
                row.insert("dialogue".to_owned(), Value::Array(dialogue.clone()));
                rows.push(row);
            }
            history += &turn.bot;
        }
        Ok(rows)
    })
}

fn before(history: &str) -> String {
    format!("The dialogue need to be judged is: \n *** \n {history} ")
}

fn after(reference: Option<&Vec<Value>>) -> String {
    match reference {
        None => " \n ***".to_owned(),
        Some(dialogue) => {
            let dialogue = python_str(&Value::Array(dialogue.clone()));
            // The spaces are those of a line of upstream's source.
            let indent = " ".repeat(20);
            format!(" \n ***\n\n{indent}The reference solution is: \n ### \n {dialogue} \n ###\n\n")
        }
    }
}
