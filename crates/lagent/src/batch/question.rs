//! The file of a batch's questions.

use std::path::Path;

use internlm_kit::file;
use internlm_model::answer::{Question, parse_questions};
use serde_json::Value;

use crate::{Error, Result};

/// What some editors and exports put at the beginning of a file.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads questions from JSON lines, or from one JSON list. `limit` reads only the first ones.
///
/// # Errors
/// [`Error::File`]; [`Error::Line`] for a line that is not a question, an id that occurs twice, an answer that
/// is not a number, and for a file without any question.
pub fn read_questions(path: impl AsRef<Path>, limit: Option<usize>) -> Result<Vec<Question>> {
    let path = path.as_ref();
    let text = file::read_to_string(path)?;
    let text = text.trim_start_matches(BYTE_ORDER_MARK);
    let wrong = |line: usize, message: String| Error::Line { path: path.to_path_buf(), line, message };
    let begin = text.trim_start();
    if !begin.starts_with('[') {
        let questions = parse_questions(text, limit);
        return questions.map_err(|problem| {
            wrong(problem.line, format!("found {}, expected {}", problem.found, problem.expected))
        });
    }
    let list: Vec<Value> = serde_json::from_str(text).map_err(|error| {
        wrong(error.line(), format!("found {error}, expected one JSON list of questions, or one per line"))
    })?;
    let lines: String = list.iter().map(|question| format!("{question}\n")).collect();
    parse_questions(&lines, limit).map_err(|problem| {
        let line = 1 + text[..text.len() - begin.len()].matches('\n').count();
        let element = format!("element {} of the list", problem.line);
        wrong(line, format!("{element}: found {}, expected {}", problem.found, problem.expected))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read from a file of these bytes: the questions' ids, or the message behind the path.
    fn read(text: &str, limit: Option<usize>) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("q.jsonl");
        std::fs::write(&path, text).expect("writes");
        let questions = read_questions(&path, limit).map_err(|error| {
            let message = error.to_string();
            message.split_once("q.jsonl: ").map_or(message.clone(), |(_, rest)| rest.to_owned())
        })?;
        Ok(questions.into_iter().map(|question| question.id).collect())
    }

    const A: &str = r#"{"id": "a", "question": "What is 1+1?", "answer": 2}"#;
    const B: &str = r#"{"id": "b", "question": "What is 1+2?", "answer": "3"}"#;

    #[test]
    fn lines_and_lists_are_read_with_the_line_ends_of_every_system() {
        let both = Ok(vec!["a".to_owned(), "b".to_owned()]);
        for text in [
            format!("{A}\n{B}\n"),
            format!("\u{feff}{A}\r\n\r\n{B}\r\n"),
            format!("[{A}, {B}]"),
            format!("\u{feff}\r\n[\r\n  {A},\r\n  {B}\r\n]\r\n"),
        ] {
            assert_eq!(read(&text, None), both, "{text}");
            assert_eq!(read(&text, Some(1)), Ok(vec!["a".to_owned()]), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_in_a_list_is_named() {
        let message = |text: &str| read(text, None).expect_err(text);
        let list = message(&format!("\n[{A}, {{\"id\": \"b\"}}]"));
        assert!(list.starts_with("line 2: element 2 of the list: found missing field"), "{list}");
        let torn = message(&format!("[\n{A},\n"));
        assert!(
            torn.starts_with("line 3: found EOF") && torn.contains("one JSON list of questions"),
            "{torn}"
        );
        assert!(message("[]").contains("found no question, expected at least one"));
    }
}
