//! Reading questions.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::score::whole_number;
use crate::{Error, Result};

/// One question with its right answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Question {
    /// Unique in its file.
    pub id: String,
    /// What the user says.
    pub question: String,
    /// The right answer, a number.
    #[serde(deserialize_with = "text_or_number")]
    pub answer: String,
}

/// Reads JSON lines of questions; `limit` takes the first ones only.
///
/// # Errors
/// [`Error::File`]; [`Error::Line`] for a line that is no question, a repeated id, an answer that is no
/// number, and for a file without any.
pub fn read_questions(path: &Path, limit: Option<usize>) -> Result<Vec<Question>> {
    let read = fs::read_to_string(path);
    let text = read.map_err(|source| Error::File { path: path.to_path_buf(), verb: "read", source })?;
    let mut ids = BTreeSet::new();
    let mut questions: Vec<Question> = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        if limit.is_some_and(|limit| questions.len() >= limit) {
            break;
        }
        let broken = |message: String| Error::Line { path: path.to_path_buf(), line: index + 1, message };
        let question: Question = serde_json::from_str(line).map_err(|error| {
            broken(format!("{error}, expected {{\"id\": .., \"question\": .., \"answer\": ..}}"))
        })?;
        if whole_number(&question.answer).is_none() {
            return Err(broken(format!("answer: found `{}`, expected a number", question.answer)));
        }
        if !ids.insert(question.id.clone()) {
            return Err(broken(format!("id: found `{}` again, expected unique ids", question.id)));
        }
        questions.push(question);
    }
    if questions.is_empty() {
        let message = "found no question, expected at least one".to_owned();
        return Err(Error::Line { path: path.to_path_buf(), line: 1, message });
    }
    Ok(questions)
}

/// `408` and `"408"` mean the same.
fn text_or_number<'de, D: serde::Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    match serde_json::Value::deserialize(input)? {
        serde_json::Value::String(text) => Ok(text),
        serde_json::Value::Number(number) => Ok(number.to_string()),
        other => {
            Err(serde::de::Error::custom(format!("answer: found `{other}`, expected a text or a number")))
        }
    }
}
