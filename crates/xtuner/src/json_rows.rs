//! Rows of a data file: one JSON value per line, or one JSON list of objects on any number of lines.
//!
//! Some sets have rows that are lists of messages without an object around them. Such lists are the rows themselves,
//! one per line or one alone in its file.
//!
//! Byte order marks are left out, at the beginning of the file and, where files were joined, at that of a line.

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::IgnoredAny;

use crate::{Error, Result};

/// What some editors and exports put at the beginning of a file.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// One row as JSON text, and its place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct JsonRow<'a> {
    /// Number of the line that the row begins on, from 1.
    pub(crate) line: usize,
    /// Number of the element, from 1, when the file is one list.
    pub(crate) element: Option<usize>,
    /// Text of the row, not parsed yet.
    pub(crate) text: &'a str,
}

impl JsonRow<'_> {
    /// An error about this row of the file at `path`.
    pub(crate) fn error(&self, path: &Path, found: &str, expected: &str) -> Error {
        let found = match self.element {
            Some(element) => format!("element {element}: {found}"),
            None => found.to_owned(),
        };
        Error::Line { path: path.to_path_buf(), line: self.line, found, expected: expected.to_owned() }
    }
}

/// The rows of `text`, the content of the file at `path`; blank lines are skipped.
///
/// # Errors
/// [`Error::Line`] where a list is not well-formed, or is followed by something.
pub(crate) fn json_rows<'a>(text: &'a str, path: &Path) -> Result<Vec<JsonRow<'a>>> {
    let begin =
        text.trim_start_matches(|character: char| character == BYTE_ORDER_MARK || character.is_whitespace());
    let Some(elements) = begin.strip_prefix('[') else { return Ok(lines(text)) };
    let before = &text[..text.len() - elements.len()];
    let first = 1 + before.matches('\n').count();
    let mut cursor = Cursor { rest: elements, line: first };
    let listed = list(&mut cursor).map_err(|(found, expected)| {
        JsonRow { line: cursor.line, element: None, text: "" }.error(path, &found, expected)
    })?;
    match listed {
        Listed::Elements(rows) if rows.first().is_some_and(is_message) => {
            Ok(vec![JsonRow { line: first, element: None, text: begin.trim_end() }])
        }
        Listed::Elements(rows) => Ok(rows),
        Listed::Lines => Ok(lines(text)),
    }
}

/// Whether a row is one message of a conversation, not a conversation.
fn is_message(row: &JsonRow<'_>) -> bool {
    let keys = serde_json::from_str::<BTreeMap<String, IgnoredAny>>(row.text);
    keys.is_ok_and(|keys| {
        keys.contains_key("role") && ["content", "tool_calls"].iter().any(|key| keys.contains_key(*key))
    })
}

/// What a file that begins with a list is.
enum Listed<'a> {
    /// One list and its elements.
    Elements(Vec<JsonRow<'a>>),
    /// A list on each line.
    Lines,
}

fn lines(text: &str) -> Vec<JsonRow<'_>> {
    let numbered = (1..).zip(text.lines().map(|line| line.trim_start_matches(BYTE_ORDER_MARK)));
    let filled = numbered.filter(|(_, text)| !text.trim().is_empty());
    filled.map(|(line, text)| JsonRow { line, element: None, text }).collect()
}

/// The elements of a list whose opening bracket was taken, or (found, expected).
fn list<'a>(cursor: &mut Cursor<'a>) -> Result<Listed<'a>, (String, &'static str)> {
    let mut rows = Vec::new();
    let mut next = cursor.peek();
    while next != Some(']') {
        let line = cursor.line;
        let text =
            cursor.value().map_err(|found| (found, "one JSON list of objects, or one object per line"))?;
        rows.push(JsonRow { line, element: Some(rows.len() + 1), text });
        next = cursor.peek();
        if next == Some(',') {
            cursor.take(1);
            next = cursor.peek().filter(|character| *character != ']');
        } else if next != Some(']') {
            let found = next.map_or("the end of the file".to_owned(), |character| format!("`{character}`"));
            return Err((found, "`,` or `]` after an element of the list"));
        }
    }
    cursor.take(1);
    match cursor.peek() {
        None => Ok(Listed::Elements(rows)),
        Some('[' | BYTE_ORDER_MARK) => Ok(Listed::Lines),
        Some(_) => Err(("more text after a JSON list".to_owned(), "one list alone, or one object per line")),
    }
}

/// A place in the text of a list.
struct Cursor<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Cursor<'a> {
    /// The next `length` bytes.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    /// The next character that is not white space, which is not taken.
    fn peek(&mut self) -> Option<char> {
        self.take(self.rest.len() - self.rest.trim_start().len());
        self.rest.chars().next()
    }

    /// The text of the next value, or what is found instead of one.
    fn value(&mut self) -> Result<&'a str, String> {
        let mut values = serde_json::Deserializer::from_str(self.rest).into_iter::<IgnoredAny>();
        match values.next() {
            Some(Ok(_)) => {
                let length = values.byte_offset();
                Ok(self.take(length))
            }
            Some(Err(error)) if !error.is_eof() => {
                self.line += error.line().saturating_sub(1);
                let text = error.to_string();
                // The place in the message counts from the element.
                let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
                Err(format!("malformed JSON ({what})"))
            }
            Some(Err(_)) | None => Err("the end of the file inside a JSON list".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(usize, &str)> {
        let rows = json_rows(text, "data.jsonl".as_ref()).expect("reads");
        rows.into_iter().map(|row| (row.line, row.text)).collect()
    }

    #[test]
    fn lines_and_lists_with_and_without_marks_give_the_same_rows() {
        let (first, second) = (r#"{"a": "[,]"}"#, r#"{"b": [1, {}]}"#);
        let expected = [first, second];
        for text in [
            format!("{first}\n\n{second}\n"),
            format!("\u{feff}{first}\r\n\u{feff}{second}"),
            format!("[{first},{second}]"),
            format!("\u{feff}\n [\n{first},\n{second}\n]\n"),
            format!("[\n\t{first}\n,\n{second} ] "),
        ] {
            let found: Vec<&str> = rows(&text).into_iter().map(|(_, text)| text.trim()).collect();
            assert_eq!(found, expected, "{text}");
        }
        assert!(rows("[]").is_empty());
        assert_eq!(rows("\n[\n{},\n{\n},{}]"), [(3, "{}"), (4, "{\n}"), (5, "{}")]);
    }

    #[test]
    fn lists_of_messages_are_rows() {
        let one = r#"[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]"#;
        assert_eq!(rows(&format!("{one}\n")), [(1, one)]);
        assert_eq!(rows(&format!("{one}\n\n{one}\n")), [(1, one), (3, one)]);
        let spread = one.replace(", {", ",\n{");
        assert_eq!(rows(&format!("\n{spread}\n")), [(2, spread.as_str())]);
        assert_eq!(rows("[{}]\n[{}]"), [(1, "[{}]"), (2, "[{}]")]);
    }

    #[test]
    fn a_list_that_is_not_well_formed_is_refused_with_its_line() {
        let cases = [
            ("[\n{},\n{\"a\" 1}]", "line 3: found malformed JSON (expected `:`)"),
            ("[\n{}\n{}]", "line 3: found `{`, expected `,`"),
            ("[{},\n", "line 2: found the end of the file"),
            ("[{}", "line 1: found the end of the file, expected `,`"),
            ("[{}]\n{}", "line 2: found more text after a JSON list"),
            ("[{},]", "line 1: found malformed JSON"),
        ];
        for (text, expected) in cases {
            let found = json_rows(text, "data.jsonl".as_ref()).expect_err(text).to_string();
            assert!(found.starts_with(&format!("data.jsonl: {expected}")), "{text:?}: {found}");
        }
    }
}
