//! Prompts of judges: marks such as `{question}` are replaced by columns and answers.

use serde_json::Value;

use crate::prompt::python_str;
use crate::score::ScoredItem;

/// Replaces every `{name}` that `value` knows. What is put in is not searched for further marks, so that an answer
/// cannot change the question to the judge.
pub(super) fn filled(template: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        text.push_str(&rest[..open]);
        rest = &rest[open..];
        let known = rest[1..].find('}').and_then(|length| Some((length, value(&rest[1..=length])?)));
        let taken = match known {
            Some((length, value)) => {
                text.push_str(&value);
                length + 2
            }
            None => {
                text.push('{');
                1
            }
        };
        rest = &rest[taken..];
    }
    text.push_str(rest);
    text
}

/// Returns what a mark stands for: the answer (`prediction`; `prediction_r2` for the second answer of a conversation),
/// the expected answer (`reference`), a column, or a place inside of a column such as `/dialogue/0/content`.
pub(super) fn field(item: &ScoredItem<'_>, name: &str) -> Option<String> {
    if name == "prediction" {
        return Some(item.pred_text());
    }
    if let Some(round) = name.strip_prefix("prediction_r") {
        let round: usize = round.parse().ok()?;
        return item.pred.as_array()?.get(round.checked_sub(1)?).map(answer_text);
    }
    if let Some(value) = column(item, name) {
        return Some(python_str(value));
    }
    (name == "reference").then(|| python_str(&item.answer))
}

/// Returns a column, or a place inside of one.
pub(super) fn column<'a>(item: &ScoredItem<'a>, name: &str) -> Option<&'a Value> {
    match name.strip_prefix('/') {
        None => item.columns.get(name),
        Some(path) => match path.split_once('/') {
            None => item.columns.get(path),
            Some((column, rest)) => item.columns.get(column)?.pointer(&format!("/{rest}")),
        },
    }
}

/// The text of one answer of a conversation.
fn answer_text(answer: &Value) -> String {
    python_str(answer.get("assistant").unwrap_or(answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_marks_are_replaced_and_only_once() {
        let value = |name: &str| match name {
            "a" => Some("{b}".to_owned()),
            "b" => Some("2".to_owned()),
            _ => None,
        };
        for (template, expected) in [
            ("{a}{b}", "{b}2"),
            ("{\n  \"x\": \"{b}\",\n}", "{\n  \"x\": \"2\",\n}"),
            ("{c} { {", "{c} { {"),
            ("", ""),
        ] {
            assert_eq!(filled(template, &value), expected, "{template}");
        }
    }
}
