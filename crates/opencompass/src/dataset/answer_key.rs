//! Answers that become letters by their positions among the labels of a row.

use serde_json::Value;

use super::AnswerKey;
use super::columns::{Columns, missing, pointed};

/// Returns the letter of the answer's position. `None` if the row has more or fewer labels than letters.
pub(super) fn letter(columns: &Columns, key: &AnswerKey) -> Result<Option<String>, String> {
    let labels = pointed(columns, &key.labels).and_then(Value::as_array);
    let labels = labels.ok_or_else(|| missing(&key.labels, columns))?;
    let answer = columns.get(&key.column).ok_or_else(|| missing(&key.column, columns))?;
    let letters: Vec<char> = key.letters.chars().collect();
    if labels.len() != letters.len() {
        return Ok(None);
    }
    let place = labels.iter().position(|label| label == answer);
    let place =
        place.ok_or_else(|| format!("found the answer {answer}, expected one of the row's labels"))?;
    Ok(Some(letters[place].to_string()))
}
