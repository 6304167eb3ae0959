//! Answers of ATLAS: the JSON that a judge reads, with its LaTeX made valid.

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use serde_json::json;

use super::pattern::built_in;
use super::post_entry::{Apply, PostEntry};
use super::python::{behind_last, strip};
use crate::Result;
use crate::dataset::Named;
use crate::score::Reading;

/// Entries of the registry.
pub(super) const ENTRIES: &[PostEntry] = &[PostEntry::configured("atlas_pred_postprocess", &[], atlas)];

static JSON_BLOCK: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?s)```json\n(.*?)\n```"));
static BLOCK: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?s)```(.*?)```"));

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tags {
    /// What begins and ends thoughts. Default: `<think>` and `</think>`.
    #[serde(default)]
    think_tags: Option<[String; 2]>,
}

/// The JSON behind the thoughts, and whether it is missing.
fn atlas(named: &Named, _: Reading) -> Result<Apply> {
    let Tags { think_tags } = named.arguments()?;
    let end = think_tags.map_or_else(|| "</think>".to_owned(), |[_, end]| end);
    Ok(Box::new(move |text| {
        let answer = behind_last(text, &end);
        let block = JSON_BLOCK.captures(answer).or_else(|| BLOCK.captures(answer));
        let found = block.map(|block| strip(&block[1]).to_owned()).or_else(|| {
            let open = answer.contains("\"answers\":");
            open.then(|| format!("{{\n\"answers\"{}", behind_last(answer, "\"answers\"")))
        });
        match found {
            Some(answers) => json!({"extract_error": false, "answers": with_slashes(&answers)}),
            None => json!({"extract_error": true, "answers": "{\"answers\": []}"}),
        }
    }))
}

/// Doubles the backslashes that do not begin an escape of JSON and are not doubled yet.
fn with_slashes(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut before = None;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        result.push(letter);
        let escapes = letters.peek().is_some_and(|next| "\\/\"bfnrtu".contains(*next));
        if letter == '\\' && before != Some('\\') && !escapes {
            result.push('\\');
        }
        before = Some(letter);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_found_and_made_valid() {
        let post = atlas(&Named::new("atlas_pred_postprocess"), Reading::Compat).expect("no arguments");
        for (text, failed, answers) in [
            ("<think>x</think>```json\n{\"answers\": [\"\\pi\"]}\n```", false, r#"{"answers": ["\\pi"]}"#),
            ("so \"answers\": [1]}", false, "{\n\"answers\": [1]}"),
            ("none", true, "{\"answers\": []}"),
        ] {
            assert_eq!(post(text), json!({"extract_error": failed, "answers": answers}), "{text}");
        }
    }
}
