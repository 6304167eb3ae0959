//! The file of a batch's questions.

use std::path::Path;

use internlm_kit::file;
use internlm_model::answer::{Question, parse_questions};

use crate::{Error, Result};

/// Reads questions from a JSON-lines file. `limit` reads only the first ones.
///
/// # Errors
/// [`Error::File`]; [`Error::Line`] for a line that is not a question, an id that occurs twice, an answer that
/// is not a number, and for a file without any question.
pub fn read_questions(path: impl AsRef<Path>, limit: Option<usize>) -> Result<Vec<Question>> {
    let path = path.as_ref();
    let text = file::read_to_string(path)?;
    parse_questions(&text, limit).map_err(|problem| Error::Line {
        path: path.to_path_buf(),
        line: problem.line,
        message: format!("found {}, expected {}", problem.found, problem.expected),
    })
}
