//! [`Question`]: a question whose right answer is a number, and the lines of a file of them.
//!
//! Fine-tuning writes such files and tests models on them, and agents are asked the same questions.

use std::collections::BTreeSet;

use internlm_kit::json::reason;
use serde::{Deserialize, Serialize};

use super::{Number, final_number};

/// A question whose right answer is a number.
///
/// ```
/// use internlm_model::answer::{Question, parse_questions, question_lines};
///
/// let question = Question::new("q1", "What is 12 x 34?", "408").with_expression("12*34");
/// assert!(question.is_answered_by("12 x 34 = 408."));
/// assert!(!question.is_answered_by("408 is 12 x 34."));
/// let lines = question_lines(&[question.clone()]);
/// assert_eq!(parse_questions(&lines, None)?, [question]);
/// # Ok::<(), internlm_model::answer::QuestionProblem>(())
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
    /// The expression that a calculator should be given; absent when the file does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
}

impl Question {
    /// A question without an expression. `answer` should be a number; otherwise no answer is ever right.
    #[must_use]
    pub fn new(id: impl Into<String>, question: impl Into<String>, answer: impl Into<String>) -> Self {
        Self { id: id.into(), question: question.into(), answer: answer.into(), expression: None }
    }

    /// The same question, for which a calculator should be given `expression`.
    #[must_use]
    pub fn with_expression(self, expression: impl Into<String>) -> Self {
        Self { expression: Some(expression.into()), ..self }
    }

    /// Judges an answer: its last number has to equal the right answer exactly.
    #[must_use]
    pub fn is_answered_by(&self, answer: &str) -> bool {
        final_number(answer).is_some_and(|number| Number::parse(&self.answer) == Some(number))
    }
}

/// A line that is not a question, or a file without questions.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("line {line}: found {found}, expected {expected}")]
pub struct QuestionProblem {
    /// Number of the line, counted from 1.
    pub line: usize,
    /// Content of the line, or what is wrong with it.
    pub found: String,
    /// Content that a file of questions has at this place.
    pub expected: String,
}

/// Reads questions from JSON lines; blank lines and other keys are ignored. `limit` reads only the first questions.
///
/// # Errors
/// A line that is not a question, an id that occurs twice, an answer that is not a number, and no question at all.
pub fn parse_questions(text: &str, limit: Option<usize>) -> Result<Vec<Question>, QuestionProblem> {
    let mut ids = BTreeSet::new();
    let mut questions: Vec<Question> = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        if limit.is_some_and(|limit| questions.len() >= limit) {
            break;
        }
        let problem = |found: String, expected: &str| QuestionProblem {
            line: index + 1,
            found,
            expected: expected.to_owned(),
        };
        let question: Question = serde_json::from_str(line).map_err(|error| {
            let found = reason(&error).trim_start_matches("found ").to_owned();
            problem(found, r#"{"id": .., "question": .., "answer": ..}"#)
        })?;
        if Number::parse(&question.answer).is_none() {
            return Err(problem(format!("the answer `{}`", question.answer), "a number"));
        }
        if !ids.insert(question.id.clone()) {
            return Err(problem(format!("the id `{}` again", question.id), "unique ids"));
        }
        questions.push(question);
    }
    if questions.is_empty() {
        let (found, expected) = ("no question".to_owned(), "at least one".to_owned());
        return Err(QuestionProblem { line: 1, found, expected });
    }
    Ok(questions)
}

/// Writes questions as JSON lines, which [`parse_questions`] reads.
#[must_use]
pub fn question_lines(questions: &[Question]) -> String {
    let line = |question: &Question| serde_json::to_string(question).expect("strings are valid JSON") + "\n";
    questions.iter().map(line).collect()
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
        let lines = "{\"id\": \"a\", \"question\": \"q\", \"answer\": -2, \"other\": 1}\n\n\
                     {\"id\": \"b\", \"question\": \"q\", \"answer\": \"2.50\", \"expression\": \"5/2\"}\n\
                     {\"id\": \"c\", \"question\": \"q\", \"answer\": [2]}\n";
        let found = parse_questions(lines, Some(2)).expect("two good questions");
        let expected =
            [Question::new("a", "q", "-2"), Question::new("b", "q", "2.50").with_expression("5/2")];
        assert_eq!(found, expected);
        let problem = parse_questions(lines, None).expect_err("a list is not a number");
        assert!(problem.line == 4 && problem.found.contains("expected a text or a number"), "{problem}");
    }

    #[test]
    fn a_problem_names_its_line_and_what_is_wrong() {
        let good = r#"{"id": "a", "question": "q", "answer": "2"}"#;
        for (line, found) in [
            ("{", "the end of the text"),
            (r#"{"id": "b", "question": "q"}"#, "missing field `answer`"),
            (r#"{"id": "b", "question": "q", "answer": "two"}"#, "the answer `two`"),
            (good, "the id `a` again"),
        ] {
            let problem = parse_questions(&format!("{good}\n{line}\n"), None).expect_err(line);
            assert!(problem.line == 2 && problem.found.starts_with(found), "{problem}");
        }
        assert_eq!(
            parse_questions("\n", None).expect_err("empty").to_string(),
            "line 1: found no question, expected at least one"
        );
    }
}
