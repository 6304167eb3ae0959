//! The questions of a batch and their judge.

use std::collections::BTreeSet;
use std::path::Path;

use internlm_kit::file;
use internlm_model::answer::{Number, final_number};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A question whose right answer is a number.
///
/// ```
/// use lagent::batch::Question;
///
/// let question = Question::new("q1", "What is 12 x 34?", "408");
/// assert!(question.is_answered_by("12 x 34 = 408."));
/// assert!(!question.is_answered_by("408 is 12 x 34."));
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Question {
    /// Identifier, unique in its file.
    pub id: String,
    /// The text that the user sends.
    pub question: String,
    /// The right answer. A JSON file may give it as a number or as a text.
    #[serde(deserialize_with = "text_or_number")]
    pub answer: String,
}

impl Question {
    /// Creates a question. `answer` should be a number; otherwise no answer is ever right.
    #[must_use]
    pub fn new(id: impl Into<String>, question: impl Into<String>, answer: impl Into<String>) -> Self {
        Self { id: id.into(), question: question.into(), answer: answer.into() }
    }

    /// Judges an answer: its last number has to equal the right answer exactly.
    #[must_use]
    pub fn is_answered_by(&self, answer: &str) -> bool {
        final_number(answer).is_some_and(|number| Number::parse(&self.answer) == Some(number))
    }
}

/// Reads questions from a JSON-lines file. `limit` reads only the first ones.
///
/// # Errors
/// [`Error::File`]; [`Error::Line`] for a line that is not a question, an id that occurs twice, an answer that
/// is not a number, and for a file without any question.
pub fn read_questions(path: impl AsRef<Path>, limit: Option<usize>) -> Result<Vec<Question>> {
    let path = path.as_ref();
    let text = file::read_to_string(path)?;
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
        if Number::parse(&question.answer).is_none() {
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

/// Accepts `408` and `"408"`.
fn text_or_number<'de, D: serde::Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    match serde_json::Value::deserialize(input)? {
        serde_json::Value::String(text) => Ok(text),
        serde_json::Value::Number(number) => Ok(number.to_string()),
        other => {
            Err(serde::de::Error::custom(format!("answer: found `{other}`, expected a text or a number")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_judged_by_their_last_number() {
        for (answer, expected, right) in [
            ("The answer is 408.", "408", true),
            ("The result is 1,234,567!", "1234567", true),
            ("7 - 10 = -3.", "-3", true),
            ("10-3", "-3", false),
            ("3.50 in total", "3.5", true),
            ("4080", "408", false),
            ("no number", "408", false),
            ("408", "many", false),
        ] {
            let question = Question::new("q", "?", expected);
            assert_eq!(question.is_answered_by(answer), right, "{answer} / {expected}");
        }
    }

    #[test]
    fn an_answer_may_be_a_number_or_a_text() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("q.jsonl");
        let lines = "{\"id\": \"a\", \"question\": \"q\", \"answer\": -2}\n\n\
                     {\"id\": \"b\", \"question\": \"q\", \"answer\": \"2.50\", \"expression\": \"5/2\"}\n\
                     {\"id\": \"c\", \"question\": \"q\", \"answer\": [2]}\n";
        std::fs::write(&path, lines).expect("writes");
        let found = read_questions(&path, Some(2)).expect("two good questions");
        assert_eq!(found, [Question::new("a", "q", "-2"), Question::new("b", "q", "2.50")]);
        let error = read_questions(&path, None).expect_err("a list is not a number").to_string();
        assert!(error.contains("line 4") && error.contains("expected a text or a number"), "{error}");
    }
}
