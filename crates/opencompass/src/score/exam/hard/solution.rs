//! [`Solution`]: what an answer says between its tags.

use serde_json::{Map, Value};

use crate::prompt::python_str;
use crate::score::exam::literal::literal;

/// The dictionary of an answer.
#[derive(Clone, Debug)]
pub(super) struct Solution(pub(super) Map<String, Value>);

/// Reads the dictionary between the tags `final_answer`. `needed` is a second tag that the answer has to have.
pub(super) fn solution(answer: &str, needed: Option<&str>) -> Option<Solution> {
    if let Some(needed) = needed {
        tagged(answer, needed)?;
    }
    let text = tagged(answer, "final_answer")?.trim();
    let object = |text: &str| match literal(text) {
        Some(Value::Object(fields)) => Some(Solution(fields)),
        _ => None,
    };
    // Without a second tag, the dictionary may have words around it; the braces may be missing.
    let inner = || text.find('{').zip(text.find('}')).filter(|(open, close)| open < close);
    object(text)
        .or_else(|| inner().and_then(|(open, close)| object(&text[open..=close])))
        .or_else(|| object(&format!("{{{text}}}")))
}

/// What is between a tag and its end.
fn tagged<'a>(text: &'a str, tag: &str) -> Option<&'a str> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    let start = text.find(&open)? + open.len();
    let end = text.find(&close)?;
    text.get(start..end)
}

impl Solution {
    /// Returns a field as text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).filter(|value| !value.is_null()).map(python_str)
    }

    /// Returns a field as a whole number, which may be written as text.
    pub(super) fn whole(&self, name: &str) -> Option<i64> {
        whole(self.0.get(name)?)
    }

    /// Says whether a yes-no field says yes; `None` if it is not text.
    pub(super) fn says_yes(&self, name: &str) -> Option<bool> {
        match self.0.get(name) {
            None => Some(false),
            Some(value) => value.as_str().map(|text| text.eq_ignore_ascii_case("yes")),
        }
    }

    /// Returns a field as a path such as `0->2->1`.
    pub(super) fn path(&self, name: &str) -> Option<Vec<i64>> {
        self.text(name)?.split("->").map(|step| step.trim().parse().ok()).collect()
    }
}

/// Reads a whole number, which may be written as text.
pub(super) fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_i64(),
    }
}
